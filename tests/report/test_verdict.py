"""What the calibration found, in sentences."""

from dataclasses import replace

import pytest

from analyzer.report.answer import Answer
from analyzer.report.verdict import verdict
from analyzer.units import Interval
from tests.projection.fits import fit
from tests.report.answers import calibration_only, constants_only, fitted_calibration, refused


def answer_with(low: float, mid: float, high: float, ratio: float | None = None) -> Answer:
    sidecar = replace(
        fit(slope=Interval(low=low, mid=mid, high=high)), ratio_vcpu_per_1000_rps=ratio
    )
    return calibration_only(replace(fitted_calibration(), sidecar=sidecar))


@pytest.mark.parametrize(
    ("slope", "compared"),
    [
        ((0.28, 0.3, 0.32), "the post's 0.6 overstates them 2.0 times"),
        ((0.1, 0.15, 0.2), "the post's 0.6 overstates them 4.0 times"),
        ((1.1, 1.2, 1.3), "the post's 0.6 understates them 2.0 times"),
        ((0.61, 0.9, 1.3), "the post's 0.6 understates them 1.5 times"),
        ((0.5, 0.59, 0.7), "the post's 0.6 is within that range"),
        ((0.6, 0.6, 0.6), "the post's 0.6 is within that range"),
        ((0.0, 0.0, 0.01), "the post's 0.6 overstates them"),
    ],
)
def test_the_verdict_says_what_the_posts_figure_does(
    slope: tuple[float, float, float], compared: str
) -> None:
    sentence = verdict(answer_with(*slope))

    assert sentence is not None
    assert sentence.endswith(f"plus 0.01 vCPU idle each; {compared}.")


def test_the_verdict_names_the_dashboards_ratio_beside_the_fit() -> None:
    assert verdict(answer_with(0.28, 0.3, 0.32, ratio=0.4567)) == (
        "Your sidecars cost 0.3 [0.28-0.32] vCPU per 1000 proxy requests/s plus 0.01 vCPU idle "
        "each; the post's 0.6 overstates them 2.0 times; the dashboard-style ratio is 0.457, "
        "because it smears idle into it."
    )


def test_without_a_fit_there_is_no_verdict() -> None:
    assert verdict(refused()) is None
    assert verdict(constants_only()) is None
