"""The table of several meshes in every format: complete, exact, and no name is obeyed."""

import csv
import io
import json
import re

import pytest

from analyzer.report.render.csv import render as as_csv
from analyzer.report.render.html import render as as_html
from analyzer.report.render.json import render as as_json
from analyzer.report.render.markdown import JOINER
from analyzer.report.render.markdown import render as as_markdown
from analyzer.report.render.terminal import Screen
from analyzer.report.render.terminal import render as as_table
from analyzer.report.table import View
from analyzer.report.tables.meshes import costs
from analyzer.units import Reason, Refusal
from tests.report.answers import NAUGHTY_NAMES
from tests.report.several import hypothetical, report_of

MODES = ("sidecar", "ambient-l4", "ambient-waypoint-all")
TO_THE_DOLLAR = (
    "$2,376,000-$3,240,000",
    "$174,240-$237,600",
    "$2,201,760-$3,002,400",
)


def named(count: int, name: str = "mesh") -> list[str]:
    return [f"{name}-{number}" for number in range(1, count + 1)]


def test_a_mesh_has_a_row_a_mode_and_its_name_in_the_first() -> None:
    found = report_of({"east": hypothetical(), "west": hypothetical(800, 20, 40)}).meshes
    rows = list(costs(found).texts_in(View.TERMINAL))

    assert [row[0] for row in rows] == ["east", "", "", "west", "", "", "sum", "", ""]
    text = list(costs(found).texts_in(View.TEXT))
    assert [row[0] for row in text] == ["east"] * 3 + ["west"] * 3 + ["sum"] * 3
    # Sidecars save nothing against themselves.
    assert [row[-1] for row in text[::3]] == [""] * 3
    assert [row[2] for row in text[::3]] == ["15,000", "800", "15,800"]


def test_the_figures_are_those_of_the_post_to_the_dollar() -> None:
    report = report_of({"post": hypothetical()})
    longer = report_of({"payments-prod-eu": hypothetical()})
    pages = {
        "markdown": as_markdown(report),
        "page": as_html(report),
        "terminal": as_table(report, Screen(width=80)),
    }

    for where, text in pages.items():
        assert [figure for figure in TO_THE_DOLLAR if figure not in text] == [], where
    # Beside a longer name there is less room.
    assert "$2.38M-$3.24M" in as_table(longer, Screen(width=80))
    document = json.loads(as_json(report))
    sidecar, _, ambient = document["total"]["modes"]
    assert sidecar["usd_per_year"] == {"low": 2_376_000, "mid": 2_808_000, "high": 3_240_000}
    assert ambient["usd_per_year"] == {"low": 174_240, "mid": 205_920, "high": 237_600}
    saved = document["total"]["savings"][1]["usd_per_year"]
    assert saved == {"low": 2_201_760, "mid": 2_602_080, "high": 3_002_400}


def test_a_row_of_the_csv_is_a_mesh_and_mode() -> None:
    report = report_of({"east": hypothetical(), "west": hypothetical(800, 20, 40)})
    rows = list(csv.DictReader(io.StringIO(as_csv(report))))

    assert [(row["mesh"], row["mode"]) for row in rows] == [
        (name, mode) for name in ("east", "west", "sum") for mode in MODES
    ]
    assert float(rows[2]["saved_usd_per_year_high"]) == 3_002_400
    assert rows[0]["saved_usd_per_year_mid"] == ""
    for column in ("vcpu_mid", "usd_per_year_low", "usd_per_year_high"):
        east, west, total = (float(rows[at][column]) for at in (1, 4, 7))
        assert total == pytest.approx(east + west, rel=1e-8)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_fits_its_width(width: int) -> None:
    long = "payments-production-eu-west-1-with-a-suffix-that-nearly-every-mesh-has"
    answers = {name: hypothetical() for name in named(3, long)}
    text = as_table(report_of(answers), Screen(width=width))

    assert max(map(len, text.splitlines())) <= width
    assert text.count("sidecar mode") >= 4


def test_forty_meshes_are_all_in_the_table() -> None:
    names = named(40)
    report = report_of({name: hypothetical(100 + at) for at, name in enumerate(names)})
    rows = [row for row in as_markdown(report).splitlines() if row.startswith("| mesh-")]

    assert [row.split(" | ")[0].strip("| ") for row in rows] == [
        name for name in names for _ in MODES
    ]
    shown = as_table(report, Screen(width=80))
    assert [name for name in names if f"\n{name} " not in shown] == []


def test_one_that_is_refused_is_named_below_the_others() -> None:
    refusal = Refusal(subject="cost", reason=Reason.TOO_FEW_SAMPLES, detail="Nothing was scraped.")
    report = report_of(
        {"east": hypothetical(), "old": hypothetical(9, 3, 2, constants="istio-1.1", rps=5.0)},
        {"empty": refusal},
    )

    for text in (as_table(report), as_markdown(report), as_html(report)):
        assert "Not in the sum" in text
        assert "mesh empty" in text
        assert "mesh old" in text
    document = json.loads(as_json(report))
    assert [mesh["name"] for mesh in document["meshes"]] == ["east"]
    assert {item["subject"] for item in document["refusals"]} == {"mesh empty", "mesh old"}


@pytest.mark.parametrize("name", [*NAUGHTY_NAMES, "\uff1dSUM(A1)"])
def test_no_name_is_obeyed_by_a_terminal_a_wiki_a_browser_or_a_spreadsheet(name: str) -> None:
    refusal = Refusal(subject="cost", reason=Reason.NO_DATA, detail=name)
    report = report_of({name: hypothetical()}, {f"{name} 2": refusal})
    markdown = as_markdown(report).replace(JOINER, "")
    texts = [as_table(report, Screen(width=200)), markdown, as_csv(report)]

    for text in texts:
        assert all(character.isprintable() or character == "\n" for character in text)
    machine = as_json(report)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", machine)
    assert json.loads(machine)["meshes"][0]["name"] == name
    widths = {
        line.replace("\\|", "").count("|") for line in texts[1].splitlines() if line[:1] == "|"
    }
    assert len(widths) == 1
    for row in csv.reader(io.StringIO(texts[2])):
        assert not row[0].startswith(("=", "+", "-", "@", "\uff1d"))
    page = as_html(report)
    assert "<img src=x" not in page
    assert "<script>alert" not in page
