"""Published constants applied to a mesh: the post to the dollar, and Istio's own releases."""

from dataclasses import replace

import pytest

from analyzer.data import published_constants
from analyzer.errors import UsageError
from analyzer.projection.choices import Basis
from analyzer.projection.demand import StatedLoad, mesh_load, stated_load
from analyzer.projection.published import project_constants, reference
from analyzer.projection.result import NOTHING_TO_SAVE, Price, Projection
from analyzer.projection.scenario import Scenario
from analyzer.settings import Setting, settings_in
from analyzer.units import Interval, Provenance, Reason
from tests.projection.builders import Proxy, mesh, scenario, shop_mesh

OLDER_RELEASES = ["istio-1.1", "istio-1.4", "istio-1.12", "istio-1.20"]

POSTS_PRICE = {"low": 22, "mid": 26, "high": 30}
"""The post: "between $22 and $30 a month"."""


def posts_mesh(proxy_rps: float = 0) -> StatedLoad:
    """Return the mesh of the post: 3 clusters with 15,000 pods, 200 nodes, 1000 namespaces."""
    return stated_load(pod_count=15_000, node_count=200, namespace_count=1000, proxy_rps=proxy_rps)


def by_constants(name: str, *, proxy_rps: float = 0, assumed: Scenario | None = None) -> Projection:
    return project_constants(
        published_constants()[name], posts_mesh(proxy_rps), assumed or scenario()
    )


def vcpu(projection: Projection) -> dict[str, float]:
    return {mode.name: mode.bases[Basis.USAGE].vcpu.mid for mode in projection.modes}


def usd(projection: Projection) -> dict[str, float]:
    return {mode.name: mode.bases[Basis.USAGE].usd_per_year.mid for mode in projection.modes}


def test_the_post_is_reproduced_to_the_dollar() -> None:
    projection = by_constants("blog")

    # The post: "9000 vCPUs (15,000 pod proxies x 0.6 vCPU)", "60 (200 nodes x 0.3 vCPU) ... and
    # an additional 600", "$2,376,000 per year", "$174,240 per year", "$2,201,760 per year".
    assert vcpu(projection) == pytest.approx(
        {"sidecar": 9000, "ambient-l4": 60, "ambient-waypoint-all": 660}
    )
    assert {name: round(value) for name, value in usd(projection).items()} == {
        "sidecar": 2_376_000,
        "ambient-l4": 15_840,
        "ambient-waypoint-all": 174_240,
    }
    saved = {saving.mode: saving.usd_per_year.mid for saving in projection.savings}
    assert round(saved["ambient-waypoint-all"]) == 2_201_760


def test_the_post_with_three_replicas_is_reproduced_to_the_dollar() -> None:
    projection = by_constants("blog", assumed=scenario(waypoint_replicas=3))

    # The post: "our annual cost would be $491,040, for a savings of $1,884,960 per year".
    assert vcpu(projection)["ambient-waypoint-all"] == pytest.approx(1860)
    assert round(usd(projection)["ambient-waypoint-all"]) == 491_040
    assert round(projection.savings[1].usd_per_year.mid) == 1_884_960


def test_the_posts_percentage_is_its_dollars() -> None:
    saving = by_constants("blog").savings[1]

    assert saving.percent.mid == pytest.approx(100 * 2_201_760 / 2_376_000)
    assert saving.vcpu.mid == pytest.approx(9000 - 660)
    assert saving.probability_cheaper == 1


def test_traffic_does_not_enter_the_post() -> None:
    assert vcpu(by_constants("blog", proxy_rps=15e6)) == vcpu(by_constants("blog"))


def test_istios_own_figures_leave_little_of_the_saving_at_equal_traffic() -> None:
    # What the post takes for granted: 1000 proxy requests per second at each of 15,000 pods.
    projection = by_constants("istio-1.24", proxy_rps=15e6)

    # 15,000 x 0.20; 15,000 x 0.06; and 7,500 x 0.25 more.
    assert vcpu(projection) == pytest.approx(
        {"sidecar": 3000, "ambient-l4": 900, "ambient-waypoint-all": 2775}
    )
    percents = {saving.mode: saving.percent.mid for saving in projection.savings}
    assert percents == pytest.approx({"ambient-l4": 70, "ambient-waypoint-all": 7.5})


def test_replicas_do_not_multiply_requests() -> None:
    projection = by_constants("istio-1.24", proxy_rps=15e6, assumed=scenario(waypoint_replicas=3))

    assert vcpu(projection)["ambient-waypoint-all"] == pytest.approx(2775)


@pytest.mark.parametrize("name", OLDER_RELEASES)
def test_a_release_before_ambient_has_no_ambient_modes_and_refuses_them(name: str) -> None:
    projection = by_constants(name, proxy_rps=15e6)

    assert list(vcpu(projection)) == ["sidecar"]
    assert projection.savings == ()
    title = published_constants()[name].title
    refused = {refusal.subject: refusal for refusal in projection.refusals}
    for mode in ("ambient-l4", "ambient-waypoint-all"):
        assert refused[mode].reason == Reason.NO_DATA
        assert refused[mode].detail.startswith(f"{title} has no figures")
    assert NOTHING_TO_SAVE not in projection.refusals


@pytest.mark.parametrize("name", [*OLDER_RELEASES, "istio-1.24"])
def test_figures_per_request_need_a_request_rate(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        by_constants(name)

    assert settings_in(str(caught.value)) == (Setting.PROXY_RPS,)


def test_figures_that_need_a_snapshot_are_refused() -> None:
    subjects = [refusal.subject for refusal in by_constants("blog").refusals]

    assert subjects == ["ambient-waypoint", "requested and billed"]


def test_published_figures_are_exact_and_marked_as_published() -> None:
    projection = by_constants("blog")

    for mode in projection.modes:
        used = mode.bases[Basis.USAGE]
        assert used.vcpu == Interval.exactly(used.vcpu.mid)
        assert {part.provenance for part in mode.components} == {Provenance.PUBLISHED}


def test_components_are_counted_and_add_up() -> None:
    projection = by_constants("blog", assumed=scenario(waypoint_replicas=3))
    counts = {
        part.role: (part.count, round(part.vcpu.mid, 6))
        for mode in projection.modes
        for part in mode.components
    }

    assert counts == {"sidecar": (15_000, 9000), "ztunnel": (200, 60), "waypoint": (3000, 1800)}


def test_memory_is_paid_where_it_has_a_price() -> None:
    assumed = scenario(
        memory_gib_month_usd=2,
        sidecar_memory_gib_per_proxy=0.1,
        ztunnel_memory_gib_per_node=0.5,
        waypoint_memory_gib_per_replica=0.25,
    )
    projection = by_constants("blog", assumed=assumed)

    # 1500 GiB of sidecars; 100 of ztunnels and 250 of waypoints.
    assert usd(projection) == pytest.approx(
        {
            "sidecar": 2_376_000 + 1500 * 24,
            "ambient-l4": 15_840 + 100 * 24,
            "ambient-waypoint-all": 174_240 + 350 * 24,
        }
    )


def test_without_a_price_the_saving_is_refused() -> None:
    projection = by_constants("blog", assumed=scenario(vcpu_month_usd=0))

    assert projection.savings == ()
    assert NOTHING_TO_SAVE in projection.refusals


def test_a_measured_mesh_is_compared_by_its_own_counts_and_traffic() -> None:
    # Three sidecars with 270 proxy requests per second, of which 70 calls pass waypoints.
    price = Price(vcpu_month_usd=10, memory_gib_month_usd=3, source="a bill")
    constants = published_constants()["istio-1.24"]
    found = reference(constants, mesh_load(shop_mesh()), scenario(), price)

    assert found.vcpu == pytest.approx(
        {
            "sidecar": 0.27 * 0.20,
            "ambient-l4": 0.27 * 0.06,
            "ambient-waypoint-all": 0.27 * 0.06 + 0.07 * 0.25,
        }
    )
    assert found.usd_per_year == pytest.approx(
        {name: value * 120 for name, value in found.vcpu.items()}
    )


@pytest.mark.parametrize("name", ["solo-2023", "netcracker-1.30"])
def test_figures_without_sidecars_make_no_hypothetical_mesh(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        by_constants(name, proxy_rps=15e6)

    assert "buoyant-1.25" in str(caught.value)
    assert "solo-2023, " not in str(caught.value)


def test_shares_of_the_sidecars_are_of_those_of_this_mesh() -> None:
    price = Price(vcpu_month_usd=10, memory_gib_month_usd=3, source="a bill")
    load = mesh_load(shop_mesh())
    found = reference(published_constants()["solo-2023"], load, scenario(), price)

    used = load.sidecars.vcpu
    assert found.is_share
    assert found.vcpu == pytest.approx(
        {"sidecar": used, "ambient-l4": 0.18 * used, "ambient-waypoint-all": 0.60 * used}
    )


def test_figures_of_ambient_alone_are_applied_without_sidecars() -> None:
    price = Price(vcpu_month_usd=10, memory_gib_month_usd=3, source="a bill")
    found = reference(
        published_constants()["netcracker-1.30"], mesh_load(shop_mesh()), scenario(), price
    )

    assert found.vcpu == pytest.approx(
        {"ambient-l4": 0.27 * 0.05, "ambient-waypoint-all": 0.27 * 0.05 + 0.07 * 0.18}
    )


def test_a_mesh_of_unknown_nodes_has_no_published_ambient() -> None:
    price = Price(vcpu_month_usd=22, memory_gib_month_usd=0, source="the post")
    nowhere = mesh_load(mesh(Proxy(node=""), nodes=()))
    found = reference(published_constants()["blog"], nowhere, scenario(), price)

    assert list(found.vcpu) == ["sidecar"]


def test_a_document_of_ztunnels_alone_has_no_waypoints() -> None:
    partly = replace(published_constants()["blog"], waypoint_vcpu_per_replica=None)
    projection = project_constants(partly, posts_mesh(), scenario())

    assert list(vcpu(projection)) == ["sidecar", "ambient-l4"]
    assert "ambient-waypoint-all" in [refusal.subject for refusal in projection.refusals]


def ends(value: Interval) -> tuple[int, int]:
    return round(value.low), round(value.high)


def test_the_posts_price_range_gives_its_ranges_to_the_dollar() -> None:
    projection = by_constants("blog", assumed=scenario(vcpu_month_usd=POSTS_PRICE))
    modes = {mode.name: mode.bases[Basis.USAGE].usd_per_year for mode in projection.modes}
    saved = {item.mode: item.usd_per_year for item in projection.savings}

    # The post: "between $22 and $30 a month"; 9000 and 660 vCPU for 12 months at either end.
    assert ends(modes["sidecar"]) == (2_376_000, 3_240_000)
    assert ends(modes["ambient-waypoint-all"]) == (174_240, 237_600)
    assert ends(saved["ambient-waypoint-all"]) == (2_201_760, 3_002_400)
    for vcpu_count, mode in ((9000, "sidecar"), (60, "ambient-l4"), (660, "ambient-waypoint-all")):
        assert modes[mode].low == pytest.approx(vcpu_count * 22 * 12, rel=1e-9)
        assert modes[mode].mid == pytest.approx(vcpu_count * 26 * 12, rel=1e-9)
        assert modes[mode].high == pytest.approx(vcpu_count * 30 * 12, rel=1e-9)


def test_a_price_range_moves_no_percentage() -> None:
    ranged = by_constants("blog", assumed=scenario(vcpu_month_usd=POSTS_PRICE))
    exact = by_constants("blog")

    for one, other in zip(ranged.savings, exact.savings, strict=True):
        for end in ("low", "mid", "high"):
            assert getattr(one.percent, end) == pytest.approx(other.percent.mid, rel=1e-9)
        assert one.vcpu == other.vcpu
        assert one.probability_cheaper == 1


def test_a_loss_has_the_ends_of_the_price_range_too() -> None:
    # 1000 namespaces with 60 replicas each use 36,060 vCPU, 27,060 more than the sidecars.
    assumed = scenario(vcpu_month_usd=POSTS_PRICE, waypoint_replicas=60)
    saved = by_constants("blog", assumed=assumed).savings[1].usd_per_year

    assert ends(saved) == (-27_060 * 30 * 12, -27_060 * 22 * 12)


def test_the_price_of_a_projection_has_its_range_only_where_one_is_stated() -> None:
    ranged = by_constants("blog", assumed=scenario(vcpu_month_usd=POSTS_PRICE)).price
    exact = by_constants("blog").price

    assert ranged.vcpu_month_usd_range == Interval(low=22, mid=26, high=30)
    assert ranged.memory_gib_month_usd_range is None
    assert exact.vcpu_month_usd_range is None


def test_both_prices_may_have_a_range() -> None:
    assumed = scenario(
        vcpu_month_usd=POSTS_PRICE,
        memory_gib_month_usd={"low": 1, "mid": 2, "high": 3},
        sidecar_memory_gib_per_proxy=0.1,
    )
    found = by_constants("blog", assumed=assumed).modes[0].usd_per_year

    # 9000 vCPU and 1500 GiB: not both prices are at the same end in most draws.
    assert found.mid == pytest.approx((9000 * 26 + 1500 * 2) * 12)
    assert (9000 * 22 + 1500 * 1) * 12 + 1000 < found.low < (9000 * 23 + 1500 * 2) * 12
    assert (9000 * 29 + 1500 * 2) * 12 < found.high < (9000 * 30 + 1500 * 3) * 12 - 1000


def test_published_figures_for_a_measured_mesh_have_the_range_of_its_price() -> None:
    load, price = mesh_load(shop_mesh()), {"low": 22.0, "mid": 26.0, "high": 30.0}
    exact = Price(vcpu_month_usd=26.0, memory_gib_month_usd=0.0, source="")
    ranged = replace(exact, vcpu_month_usd_range=Interval(**price))

    for constants in published_constants().values():
        found = reference(constants, load, scenario(), ranged)
        assert found.usd_per_year_range.keys() == found.vcpu.keys()
        for mode, used_vcpu in found.vcpu.items():
            usd = found.usd_interval(mode)
            assert usd.mid == pytest.approx(found.usd_per_year[mode], rel=1e-9)
            for end, month_usd in price.items():
                assert getattr(usd, end) == pytest.approx(used_vcpu * month_usd * 12, rel=1e-9)
        alone = reference(constants, load, scenario(), exact)
        assert alone.usd_per_year_range == {}
        for mode, cost in alone.usd_per_year.items():
            assert alone.usd_interval(mode) == Interval.exactly(cost)
