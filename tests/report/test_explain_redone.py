"""Every line of an explanation can be redone by hand."""

from __future__ import annotations

import re

import pytest

from analyzer.projection.choices import Basis
from analyzer.projection.modes import RIGHTSIZED
from analyzer.report.explain import explain
from analyzer.report.explain.lines import figure
from tests.projection.test_project_by_hand import BUSY, CHURN, EDGE, SHOP, Case
from tests.report.explained import (
    ANSWERS,
    MODES,
    demo_text,
    explained,
    of_case,
    redone,
    section,
    the,
    to_six_digits,
)
from tests.report.redoing import lines_of

# --- the reader himself ---


@pytest.mark.parametrize(
    "line",
    [
        "  used: 2 x 3 + 1 = 7 vCPU",
        "  shop, one: 0.01 + 1.25 x 0.02 x (50 / 4)^0.5 = 0.0983883 vCPU",
        "  billed: 17 x max(0.0558794, 0.125) = 2.125 GiB",
        "  saved: 100 x -12.5 / 50 = -25 %",
        "  third: 1 / 3 = 0.333333 of it",
    ],
)
def test_the_reader_can_do_sums(line: str) -> None:
    (found,) = lines_of(line)

    assert found.holds()


@pytest.mark.parametrize(
    "line",
    [
        "  used: 2 x 3 + 1 = 8 vCPU",
        "  used: 2 x 3 + 1 = 7.0001 vCPU",
        "  shop, one: 0.01 + 1.25 x 0.02 x (50 / 4)^0.5 = 0.0983903 vCPU",
        "  billed: 17 x max(0.0558794, 0.125) = 0.94995 GiB",
        "  third: 1 / 3 = 0.33334 of it",
    ],
)
def test_the_reader_notices_a_wrong_figure(line: str) -> None:
    (found,) = lines_of(line)

    assert not found.holds()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (22.0, "22"),
        (1628384.0, "1628384"),
        (1628384.25, "1628380"),
        (0.0000123456789, "0.0000123457"),
        (-1194.5512, "-1194.55"),
        (1e20, "100000000000000000000"),
    ],
)
def test_a_figure_has_six_digits_and_no_power_of_ten(value: float, shown: str) -> None:
    assert figure(value) == shown


# --- every line, on every kind of mesh ---


@pytest.mark.parametrize("name", ANSWERS)
def test_every_line_can_be_redone_by_hand(name: str) -> None:
    _, text = explained(name)

    assert len(redone(text)) >= 4


def test_every_line_of_the_demo_can_be_redone_by_hand() -> None:
    text = demo_text()

    assert len(redone(text[text.index("How these figures") :])) > 100


@pytest.mark.parametrize("name", ANSWERS)
def test_the_last_figures_are_the_answers_own(name: str) -> None:
    found, text = explained(name)
    projection = found.projection
    assert projection is not None

    for mode in projection.modes:
        lines = section(text, f"Mode {mode.name},")
        for basis, label in (
            (Basis.USAGE, "as used"),
            (Basis.RESERVED, "as requested"),
            (Basis.BILLED, "as billed"),
        ):
            if basis in mode.bases:
                expected = to_six_digits(mode.bases[basis].usd_per_year.mid)
                assert the(lines, label) == expected
            else:
                assert label not in {line.label for line in lines}
    for saving in projection.savings:
        lines = section(text, f"Mode {saving.mode},")
        assert the(lines, "saved") == to_six_digits(saving.vcpu.mid)
        (share,) = (line for line in lines if line.label.startswith("saved, part of"))
        assert share.result == to_six_digits(saving.percent.mid)


def test_the_ends_of_unseen_time_are_those_of_sidecar_mode() -> None:
    found, text = explained("partly seen")
    assert found.projection is not None
    lines = section(text, "Sidecars")
    for basis, name in (
        (Basis.USAGE, "used"),
        (Basis.RESERVED, "requested"),
        (Basis.BILLED, "billed"),
    ):
        footprint = found.projection.modes[0].bases[basis]
        for label, value in ((name, footprint.vcpu), (f"memory {name}", footprint.memory_gib)):
            assert value is not None
            ends = tuple(
                the(lines, f"{label}, {end} end")
                for end in ("low", "high")
                if value.low < value.high
            )
            exact = (value.low, value.high) if ends else ()
            assert ends == pytest.approx(exact, rel=1e-5)
    assert the(lines, "calls, high end") == pytest.approx(175 * 1.35)


@pytest.mark.parametrize("case", [SHOP, EDGE, BUSY, CHURN], ids=["shop", "edge", "busy", "churn"])
def test_the_dollars_are_what_plain_loops_give(case: Case) -> None:
    text = explain(of_case(case), MODES)
    bills = case.expected()
    # A few minutes are too short for recommended requests.
    assert {mode for mode, _ in bills} == {*MODES, RIGHTSIZED}

    for (mode, basis), bill in bills.items():
        if mode == RIGHTSIZED:
            continue
        label = {"usage": "as used", "reserved": "as requested", "billed": "as billed"}[basis]
        assert the(section(text, f"Mode {mode},"), label) == to_six_digits(bill.usd_per_year)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_result_follows_from_lines_above_it(name: str) -> None:
    """A reader who starts at the top never meets a total of CPU that came from nowhere."""
    _, text = explained(name)
    seen: set[str] = set()
    for line in text.splitlines():
        at = re.match(r"  as (used|requested|billed): \((.*)\) x 12 = ", line)
        for amount in re.findall(r"([\d.]+) x [\d.]+", at[2]) if at else ():
            assert amount in seen, line
        seen |= set(re.findall(r"= ([\d.]+) ", line))


# --- what is said beside the figures ---
