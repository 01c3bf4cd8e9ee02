"""A comparison names CPU that was not seen, in BEFORE or in AFTER."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.unseen import unseen
from analyzer.measurement.findings import Bias, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.scenario import default_scenario
from analyzer.units import Refusal, Role
from tests.comparison.migrations import Migrated
from tests.projection.builders import Proxy, mesh

SIDECAR = Proxy(cpu_vcpu=(0.3, 0.3))
ZTUNNEL = Proxy(workload="istio-system/ztunnel", role=Role.ZTUNNEL, cpu_vcpu=(0.1, 0.1))


def dark(usage: MeshUsage, proxy: int, point: int, ends: tuple[float, float]) -> MeshUsage:
    """Return the mesh without CPU of one proxy and step, filled with what it was."""
    at = (usage.steps["proxy"] == proxy) & (usage.steps["point"] == point)
    filling = usage.steps.loc[at, ["proxy", "point"]].assign(
        column="cpu_vcpu", mid=usage.steps.loc[at, "cpu_vcpu"], low=ends[0], high=ends[1]
    )
    steps = usage.steps.assign(cpu_vcpu=usage.steps["cpu_vcpu"].mask(at, np.nan))
    whole = pd.concat([usage.filling, filling], ignore_index=True)
    return replace(usage, steps=steps, filling=whole)


def test_a_mesh_that_was_seen_all_the_time_is_compared_as_is() -> None:
    assert list(unseen("AFTER", mesh(SIDECAR, ZTUNNEL))) == []


@pytest.mark.parametrize(
    ("proxy", "share", "severity"),
    [(0, 0.375, Severity.SERIOUS), (1, 0.125, Severity.WARNING)],
    ids=["sidecar", "ztunnel"],
)
def test_the_share_is_of_all_that_is_compared(proxy: int, share: float, severity: Severity) -> None:
    (finding,) = unseen("AFTER", dark(mesh(SIDECAR, ZTUNNEL), proxy, 1, (0.05, 0.5)))

    assert (finding.code, finding.severity, finding.bias) == ("IU505", severity, Bias.EITHER)
    assert finding.cpu_share == pytest.approx(share)
    assert "AFTER" in finding.text


def test_gateways_are_not_compared() -> None:
    gateway = Proxy(workload="edge/gate", role=Role.GATEWAY)

    assert list(unseen("BEFORE", dark(mesh(SIDECAR, gateway), 1, 1, (0.05, 0.2)))) == []


def test_a_comparison_has_the_finding_of_its_snapshots() -> None:
    mesh_of = Migrated()
    after = mesh_of.after()
    waypoint = after.of_role(Role.WAYPOINT)["proxy"].unique().tolist()[0]
    for point in after.observed_points.tolist():
        after = dark(after, waypoint, point, (0.0, 1.0))
    found = compare_usage(mesh_of.before(), after, default_scenario())

    assert not isinstance(found, Refusal)
    assert "compared_unseen" in {item.name for item in found.warnings}
