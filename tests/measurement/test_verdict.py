"""What findings make of an answer: right, wrong in some direction, or wrong in any."""

import pytest

from analyzer.data import codes
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.verdict import (
    KINDS,
    Judged,
    Judgement,
    bias_of,
    by_kind,
    judgement_of,
    sentence,
    worst_first,
)


def finding(
    name: str = "alike_series",
    bias: Bias = Bias.TOO_HIGH,
    severity: Severity = Severity.WARNING,
    share: float | None = None,
) -> Finding:
    return Finding(name=name, bias=bias, severity=severity, text="It is so.", cpu_share=share)


HIGH = finding()
LOW = finding("proxies_not_measured", Bias.TOO_LOW, share=0.1)
CORRECTED = finding("impossible_cpu", Bias.NONE, share=0.5)
RANGED = finding("unseen_cpu", Bias.EITHER, Severity.SERIOUS, share=0.5)
BRIEF = finding("sparse_window", Bias.EITHER)
SMALL = finding("short_lives", Bias.TOO_LOW, share=0.01)
ONE_SIDED = finding("one_sided_requests", Bias.TOO_LOW, Severity.SERIOUS, share=0.6)
REMARK = finding("slow_scrapes", Bias.TOO_LOW, Severity.INFO)


@pytest.mark.parametrize(
    ("found", "bias"),
    [
        ((HIGH,), Bias.TOO_HIGH),
        ((LOW,), Bias.TOO_LOW),
        ((HIGH, CORRECTED, RANGED, SMALL), Bias.TOO_HIGH),
        ((LOW, HIGH), Bias.EITHER),
        ((finding("dropped_workload_labels", Bias.NONE, share=0.4), SMALL), Bias.EITHER),
        ((finding("thinned_samples", Bias.EITHER), LOW), Bias.EITHER),
    ],
)
def test_totals_are_wrong_in_the_direction_of_what_moves_them(
    found: tuple[Finding, ...], bias: Bias
) -> None:
    assert judgement_of(found) == Judgement.BIASED
    assert bias_of(found) == bias
    worst, *_ = worst_first(found)
    verdict = sentence(worst_first(found))
    assert f"first. [{worst.code}]" in verdict


@pytest.mark.parametrize("one", [CORRECTED, RANGED, BRIEF, SMALL, REMARK, ONE_SIDED])
def test_what_is_corrected_ranged_small_or_a_remark_leaves_totals_right(one: Finding) -> None:
    assert judgement_of((one,)) == Judgement.RIGHT
    assert bias_of((one,)) == Bias.NONE
    verdict = sentence((one,))
    assert "can be answered: run" in verdict
    assert (one.code in verdict) == (one.severity != Severity.INFO)


def test_the_worst_comes_first_and_each_kind_once() -> None:
    serious = finding("cpu_without_requests", Bias.TOO_LOW, Severity.SERIOUS)
    found = worst_first((CORRECTED, RANGED, HIGH, HIGH, serious))

    assert found == (serious, HIGH, RANGED, CORRECTED)


def test_every_check_names_findings_that_exist() -> None:
    names = [name for kind in KINDS.values() for name in kind]

    assert set(names) <= codes().keys()
    assert len(names) == len(set(names))


def test_a_check_that_found_nothing_is_there_and_others_have_their_title() -> None:
    judged = Judged(findings=(CORRECTED, HIGH), extent="")
    found = dict(by_kind(judged))

    assert found.pop("impossible values") == (CORRECTED,)
    assert found.pop(codes()["alike_series"].title) == (HIGH,)
    assert set(found) == set(KINDS) - {"impossible values"}
    assert not any(found.values())
