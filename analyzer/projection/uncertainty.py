"""Everything uncertain in a projection, drawn once: calibrated costs and assumptions.

An uncertain quantity is an array: the best estimate first, then draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from scipy import special

from analyzer.arrays import Floats
from analyzer.calibration.fit.student import DRAW_COUNT, SEED
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import Assumption
from analyzer.projection.choices import (
    OBSERVED,
    PREFER_CLOSE,
    Basis,
    Placement,
    Scaling,
    TrafficDistribution,
)
from analyzer.projection.hardware import REQUEST_COST, REQUEST_RATIO
from analyzer.projection.own_costs import NONE_KNOWN, OwnCosts
from analyzer.projection.scenario import HTTP_NEW_CONNECTIONS, ZONE_PRICE, Scenario
from analyzer.projection.unseen import DEVIATES, EXACT, UNSEEN_TIME, MeasuredRanges, times
from analyzer.units import CONFIDENCE, Interval, Provenance, Role

WAYPOINT_BYTES: Final = "waypoint_vcpu_per_gbit_per_second"
"""What TCP costs in a waypoint."""

PRICES: Final = ("vcpu_month_usd", "memory_gib_month_usd")
"""The scenario's flat prices."""

_REQUESTS_STREAM: Final = 99
"""Number of the stream of random numbers of recommended requests; see `_drawn_values`."""

_ROUNDING_SHARE: Final = 1e-12
"""Sums of floating-point numbers in another order differ by less."""

_QUANTILE: Final = float(special.ndtri((1 + CONFIDENCE) / 2))
"""Half-width of the 90 % interval of a normal quantity, in standard deviations."""

_LAST: Final = float(special.ndtri((1 + CONFIDENCE) / 2 - 1 / DRAW_COUNT))
"""The same one draw further inside, so that a quantile of draws is not between two of them."""


def draw(value: Interval, rng: np.random.Generator) -> Floats:
    """Return an uncertain value, shape (1 + DRAW_COUNT,).

    The 5 %, 50 % and 95 % points of the draws are low, mid and high: a normal distribution with
    two half-widths. No draw is below zero.
    """
    normal = rng.standard_normal(DRAW_COUNT)
    width = np.where(normal < 0, value.mid - value.low, value.high - value.mid) / _QUANTILE
    return np.concatenate([[value.mid], np.maximum(value.mid + normal * width, 0.0)])


def draw_log_normal(value: Interval, rng: np.random.Generator) -> Floats:
    """Return the same of a value whose logarithm is normal: its errors are factors.

    A value with an end of 0 has no logarithm, and is drawn as `draw` does.
    """
    if value.low <= 0:
        return draw(value, rng)
    normal = rng.standard_normal(DRAW_COUNT)
    factors = np.where(normal < 0, value.mid / value.low, value.high / value.mid)
    return np.concatenate([[value.mid], value.mid * factors ** (normal / _QUANTILE)])


def draw_within(value: Interval, rng: np.random.Generator) -> Floats:
    """Return the same of a value that is never outside its range.

    The 5 % and 95 % points of the draws are the ends themselves, with no error of sampling: a
    bill at a price of $22 to $30 is what it is at $22, to what it is at $30.
    """
    ranks = rng.standard_normal(DRAW_COUNT).argsort().argsort()
    return np.concatenate([[value.mid], _between(value, special.ndtri((ranks + 0.5) / DRAW_COUNT))])


def _between(value: Interval, normal: Floats) -> Floats:
    """Return the places of standard normal deviates between low and high, or at these ends."""
    inside = np.clip(normal / _LAST, -1.0, 1.0)
    below, above = value.mid - value.low, value.high - value.mid
    return value.mid + inside * np.where(inside < 0, below, above)


def _draw(item: Assumption, rng: np.random.Generator) -> Floats:
    if item.name in PRICES:
        return draw_within(item.value, rng)
    drawn = draw_log_normal(item.value, rng) if item.is_log_normal else draw(item.value, rng)
    return np.minimum(drawn, 1.0) if item.name == HTTP_NEW_CONNECTIONS else drawn


def _drawn_values(scenario: Scenario, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the assumptions over draws.

    Some have streams of their own: draws of CPU and its costs do not depend on whether these are
    there.
    """
    apart = {
        stream: np.random.default_rng((SEED, number))
        for number, stream in enumerate(("by size", "istiod", "zones", "rightsizing", "scope"), 1)
    }
    return {
        name: _draw(item, apart.get(_stream_of(name), rng))
        for name, item in scenario.assumptions.items()
    }


def _stream_of(name: str) -> str:
    if name == ZONE_PRICE:
        return "zones"
    for group in ("istiod", "rightsizing", "scope"):
        if name.startswith(f"{group}_"):
            return group
    return "by size" if name.startswith("cluster_") or "memory_gib_per_1000" in name else ""


def draw_curve(role: RoleCalibration, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return (idle vcpu per proxy, vcpu per 1000 rps), each of shape (1 + DRAW_COUNT,).

    If both were fitted, these are the joint draws of the calibration.
    """
    idle_vcpu, vcpu_per_1000_rps = role.idle_vcpu_per_proxy, role.vcpu_per_1000_rps
    if role.draws is None:
        return draw(idle_vcpu, rng), draw(vcpu_per_1000_rps, rng)
    idle, slope = np.vstack([[idle_vcpu.mid, vcpu_per_1000_rps.mid], role.draws]).T
    return idle, slope


def to_interval(values: Floats) -> Interval:
    """Return the interval of an uncertain quantity; the first element is the mid."""
    mid = float(values[0])
    if len(values) == 1:
        return Interval.exactly(mid)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(values[1:], [tail, 1 - tail]))
    return Interval(low=min(low, mid), mid=mid, high=max(high, mid))


def saved_between(before: Floats, after: Floats) -> Floats:
    """Return what is saved on draws: 0 where two sums of the same amounts differ by rounding."""
    found = np.asarray(before - after)
    return np.where(np.abs(found) <= _ROUNDING_SHARE * np.abs(before), 0.0, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Everything uncertain, drawn once: all modes share the same draws.

    Attributes:
        values: the scenario's assumptions; arrays are over draws.
        following: the names of those that follow the cost of this mesh's sidecars.
        sidecar_fit: the fitted cost of a request that they follow, by name.
        waypoint_provenance: measured; derived, if a waypoint costs the scenario's ratio times a
            sidecar; None if neither is known, and ambient cannot be evaluated.
        waypoint_idle_vcpu: of one waypoint replica.
        waypoint_effective_rps: from a rate to the rate at which a straight line with this slope
            costs the same (`RoleCalibration.effective_rps`).
        waypoint_own: idle CPU and cost of a request of the namespaces whose called workloads differ
            from the mesh, as multiples of the two above.
        waypoint_fit: the fitted idle and slope behind the waypoint's costs, by name.
        ztunnel_provenance: published, or derived if a part of the costs was measured or follows
            the sidecars.
        ranges: those of the measured totals.
        unseen_time: where in these ranges the totals are, as deviates of `unseen.DEVIATES`.
        rightsizing: the same of the recommended requests, which all workloads share: another
            window that is busier is busier for many of them.
    """

    values: Mapping[str, Floats]
    following: frozenset[str] = frozenset()
    sidecar_fit: Mapping[str, Interval] = field(default_factory=dict)
    waypoint_provenance: Provenance | None = None
    waypoint_idle_vcpu: Floats = field(default_factory=lambda: np.zeros(1))
    waypoint_vcpu_per_1000_rps: Floats = field(default_factory=lambda: np.zeros(1))
    waypoint_effective_rps: Callable[[Floats], Floats] = np.asarray
    waypoint_own: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    waypoint_fit: Mapping[str, Interval] = field(default_factory=dict)
    ztunnel_provenance: Provenance = Provenance.PUBLISHED
    placement: Placement = OBSERVED
    traffic_distribution: TrafficDistribution = PREFER_CLOSE
    scaling: Scaling = Scaling.FIXED
    istio_cni_installed: bool = False
    ranges: MeasuredRanges = EXACT
    unseen_time: Floats = field(default_factory=lambda: np.zeros(1))
    rightsizing: Floats = field(default_factory=lambda: np.zeros(1))

    def __getitem__(self, name: str) -> Floats:
        """Return an assumption over draws."""
        return self.values[name]

    @property
    def flat_month_usd(self) -> tuple[Floats, Floats]:
        """The prices of a vCPU-month and of a GiB-month that the scenario states."""
        vcpu_usd, memory_gib_usd = (self[name] for name in PRICES)
        return vcpu_usd, memory_gib_usd

    def sidecar_times(self, basis: Basis) -> tuple[Floats, Floats]:
        """Return the sidecars' CPU and memory on a basis, as multiples of their best estimates."""
        ranges = self.ranges
        vcpu, memory_gib = (
            times(known[basis], self.unseen_time) for known in (ranges.vcpu, ranges.memory_gib)
        )
        return vcpu, memory_gib

    @property
    def fitted(self) -> Mapping[str, Interval]:
        """The fitted figures behind the costs of ambient, by name."""
        return {**self.waypoint_fit, **self.sidecar_fit}

    @property
    def waypoint_follows_sidecar(self) -> bool:
        """Whether a waypoint costs the scenario's ratio times a sidecar."""
        return self.waypoint_provenance == Provenance.DERIVED

    def waypoint_vcpu(self, rps: Floats, namespaces: Sequence[str], gbit: Floats) -> Floats:
        """Return the CPU of one replica in each namespace, shape (namespaces, draws).

        Each has its rate, and its Gbit/s of TCP. These have that shape too, or (namespaces, 1) or
        (namespaces,) if exact.
        """
        effective = self.waypoint_effective_rps(rps.reshape(len(rps), -1))
        idle, request = self._own(namespaces)
        per_rps = self.waypoint_vcpu_per_1000_rps / 1000
        tcp = gbit.reshape(len(gbit), -1) * self[WAYPOINT_BYTES]
        return self.waypoint_idle_vcpu * idle + effective * per_rps * request + tcp

    def likely_waypoint_vcpu(self, rps: Floats, namespaces: Sequence[str], gbit: Floats) -> Floats:
        """Return only the best estimate, shape (namespaces,): without thousands of draws."""
        # One look-up a name: where replicas follow the load, each is there once an interval.
        one = np.ones(1), np.ones(1)
        rows = {name: row for row, name in enumerate(dict.fromkeys(namespaces))}
        own = [self.waypoint_own.get(name, one) for name in rows]
        known = np.array([(at_rest[0], each[0]) for at_rest, each in own]).reshape(-1, 2)
        idle, request = known[[rows[name] for name in namespaces]].T
        per_rps = self.waypoint_vcpu_per_1000_rps[0] / 1000
        effective = self.waypoint_effective_rps(rps)
        at_rest, tcp = self.waypoint_idle_vcpu[0] * idle, gbit * self[WAYPOINT_BYTES][0]
        return np.asarray(at_rest + effective * per_rps * request + tcp)

    def _own(self, namespaces: Sequence[str]) -> tuple[Floats, Floats]:
        """Return the multiples of idle CPU and of the cost of a request, (namespaces, draws)."""
        shape = (len(namespaces), len(self.waypoint_idle_vcpu) if self.waypoint_own else 1)
        idle, request = np.ones(shape), np.ones(shape)
        for row, name in enumerate(namespaces):
            if name in self.waypoint_own:
                idle[row], request[row] = self.waypoint_own[name]
        return idle, request

    def best(self) -> Parameters:
        """Return the best estimates."""
        # No figure has this name.
        return self.with_one_at("", 0.0)

    def with_one_at(self, name: str, value: float) -> Parameters:
        """Return the best estimates, with one assumption or fitted figure set to a value.

        `unseen.UNSEEN_TIME` is one too.
        """
        values = {key: array[:1] for key, array in self.values.items()}
        fitted = {key: np.array([item.mid]) for key, item in self.waypoint_fit.items()}
        if name in self.sidecar_fit and self.sidecar_fit[name].mid > 0:
            times = value / self.sidecar_fit[name].mid
            values |= {key: values[key] * times for key in self.following}
        elif name == REQUEST_RATIO and REQUEST_COST in self.following:
            values[REQUEST_COST] = values[REQUEST_COST] * value / values[REQUEST_RATIO]
        for known in (values, fitted):
            if name in known:
                known[name] = np.array([value])
        idle, slope = fitted.values()
        ratio = values["waypoint_to_sidecar_ratio"] if self.waypoint_follows_sidecar else 1.0
        return replace(
            self,
            values=values,
            waypoint_idle_vcpu=ratio * idle,
            waypoint_vcpu_per_1000_rps=ratio * slope,
            waypoint_own={
                key: (at_rest[:1], request[:1])
                for key, (at_rest, request) in self.waypoint_own.items()
            },
            unseen_time=np.array([value if name == UNSEEN_TIME else DEVIATES.mid]),
            rightsizing=np.array([DEVIATES.mid]),
        )


def best_estimates(scenario: Scenario) -> Parameters:
    """Return the scenario without draws: it has prices, but no cost of ambient."""
    values = {name: np.array([item.value.mid]) for name, item in scenario.assumptions.items()}
    return Parameters(values=values)


def with_drawn_prices(scenario: Scenario) -> Parameters:
    """Return the best estimates with the prices over draws, if the scenario has a range of one.

    They are the same draws as those of `drawn`: all meshes of one scenario have the same prices.
    """
    exact = best_estimates(scenario)
    if all(scenario[name].low == scenario[name].high for name in PRICES):
        return exact
    values = _drawn_values(scenario, np.random.default_rng(SEED))
    return replace(exact, values={**exact.values, **{name: values[name] for name in PRICES}})


def drawn(
    scenario: Scenario,
    calibration: Calibration,
    ranges: MeasuredRanges = EXACT,
    own: Mapping[str, OwnCosts] = NONE_KNOWN,
) -> Parameters:
    """Draw everything uncertain once; `own` are the costs of the namespaces' called workloads.

    `scenario` is one of `hardware.on_this_hardware`. Without the cost of a waypoint only the
    measured totals and the prices are drawn: the rest are `best_estimates`.
    """
    rng = np.random.default_rng(SEED)
    values = _drawn_values(scenario, rng)
    waypoint, sidecar = calibration.waypoint, calibration.sidecar
    of_sidecar = draw_curve(sidecar, rng) if isinstance(sidecar, RoleCalibration) else None
    if isinstance(waypoint, RoleCalibration) and waypoint.provenance == Provenance.MEASURED:
        provenance, curve, ratio = Provenance.MEASURED, waypoint, np.ones(1)
        idle, slope = draw_curve(curve, rng)
    elif isinstance(sidecar, RoleCalibration) and of_sidecar:
        provenance, curve = Provenance.DERIVED, sidecar
        ratio, (idle, slope) = values["waypoint_to_sidecar_ratio"], of_sidecar
    else:
        exact = with_drawn_prices(scenario)
        return replace(
            exact, ranges=ranges, unseen_time=_draw_unseen(ranges, rng), rightsizing=_deviates()
        )
    is_derived = provenance == Provenance.DERIVED
    following = {name for name, item in scenario.assumptions.items() if item.is_derived}
    following -= {REQUEST_RATIO}
    sidecar_fit = {}
    if following and isinstance(sidecar, RoleCalibration) and of_sidecar:
        sidecar_fit = {f"{Role.SIDECAR}_vcpu_per_1000_rps": sidecar.vcpu_per_1000_rps}
        values = _following(scenario, values, following, of_sidecar[1])
    is_measured = calibration.ztunnel.provenance == Provenance.MEASURED
    unseen_time = _draw_unseen(ranges, rng)
    return Parameters(
        values=values,
        following=frozenset(following),
        sidecar_fit=sidecar_fit,
        waypoint_provenance=provenance,
        waypoint_idle_vcpu=ratio * idle,
        waypoint_vcpu_per_1000_rps=ratio * slope,
        waypoint_effective_rps=(
            curve.effective_rps_elsewhere if is_derived else curve.effective_rps
        ),
        waypoint_fit={
            f"{curve.role}_idle_vcpu_per_proxy": curve.idle_vcpu_per_proxy,
            f"{curve.role}_vcpu_per_1000_rps": curve.vcpu_per_1000_rps,
        },
        ztunnel_provenance=(
            Provenance.DERIVED if is_measured or following else Provenance.PUBLISHED
        ),
        placement=scenario.waypoint_placement,
        traffic_distribution=scenario.waypoint_traffic_distribution,
        scaling=scenario.waypoint_scaling,
        istio_cni_installed=bool(scenario.istio_cni_installed),
        ranges=ranges,
        unseen_time=unseen_time,
        rightsizing=_deviates(),
        waypoint_own={
            name: (
                draw_log_normal(costs.idle_ratio, rng),
                draw_log_normal(costs.request_ratio, rng),
            )
            for name, costs in own.items()
            if is_derived
        },
    )


def _following(
    scenario: Scenario, values: Mapping[str, Floats], following: Iterable[str], slope: Floats
) -> dict[str, Floats]:
    """Return the assumptions over draws, those that follow the sidecars drawn with their slope."""
    relative = slope / slope[0]
    found = {**values, **{name: values[name] * relative for name in following}}
    if REQUEST_COST in following:
        per_ratio = scenario[REQUEST_COST].mid / scenario[REQUEST_RATIO].mid
        found[REQUEST_COST] = values[REQUEST_RATIO] * per_ratio * relative
    return found


def _draw_unseen(ranges: MeasuredRanges, rng: np.random.Generator) -> Floats:
    """Return where the totals are in their ranges, shape (1 + DRAW_COUNT,), or (1,) if exact."""
    if ranges.are_exact:
        return np.array([DEVIATES.mid])
    return _spread_evenly(rng)


def _deviates() -> Floats:
    """Return where in their ranges the recommended requests are, shape (1 + DRAW_COUNT,)."""
    return _spread_evenly(np.random.default_rng((SEED, _REQUESTS_STREAM)))


def _spread_evenly(rng: np.random.Generator) -> Floats:
    # Evenly spread and never outside, so that the drawn totals have just the ranges that are shown
    # as measured.
    normal = special.ndtri((rng.permutation(DRAW_COUNT) + 0.5) / DRAW_COUNT)
    inside = np.clip(normal / _LAST, DEVIATES.low, DEVIATES.high)
    return np.concatenate([[DEVIATES.mid], inside])
