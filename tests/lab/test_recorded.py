"""The bundled run, whole: the tool's figures are those of the kernel's accounting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzer.calibration import RoleCalibration
from analyzer.calibration.backtest import backtest
from analyzer.calibration.observations import observe
from analyzer.calibration.role import fit_role
from analyzer.data import sample_path
from analyzer.units import Role
from tests.lab.recorded import Recorded, read_run
from tests.lab.table import PAGE, lab_table
from tests.lab.truth import total_vcpu

_RUNS = ("sample",)


@pytest.fixture(scope="module")
def runs() -> dict[str, Recorded]:
    return {name: read_run(name) for name in _RUNS}


@pytest.mark.parametrize("name", _RUNS)
def test_the_slope_of_each_workload_is_within_10_percent_of_the_truth(
    runs: dict[str, Recorded], name: str
) -> None:
    table = runs[name].side_by_side

    assert len(table) == 8
    for row in table.to_dict("records"):
        assert row["vcpu_per_1000_rps"] == pytest.approx(row["truth_vcpu_per_1000_rps"], rel=0.1), (
            row["workload"]
        )


@pytest.mark.parametrize("name", _RUNS)
def test_the_idle_of_each_workload_is_within_10_percent_or_a_thousandth_of_a_vcpu(
    runs: dict[str, Recorded], name: str
) -> None:
    for row in runs[name].side_by_side.to_dict("records"):
        assert row["idle_vcpu"] == pytest.approx(row["truth_idle_vcpu"], rel=0.1, abs=0.001), row[
            "workload"
        ]


@pytest.mark.parametrize("name", _RUNS)
def test_the_fit_of_each_workload_adds_up_to_what_the_kernel_accounted(
    runs: dict[str, Recorded], name: str
) -> None:
    for row in runs[name].side_by_side.to_dict("records"):
        assert row["predicted_mean_vcpu"] == pytest.approx(row["truth_mean_vcpu"], rel=0.05), row[
            "workload"
        ]


@pytest.mark.parametrize("name", _RUNS)
def test_the_total_is_within_2_percent_of_what_the_kernel_accounted(
    runs: dict[str, Recorded], name: str
) -> None:
    run = runs[name]

    assert run.usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(
        total_vcpu(run.sidecars), rel=0.02
    )


def test_the_intervals_hold_the_truth_of_at_least_8_coefficients_in_10(
    runs: dict[str, Recorded],
) -> None:
    held = []
    for run in runs.values():
        table = run.side_by_side
        held += [
            table["low_vcpu_per_1000_rps"].le(table["truth_vcpu_per_1000_rps"])
            & table["truth_vcpu_per_1000_rps"].le(table["high_vcpu_per_1000_rps"]),
            table["idle_low_vcpu"].le(table["truth_idle_vcpu"])
            & table["truth_idle_vcpu"].le(table["idle_high_vcpu"]),
        ]

        # Intervals that are as wide as one likes would hold anything.
        width = table["high_vcpu_per_1000_rps"] - table["low_vcpu_per_1000_rps"]
        assert (width / table["vcpu_per_1000_rps"]).median() < 0.2

    assert np.concatenate(held).mean() >= 0.8


@pytest.mark.parametrize("name", _RUNS)
def test_the_last_ten_minutes_follow_from_the_first_twenty(
    runs: dict[str, Recorded], name: str
) -> None:
    usage = runs[name].usage
    early = int(len(usage.observed_points) * 2 / 3)
    first = replace(
        usage,
        observed_points=usage.observed_points[:early],
        steps=usage.steps[usage.steps["point"] < usage.observed_points[early]],
    )
    fit = fit_role(Role.SIDECAR, observe(first, Role.SIDECAR))
    assert fit.fitted is not None
    test = backtest(fit.fitted.workloads.shape, observe(usage, Role.SIDECAR), training_share=2 / 3)

    assert test is not None
    assert abs(test.bias_share) < 0.1
    assert test.error_share < 0.1


@pytest.mark.parametrize("name", _RUNS)
def test_waypoint_and_gateway_are_kept_apart(runs: dict[str, Recorded], name: str) -> None:
    run = runs[name]
    for role in (Role.WAYPOINT, Role.GATEWAY):
        expected = total_vcpu(run.truth[run.truth["role"] == str(role)])
        assert run.usage.mean_total(role, "cpu_vcpu") == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", _RUNS)
def test_a_run_records_its_time_and_machine(runs: dict[str, Recorded], name: str) -> None:
    record = runs[name].record

    assert record["envoy_version"].count(".") == 2
    assert "vCPU" in record["machine"]
    assert record["begin"].startswith("20")


def test_the_sample_is_small() -> None:
    files = list(sample_path("lab").iterdir())

    assert sum(path.stat().st_size for path in files) <= 1024**2


@pytest.mark.parametrize("name", _RUNS)
def test_tls_an_access_log_and_large_answers_each_show_in_the_slope(
    runs: dict[str, Recorded], name: str
) -> None:
    slopes = runs[name].side_by_side.set_index("workload")["vcpu_per_1000_rps"]

    # At the side that sends, small GETs over mutual TLS are what the others differ from.
    assert slopes["job"] < 0.97 * slopes["front"]
    assert slopes["api"] > 1.02 * slopes["front"]
    assert slopes["web"] > 1.02 * slopes["front"]


def test_a_model_in_inbound_and_outbound_requests_is_not_called_a_curve(
    runs: dict[str, Recorded],
) -> None:
    calibration = runs["sample"].calibration

    assert isinstance(calibration.sidecar, RoleCalibration)
    assert "inbound" in calibration.sidecar.model
    assert "curved_cost" not in [finding.name for finding in calibration.warnings]


def test_the_page_of_the_lab_shows_this_table() -> None:
    readme = PAGE.read_text(encoding="utf-8")

    for line in lab_table():
        assert line in readme
