"""Markdown: whole, and harmless whatever a label holds."""

import math
import re

import pytest

from analyzer.report.render.markdown import escaped
from analyzer.report.sections import AnswerReport
from tests.projection.builders import Proxy, mesh
from tests.report.answers import (
    calibration_only,
    constants_only,
    fitted_calibration,
    full,
    naughty,
    refused,
    workload,
)
from tests.report.rendered import as_markdown

ISTIOD_GIB = "0.00279 (0.00209-0.00747)"


def cells(line: str) -> list[str]:
    """Divide a line of a Markdown table as its readers do: at bars that are not escaped."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_markdown_has_what_the_table_has() -> None:
    answer = full(note="Simulated mesh.")
    text = as_markdown(answer)

    assert text.startswith(f"# {AnswerReport.title}\n\n**Simulated mesh.**\n\n2024-05-14 00:00")
    assert "Dollars are as used" in text
    for line in AnswerReport(answer=answer).summary:
        assert f"\n- {escaped(line.text)}\n" in text
    lines = [cells(line) for line in text.splitlines() if line.startswith("| sidecar mode |")]
    assert lines == [
        ["sidecar mode", "0.44", "$116", "", "$143", "", "0.281", "sidecar: measured"],
        ["sidecar mode", "0.44", "$116", "0.3", "$79", "0.54", "$143"],
        # istiod for three sidecars and a gateway.
        ["sidecar mode", "4", "0.002 (0.000119-0.00397)", ISTIOD_GIB, "$1 ($0-$1)", "published"],
    ]


def test_used_and_billed_savings_are_side_by_side_in_percent() -> None:
    line = next(
        line for line in as_markdown(full()).splitlines() if line.startswith("| ambient L4 |")
    )

    # Of 0.44 vCPU used 0.187 remain; of 0.54 billed 0.6, or 0.614 where a ztunnel uses 0.207.
    assert cells(line)[3].startswith("57 % (")
    assert cells(line)[5].startswith("-11 % (-14 ")


def test_markdown_of_the_post_is_to_the_dollar() -> None:
    text = as_markdown(constants_only())
    line = next(
        line for line in text.splitlines() if line.startswith("| ambient, waypoints everywhere")
    )

    assert cells(line)[1:4] == ["660", "$174,240", "93 %"]
    assert cells(line)[-1] == "ztunnel: published, waypoint: published"


def test_markdown_has_warnings_with_their_codes_and_what_it_cannot_tell() -> None:
    text = as_markdown(refused())
    (first, *_), (refusal, *_) = refused().warnings, refused().refusals

    assert first.code == "IU102"
    assert f"## Warnings\n\n- {escaped(str(first))}\n" in text
    assert f"## Cannot tell\n\n- {escaped(str(refusal))}\n" in text


def test_every_table_row_has_as_many_cells_as_its_header() -> None:
    widths: list[int] = []
    for line in as_markdown(naughty()).splitlines():
        if not line.startswith("|"):
            widths = []
            continue
        widths.append(len(cells(line)))
        assert widths[0] == widths[-1], line


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a|b", r"a\|b"),
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[link](javascript:x)", r"\[link\](javascript:x)"),
        ("two\nlines", "two lines"),
        ("`code` *bold* _it_", r"\`code\` \*bold\* \_it\_"),
        ("back\\slash", r"back\\slash"),
        ("![x](http:x)", r"!\[x\](http:x)"),
        ("@org-team", "@\u2060org-team"),
        ("a@example.com", "a@\u2060example.com"),
        ("#1", "#\u20601"),
        ("x#12 !3 %4 &5", "x#\u206012 !\u20603 %\u20604 &\u20605"),
        ("GH-7", "GH\u2060-7"),
        ("https:x www.example.com", "https:x www\u2060.example.com"),
        ("mailto:x", "mailto\u2060:x"),
        ("4f5a9c1e2b", "4f5a9c\u20601e2b"),
        ("# heading", "\\# heading"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("&lt;b&gt;", "\\&lt;b\\&gt;"),
        ("~~gone~~", r"\~\~gone\~\~"),
        # Neither a figure nor the end of a pod's name.
        ("-11 % 1234567 front-4f5a9c1e2b", "-11 % 1234567 front-4f5a9c1e2b"),
    ],
)
def test_markdown_in_a_name_is_text(name: str, written: str) -> None:
    text = as_markdown(calibration_only(fitted_calibration([workload(f"{name}/w")])))

    assert f"| {written}/w | 4 |" in text


def test_an_address_in_a_note_is_no_link() -> None:
    assert "**see http\u2060://example.com/x**" in as_markdown(
        full(note="see http://example.com/x")
    )


def test_markdown_in_a_note_is_text() -> None:
    assert r"**\<script\>alert(1)\</script\> \*\***" in as_markdown(
        full(note="<script>alert(1)</script> **")
    )


def test_a_namespace_whose_cpu_is_not_known_is_no_figure() -> None:
    dark = Proxy(workload="dark/app", cpu_vcpu=(math.nan, math.nan))
    text = as_markdown(full(usage=mesh(Proxy(workload="shop/front"), dark)))
    (line,) = (line for line in text.splitlines() if line.startswith("| dark |"))

    assert "nan" not in text
    name, decision, *_, why, vcpu = cells(line)
    assert (name, decision, why, vcpu) == (
        *("dark", "cannot tell"),
        *("sidecar CPU not measured", "not known"),
    )


def test_the_first_twenty_namespaces_are_shown_with_the_way_to_the_rest() -> None:
    many = mesh(*(Proxy(workload=f"n{number:02}/app") for number in range(25)))
    text = as_markdown(full(usage=many))

    shown = re.findall(r"^\| (n\d\d) \|", text, re.MULTILINE)
    assert len(shown) == 20
    assert "And 5 more: see namespaces.csv" in text
