"""Markdown: whole, and harmless whatever a label holds."""

import math
import re

import pytest

from analyzer.report.render.markdown import escaped
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.summary import summary
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


def cells(line: str) -> list[str]:
    """Divide a line of a Markdown table as its readers do: at bars that are not escaped."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_markdown_tells_what_the_table_tells() -> None:
    answer = full(note="Simulated mesh.")
    text = as_markdown(answer)

    assert text.startswith(f"# {AnswerReport.title}\n\n**Simulated mesh.**\n\n2024-05-14 00:00")
    assert "Dollars are of usage" in text
    assert escaped(" ".join(line.text for line in summary(answer))) in text
    lines = [
        cells(line) for line in text.splitlines() if line.startswith(("| sidecar (", "| sidecar |"))
    ]
    assert lines == [
        ["sidecar (sidecars)", "0.44", "0.281", "$116", "", "sidecar: measured"],
        ["sidecar", "0.44", "$116", "0.3", "$79", "0.54", "$143"],
    ]


def test_markdown_of_the_post_is_to_the_dollar() -> None:
    text = as_markdown(constants_only())
    line = next(line for line in text.splitlines() if line.startswith("| ambient-waypoint-all"))

    assert cells(line)[1] == "660"
    assert cells(line)[3:5] == ["$174,240", "92.7 %"]
    assert cells(line)[5] == "ztunnel: published, waypoint: published"


def test_markdown_says_what_it_cannot_say() -> None:
    text = as_markdown(refused())

    assert f"## Warnings\n\n- {refused().warnings[0]}\n" in text
    assert f"## Cannot say\n\n- {refused().refusals[0]}\n" in text


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
    ],
)
def test_markdown_in_a_name_is_text(name: str, written: str) -> None:
    text = as_markdown(calibration_only(fitted_calibration([workload(f"{name}/w")])))

    assert f"| {written}/w | 4 |" in text


def test_markdown_in_a_note_is_text() -> None:
    assert r"**\<script\>alert(1)\</script\> \*\***" in as_markdown(
        full(note="<script>alert(1)</script> **")
    )


def test_a_namespace_whose_cpu_is_not_known_is_no_figure() -> None:
    dark = Proxy(workload="dark/app", cpu_vcpu=(math.nan, math.nan))
    text = as_markdown(full(usage=mesh(Proxy(workload="shop/front"), dark)))
    (line,) = (line for line in text.splitlines() if line.startswith("| dark |"))

    assert "nan" not in text
    assert cells(line)[2:] == ["not known"] * 3
