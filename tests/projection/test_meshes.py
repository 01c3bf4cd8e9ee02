"""Several meshes side by side: each as in its own answer, the sum by hand, draw by draw."""

import pytest

from analyzer.data import published_constants
from analyzer.errors import InsufficientData, UsageError
from analyzer.projection.choices import Basis
from analyzer.projection.demand import stated_load
from analyzer.projection.meshes import TOTAL, Meshes, together
from analyzer.projection.project import project_usage
from analyzer.projection.published import project_constants
from analyzer.projection.result import Projection
from analyzer.units import CONFIDENCE, Interval, Reason, Refusal
from tests.projection.builders import Proxy, mesh, scenario, shop_mesh
from tests.projection.fits import calibration

POSTS_PRICE = {"low": 22, "mid": 26, "high": 30}


def stated(constants: str, pods: int, nodes: int, *, rps: float = 0.0) -> Projection:
    load = stated_load(pod_count=pods, node_count=nodes, namespace_count=pods // 15, proxy_rps=rps)
    assumed = scenario(vcpu_month_usd=POSTS_PRICE)
    return project_constants(published_constants()[constants], load, assumed)


def measured(scale: float, **changes: object) -> Projection:
    """Return the projection of a mesh with two workloads; `scale` is that of its CPU."""
    usage = mesh(
        Proxy(
            workload="shop/front",
            cpu_vcpu=(0.1 * scale, 0.2 * scale),
            proxy_rps=(100.0, 300.0),
            reserved_vcpu=0.1,
        ),
        Proxy(
            workload="pay/back",
            node="b",
            cpu_vcpu=(0.3 * scale, 0.1 * scale),
            proxy_rps=(500.0, 100.0),
            reserved_vcpu=0.1,
        ),
        nodes=("a", "b"),
    )
    return project_usage(usage, calibration(), scenario(**changes))


def by_loops(values: list[list[float]]) -> Interval:
    """Return the range of the sum of quantities on draws, the first being the best estimate."""
    sums = []
    for number in range(len(values[0])):
        total = 0.0
        for quantity in values:
            total += quantity[number] if len(quantity) > 1 else quantity[0]
        sums.append(total)
    draws = sorted(sums[1:])

    def at(share: float) -> float:
        place = share * (len(draws) - 1)
        below = int(place)
        after = draws[min(below + 1, len(draws) - 1)]
        return draws[below] + (place - below) * (after - draws[below])

    tail = (1 - CONFIDENCE) / 2
    return Interval(low=min(at(tail), sums[0]), mid=sums[0], high=max(at(1 - tail), sums[0]))


def close(one: Interval, other: Interval) -> bool:
    return all(
        getattr(one, end) == pytest.approx(getattr(other, end), rel=1e-9)
        for end in ("low", "mid", "high")
    )


def sizes(found: Meshes) -> list[str]:
    return [one.name for one in found.meshes]


def test_five_stated_meshes_are_what_each_is_alone_and_add_up() -> None:
    alone = {
        "a": stated("blog", 15_000, 200),
        "b": stated("blog", 800, 20),
        "c": stated("istio-1.24", 15_000, 200, rps=15e6),
        "d": stated("blog", 5000, 67),
        "e": stated("istio-1.24", 600, 9, rps=2e5),
    }
    found = together(alone)

    assert sizes(found) == list(alone)
    for one in found.meshes:
        own = alone[one.name]
        assert [(mode.name, mode.vcpu, mode.usd_per_year) for mode in one.modes] == [
            (mode.name, mode.vcpu, mode.usd_per_year) for mode in own.modes
        ]
        assert [(item.mode, item.usd_per_year, item.percent) for item in one.savings] == [
            (item.mode, item.usd_per_year, item.percent) for item in own.savings
        ]
        assert one.price == own.price
    # With one uncertain price, the ends of the sum are the sums of the ends.
    for place, mode in enumerate(found.total.modes):
        for end, price in POSTS_PRICE.items():
            total = 0.0
            for own in alone.values():
                total += own.modes[place].vcpu.mid * price * 12
            assert getattr(mode.usd_per_year, end) == pytest.approx(total, rel=1e-9)
    assert found.total.sidecar_count == 15_000 + 800 + 15_000 + 5000 + 600
    assert found.total.node_count == 200 + 20 + 200 + 67 + 9


def test_the_sum_of_measured_meshes_is_by_shared_draws() -> None:
    alone = {"a": measured(1.0), "b": measured(3.0), "c": measured(0.5)}
    found = together(alone)

    basis = found.basis
    for place, mode in enumerate(found.total.modes):
        usd = [own.modes[place].bases[basis].usd_draws.tolist() for own in alone.values()]
        vcpu = [own.modes[place].bases[basis].vcpu_draws.tolist() for own in alone.values()]
        if max(map(len, usd)) > 1:
            longest = max(map(len, usd))
            assert close(
                mode.usd_per_year, by_loops([[*one] * (longest // len(one)) for one in usd])
            )
            assert close(mode.vcpu, by_loops([[*one] * (longest // len(one)) for one in vcpu]))
        else:
            total = 0.0
            for one in usd:
                total += one[0]
            assert mode.usd_per_year.mid == pytest.approx(total, rel=1e-9)


def test_the_saving_of_the_sum_is_a_part_of_its_sidecars() -> None:
    alone = {"a": measured(1.0), "b": measured(3.0)}
    total = together(alone).total
    sidecar, l4 = total.modes[0], total.modes[1]
    saving = total.savings[0]

    before, after = sidecar.usd_draws.tolist(), l4.usd_draws.tolist()
    cheaper = percent = 0.0
    shares = []
    for number, paid in enumerate(after):
        was = before[number] if len(before) > 1 else before[0]
        shares.append([100 * (was - paid) / was])
        cheaper += 1 if number and paid < was else 0
        percent = shares[0][0]
    assert saving.percent.mid == pytest.approx(percent, rel=1e-9)
    assert close(saving.percent, by_loops([[share[0] for share in shares]]))
    assert saving.probability_cheaper == pytest.approx(cheaper / (len(after) - 1), rel=1e-9)


def test_the_same_mesh_twice_has_twice_the_range() -> None:
    one = measured(1.0).modes[1].usd_per_year
    total = together({"a": measured(1.0), "b": measured(1.0)}).total.modes[1].usd_per_year

    # Independent draws would give 1.4 times the range.
    assert total.high - total.low == pytest.approx(2 * (one.high - one.low), rel=1e-9)
    assert total.high > total.low


def test_the_range_of_the_sum_is_between_that_of_independent_and_of_added_ranges() -> None:
    alone = {"a": measured(1.0), "b": measured(3.0), "c": measured(0.5)}
    found = together(alone)

    for place, saving in enumerate(found.total.savings):
        each = [mesh.savings[place].usd_per_year for mesh in found.meshes]
        widths = [usd.high - usd.low for usd in each]
        width = saving.usd_per_year.high - saving.usd_per_year.low
        # No mesh makes up for what is wrong in another; independent errors would in part.
        assert width > 1.1 * sum(one**2 for one in widths) ** 0.5
        assert width <= sum(widths) * (1 + 1e-9)


def test_a_stated_and_a_measured_mesh_have_the_same_prices() -> None:
    assumed = {"vcpu_month_usd": POSTS_PRICE}
    other = stated("blog", 15, 1).modes[0].bases[Basis.USAGE]
    own = measured(1.0, **assumed).modes[0].bases[Basis.USAGE]

    prices = (other.usd_draws / other.vcpu_draws, own.usd_draws / own.vcpu_draws)
    for one, another in zip(*(price.tolist() for price in prices), strict=True):
        assert one == pytest.approx(another, rel=1e-9)


def test_a_mesh_that_cannot_be_priced_is_listed_and_not_in_the_sum() -> None:
    unseen = Refusal(subject="cost", reason=Reason.TOO_FEW_SAMPLES, detail="nothing")
    found = together(
        {
            "old": stated("istio-1.1", 900, 9, rps=10.0),
            "post": stated("blog", 15_000, 200),
            "empty": unseen,
        }
    )

    assert sizes(found) == ["post"]
    assert [item.subject for item in found.refusals] == ["mesh old", "mesh empty"]
    assert [item.reason for item in found.refusals] == [Reason.NO_DATA, Reason.TOO_FEW_SAMPLES]
    assert found.total.modes[0].usd_per_year == found.meshes[0].modes[0].usd_per_year
    assert found.total.sidecar_count == 15_000


def test_a_mode_that_one_mesh_lacks_is_not_in_the_sum() -> None:
    usage = project_usage(shop_mesh(), calibration(), scenario())
    found = together({"measured": usage, "post": stated("blog", 15_000, 200)})

    assert [mode.name for mode in found.total.modes] == [
        "sidecar",
        "ambient-l4",
        "ambient-waypoint-all",
    ]
    assert [item.subject for item in found.refusals] == ["sum of ambient-waypoint"]


def test_meshes_of_different_bases_are_compared_by_what_is_used() -> None:
    billed = measured(1.0, basis="billed")
    found = together({"billed": billed, "post": stated("blog", 15_000, 200)})

    assert billed.basis == Basis.BILLED
    assert found.basis == Basis.USAGE
    used = billed.modes[0].bases[Basis.USAGE]
    assert found.meshes[0].modes[0].usd_per_year == used.usd_per_year
    assert together({"billed": billed}).basis == Basis.BILLED


def test_no_mesh_that_can_be_priced_is_no_answer() -> None:
    with pytest.raises(InsufficientData) as caught:
        together({"old": stated("istio-1.1", 900, 9, rps=10.0)})

    assert "mesh old" in str(caught.value)
    many = {f"old-{number}": stated("istio-1.1", 900, 9, rps=10.0) for number in range(40)}
    with pytest.raises(InsufficientData, match="And 37 more") as caught:
        together(many)
    assert "old-2" in str(caught.value)
    assert "old-3" not in str(caught.value)


def test_no_mesh_may_be_called_as_the_sum() -> None:
    with pytest.raises(UsageError, match=TOTAL):
        together({TOTAL: stated("blog", 900, 9)})
