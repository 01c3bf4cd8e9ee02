"""The third road in the decision: sidecars with requests that fit, by hand and by properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.decision import (
    Action,
    Decision,
    Outcome,
    Verdict,
    Why,
    decide,
    without_ambient,
)
from analyzer.projection.modes import RIGHTSIZED
from analyzer.projection.namespaces import Stakes
from analyzer.units import Interval
from tests.projection.builders import Call, Proxy, as_published, mesh, partly_seen
from tests.projection.fits import calibration

MEBIBYTE = 1024.0**2
STEPS = 24


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Dollars a year of a namespace, with the ends of two of them as shares of their mids."""

    today: float
    rightsized: float
    passed: float = 0.0
    waypoint: float = 0.0
    rightsized_spread: float = 0.0
    passed_spread: float = 0.0
    is_known: bool = True


def weighed(shared: float = 0.0, **names: Costs) -> Decision:
    """Return the decision on namespaces with these costs."""
    return decided(names, shared)


def before_weighing(shared: float = 0.0, **names: Costs) -> Decision:
    """Return the same without right-sized sidecars."""
    return decided(names, shared, is_weighed=False)


def decided(names: Mapping[str, Costs], shared: float, *, is_weighed: bool = True) -> Decision:
    """Return the decision on three draws: mid, low and high."""
    costs = list(names.values())

    def on_draws(amounts: list[float], spreads: list[float]) -> np.ndarray:
        return np.array(
            [
                [amount, amount * (1 - spread), amount * (1 + spread)]
                for amount, spread in zip(amounts, spreads, strict=True)
            ]
        )

    exact = [0.0] * len(costs)
    resized = [one.rightsized_spread for one in costs]
    passed = [one.passed_spread for one in costs]
    found = Stakes(
        names=tuple(names),
        is_known=np.array([one.is_known for one in costs]),
        needs_waypoint=np.array([one.waypoint > 0 for one in costs]),
        sidecar_usd=on_draws([one.today for one in costs], exact),
        passed_usd=on_draws([one.passed for one in costs], passed),
        waypoint_usd=on_draws([one.waypoint for one in costs], exact),
        shared_usd=np.full(3, shared),
        rightsized_usd=on_draws([one.rightsized for one in costs], resized) if is_weighed else None,
    )
    return decide(found, Basis.BILLED, "an assumption")


def verdicts(found: Decision) -> dict[str, Verdict]:
    return {item.namespace: item.verdict for item in found.by_namespace}


WASTEFUL = Costs(today=100, rightsized=40, passed=30, waypoint=20)
"""Moving saves 50 against today, and loses 10 against right-sized sidecars."""
BUSY = Costs(today=100, rightsized=70, passed=5, waypoint=5)
"""Moving saves 90 against today, and 60 against right-sized sidecars."""


def test_what_saves_against_today_only_is_right_sized() -> None:
    found = weighed(5, shop=WASTEFUL)

    assert before_weighing(5, shop=WASTEFUL).action == Action.MOVE
    assert (found.action, found.why) == (Action.RIGHTSIZE, Why.RIGHTSIZED_SAVES_AS_MUCH)
    assert verdicts(found) == {"shop": Verdict.RIGHTSIZE}
    assert (found.namespaces, found.outcome, found.pays_from) == ((), None, None)
    assert found.rightsizing is not None
    assert found.rightsizing.usd_per_year.mid == 60
    assert found.rightsizing.percent.mid == 60
    assert found.against_rightsized is None


def test_what_saves_against_both_moves_and_the_others_are_right_sized() -> None:
    found = weighed(5, shop=WASTEFUL, web=BUSY)

    assert (found.action, found.why) == (Action.MOVE, Why.SAVES)
    assert verdicts(found) == {"web": Verdict.MOVE, "shop": Verdict.RIGHTSIZE}
    assert found.namespaces == ("web",)
    assert found.outcome is not None
    # Right-sizing both saves 90, and moving web 60 more, less 5 for the ztunnels.
    assert found.outcome.usd_per_year.mid == 145
    assert found.outcome.percent.mid == 72.5
    assert found.outcome.namespace_count == 1
    assert found.against_rightsized is not None
    assert found.against_rightsized.usd_per_year.mid == 55
    assert found.against_rightsized.percent.mid == pytest.approx(100 * 55 / 110)


def test_ztunnels_that_cost_more_than_all_saves_beyond_leave_right_sizing() -> None:
    found = weighed(70, web=BUSY)

    assert before_weighing(70, web=BUSY).action == Action.MOVE
    assert (found.action, found.why) == (Action.RIGHTSIZE, Why.RIGHTSIZED_SAVES_AS_MUCH)
    assert found.against_rightsized is not None
    assert found.against_rightsized.usd_per_year.mid == -10


@pytest.mark.parametrize("rightsized", [100.0, 130.0], ids=["saves nothing", "costs more"])
def test_where_right_sizing_does_not_save_today_is_what_moving_has_to_beat(
    rightsized: float,
) -> None:
    costs = replace(BUSY, rightsized=rightsized)
    found, before = weighed(5, web=costs), before_weighing(5, web=costs)

    assert found.rightsizing is not None
    assert found.rightsizing.usd_per_year.mid == 100 - rightsized
    assert replace(found, rightsizing=None, against_rightsized=None) == before


def test_where_right_sizing_may_save_or_not_nothing_changes() -> None:
    costs = replace(WASTEFUL, rightsized=95, rightsized_spread=0.2)
    found, before = weighed(5, shop=costs), before_weighing(5, shop=costs)

    assert found.rightsizing is not None
    assert found.rightsizing.usd_per_year.low < 0 < found.rightsizing.usd_per_year.high
    assert replace(found, rightsizing=None, against_rightsized=None) == before


@pytest.mark.parametrize(
    ("passed", "shared", "why"),
    [(150.0, 5.0, Why.ZTUNNEL_COSTS_MORE), (90.0, 500.0, Why.TOO_LITTLE)],
)
def test_a_mesh_that_stays_is_right_sized_for_the_same_reason(
    passed: float, shared: float, why: Why
) -> None:
    costs = Costs(today=100, rightsized=40, passed=passed)
    found = weighed(shared, shop=costs)

    before = before_weighing(shared, shop=costs)
    assert (before.action, before.why) == (Action.STAY, why)
    assert (found.action, found.why) == (Action.RIGHTSIZE, why)
    assert verdicts(found) == {"shop": Verdict.RIGHTSIZE}
    assert found.by_namespace[0].why == before.by_namespace[0].why


def test_the_others_of_a_mesh_that_moves_are_right_sized_whatever_they_would_do_today() -> None:
    stays = Costs(today=100, rightsized=50, passed=150)
    unsure = Costs(today=100, rightsized=60, passed=95, passed_spread=0.3)
    l4 = Costs(today=100, rightsized=30, passed=60, waypoint=60)
    found = weighed(5, web=BUSY, stays=stays, unsure=unsure, l4=l4)

    # Without a waypoint l4 saves 40 against today, and loses 30 against right-sized sidecars.
    assert verdicts(before_weighing(5, web=BUSY, l4=l4))["l4"] == Verdict.MOVE_WITHOUT_WAYPOINT
    assert verdicts(found) == {
        "web": Verdict.MOVE,
        "stays": Verdict.RIGHTSIZE,
        "unsure": Verdict.RIGHTSIZE,
        "l4": Verdict.RIGHTSIZE,
    }
    # So the dollars are those of what is advised: all right-sized, and web moved.
    assert found.outcome is not None
    assert found.outcome.usd_per_year.mid == (30 + 50 + 40 + 70) + (60 - 5)


def test_a_namespace_moves_with_l4_alone_where_that_beats_right_sizing_too() -> None:
    l4 = Costs(today=100, rightsized=80, passed=20, waypoint=85)
    found = weighed(5, web=BUSY, l4=l4)

    assert verdicts(found) == {"web": Verdict.MOVE, "l4": Verdict.MOVE_WITHOUT_WAYPOINT}


def test_what_would_move_alone_stays_for_the_ztunnels_where_the_plan_does_not_save() -> None:
    found = weighed(70, web=BUSY, shop=WASTEFUL)

    reasons = {item.namespace: item.why for item in found.by_namespace}
    assert reasons == {"web": Why.ZTUNNELS_DECIDE, "shop": Why.RIGHTSIZED_SAVES_AS_MUCH}


def test_without_a_cost_of_ambient_right_sizing_is_decided_where_it_surely_saves() -> None:
    sure, unsure = (
        Outcome(
            namespace_count=1,
            usd_per_year=Interval(low=low, mid=5, high=9),
            percent=Interval(low=low, mid=5, high=9),
        )
        for low in (1, -1)
    )

    found = without_ambient(Basis.BILLED, sure)
    assert (found.action, found.why) == (Action.RIGHTSIZE, Why.AMBIENT_UNKNOWN)
    assert found.rightsizing == sure
    assert without_ambient(Basis.BILLED, unsure).action == Action.CANNOT_TELL
    assert without_ambient(Basis.BILLED, None).action == Action.CANNOT_TELL


def test_a_mesh_that_nothing_can_be_told_of_is_right_sized_all_the_same() -> None:
    costs = Costs(today=100, rightsized=40, passed=95, passed_spread=0.1)
    found = weighed(5, shop=costs)

    assert before_weighing(5, shop=costs).action == Action.CANNOT_TELL
    assert (found.action, found.why) == (Action.RIGHTSIZE, Why.RANGE_HAS_BOTH_SIGNS)
    assert found.decisive == "an assumption"
    assert found.at_best is not None


def test_a_range_with_both_signs_against_right_sized_sidecars_does_not_move() -> None:
    found = weighed(0, web=Costs(today=100, rightsized=40, passed=39, passed_spread=0.1))

    assert found.action == Action.RIGHTSIZE
    assert verdicts(found) == {"web": Verdict.RIGHTSIZE}


def test_a_namespace_that_requests_too_little_today_does_not_move() -> None:
    # Right-sized it costs 50, moved 25, and today 10.
    short = Costs(today=10, rightsized=50, passed=25)
    found = weighed(5, web=replace(BUSY, today=300), short=short)

    assert found.action == Action.MOVE
    assert found.namespaces == ("web",)
    assert verdicts(found)["short"] != Verdict.MOVE


def test_a_namespace_that_may_save_against_today_moves_where_it_saves_against_right_sized() -> None:
    # Right-sized it costs 60, moved 28 to 52, and today 50.
    unsure = Costs(today=50, rightsized=60, passed=40, passed_spread=0.3)
    found = weighed(5, web=replace(BUSY, today=300), unsure=unsure)

    assert verdicts(found) == {"web": Verdict.MOVE, "unsure": Verdict.MOVE}
    because = {item.namespace: item.why for item in found.by_namespace}
    assert because == {"web": Why.SAVES, "unsure": Why.SAVES_AGAINST_RIGHTSIZED}
    assert found.outcome is not None
    assert found.outcome.usd_per_year.low > 0


def test_a_namespace_of_unknown_cpu_does_not_move() -> None:
    found = weighed(5, web=BUSY, dark=replace(BUSY, is_known=False))

    assert found.namespaces == ("web",)
    assert verdicts(found)["dark"] == Verdict.CANNOT_TELL


DOLLARS = st.floats(1, 1000)
COSTS = st.builds(
    Costs,
    today=DOLLARS,
    rightsized=DOLLARS,
    passed=DOLLARS,
    waypoint=st.one_of(st.just(0.0), DOLLARS),
    rightsized_spread=st.sampled_from((0.0, 0.1, 0.5)),
    passed_spread=st.sampled_from((0.0, 0.1, 0.5)),
    is_known=st.sampled_from((True, True, True, False)),
)


@given(st.lists(COSTS, min_size=1, max_size=5), st.floats(0, 500))
def test_no_decision_contradicts_its_ranges(costs: list[Costs], shared: float) -> None:
    names = {f"n{number}": one for number, one in enumerate(costs)}
    found, before = decided(names, shared), decided(names, shared, is_weighed=False)
    moving = {item.namespace for item in found.with_verdict(Verdict.MOVE)}

    assert found.rightsizing is not None
    saves = found.rightsizing.usd_per_year.low > 0
    assert (found.action == Action.MOVE) == bool(moving)
    assert set(found.namespaces) == moving
    for item in found.with_verdict(Verdict.MOVE):
        saving = item.saving_usd_per_year
        assert saving.high > 0
        assert (item.why == Why.SAVES) == (saving.low > 0)
        assert item.why in (Why.SAVES, Why.SAVES_AGAINST_RIGHTSIZED)
    assert (found.action == Action.RIGHTSIZE) <= saves
    assert bool(found.with_verdict(Verdict.RIGHTSIZE)) <= saves
    # Where right-sizing saves, there is always something to do.
    assert (found.action in (Action.MOVE, Action.RIGHTSIZE)) or not saves
    assert saves or replace(found, rightsizing=None, against_rightsized=None) == before
    if found.action == Action.MOVE:
        assert found.outcome is not None
        assert found.outcome.usd_per_year.low > 0
    if found.action == Action.MOVE and saves:
        assert found.against_rightsized is not None
        assert found.against_rightsized.usd_per_year.low > 0


# The same from meshes.


def proxy(namespace: str, vcpu: float, rps: float, reserved_vcpu: float) -> Proxy:
    return Proxy(
        workload=f"{namespace}/w",
        cpu_vcpu=(vcpu,) * STEPS,
        proxy_rps=(rps,) * STEPS,
        memory_bytes=50 * MEBIBYTE,
        reserved_vcpu=reserved_vcpu,
        reserved_memory_bytes=128 * MEBIBYTE,
    )


def projected(
    *proxies: Proxy, basis: str = "billed", node_count: int = 3, unseen: bool = False
) -> Projection:
    names = [one.workload for one in proxies if one.proxy_rps[0] > 0]
    usage = mesh(
        *proxies,
        calls=[Call(source=name, destination=name, rps=(300.0,) * STEPS) for name in names],
        nodes=[f"node-{number}" for number in range(node_count)],
        steps=STEPS,
    )
    if unseen:
        usage = partly_seen(usage, memory_bytes=(0.8, 1.3))
    assumed = as_published(basis=basis, memory_gib_month_usd=1 if unseen else 0)
    return project_usage(usage, calibration(), assumed, force_short=True)


IDLE = [proxy(f"idle-{number:02}", 0.005, 0.0, 0.1) for number in range(12)]
SMALL = IDLE[:4]
"""Their requests are twenty times their use: right-sized they cost less than three ztunnels."""
MANY = [*IDLE, proxy("busy", 0.8, 1000.0, 2.0)]


def test_idle_sidecars_are_right_sized() -> None:
    found = projected(*SMALL).decision

    assert found.action == Action.RIGHTSIZE
    assert found.rightsizing is not None
    # From a request of 0.1 to one of 0.01, the floor.
    assert found.rightsizing.percent.mid == pytest.approx(90)


def test_busy_sidecars_move_where_that_saves_beyond_right_sizing() -> None:
    projection = projected(*MANY, node_count=1)
    found = projection.decision

    assert found.action == Action.MOVE
    assert "busy" in found.namespaces
    saving = projection.saving_of("ambient-waypoint")
    assert saving is not None
    assert saving.against_rightsized is not None
    assert saving.against_rightsized.usd_per_year.mid < saving.usd_per_year.mid
    assert found.against_rightsized is not None
    assert found.outcome is not None
    assert found.rightsizing is not None
    both = found.rightsizing.usd_per_year.mid + found.against_rightsized.usd_per_year.mid
    assert found.outcome.usd_per_year.mid == pytest.approx(both, rel=1e-9)


@pytest.mark.parametrize("unseen", [False, True])
def test_of_what_is_used_right_sizing_changes_nothing(*, unseen: bool) -> None:
    projection = projected(*MANY, basis="usage", unseen=unseen)
    found, resized = projection.decision, projection.saving_of(RIGHTSIZED)

    assert found.action == Action.MOVE
    assert found.rightsizing is not None
    assert found.rightsizing.usd_per_year.low == found.rightsizing.usd_per_year.high == 0
    assert resized is not None
    assert resized.usd_per_year.low == resized.usd_per_year.high == 0
    assert resized.probability_cheaper == 0
    assert Verdict.RIGHTSIZE not in verdicts(found).values()


def test_without_todays_requests_there_is_no_third_road() -> None:
    projection = projected(*(replace(one, reserved_vcpu=float("nan")) for one in MANY))

    assert projection.saving_of(RIGHTSIZED) is None
    assert projection.decision.rightsizing is None
    assert any(item.subject == RIGHTSIZED for item in projection.refusals)
