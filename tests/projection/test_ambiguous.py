"""The saving with ambiguous proxies as sidecars is given where it matters."""

import re
from dataclasses import replace

import pytest

from analyzer.measurement.role_rules import UNKNOWN
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.ambiguous import both_savings, with_ambiguous
from analyzer.projection.result import Saving
from analyzer.units import Interval, Role
from tests.projection.builders import Proxy, mesh


def usage_of(*vcpu: float) -> MeshUsage:
    """Return a mesh of one sidecar of 1 vCPU, and proxies without a role."""
    usage = mesh(*(Proxy(cpu_vcpu=(one, one)) for one in (1.0, *vcpu)))
    roles = usage.proxies["role"].where(usage.proxies.index == 0, UNKNOWN)
    return replace(usage, proxies=usage.proxies.assign(role=roles))


@pytest.mark.parametrize(("vcpu", "count"), [((0.01,), None), ((0.015, 0.015), 3), ((), None)])
def test_little_cpu_changes_nothing(vcpu: tuple[float, ...], count: int | None) -> None:
    found = with_ambiguous(usage_of(*vcpu))

    assert (found and found.count(Role.SIDECAR)) == count


def saving(mode: str, vcpu: float) -> Saving:
    exact = Interval(low=vcpu, mid=vcpu, high=vcpu)
    return Saving(mode=mode, vcpu=exact, usd_per_year=exact, percent=exact, probability_cheaper=1.0)


def test_both_savings_of_each_mode_are_named() -> None:
    usage = usage_of(0.5)
    finding = both_savings(
        usage,
        [saving("ambient-l4", 0.8), saving("ambient-waypoint", -0.1)],
        [saving("ambient-l4", 1.3), saving("ambient-waypoint", 0.2)],
    )

    assert finding.code == "IU217"
    assert finding.affected == ("shop/pod-1",)
    assert re.findall(r"\d\.\d+", finding.text) == ["0.8", "1.3", "0.1", "0.2"]
    assert "costs 0.1 vCPU more" in finding.text
