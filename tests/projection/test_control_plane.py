"""istiod beside the modes: in plain loops, measured and published."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from analyzer.measurement.istiod import UNSEEN, Istiod
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.result import ControlPlane
from analyzer.units import Provenance, Role
from tests.projection.builders import Call, Proxy, as_published, mesh, shop_mesh
from tests.projection.fits import calibration

MEASURED = Istiod(vcpu=0.4, memory_gib=1.5, reserved_vcpu=0.5, reserved_memory_gib=2.0)
PRICES = {"vcpu_month_usd": 25, "memory_gib_month_usd": 3}


def mixed_mesh() -> MeshUsage:
    """Return a mesh of which a part is in ambient mode already."""
    return mesh(
        *(Proxy(workload="shop/front", node=node) for node in ("a", "b", "c", "a")),
        *(Proxy(workload="edge/gate", role=Role.GATEWAY, node=node) for node in ("a", "b")),
        *(Proxy(workload="istio-system/ztunnel", role=Role.ZTUNNEL, node=n) for n in "abc"),
        Proxy(workload="data/waypoint", role=Role.WAYPOINT, node="c"),
        calls=(Call(source="shop/front", destination="shop/front", rps=(50, 50)),),
        nodes=("a", "b", "c"),
    )


def projected(usage: MeshUsage, istiod: Istiod, **changes: object) -> Projection:
    return project_usage(
        replace(usage, istiod=istiod), calibration(), as_published(**PRICES, **changes)
    )


def control_planes(projection: Projection) -> dict[str, ControlPlane]:
    return {mode.name: mode.control_plane for mode in projection.modes if mode.control_plane}


def served(projection: Projection, mode: str, today: Iterable[Role]) -> dict[Role, float]:
    """Return the proxies that istiod serves in a mode, one by one."""
    counts: dict[Role, float] = {}
    for role in today:
        if mode == "sidecar" or role in (Role.GATEWAY, Role.WAYPOINT):
            counts[role] = counts.get(role, 0) + 1
    if mode != "sidecar":
        (found,) = (one for one in projection.modes if one.name == mode)
        for part in found.components:
            counts[part.role] = counts.get(part.role, 0) + part.count
    return counts


@pytest.mark.parametrize("istiod", [MEASURED, UNSEEN, replace(MEASURED, vcpu=None)])
@pytest.mark.parametrize("usage", [shop_mesh(), mixed_mesh()], ids=["shop", "mixed"])
def test_every_figure_is_what_plain_loops_give(usage: MeshUsage, istiod: Istiod) -> None:
    assumed = {"istiod_ztunnel_to_sidecar_ratio": 0.7, "istiod_fixed_share": 0.3}
    projection = projected(usage, istiod, **assumed)
    today = [Role(role) for role in usage.proxies["role"]]
    planes = control_planes(projection)

    assert set(planes) == {mode.name for mode in projection.modes}
    loads = {}
    for mode, found in planes.items():
        counts = served(projection, mode, today)
        assert found.proxies_served == pytest.approx(sum(counts.values()), rel=1e-9)
        assert dict(found.proxies_by_role) == pytest.approx(counts)
        loads[mode] = 0.0
        for role, count in counts.items():
            loads[mode] += count * (0.7 if role == Role.ZTUNNEL else 1)
    for mode, found in planes.items():
        times = 1.0 if mode == "sidecar" else 0.3 + 0.7 * loads[mode] / loads["sidecar"]
        vcpu = 0.5 * loads["sidecar"] / 1000 if istiod.vcpu is None else istiod.vcpu
        gib = istiod.memory_gib
        if gib is None:
            gib = 0.698491931 * loads["sidecar"] / 1000
        assert found.vcpu.mid == pytest.approx(vcpu * times, rel=1e-9)
        assert found.memory_gib.mid == pytest.approx(gib * times, rel=1e-9)
        usd = (vcpu * 25 + gib * 3) * times * 12
        assert found.usd_per_year.mid == pytest.approx(usd, rel=1e-9)


def test_what_was_measured_is_exact_today_and_a_range_in_ambient() -> None:
    planes = control_planes(projected(mixed_mesh(), MEASURED))
    today, l4 = planes["sidecar"], planes["ambient-l4"]

    assert (today.vcpu.low, today.vcpu.high) == (0.4, 0.4)
    assert (today.requested_vcpu, today.requested_memory_gib) == (0.5, 2.0)
    assert today.provenance == Provenance.MEASURED
    # Nothing of it is fixed, or all.
    assert l4.vcpu.low < l4.vcpu.mid < l4.vcpu.high
    assert l4.requested_vcpu is None
    assert l4.provenance == Provenance.DERIVED


def test_what_was_not_measured_has_the_wide_range_of_its_sources() -> None:
    today = control_planes(projected(shop_mesh(), UNSEEN))["sidecar"]

    # Three sidecars and a gateway.
    per_1000 = [1000 * end / 4 for end in (today.vcpu.low, today.vcpu.mid, today.vcpu.high)]
    assert per_1000 == pytest.approx([0.03, 0.5, 1.0], rel=0.05)
    assert today.provenance == Provenance.PUBLISHED


def test_the_totals_of_the_modes_do_not_contain_it() -> None:
    with_it, without = (projected(shop_mesh(), istiod) for istiod in (MEASURED, UNSEEN))

    for one, other in zip(with_it.modes, without.modes, strict=True):
        assert one.bases == other.bases
    assert with_it.savings == without.savings


def test_where_ambient_is_not_evaluated_there_is_none() -> None:
    usage = replace(shop_mesh(), nodes=shop_mesh().nodes.iloc[:0])
    usage = replace(usage, proxies=usage.proxies.assign(node=""))

    assert not control_planes(projected(usage, MEASURED))
