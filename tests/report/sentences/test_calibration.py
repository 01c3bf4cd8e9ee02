"""The results of the calibration, in sentences."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.calibration.models import Power
from analyzer.calibration.result import (
    Backtest,
    Candidate,
    MemoryCalibration,
    RoleCalibration,
    TcpCalibration,
)
from analyzer.data import BLOG, published_constants
from analyzer.report.answer import Answer
from analyzer.report.sentences.calibration import calibration_lines, post_vcpu, verdict
from analyzer.units import Interval, Provenance, Refusal
from tests.projection.fits import fit, no_fit
from tests.report.answers import calibration_only, constants_only, fitted_calibration, refused
from tests.support.examples import examples

POST = published_constants()[BLOG].title


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
        ((0.28, 0.3, 0.32), "overstates yours 1.9-2.1 times"),
        ((0.299, 0.3, 0.301), "overstates yours 2.0 times"),
        ((0.1, 0.15, 0.2), "overstates yours 3.0-6.0 times"),
        ((0.5, 0.54, 0.58), "overstates yours by 3.4 % to 20 %"),
        ((0.0, 0.15, 0.3), "overstates yours at least 2.0 times"),
        ((0.0, 0.3, 0.59), "overstates yours"),
        ((0.0, 0.0, 0.01), "overstates yours at least 60.0 times"),
        ((0.0, 0.0, 0.0), "overstates yours more than 1,000 times"),
        ((1.1, 1.2, 1.3), "understates yours 1.8-2.2 times"),
        ((0.61, 0.9, 1.3), "understates yours by 1.7 % to 117 %"),
        ((0.5, 0.59, 0.7), "is within this range"),
        ((0.6, 0.6, 0.6), "is within this range"),
    ],
)
def test_the_verdict_compares_the_posts_figure_with_both_ends_of_the_range(
    slope: tuple[float, float, float], compared: str
) -> None:
    sentence = said(answer_with(*slope))

    assert sentence is not None
    assert sentence.endswith(
        f"plus 0.01 vCPU idle each. {POST} uses 0.6 for each pod. Read as a cost per "
        f"1000 requests/s, 0.6 {compared}."
    )


# Each is an answer of its own, which takes a quarter of a second.
@examples(2)
@given(st.lists(st.floats(0, 3), min_size=3, max_size=3).map(sorted))
def test_the_verdict_never_contradicts_its_range(ends: list[float]) -> None:
    sentence = said(answer_with(*ends))

    assert sentence is not None
    form = {"overstates": ends[2] < post_vcpu(), "understates": ends[0] > post_vcpu()}
    form["within this range"] = not any(form.values())
    words = re.search("overstates|understates|within this range", sentence)
    assert words is not None
    assert form[words[0]]
    assert sentence.count(POST) == 1


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (0.4567, "The dashboard ratio is 0.457 because it includes idle CPU."),
        # No reason is given for a ratio that idle CPU has not raised above the range.
        (0.31, "The dashboard ratio, which includes idle CPU, is 0.31."),
    ],
)
def test_the_verdict_names_the_dashboards_ratio_beside_the_fit(ratio: float, shown: str) -> None:
    assert said(answer_with(0.28, 0.3, 0.32, ratio=ratio)) == (
        "Your sidecars cost 0.3 (0.28-0.32) vCPU per 1000 proxy requests/s, plus 0.01 vCPU idle "
        f"each. {POST} uses 0.6 for each pod. Read as a cost per 1000 requests/s, 0.6 "
        f"overstates yours 1.9-2.1 times. {shown}"
    )


def test_without_a_fit_there_is_no_verdict() -> None:
    assert said(refused()) is None
    assert said(constants_only()) is None


# --- model, backtest, parts and other roles ---


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


def test_a_curves_verdict_names_the_rates_of_its_slope() -> None:
    curve = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.002, exponent=0.75)
    concave = replace(fit(), curve=curve, model="power 0.75")
    sentence = said(calibration_only(replace(fitted_calibration(), sidecar=concave)))

    assert sentence is not None
    assert "per 1000 proxy requests/s at their present rates, plus 0.01 vCPU idle" in sentence


def test_the_model_is_shown_with_the_samples_it_was_fitted_to() -> None:
    candidates = (
        Candidate(model="affine", error=1.0, standard_error=0.1),
        Candidate(model="power 0.85", error=0.95, standard_error=0.1),
    )

    assert only("Model:", lines(sidecar=replace(fit(), candidates=candidates))) == (
        "Model: affine, chosen from 2 models by cross-validation. Fitted to 288 samples of 3 "
        "proxies at 10-500 requests/s."
    )
    assert only("Model:", lines()).startswith("Model: affine. Fitted to 288 samples")


@pytest.mark.parametrize(
    ("bias", "shown"), [(-0.014, "1.4 % too low"), (0.02, "2.0 % too high"), (0.123, "12 % too")]
)
def test_the_backtest_is_shown(bias: float, shown: str) -> None:
    test = Backtest(bias_share=bias, error_share=0.031, covered_share=0.9, workload_count=20)

    line = only("Backtest:", lines(sidecar=replace(fit(), backtest=test)))
    assert line.startswith(
        f"Backtest: a fit of the first 70 % of the window predicts the rest {shown}"
    )
    assert line.endswith(
        ". The mean error per workload is 3.1 %. 18 of 20 workloads are inside the 90 % interval."
    )


def test_one_workload_of_a_backtest_is_singular() -> None:
    test = Backtest(bias_share=0.0, error_share=0.03, covered_share=1.0, workload_count=1)

    line = only("Backtest:", lines(sidecar=replace(fit(), backtest=test)))
    assert line.endswith("1 of 1 workload is inside the 90 % interval.")


@pytest.mark.parametrize(
    ("ends", "applied", "shown"),
    [
        (
            (0.005, 0.02, 0.031),
            0.014,
            "the fit is about 2 % (0-3 %) low. Cost per request is raised by 1.4 %.",
        ),
        (
            (0.001, 0.004, 0.007),
            0.0,
            "the fit is about 0.4 % (0.1-0.7 %) low. Cost per request is not corrected.",
        ),
        (
            (-0.002, 0.012, 0.026),
            0.0,
            "no measurable effect on cost per request (-0.2 % to 2.6 %).",
        ),
    ],
)
def test_an_offset_in_time_is_only_claimed_by_its_range(
    ends: tuple[float, float, float], applied: float, shown: str
) -> None:
    share = Interval(low=ends[0], mid=ends[1], high=ends[2])
    sidecar = replace(fit(), attenuation_share=share, attenuation_applied_share=applied)

    assert only("Time", lines(sidecar=sidecar)) == (f"Time offset between samples: {shown}")
    assert not [line for line in lines() if line.startswith("Time")]


def test_the_parts_of_the_cpu_add_up() -> None:
    assert only("CPU:", lines()) == (
        "CPU: 0.5 vCPU measured = 0.1 (0.09-0.11) idle + 0.3 (0.28-0.32) traffic + 0.05 not "
        "fitted + 0.05 unexplained"
    )


def test_filled_cpu_is_named_and_gives_the_measured_cpu_its_range() -> None:
    found = fitted_calibration()
    parts = replace(
        found.decomposition,
        filled_vcpu=0.04,
        measured_vcpu_range=Interval(low=0.45, mid=0.5, high=0.6),
    )
    (line,) = (
        line
        for line in calibration_lines(replace(found, decomposition=parts))
        if line.startswith("CPU: ")
    )

    assert line.startswith("CPU: 0.5 (0.45-0.6) vCPU measured = ")
    assert "0.05 not fitted (0.04 of it not seen, but filled) + 0.05 unexplained" in line


def test_costs_by_direction_have_their_units() -> None:
    costs = {
        "vcpu_per_1000_inbound_rps": Interval(low=0.19, mid=0.2, high=0.21),
        "vcpu_per_gbit_per_second": Interval.exactly(0.3),
    }

    assert only("Cost by", lines(sidecar=replace(fit(), cost_of_each=costs))) == (
        "Cost by kind of load, in vCPU: 0.2 (0.19-0.21) per 1000 inbound requests/s, 0.3 per Gbit/s"
    )


def test_the_cpu_of_events_is_a_part_of_its_own() -> None:
    found = fitted_calibration()
    events = {"configuration_updates": Interval.exactly(0.04)}
    parts = replace(found.decomposition, events_vcpu=events)
    (line,) = (
        line
        for line in calibration_lines(replace(found, decomposition=parts))
        if line.startswith("CPU")
    )

    assert "traffic + 0.04 configuration updates + 0.05 not fitted" in line


def test_the_cost_of_tcp_is_a_line_and_a_part_of_the_cpu() -> None:
    found = fitted_calibration()
    tcp = TcpCalibration(
        idle_vcpu_per_proxy=Interval.exactly(0.005),
        vcpu_per_gbit_per_second=Interval(low=1.9, mid=2.0, high=2.1),
        gbit_per_second=0.1,
        new_connections_per_second=3.0,
        remarks=("Connections follow bytes.",),
        sample_count=9,
        proxy_count=3,
        workload_count=1,
        covariance=np.eye(3),
        draws=np.ones((2, 3)),
    )
    parts = replace(found.decomposition, tcp_vcpu=Interval.exactly(0.04))

    shown = tuple(calibration_lines(replace(found, tcp=tcp, decomposition=parts)))

    assert any("traffic + 0.04 TCP + 0.05 not fitted" in line for line in shown)
    at = next(number for number, line in enumerate(shown) if line.startswith("TCP: "))
    assert shown[at] == (
        "TCP: 2 (1.9-2.1) vCPU per Gbit/s and 0.005 vCPU idle (measured), from 1 workload with "
        "TCP only"
    )
    assert shown[at + 1] == tcp.remarks[0]


def test_memory_is_divided_by_configuration() -> None:
    memory = MemoryCalibration(
        gib_per_proxy=Interval.exactly(0.0625),
        idle_gib_per_proxy=Interval.exactly(0.03125),
        gib_per_1000_clusters=Interval.exactly(0.125),
        cluster_count=250.0,
        proxy_count=9,
    )

    assert only("Memory:", lines(memory=memory)) == (
        "Memory: 64 MiB per sidecar: 32 MiB plus 128 MiB per 1000 configured Envoy clusters, at "
        "any traffic"
    )
    assert only("Memory:", lines()) == "Memory: 51.2 (41-61.4) MiB per sidecar"
    assert not [line for line in lines(memory=no_fit()) if line.startswith("Memory")]


def test_the_other_roles_have_their_provenance() -> None:
    assert only("Waypoint:", lines()).endswith("vCPU idle (derived)")
    assert only("Ztunnel:", lines()).endswith("vCPU idle (published)")
    measured = replace(
        fitted_calibration().ztunnel,
        provenance=Provenance.MEASURED,
        vcpu_per_gbit_per_second=Interval.exactly(0.15),
        vcpu_per_1000_new_connections_per_second=Interval.exactly(0.8),
    )

    assert only("Ztunnel:", lines(ztunnel=measured)).endswith(
        "vCPU idle, 0.15 per Gbit/s, 0.8 per 1000 new connections/s (measured)"
    )
    assert "requests/s (published), " in only("Ztunnel:", lines(ztunnel=measured))


def test_without_a_fit_the_sum_is_shown() -> None:
    shown = lines(sidecar=no_fit())

    assert not [line for line in shown if line.startswith(("Model", "Backtest", "Cost by"))]
    assert only("CPU:", shown)


def test_the_posts_figure_is_the_one_in_the_data() -> None:
    assert post_vcpu() == published_constants()[BLOG].sidecar_vcpu_per_proxy
