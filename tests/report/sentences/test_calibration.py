"""What the calibration found, in sentences."""

from dataclasses import replace

import pytest

from analyzer.calibration.models import Power
from analyzer.calibration.result import Backtest, Candidate, MemoryCalibration, RoleCalibration
from analyzer.data import BLOG, published_constants
from analyzer.report.answer import Answer
from analyzer.report.sentences.calibration import calibration_lines, post_vcpu, verdict
from analyzer.units import Interval, Provenance, Refusal
from tests.projection.fits import fit, no_fit
from tests.report.answers import calibration_only, constants_only, fitted_calibration, refused


def said(answer: Answer) -> str | None:
    return verdict(answer.sidecar) if answer.sidecar else None


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
    sentence = said(answer_with(*slope))

    assert sentence is not None
    assert sentence.endswith(f"plus 0.01 vCPU idle each; {compared}.")


def test_the_verdict_names_the_dashboards_ratio_beside_the_fit() -> None:
    assert said(answer_with(0.28, 0.3, 0.32, ratio=0.4567)) == (
        "Your sidecars cost 0.3 [0.28-0.32] vCPU per 1000 proxy requests/s plus 0.01 vCPU idle "
        "each; the post's 0.6 overstates them 2.0 times; the dashboard-style ratio is 0.457, "
        "because it smears idle into it."
    )


def test_without_a_fit_there_is_no_verdict() -> None:
    assert said(refused()) is None
    assert said(constants_only()) is None


# --- what stands behind it ---


def lines(
    *,
    sidecar: RoleCalibration | Refusal | None = None,
    ztunnel: RoleCalibration | None = None,
    memory: MemoryCalibration | Refusal | None = None,
) -> list[str]:
    usual = fitted_calibration()
    changed = replace(
        usual,
        sidecar=sidecar or usual.sidecar,
        ztunnel=ztunnel or usual.ztunnel,
        memory=memory or usual.memory,
    )
    return list(calibration_lines(changed))


def only(start: str, found: list[str]) -> str:
    (line,) = [line for line in found if line.startswith(start)]
    return line


def test_of_a_curve_the_verdict_says_where_its_slope_holds() -> None:
    curve = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.002, exponent=0.75)
    concave = replace(fit(), curve=curve, model="power 0.75")
    sentence = said(calibration_only(replace(fitted_calibration(), sidecar=concave)))

    assert sentence is not None
    assert "per 1000 proxy requests/s at the rates they run at plus 0.01 vCPU idle" in sentence


def test_the_model_is_told_with_what_it_was_fitted_to() -> None:
    candidates = (
        Candidate(model="affine", error=1.0, standard_error=0.1),
        Candidate(model="power 0.85", error=0.95, standard_error=0.1),
    )
    told = only("Model:", lines(sidecar=replace(fit(), candidates=candidates)))

    assert told == (
        "Model: affine, the simplest of 2 tried that is not clearly worse than the best; "
        "288 steps of 3 proxies at 10 to 500 requests/s"
    )
    assert only("Model:", lines()).startswith("Model: affine; 288 steps")


@pytest.mark.parametrize(("bias", "told"), [(-0.014, "1.4% too low"), (0.02, "2.0% too high")])
def test_the_backtest_is_told(bias: float, told: str) -> None:
    test = Backtest(bias_share=bias, error_share=0.031, covered_share=0.9, workload_count=20)

    assert only("Backtest:", lines(sidecar=replace(fit(), backtest=test))) == (
        f"Backtest: fitted on the first 70 % of the time, the rest comes out {told}, a workload "
        "3.1% off; 90% of 20 workloads within their 90 % range"
    )


def test_what_clocks_take_from_the_slope_is_told() -> None:
    share = Interval(low=-0.002, mid=0.012, high=0.026)

    assert only("Clocks", lines(sidecar=replace(fit(), attenuation_share=share))) == (
        "Clocks that disagree and errors in the rates make the slope an estimated 1.2% "
        "[-0.2% to 2.6%] too low; not corrected for"
    )
    assert not [line for line in lines() if line.startswith("Clocks")]


def test_the_parts_of_the_cpu_are_told_and_add_up() -> None:
    assert only("CPU:", lines()) == (
        "CPU: 0.5 vCPU measured = 0.1 [0.09-0.11] idle + 0.3 [0.28-0.32] traffic + 0.05 not "
        "fitted + 0.05 unexplained"
    )


def test_costs_by_direction_are_told_with_their_units() -> None:
    costs = {
        "vcpu_per_1000_inbound_rps": Interval(low=0.19, mid=0.2, high=0.21),
        "vcpu_per_gbit_per_second": Interval.exactly(0.3),
    }

    assert only("Of which", lines(sidecar=replace(fit(), cost_of_each=costs))) == (
        "Of which, in vCPU: 0.2 [0.19-0.21] per 1000 inbound requests/s, 0.3 per Gbit/s"
    )


def test_memory_is_told_with_what_configuration_takes_of_it() -> None:
    memory = MemoryCalibration(
        gib_per_proxy=Interval.exactly(0.0625),
        idle_gib_per_proxy=Interval.exactly(0.03125),
        gib_per_1000_clusters=Interval.exactly(0.125),
        cluster_count=250.0,
        proxy_count=9,
    )

    assert only("Memory:", lines(memory=memory)) == (
        "Memory: 64 MiB a sidecar: 32 and 128 for each 1000 Envoy clusters configured, whatever "
        "the traffic"
    )
    assert only("Memory:", lines()) == "Memory: 51.2 [41-61.4] MiB a sidecar"
    assert not [line for line in lines(memory=no_fit()) if line.startswith("Memory")]


def test_the_other_roles_are_told_with_where_they_come_from() -> None:
    assert only("A waypoint", lines()).endswith("idle (derived)")
    assert only("A ztunnel", lines()).endswith("idle (published)")
    measured = replace(
        fitted_calibration().ztunnel,
        provenance=Provenance.MEASURED,
        vcpu_per_gbit_per_second=Interval.exactly(0.15),
        vcpu_per_1000_new_connections_per_second=Interval.exactly(0.8),
    )

    assert only("A ztunnel", lines(ztunnel=measured)).endswith(
        "(published per request; idle and 0.15 per Gbit/s and 0.8 per 1000 new connections/s "
        "measured)"
    )


def test_without_a_fit_the_sum_is_told_all_the_same() -> None:
    told = lines(sidecar=no_fit())

    assert not [line for line in told if line.startswith(("Model", "Backtest", "Of which"))]
    assert only("CPU:", told)


def test_the_posts_figure_is_the_one_in_the_data() -> None:
    assert post_vcpu() == published_constants()[BLOG].sidecar_vcpu_per_proxy
