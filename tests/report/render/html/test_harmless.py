"""What comes from outside is shown in the page and does nothing there."""

import doctest
import re
from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from analyzer.data import codes
from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.manifest import QueryRecord
from analyzer.report.blocks import Picture
from analyzer.report.escapes import inert
from analyzer.report.render import html as page
from tests.report.answers import NAUGHTY_NAMES, full, naughty
from tests.report.render.html.pages import page_of, png, read_page, table_of
from tests.report.render.html.reading import read
from tests.report.rendered import as_html

EVIL = "<img src=x onerror=alert(1)>\"'></table></script><script>alert(2)</script>"

HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://istio.io/docs", "https://istio.io/docs"),
        ("https://istio.io/docs and more", ""),
        ("see https://istio.io", ""),
        ("http://istio.io/docs", ""),
        ("javascript:alert(1)", ""),
        ("https://user@istio.io/", ""),
        ('https://istio.io/"onclick="x', ""),
    ],
)
def test_a_source_is_a_link_only_if_it_is_an_address(source: str, address: str) -> None:
    answer = full()
    assert answer.projection is not None
    assert answer.projection.workings is not None
    workings = answer.projection.workings
    assumed = dict(workings.scenario.assumptions)
    assumed["vcpu_month_usd"] = replace(assumed["vcpu_month_usd"], source=source)
    changed = replace(workings, scenario=replace(workings.scenario, assumptions=assumed))
    found = read_page(replace(answer, projection=replace(answer.projection, workings=changed)))
    table = found.one("details", id="assumptions")

    first = table.one("tbody").all("tr")[0]
    assert first.text.startswith("vcpu_month_usd 22 USD")
    assert first.text.endswith(f" {source}")
    assert [item.attributes for item in table.all("a")] == (
        [{"href": address, "rel": "noreferrer"}] if address else []
    )


def test_names_from_outside_are_text_and_no_element() -> None:
    answer = naughty()
    found = read_page(answer)
    namespaces = [row[0] for row in table_of(found, "namespaces")[1:]]

    assert len(found.all("img")) == 2
    assert {inert(name) for name in NAUGHTY_NAMES} <= {
        name.split(" waypoint at")[0].split(" a waypoint")[0] for name in namespaces
    }


def test_wherever_a_text_from_outside_stands_it_is_text() -> None:
    answer = full(note=EVIL)
    assert answer.manifest is not None
    assert answer.usage is not None
    query = QueryRecord(
        name=EVIL, unit=EVIL, promql=EVIL, series_count=1, sample_count=1, file=EVIL, sha256=EVIL
    )
    # Names of findings are ours: each has a code.
    known = next(iter(codes()))
    finding = Finding(name=known, severity=Severity.WARNING, text=EVIL, affected=(EVIL,), fix=EVIL)
    manifest = replace(answer.manifest, source=EVIL, tool_version=EVIL, queries=(query,))
    usage = replace(answer.usage, findings=(finding,), warnings=(finding,))
    evil = replace(answer, manifest=manifest, usage=usage)
    picture = Picture(png=png(2, 2), description=EVIL)
    found = read(as_html(evil, {"cost": picture}))

    assert len(found.all("img")) == 1
    assert found.all("script") == []
    assert found.one("img").attributes["alt"] == EVIL
    # The note, the finding, its name and its fix, all three again as a warning, the source, the
    # tool's version, the query three times; and the caption of the picture.
    assert found.one("body").raw.count(EVIL) >= 11


def test_no_character_turns_text_round_or_hides_it() -> None:
    text = page_of(naughty())

    assert HIDDEN.findall(text) == []
    assert "right�left" in text


def test_a_missing_word_of_the_template_is_a_mistake_of_ours() -> None:
    template = page._environment().from_string("{{ nobody_said_this }}")

    with pytest.raises(UndefinedError, match="nobody_said_this"):
        template.render()


def test_the_examples_hold() -> None:
    results = doctest.testmod(page)

    assert results.attempted > 0
    assert results.failed == 0
