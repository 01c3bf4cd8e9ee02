"""What to do: which namespaces to move, which to leave, and what would decide where ranges cannot.

Everything here compares whole ranges; a midpoint alone decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.projection.choices import Basis
from analyzer.projection.namespaces import Stakes
from analyzer.projection.uncertainty import saved_between, to_interval
from analyzer.units import Interval


class Action(StrEnum):
    """What to do with the mesh."""

    MOVE = "move"
    """Some or all namespaces: they surely cost less in ambient, waypoints included."""
    RIGHTSIZE = "rightsize"
    """Right-sizing the sidecars surely saves, and moving does not surely save more."""
    STAY = "stay"
    """Ambient surely costs more, even without waypoints."""
    CANNOT_TELL = "cannot_tell"


class Verdict(StrEnum):
    """What to do with one namespace."""

    MOVE = "move"
    MOVE_WITHOUT_WAYPOINT = "move_without_waypoint"
    """Move it if it needs no waypoint."""
    RIGHTSIZE = "rightsize"
    """Right-size its sidecars: it surely saves more by no move."""
    STAY = "stay"
    CANNOT_TELL = "cannot_tell"


class Why(StrEnum):
    """What an action or a verdict rests on."""

    SAVES = "saves"
    """The whole range is a saving, with the waypoints that the scenario places."""
    SAVES_AGAINST_RIGHTSIZED = "saves_against_rightsized"
    """The whole range is a saving against right-sized sidecars, and may be one against today."""
    WAYPOINT_DECIDES = "waypoint_decides"
    """It saves without a waypoint; with one the range has both signs."""
    WAYPOINT_COSTS_MORE = "waypoint_costs_more"
    """It saves without a waypoint, and costs more with one."""
    ZTUNNEL_COSTS_MORE = "ztunnel_costs_more"
    """Its traffic costs more in ztunnels than its sidecars do."""
    TOO_LITTLE = "too_little"
    """It saves less than the ztunnels cost that have to be there first."""
    RIGHTSIZED_SAVES_AS_MUCH = "rightsized_saves_as_much"
    """Against right-sized sidecars, moving does not surely save."""
    ZTUNNELS_DECIDE = "ztunnels_decide"
    """It saves, but not surely more than the ztunnels cost that have to be there first."""
    RANGE_HAS_BOTH_SIGNS = "range_has_both_signs"
    CPU_UNKNOWN = "cpu_unknown"
    """The CPU of its sidecars was not measured."""
    AMBIENT_UNKNOWN = "ambient_unknown"
    """What ambient would cost is not known: the refusals have the cause."""
    NOTHING_MEASURED = "nothing_measured"
    """The sidecars are published constants: they are those of another mesh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceDecision:
    """What to do with one namespace, and what moving it saves in a year.

    Both savings are before the ztunnels that have to be there first, which all share.

    Attributes:
        needs_waypoint: whether the scenario gives it one.
        saving_l4_usd_per_year: without a waypoint.
        saving_usd_per_year: with its waypoint, if the scenario gives it one.
        waypoint_usd_per_year: what that waypoint costs.
    """

    namespace: str
    verdict: Verdict
    why: Why
    needs_waypoint: bool
    saving_l4_usd_per_year: Interval
    saving_usd_per_year: Interval
    waypoint_usd_per_year: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a year costs less if these namespaces move, the shared ztunnels paid."""

    namespace_count: int
    usd_per_year: Interval
    percent: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with the mesh.

    Attributes:
        basis: of all dollars here, as of the projection's headline.
        namespaces: those to move, those that save most first.
        check_first: those to check for L7 needs first: their waypoints are worth most money.
        outcome: of moving `namespaces`, with their waypoints; None where none is to move.
        without_waypoints: of moving all that save without a waypoint; None where none does.
        at_best: of moving all that may save, without waypoints unless the scenario states who needs
            one; None where the ranges decide.
        sidecar_usd_per_year: what all sidecars cost.
        shared_ztunnel_usd_per_year: what the ztunnels cost before any namespace has moved.
        pays_from: how many namespaces of `namespaces`, in their order, have to move before the
            saving is sure; None where none is to move.
        decisive: the assumption that would decide, where ranges cannot; "" otherwise.
        by_namespace: every namespace, those that save most first.
        rightsizing: what right-sizing all sidecars saves, without moving any; None where that is
            not known.
        against_rightsized: what moving the namespaces that save, the others right-sized, saves
            against right-sizing all; None where that is not known, or none saves.
    """

    action: Action
    why: Why
    basis: Basis
    namespaces: tuple[str, ...] = ()
    check_first: tuple[str, ...] = ()
    outcome: Outcome | None = None
    without_waypoints: Outcome | None = None
    at_best: Outcome | None = None
    sidecar_usd_per_year: Interval | None = None
    shared_ztunnel_usd_per_year: Interval | None = None
    pays_from: int | None = None
    decisive: str = ""
    rightsizing: Outcome | None = None
    against_rightsized: Outcome | None = None
    by_namespace: tuple[NamespaceDecision, ...] = field(default=(), metadata={"json": False})

    @property
    def frame(self) -> pd.DataFrame:
        """The same as `by_namespace`, a row a namespace and a column a field."""
        names = [item.name for item in fields(NamespaceDecision)]
        rows = [[getattr(item, name) for name in names] for item in self.by_namespace]
        return pd.DataFrame(rows, columns=names)

    def with_verdict(self, *verdicts: Verdict) -> tuple[NamespaceDecision, ...]:
        """Return the namespaces that got one of these verdicts."""
        return tuple(item for item in self.by_namespace if item.verdict in verdicts)


def undecided(basis: Basis, why: Why) -> Decision:
    """Return the decision where there is nothing to compare."""
    return Decision(action=Action.CANNOT_TELL, why=why, basis=basis)


def without_ambient(basis: Basis, resized: Outcome | None) -> Decision:
    """Return the decision where the cost of ambient is not known, given what right-sizing saves."""
    found = replace(undecided(basis, Why.AMBIENT_UNKNOWN), rightsizing=resized)
    is_sure = resized is not None and resized.usd_per_year.low > 0
    return replace(found, action=Action.RIGHTSIZE) if is_sure else found


def decide(stakes: Stakes, basis: Basis, most_decisive: str) -> Decision:
    """Return what to do, given what each namespace costs and the assumption that matters most."""
    ranges = _Ranges.of(stakes)
    moved = ranges.outcome(stakes.saved_usd, ranges.surely_saves)
    without = ranges.outcome(ranges.least_usd, ranges.surely_saves_l4)
    action, why = _action(ranges, moved, without)
    items = sorted(
        (ranges.of_namespace(row, action, why) for row in range(len(stakes.names))),
        key=lambda item: (-item.saving_usd_per_year.mid, item.namespace),
    )
    cannot_tell, moves = why == Why.RANGE_HAS_BOTH_SIGNS, action == Action.MOVE
    decision = Decision(
        action=action,
        why=why,
        basis=basis,
        namespaces=tuple(item.namespace for item in items if item.verdict == Verdict.MOVE),
        check_first=() if stakes.is_settled else _check_first(items),
        outcome=moved if moves else None,
        without_waypoints=without,
        at_best=ranges.at_best if cannot_tell else None,
        sidecar_usd_per_year=to_interval(ranges.paid_usd),
        shared_ztunnel_usd_per_year=to_interval(stakes.shared_usd),
        pays_from=ranges.pays_from([item.namespace for item in items]) if moves else None,
        decisive=most_decisive if cannot_tell else "",
        by_namespace=tuple(items),
    )
    after = stakes.after_rightsizing
    return decision if after is None else _weighed(decision, ranges, _Ranges.of(after))


def _weighed(decision: Decision, today: _Ranges, after: _Ranges) -> Decision:
    """Return the decision with the third road weighed: sidecars with requests that fit.

    `after` has the same namespaces with right-sized sidecars. Where right-sizing surely saves, it
    is what moving has to beat: namespaces move that surely save against it and may save against
    today, and the others are right-sized. The whole must surely save against both.
    """
    saved = saved_between(today.paid_usd, after.paid_usd)
    resized = today.outcome_of(saved, len(today.stakes.names))
    # Where today's requests are far too low, sidecars cost less than on both roads: no move there.
    chosen = after.surely_saves & np.array([item.high > 0 for item in today.saved_range_usd], bool)
    beyond = after.outcome(after.stakes.saved_usd, chosen)
    found = replace(decision, rightsizing=resized, against_rightsized=beyond)
    if resized.usd_per_year.low <= 0:
        return found
    net = saved + after.stakes.saved_usd[chosen].sum(axis=0) - after.stakes.shared_usd
    both = today.outcome_of(net, int(chosen.sum()))
    moves = beyond is not None and min(beyond.usd_per_year.low, both.usd_per_year.low) > 0
    rows = {name: row for row, name in enumerate(today.stakes.names)}
    items = tuple(
        after.instead(rows[item.namespace], item, chosen=chosen, plan_saves=moves)
        for item in decision.by_namespace
    )
    found = replace(
        found,
        namespaces=tuple(item.namespace for item in items if item.verdict == Verdict.MOVE),
        by_namespace=items,
        pays_from=None,
    )
    if not moves:
        is_new = decision.action == Action.MOVE
        why = Why.RIGHTSIZED_SAVES_AS_MUCH if is_new else decision.why
        return replace(found, action=Action.RIGHTSIZE, why=why, outcome=None)
    return replace(found, action=Action.MOVE, why=Why.SAVES, outcome=both)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranges:
    """The stakes, and what each namespace saves as ranges: as the scenario has it, and by L4."""

    stakes: Stakes
    saved_range_usd: tuple[Interval, ...]
    l4_range_usd: tuple[Interval, ...]

    @classmethod
    def of(cls, stakes: Stakes) -> _Ranges:
        return cls(
            stakes=stakes,
            saved_range_usd=tuple(map(to_interval, stakes.saved_usd)),
            l4_range_usd=tuple(map(to_interval, stakes.l4_usd)),
        )

    @property
    def least_usd(self) -> Floats:
        """What each namespace saves at best."""
        # Where the scenario settles which namespaces need a waypoint, L4 alone is no choice.
        return self.stakes.saved_usd if self.stakes.is_settled else self.stakes.l4_usd

    @property
    def least_range_usd(self) -> tuple[Interval, ...]:
        return self.saved_range_usd if self.stakes.is_settled else self.l4_range_usd

    @property
    def paid_usd(self) -> Floats:
        return np.asarray(self.stakes.sidecar_usd.sum(axis=0))

    @property
    def surely_saves(self) -> Bools:
        return np.array([item.low > 0 for item in self.saved_range_usd]) & self.stakes.is_known

    @property
    def surely_saves_l4(self) -> Bools:
        return np.array([item.low > 0 for item in self.least_range_usd]) & self.stakes.is_known

    @property
    def may_save(self) -> Bools:
        return np.array([item.high > 0 for item in self.least_range_usd]) | ~self.stakes.is_known

    @property
    def at_best(self) -> Outcome | None:
        """What moving all that may save does; None where none may."""
        return self.outcome(self.least_usd, self.may_save)

    def outcome(self, usd: Floats, chosen: Bools) -> Outcome | None:
        """Return what moving the chosen namespaces saves; None where none is chosen."""
        if not chosen.any():
            return None
        net_usd = usd[chosen].sum(axis=0) - self.stakes.shared_usd
        return self.outcome_of(net_usd, int(chosen.sum()))

    def outcome_of(self, usd: Floats, namespace_count: int) -> Outcome:
        """Return a saving on draws, also as a part of what all sidecars cost."""
        usd, paid_usd = np.broadcast_arrays(usd, self.paid_usd)
        paid = paid_usd > 0
        return Outcome(
            namespace_count=namespace_count,
            usd_per_year=to_interval(usd),
            percent=to_interval(100 * usd[paid] / paid_usd[paid]),
        )

    def pays_from(self, order: list[str]) -> int | None:
        """Return how many of those that surely save have to move, in this order, to save."""
        rows = [self.stakes.names.index(name) for name in order]
        rows = [row for row in rows if self.surely_saves[row]]
        reached_usd = self.stakes.saved_usd[rows].cumsum(axis=0) - self.stakes.shared_usd
        sure = (to_interval(usd).low > 0 for usd in reached_usd)
        return next((count for count, saves in enumerate(sure, 1) if saves), None)

    def of_namespace(self, row: int, action: Action, why: Why) -> NamespaceDecision:
        verdict, because = self._verdict(row, action, why)
        return NamespaceDecision(
            namespace=self.stakes.names[row],
            verdict=verdict,
            why=because,
            needs_waypoint=bool(self.stakes.needs_waypoint[row]),
            saving_l4_usd_per_year=self.l4_range_usd[row],
            saving_usd_per_year=self.saved_range_usd[row],
            waypoint_usd_per_year=to_interval(self.stakes.waypoint_usd[row]),
        )

    def instead(
        self, row: int, item: NamespaceDecision, *, chosen: Bools, plan_saves: bool
    ) -> NamespaceDecision:
        """Return a namespace's decision where the others of the mesh are right-sized.

        These ranges are those against right-sized sidecars; `item` is the decision against today's.
        `chosen` are those that move if the plan saves.
        """
        if chosen[row] and plan_saves:
            is_sure = item.saving_usd_per_year.low > 0
            why = Why.SAVES if is_sure else Why.SAVES_AGAINST_RIGHTSIZED
            return replace(item, verdict=Verdict.MOVE, why=why)
        is_l4 = item.verdict == Verdict.MOVE_WITHOUT_WAYPOINT
        if item.why == Why.CPU_UNKNOWN or (is_l4 and self.l4_range_usd[row].low > 0 and plan_saves):
            return item
        # What it would do against today stays its reason, where that is no saving.
        why = item.why
        if item.verdict == Verdict.MOVE or is_l4:
            why = Why.ZTUNNELS_DECIDE if chosen[row] else Why.RIGHTSIZED_SAVES_AS_MUCH
        return replace(item, verdict=Verdict.RIGHTSIZE, why=why)

    def _verdict(self, row: int, action: Action, why: Why) -> tuple[Verdict, Why]:
        saved, least = self.saved_range_usd[row], self.least_range_usd[row]
        if not self.stakes.is_known[row]:
            return Verdict.CANNOT_TELL, Why.CPU_UNKNOWN
        if least.high <= 0:
            # Only where the scenario settles who needs a waypoint may L4 save here.
            is_waypoint = self.l4_range_usd[row].high > 0
            return Verdict.STAY, (
                Why.WAYPOINT_COSTS_MORE if is_waypoint else Why.ZTUNNEL_COSTS_MORE
            )
        if action == Action.STAY:
            return Verdict.STAY, Why.TOO_LITTLE
        if action == Action.MOVE and saved.low > 0:
            return Verdict.MOVE, Why.SAVES
        if least.low <= 0:
            return Verdict.CANNOT_TELL, Why.RANGE_HAS_BOTH_SIGNS
        return _saves_with_l4(saved, why)


def _saves_with_l4(saved: Interval, why: Why) -> tuple[Verdict, Why]:
    """Return the verdict on what surely saves without a waypoint, and does not surely move."""
    if why in {Why.RANGE_HAS_BOTH_SIGNS, Why.CPU_UNKNOWN}:
        return Verdict.CANNOT_TELL, Why.ZTUNNELS_DECIDE
    if saved.low > 0:
        return Verdict.MOVE_WITHOUT_WAYPOINT, Why.ZTUNNELS_DECIDE
    is_loss = saved.high <= 0
    because = Why.WAYPOINT_COSTS_MORE if is_loss else Why.WAYPOINT_DECIDES
    return Verdict.MOVE_WITHOUT_WAYPOINT, because


def _action(ranges: _Ranges, moved: Outcome | None, without: Outcome | None) -> tuple[Action, Why]:
    if moved and moved.usd_per_year.low > 0:
        return Action.MOVE, Why.SAVES
    if without and without.usd_per_year.low > 0:
        return Action.CANNOT_TELL, Why.WAYPOINT_DECIDES
    best, is_known = ranges.at_best, bool(ranges.stakes.is_known.all())
    if best and best.usd_per_year.high > 0 and (is_known or best.usd_per_year.low <= 0):
        return Action.CANNOT_TELL, Why.RANGE_HAS_BOTH_SIGNS
    if not is_known:
        return Action.CANNOT_TELL, Why.CPU_UNKNOWN
    saves_l4 = np.array([item.high > 0 for item in ranges.l4_range_usd], bool)
    l4 = ranges.outcome(ranges.stakes.l4_usd, saves_l4)
    if l4 is None:
        return Action.STAY, Why.ZTUNNEL_COSTS_MORE
    # Only where the scenario settles who needs a waypoint may L4 save here.
    may_save_l4 = l4.usd_per_year.high > 0
    return Action.STAY, Why.WAYPOINT_COSTS_MORE if may_save_l4 else Why.TOO_LITTLE


def _check_first(items: list[NamespaceDecision]) -> tuple[str, ...]:
    """Return the namespaces whose need for L7 is worth most, those that hang on it first."""

    def worth(item: NamespaceDecision) -> tuple[bool, float, str]:
        hangs = item.verdict == Verdict.MOVE_WITHOUT_WAYPOINT
        return not hangs, -item.waypoint_usd_per_year.mid, item.namespace

    open_to_it = (Verdict.MOVE, Verdict.MOVE_WITHOUT_WAYPOINT)
    chosen = [item for item in items if item.needs_waypoint and item.verdict in open_to_it]
    return tuple(item.namespace for item in sorted(chosen, key=worth))
