"""Three minutes of real Envoys: what the tool says of them is what the kernel accounted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.units import Role
from tests.lab.analysis import beside_truth, truth_by_workload
from tests.lab.plans import plan
from tests.lab.run import Run, record
from tests.lab.topology import CHAINS, IDLE, proxies
from tests.lab.truth import total_vcpu, truth_table

pytestmark = pytest.mark.lab

_MINUTES = int(os.environ.get("LAB_MINUTES", "3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the lab left, and what the tool made of it."""

    run: Run
    usage: MeshUsage
    calibration: Calibration
    truth: pd.DataFrame

    def of_role(self, role: str) -> pd.DataFrame:
        """Return the truth of one role's proxies."""
        return self.truth[self.truth["role"] == role]

    @property
    def side_by_side(self) -> pd.DataFrame:
        """The sidecars' workloads, true and fitted."""
        truth = truth_by_workload(self.of_role("sidecar"))
        return beside_truth(self.calibration, truth)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    run = record(plan(_MINUTES, seed=3), tmp_path_factory.mktemp("lab"))
    usage = measure(run.snapshot)
    return Measured(
        run=run, usage=usage, calibration=calibrate_usage(usage), truth=truth_table(run.edges)
    )


def test_each_proxy_has_the_role_that_it_plays(lab: Measured) -> None:
    found = dict(zip(lab.usage.proxies["pod"], lab.usage.proxies["role"], strict=True))

    assert found == {proxy.pod: proxy.role for proxy in proxies()}


def test_the_slope_of_each_workload_is_within_20_percent_of_the_truth(lab: Measured) -> None:
    table = lab.side_by_side

    assert len(table) == 8
    for row in table.to_dict("records"):
        assert row["vcpu_per_1000_rps"] == pytest.approx(row["truth_vcpu_per_1000_rps"], rel=0.2), (
            row["workload"]
        )


def test_the_idle_of_each_workload_is_within_a_thousandth_of_a_vcpu(lab: Measured) -> None:
    for row in lab.side_by_side.to_dict("records"):
        assert row["idle_vcpu"] == pytest.approx(row["truth_idle_vcpu"], rel=0.1, abs=0.001), row[
            "workload"
        ]


def test_the_fit_of_each_workload_adds_up_to_what_the_kernel_accounted(lab: Measured) -> None:
    for row in lab.side_by_side.to_dict("records"):
        assert row["predicted_mean_vcpu"] == pytest.approx(row["truth_mean_vcpu"], rel=0.1), row[
            "workload"
        ]


def test_all_sidecars_together_are_within_2_percent_of_what_the_kernel_accounted(
    lab: Measured,
) -> None:
    expected = total_vcpu(lab.of_role("sidecar"))

    # Had the pods' cgroups been counted beside their containers, it would be twice that.
    assert lab.usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(expected, rel=0.02)


def test_waypoint_and_gateway_are_measured_and_kept_apart(lab: Measured) -> None:
    for role in (Role.WAYPOINT, Role.GATEWAY):
        expected = total_vcpu(lab.of_role(str(role)))
        assert lab.usage.mean_total(role, "cpu_vcpu") == pytest.approx(expected, rel=0.05)
    assert isinstance(lab.calibration.waypoint, RoleCalibration)


def test_both_sides_of_a_call_report_it(lab: Measured) -> None:
    paired = [chain for chain in CHAINS if len(chain.paths) == 2 and not chain.paths[0].is_tcp]
    sidecars = lab.usage.of_role(Role.SIDECAR)
    received, sent = sidecars["inbound_rps"].sum(), sidecars["outbound_rps"].sum()
    entered = lab.usage.of_role(Role.GATEWAY)["outbound_rps"].sum()

    assert len(paired) == 6
    assert received == pytest.approx(sent + entered, rel=0.02)


def test_what_carries_only_tcp_and_what_carries_nothing_has_no_slope_of_its_own(
    lab: Measured,
) -> None:
    refused = {item.subject for item in lab.calibration.refusals}

    assert refused == {
        f"slope of {IDLE.namespace}/{IDLE.workload}",
        "slope of caches/app",
        "slope of caches/redis",
    }


def test_tls_with_an_access_log_or_large_answers_shows_in_the_slopes(lab: Measured) -> None:
    slopes = lab.side_by_side.set_index("workload")["vcpu_per_1000_rps"]

    # Against small GETs without TLS: over mutual TLS, and with an access log or 16 KB answers.
    for plain, logged, large in (("job", "api", "web"), ("store", "ledger", "images")):
        assert slopes[logged] > slopes[plain]
        assert slopes[large] > slopes[plain]


def test_the_dashboards_ratio_smears_idle_into_the_cost_of_a_request(lab: Measured) -> None:
    fit = lab.calibration.sidecar
    assert isinstance(fit, RoleCalibration)

    sidecars = lab.of_role("sidecar")
    requests_rps = (sidecars["rps"] * sidecars["seconds"]).sum() / lab.truth["seconds"].mean()
    steps = lab.truth["step"].nunique()
    expected = 1000 * total_vcpu(sidecars) / (requests_rps / steps)

    assert fit.ratio_vcpu_per_1000_rps == pytest.approx(expected, rel=0.03)
    assert expected > fit.vcpu_per_1000_rps.mid


def test_nothing_runs_on_after_the_lab(lab: Measured) -> None:
    assert lab.run.snapshot.path.is_dir()
    assert {"envoy", "hey"} & set(_children()) == set()


def _children() -> Iterator[str]:
    """Return the names of this process's children."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            # It has ended meanwhile.
            continue
        if int(rest.split()[1]) == os.getpid():
            yield name
