"""The whole projection against the same one done with plain loops, on meshes of all kinds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from analyzer.calibration.result import Calibration
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import PREFER_CLOSE, Basis, PriceSource, Scaling
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.unseen import UNSEEN_TIME
from analyzer.report.sentences.projection import daemonset_line
from analyzer.units import Interval, Role
from tests.projection.builders import MEBIBYTE, Call, Node, Proxy, mesh, partly_seen, scenario
from tests.projection.by_hand import Bill, Question, bills
from tests.projection.fits import calibration, fit
from tests.support.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    proxies: tuple[Proxy, ...]
    calls: tuple[Call, ...]
    nodes: tuple[Node, ...]
    assumed: Scenario
    fitted: Calibration
    waypoint: tuple[float, float]
    """At rest, and for 1000 requests per second."""
    share_of: Mapping[str, float] = field(default_factory=dict)
    """What the scenario's placement means here, where it is not `observed`."""
    shared: tuple[tuple[str, ...], ...] = ()
    """The namespaces that each shared waypoint serves."""

    def usage(self) -> MeshUsage:
        return mesh(
            *self.proxies,
            calls=self.calls,
            nodes=self.nodes,
            steps=len(self.proxies[0].cpu_vcpu),
        )

    def projected(self) -> Projection:
        return _PROJECTED.get(self, lambda: project_usage(self.usage(), self.fitted, self.assumed))

    def expected(
        self, *, cpu_times: float = 1.0, rps_times: float = 1.0
    ) -> dict[tuple[str, str], Bill]:
        return bills(
            Question(
                proxies=self.proxies,
                calls=self.calls,
                nodes=self.nodes,
                assumed={name: item.value.mid for name, item in self.assumed.assumptions.items()},
                waypoint=self.waypoint,
                stated=[
                    name
                    for name, item in self.assumed.assumptions.items()
                    if item != default_scenario().assumptions[name]
                ],
                ingress_through_waypoint=self.assumed.ingress_through_waypoint,
                istio_cni_installed=bool(self.assumed.istio_cni_installed),
                share_of=self.share_of,
                shared=self.shared,
                follows_load=self.assumed.waypoint_scaling == Scaling.HPA,
                priced=self.assumed.prices != PriceSource.FLAT,
                prefers_close=self.assumed.waypoint_traffic_distribution == PREFER_CLOSE,
                cpu_times=cpu_times,
                rps_times=rps_times,
            )
        )


_PROJECTED = Kept[Case, Projection](lambda one, other: one is other, most=100)


def bare(*names: str) -> tuple[Node, ...]:
    return tuple(Node(name=name) for name in names)


def sidecar(
    workload: str, node: str, vcpu: tuple[float, ...], rps: tuple[float, ...], reserved_vcpu: float
) -> Proxy:
    return Proxy(
        workload=workload,
        node=node,
        cpu_vcpu=vcpu,
        proxy_rps=rps,
        memory_bytes=(40 + 10 * len(workload)) * MEBIBYTE,
        reserved_vcpu=reserved_vcpu,
        reserved_memory_bytes=128 * MEBIBYTE,
    )


SHOP = Case(
    proxies=(
        sidecar("shop/front", "a", (0.2, 0.4, 0.31), (120, 333, 250), 0.1),
        sidecar("shop/front", "b", (0.21, 0.38, 0.30), (118, 341, 244), 0.5),
        sidecar("shop/back", "b", (0.05, 0.09, 0.07), (60, 170, 130), 0.1),
        sidecar("books/ledger", "c", (0.01, 0.01, 0.02), (0.5, 1.5, 2.5), 0.1),
    ),
    calls=(
        Call(source="shop/front", destination="shop/back", rps=(60, 170, 130)),
        Call(source="shop/back", destination="books/ledger", rps=(0.5, 1.5, 2.5)),
    ),
    nodes=bare("a", "b", "c", "idle"),
    assumed=scenario(),
    fitted=calibration(),
    # The sidecars' 0.01 and 0.3, times 1.15.
    waypoint=(0.0115, 0.345),
)

EDGE = Case(
    proxies=(
        sidecar("web/site", "n1", (1.5, 2.5), (4000, 6000), 1.0),
        sidecar("cache/redis", "n2", (0.3, 0.3), (0, 0), 0.1),
        Proxy(
            workload="cache/redis",
            node="n1",
            cpu_vcpu=(0.25, 0.35),
            proxy_rps=(0, 0),
            tcp_bytes_per_second=31_250_000,
            memory_bytes=900 * MEBIBYTE,
            reserved_vcpu=0.1,
            reserved_memory_bytes=128 * MEBIBYTE,
        ),
        sidecar("batch/nightly", "n2", (0.002, 0.0), (0, 0), 0.1),
        Proxy(workload="edge/gate", node="n1", role=Role.GATEWAY, cpu_vcpu=(3, 3)),
    ),
    calls=(
        Call(source="edge/gate", destination="web/site", rps=(3900, 5800)),
        Call(source="unknown/unknown", destination="web/site", rps=(40, 60)),
        Call(source="batch/nightly", destination="web/site", rps=(60, 140)),
    ),
    nodes=bare("n1", "n2"),
    assumed=scenario(
        basis="billed",
        vcpu_month_usd={"low": 20, "mid": 25, "high": 30},
        memory_gib_month_usd=2.5,
        waypoint_replicas=3,
        waypoint_to_sidecar_ratio=1.4,
    ),
    fitted=calibration(),
    waypoint=(0.014, 0.42),
)

BUSY = Case(
    proxies=(
        sidecar("pay/api", "only", (3.0,), (12_000,), 0.5),
        sidecar("pay/api", "only", (2.0,), (8_000,), 4.0),
    ),
    calls=(
        Call(source="pay/api", destination="pay/api", rps=(9_999,)),
        Call(source="pay/api", destination="bank/outside", rps=(5_000,)),
    ),
    nodes=bare("only"),
    assumed=scenario(
        basis="reserved",
        memory_gib_month_usd=1,
        waypoint_reserved_vcpu_per_replica=6,
        ztunnel_reserved_vcpu_per_node=0.01,
    ),
    fitted=calibration(
        waypoint=fit(
            role=Role.WAYPOINT,
            slope=Interval(low=0.2, mid=0.22, high=0.24),
            idle=Interval(low=0.004, mid=0.005, high=0.006),
        )
    ),
    # Measured: the ratio to sidecars plays no part.
    waypoint=(0.005, 0.22),
)

GROWN = Case(
    proxies=(
        sidecar("shop/front", "n1", (0.9, 1.6, 1.2), (2500, 5000, 3500), 0.5),
        sidecar("shop/front", "n2", (0.8, 1.5, 1.3), (2400, 4900, 3600), 2.5),
        sidecar("ops/agent", "n1", (0.01, 0.02, 0.01), (3, 4, 5), 0.1),
        sidecar("ops/agent", "n2", (0.02, 0.01, 0.01), (4, 3, 5), 0.1),
        sidecar("solo/job", "n2", (0.03, 0.0, 0.0), (40, 0, 0), 0.0),
        Proxy(
            workload="edge/gate",
            node="n1",
            role=Role.GATEWAY,
            cpu_vcpu=(3, 3, 3),
            proxy_rps=(4000, 18_000, 6000),
        ),
    ),
    calls=(
        Call(source="edge/gate", destination="shop/front", rps=(2000, 9000, 3000)),
        Call(source="unknown/unknown", destination="shop/front", rps=(900, 900, 900)),
        Call(source="shop/front", destination="shop/front", rps=(300, 100, 200)),
        Call(source="solo/job", destination="ops/agent", rps=(7, 7, 8)),
    ),
    nodes=bare("n1", "n2"),
    assumed=scenario(
        memory_gib_month_usd=1.5,
        traffic_growth_factor=2.5,
        ingress_through_waypoint=True,
        istio_cni_installed=True,
        waypoint_spare_replicas=1,
        waypoint_target_utilisation_share=0.6,
        waypoint_limit_vcpu_per_replica=1.5,
        waypoint_placement=["shop", "solo", "nowhere"],
    ),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
    share_of={"shop": 1.0, "solo": 1.0, "ops": 0.0},
)

PRICED = Case(
    proxies=(
        Proxy(
            workload="data/db",
            node="east/a",
            cpu_vcpu=(0.4, 0.6),
            proxy_rps=(10, 30),
            tcp_bytes_per_second=25e6,
            new_connections_per_second=350.0,
            memory_bytes=300 * MEBIBYTE,
            reserved_vcpu=0.1,
            reserved_memory_bytes=128 * MEBIBYTE,
        ),
        sidecar("data/db", "west/a", (0.1, 0.1), (5, 6), 0.8),
        sidecar("web/site", "west/a", (0.7, 0.9), (2000, 2500), 0.1),
        sidecar("web/site", "west/b", (0.02, 0.02), (30, 40), 0.1),
    ),
    calls=(
        Call(source="web/site", destination="data/db", rps=(15, 36)),
        Call(source="web/site", destination="web/site", rps=(1000, 1270)),
    ),
    nodes=(
        Node(name="east/a", vcpu_usd_per_hour=0.05, memory_usd_per_gib_hour=0.0066),
        Node(name="west/a", vcpu_usd_per_hour=0.021, memory_usd_per_gib_hour=0.0028),
        Node(name="west/b", vcpu_usd_per_hour=0.011, memory_usd_per_gib_hour=0.0014),
        Node(name="west/spare", vcpu_usd_per_hour=0.04, memory_usd_per_gib_hour=0.005),
    ),
    assumed=scenario(
        basis="billed",
        prices="opencost",
        traffic_growth_factor=0.5,
        waypoint_placement=0.35,
        waypoint_replicas=2,
        ztunnel_vcpu_per_1000_new_connections_per_second={"low": 0.4, "mid": 0.9, "high": 2},
    ),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
    share_of={"data": 0.35, "web": 0.35},
)

CHURN = Case(
    # Two nodes that replace each other, a preview namespace, and a sidecar on Fargate.
    proxies=(
        replace(
            sidecar("web/site", "old", (0.3, 0.4, 0, 0), (900, 1100, 0, 0), 0.1), points=(0, 1)
        ),
        replace(
            sidecar("web/site", "new", (0, 0, 0.5, 0.2), (0, 0, 1500, 600), 0.1), points=(2, 3)
        ),
        sidecar("web/site", "kept", (0.35, 0.4, 0.45, 0.2), (1000, 1200, 1400, 600), 0.1),
        replace(sidecar("preview/demo", "kept", (0, 0.02, 0, 0), (0, 80, 0, 0), 0.1), points=(1,)),
        sidecar("jobs/run", "fargate", (0.01, 0.01, 0.02, 0.01), (10, 20, 40, 10), 0.1),
    ),
    calls=(
        Call(source="web/site", destination="web/site", rps=(900, 1100, 1400, 600)),
        Call(source="web/site", destination="preview/demo", rps=(0, 80, 0, 0)),
        Call(source="web/site", destination="jobs/run", rps=(10, 20, 40, 10)),
    ),
    nodes=(
        Node(
            name="old",
            instance_type="m",
            vcpu_usd_per_hour=0.05,
            memory_usd_per_gib_hour=0.006,
            present_share=0.5,
        ),
        Node(name="new", instance_type="m", vcpu_usd_per_hour=0.0, present_share=0.5),
        Node(name="kept", instance_type="m", vcpu_usd_per_hour=0.03, memory_usd_per_gib_hour=0.004),
        Node(
            name="fargate",
            instance_type="f",
            vcpu_usd_per_hour=0.04,
            memory_usd_per_gib_hour=0.0045,
            runs_daemonsets=False,
        ),
        Node(name="spare", instance_type="m", vcpu_usd_per_hour=0.02, present_share=0.25),
    ),
    assumed=scenario(basis="billed", prices="opencost", waypoint_placement=0.5),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
    share_of={"web": 0.5, "preview": 0.5, "jobs": 0.5},
)

PASSING = Case(
    # HTTP with and without known bytes, TCP into a namespace and out of it, pools and one-offs.
    proxies=(
        replace(
            sidecar("web/site", "n1", (0.9, 1.1), (2500, 3100), 0.1), http_bytes_per_second=18e6
        ),
        replace(
            sidecar("web/site", "n2", (0.8, 1.2), (2400, 3300), 0.1),
            http_bytes_per_second=math.nan,
        ),
        replace(
            sidecar("data/db", "n1", (0.6, 0.7), (40, 60), 0.2),
            http_bytes_per_second=0.3e6,
            tcp_bytes_per_second=900e6,
            inbound_tcp_bytes_per_second=750e6,
            new_connections_per_second=120.0,
            open_connections=640.0,
        ),
        replace(
            sidecar("data/queue", "n2", (0.2, 0.3), (0, 0), 0.1),
            tcp_bytes_per_second=20e6,
            inbound_tcp_bytes_per_second=4e6,
            new_connections_per_second=15.0,
        ),
    ),
    calls=(
        Call(source="edge/gate", destination="web/site", rps=(2000, 2600)),
        Call(source="web/site", destination="web/site", rps=(1400, 1800)),
        Call(source="web/site", destination="data/db", rps=(40, 60)),
    ),
    nodes=bare("n1", "n2", "n3"),
    assumed=default_scenario().changed("a test", {"memory_gib_month_usd": 2}),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
)

POOLED = Case(
    proxies=(
        replace(
            sidecar("cache/redis", "n1", (0.4, 0.6, 0.5), (0, 0.5, 0), 0.1),
            http_bytes_per_second=math.nan,
            tcp_bytes_per_second=60e6,
            inbound_tcp_bytes_per_second=60e6,
            new_connections_per_second=700.0,
            open_connections=9000.0,
        ),
        replace(
            sidecar("shop/front", "n2", (0.3, 0.2, 0.4), (700, 500, 900), 0.3),
            http_bytes_per_second=math.nan,
            tcp_bytes_per_second=60e6,
            new_connections_per_second=700.0,
            open_connections=9000.0,
            points=(0, 1),
        ),
    ),
    calls=(Call(source="shop/front", destination="cache/redis", rps=(0, 0.5, 0)),),
    nodes=(Node(name="n1"), Node(name="n2", present_share=2 / 3)),
    assumed=scenario(
        basis="usage",
        http_new_connection_share=0.8,
        http_bytes_per_request=90_000,
        open_connections_per_proxy=25,
        ztunnel_vcpu_per_1000_open_connections=0.11,
        waypoint_vcpu_per_gbit_per_second=0.5,
        traffic_growth_factor=3,
        waypoint_limit_vcpu_per_replica=0.5,
    ),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
)

SKEWED = Case(
    # One node of three has all of the traffic: its ztunnel uses three times the mean.
    proxies=(
        sidecar("pay/api", "hot", (4.0, 4.4), (9_000, 11_000), 0.5),
        sidecar("ops/agent", "cool", (0.01, 0.01), (0, 0), 0.1),
    ),
    calls=(Call(source="pay/api", destination="pay/api", rps=(4_000, 5_000)),),
    nodes=bare("hot", "cool", "cold"),
    assumed=scenario(basis="billed", memory_gib_month_usd=2, istio_cni_installed=True),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
)


ZONED = Case(
    # Three zones of unequal size, one node without a zone, ingress through the waypoint.
    proxies=(
        replace(
            sidecar("shop/front", "a1", (0.2, 0.4, 0.31), (120, 333, 250), 0.1),
            http_bytes_per_second=0.6e6,
        ),
        replace(
            sidecar("shop/front", "b1", (0.2, 0.4, 0.31), (110, 300, 260), 0.1),
            http_bytes_per_second=0.5e6,
            points=(1, 2),
        ),
        replace(
            sidecar("shop/back", "a2", (0.3, 0.5, 0.4), (700, 900, 800), 0.1),
            http_bytes_per_second=math.nan,
        ),
        sidecar("shop/back", "nowhere", (0.3, 0.5, 0.4), (700, 900, 800), 0.1),
        replace(
            sidecar("data/db", "c1", (0.1, 0.1, 0.2), (0, 0, 0), 0.1),
            tcp_bytes_per_second=9e6,
            inbound_tcp_bytes_per_second=7e6,
            new_connections_per_second=3.0,
        ),
        replace(
            sidecar("data/db", "nowhere", (0.1, 0.1, 0.2), (0, 0, 0), 0.1),
            tcp_bytes_per_second=4e6,
            inbound_tcp_bytes_per_second=4e6,
        ),
        Proxy(
            workload="edge/gate",
            node="b1",
            role=Role.GATEWAY,
            cpu_vcpu=(1, 1, 1),
            proxy_rps=(300, 500, 400),
        ),
    ),
    calls=(
        Call(source="edge/gate", destination="shop/front", rps=(200, 400, 300)),
        Call(source="unknown/unknown", destination="shop/front", rps=(9, 9, 9)),
        Call(source="shop/front", destination="shop/back", rps=(1300, 1500, 1400)),
        Call(source="jobs/elsewhere", destination="shop/back", rps=(20, 0, 0)),
    ),
    nodes=(
        Node(name="a1", zone="a", provider="aws"),
        Node(name="a2", zone="a", provider="aws", present_share=0.5),
        Node(name="b1", zone="b", provider="aws"),
        Node(name="c1", zone="c", provider="aws"),
        Node(name="nowhere", provider="aws"),
    ),
    assumed=scenario(
        basis="billed",
        waypoint_replicas=2,
        waypoint_placement=0.5,
        ingress_through_waypoint=True,
        traffic_growth_factor=2,
        memory_gib_month_usd=1,
        zone_transfer_usd_per_gb=0.02,
    ),
    fitted=calibration(),
    waypoint=(0.0115, 0.345),
    share_of={"shop": 0.5, "data": 0.0},
)

SCATTERED = replace(
    ZONED,
    assumed=scenario(
        waypoint_replicas=4,
        waypoint_placement="all",
        waypoint_traffic_distribution="random",
        zone_transfer_usd_per_gb={"low": 0.01, "mid": 0.013, "high": 0.02},
    ),
    share_of={"shop": 1.0, "data": 1.0},
)

SHARED = replace(
    CHURN,
    assumed=CHURN.assumed.changed(
        "a test",
        {"waypoint_placement": {"shared": [["preview", "web", "gone"], ["jobs"]]}},
    ),
    share_of={},
    shared=(("preview", "web"), ("jobs",)),
)

SHARED_TCP = replace(
    PASSING,
    assumed=PASSING.assumed.changed(
        "a test",
        {
            "waypoint_placement": {"shared": [["data", "web"]]},
            "waypoint_limit_vcpu_per_replica": 0.7,
        },
    ),
    shared=(("data", "web"),),
)

SCALED = replace(
    GROWN,
    assumed=GROWN.assumed.changed(
        "a test", {"waypoint_scaling": "hpa", "waypoint_limit_vcpu_per_replica": 0.4}
    ),
)

SHARED_AND_SCALED = replace(
    CHURN,
    assumed=SHARED.assumed.changed(
        "a test", {"waypoint_scaling": "hpa", "waypoint_limit_vcpu_per_replica": 0.3}
    ),
    share_of={},
    shared=SHARED.shared,
)


ZONED_SHARED = replace(
    ZONED,
    assumed=scenario(
        waypoint_placement={"shared": [["data", "shop"]]},
        waypoint_scaling="hpa",
        waypoint_limit_vcpu_per_replica=0.4,
        zone_transfer_usd_per_gb=0.02,
    ),
    share_of={},
    shared=(("data", "shop"),),
)


def saving_usd(projection: Projection) -> float:
    savings = {saving.mode: saving for saving in projection.savings}
    return savings["ambient-waypoint"].usd_per_year.mid


CASES = [
    pytest.param(SHOP, id="shop"),
    pytest.param(EDGE, id="edge, three replicas, billed"),
    pytest.param(BUSY, id="busy, measured waypoints, reserved"),
    pytest.param(GROWN, id="grown, ingress through waypoints, replicas by peak"),
    pytest.param(PRICED, id="two clusters with prices, less traffic, a share"),
    pytest.param(CHURN, id="nodes and a namespace for a part of the time"),
    pytest.param(PASSING, id="bytes and connections at the defaults"),
    pytest.param(POOLED, id="TCP through a waypoint, bytes of HTTP unknown"),
    pytest.param(ZONED, id="zones, two replicas that callers prefer in their own"),
    pytest.param(SCATTERED, id="zones, four replicas, any of them"),
    pytest.param(ZONED_SHARED, id="zones, a shared waypoint that follows the load"),
    pytest.param(SKEWED, id="one node with all of the traffic"),
    pytest.param(SHARED, id="a waypoint for two namespaces of different times, one for another"),
    pytest.param(SHARED_TCP, id="TCP and HTTP through a shared waypoint"),
    pytest.param(SCALED, id="replicas by the load of each interval"),
    pytest.param(SHARED_AND_SCALED, id="shared waypoints, replicas by the load"),
]
MODES = ["sidecar", "ambient-l4", "ambient-waypoint", "ambient-waypoint-all"]


@pytest.mark.parametrize("case", CASES)
def test_every_mode_on_every_basis_is_what_plain_loops_give(case: Case) -> None:
    projection, expected = case.projected(), case.expected()

    assert [mode.name for mode in projection.modes] == MODES
    for mode in projection.modes:
        assert set(mode.bases) == set(Basis)
        for basis, found in mode.bases.items():
            bill = expected[mode.name, basis]
            assert found.vcpu.mid == pytest.approx(bill.vcpu, rel=1e-9)
            assert found.memory_gib is not None
            assert found.memory_gib.mid == pytest.approx(bill.memory_gib, rel=1e-9)
            assert found.usd_per_year.mid == pytest.approx(bill.usd_per_year, rel=1e-9)


def test_the_busiest_node_sets_what_every_node_requests_and_is_billed() -> None:
    projection, expected = SKEWED.projected(), SKEWED.expected()
    l4 = next(mode for mode in projection.modes if mode.name == "ambient-l4")
    (part,) = l4.components

    # 10,000 requests/s at 0.3 x 0.3 vCPU for 1000, and the idle CPU on this hardware.
    idle = 0.003 * 0.3 / 0.26
    busiest = idle + 10_000 / 1000 * 0.3 * 0.3
    assert part.hottest_vcpu is not None
    assert part.hottest_vcpu.mid == pytest.approx(busiest, rel=1e-9)
    assert 2.9 < busiest / (part.vcpu.mid / 3) <= 3
    assert part.each_requested_vcpu is not None
    assert part.each_requested_vcpu.mid == pytest.approx(busiest, rel=1e-9)
    for basis in (Basis.RESERVED, Basis.BILLED):
        assert l4.bases[basis].vcpu.mid == pytest.approx(3 * busiest, rel=1e-9)
        assert expected["ambient-l4", str(basis)].vcpu == pytest.approx(3 * busiest, rel=1e-9)
    assert l4.bases[Basis.USAGE].vcpu.mid == pytest.approx(busiest + 2 * idle, rel=1e-9)
    (line,) = daemonset_line(projection)
    assert f"{busiest:.3g} vCPU" in line


@pytest.mark.parametrize("case", CASES)
def test_every_saving_is_what_plain_loops_give_on_the_headlines_basis(case: Case) -> None:
    projection, expected = case.projected(), case.expected()

    assert projection.basis is case.assumed.basis
    assert [saving.mode for saving in projection.savings] == MODES[1:]
    for saving in projection.savings:
        before = expected["sidecar", projection.basis].usd_per_year
        after = expected[saving.mode, projection.basis].usd_per_year
        assert saving.usd_per_year.mid == pytest.approx(before - after, rel=1e-9)
        assert saving.percent.mid == pytest.approx(100 * (1 - after / before), rel=1e-9)
        used = expected["sidecar", "usage"].vcpu - expected[saving.mode, "usage"].vcpu
        assert saving.vcpu.mid == pytest.approx(used, rel=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_the_namespaces_add_up_to_the_modes(case: Case) -> None:
    projection, expected = case.projected(), case.expected()
    totals = projection.namespaces[["sidecar_vcpu", "ambient_l4_vcpu", "waypoint_vcpu"]].sum()
    with_waypoints = "ambient-waypoint" if case.shared else "ambient-waypoint-all"

    ztunnels = expected["ambient-l4", "usage"].vcpu
    assert totals["sidecar_vcpu"] == pytest.approx(expected["sidecar", "usage"].vcpu)
    assert totals["ambient_l4_vcpu"] == pytest.approx(ztunnels)
    assert totals["waypoint_vcpu"] == pytest.approx(
        expected[with_waypoints, "usage"].vcpu - ztunnels
    )


@pytest.mark.parametrize("case", CASES)
def test_the_ends_of_unseen_time_are_what_plain_loops_give(case: Case) -> None:
    usage = partly_seen(
        case.usage(),
        cpu_vcpu=(0.8, 1.3),
        proxy_rps=(0.9, 1.2),
        tcp_bytes_per_second=(0.9, 1.2),
        inbound_tcp_bytes_per_second=(0.9, 1.2),
        http_bytes_per_second=(0.9, 1.2),
        new_connections_per_second=(0.9, 1.2),
    )
    projection = project_usage(usage, case.fitted, case.assumed)
    items = {item.assumption: item for item in projection.sensitivity}
    basis = str(projection.basis)
    # CPU requests do not depend on the sidecars, unless a ztunnel uses more than the chart's.
    chart = case.assumed["ztunnel_reserved_vcpu_per_node"].mid
    is_raised = projection.nodes[0].ztunnel_vcpu.mid > chart
    assert (UNSEEN_TIME in items) is (basis != Basis.RESERVED or is_raised)
    moved = items.get(UNSEEN_TIME)
    for found, cpu_times, rps_times in (
        (moved and moved.low_usd_per_year, 0.8, 0.9),
        (moved and moved.high_usd_per_year, 1.3, 1.2),
    ):
        bill = case.expected(cpu_times=cpu_times, rps_times=rps_times)
        saved = bill["sidecar", basis].usd_per_year - bill["ambient-waypoint", basis].usd_per_year
        best = saving_usd(projection) if found is None else found
        assert best == pytest.approx(saved, rel=1e-9)
