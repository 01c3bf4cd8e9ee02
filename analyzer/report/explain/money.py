"""From vCPU and GiB to dollars, and from dollars to what is saved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.projection.demand import MeasuredLoad, MeshLoad
from analyzer.projection.needs import Need
from analyzer.projection.prices import NodePrices
from analyzer.projection.result import Mode, Price, Projection, Saving, Workings
from analyzer.projection.scenario import Basis
from analyzer.projection.sidecars import by_basis
from analyzer.report import format as fmt
from analyzer.report.explain.lines import (
    assumed,
    equation,
    figure,
    per_month,
    plus,
    spread,
    total,
    weighted_mean,
)
from analyzer.units import HOURS_PER_MONTH, Role

_AMOUNTS = ("vCPU", "GiB")
_UNITS = tuple(map(per_month, _AMOUNTS))


def price_lines(price: Price, workings: Workings) -> Iterator[str]:
    """Return where the prices come from."""
    yield "Prices"
    prices = workings.node_prices
    if prices is None:
        yield from assumed(workings.scenario, "vcpu_month_usd", "memory_gib_month_usd")
        return
    yield f"  {fmt.inert(price.source)}"
    for node, months in zip(prices.month_usd.index, prices.month_usd.to_numpy(), strict=True):
        for unit, month in zip(_UNITS, months, strict=True):
            hourly = f"{figure(month / HOURS_PER_MONTH)} x {HOURS_PER_MONTH}"
            yield equation(f"node {fmt.inert(str(node))}", hourly, float(month), unit)
    label = "a node of unknown price, the mean"
    for unit, months in zip(_UNITS, prices.month_usd.to_numpy().T, strict=True):
        yield from total(f"{label}, together", list(months), float(months.sum()), unit)
        each = f"{figure(months.sum())} / {len(months)}"
        yield equation(label, each, float(months.mean()), unit)


def node_price_lines(need: Need, load: MeasuredLoad, prices: NodePrices | None) -> Iterator[str]:
    """Return the mean prices where a component runs, weighted by what it needs there."""
    if prices is None or need.month_usd is None:
        return
    if need.role == Role.WAYPOINT:
        yield from _namespace_prices(load, prices)
    for basis, month_usd in need.month_usd.items():
        for column, amount in enumerate(("vcpu", "memory_gib")):
            if basis not in (need.vcpu, need.memory_gib)[column]:
                continue
            names, weights, each = _spread(need, load, prices, basis, amount)
            label = f"{need.role}s {fmt.AS_BASIS[basis]}, {_UNITS[column]}"
            mean = float(month_usd[column][0])
            yield from _mean(label, names, weights, each[:, column], mean, _AMOUNTS[column])


def _spread(
    need: Need, load: MeasuredLoad, prices: NodePrices, basis: Basis, amount: str
) -> tuple[pd.Series, Floats, Floats]:
    """Return where a component runs, how much of it, and the prices there, shape (n, 2)."""
    units = need.units
    if units is None:
        by_node = load.placement.groupby("node")[f"{basis}_{amount}"].sum()
        names = by_node.index.to_series()
        return names, by_node.to_numpy(float), prices.of(names)
    used, reserved = (
        (units.used_vcpu, units.reserved_vcpu)
        if amount == "vcpu"
        else (units.used_memory_gib, units.reserved_memory_gib)
    )
    needed = by_basis(np.asarray(used), np.asarray(reserved))
    each = prices.of(units.names) if units.month_usd is None else units.month_usd
    return units.names, np.asarray(needed[basis] * units.unit_count), each


def _namespace_prices(load: MeasuredLoad, prices: NodePrices) -> Iterator[str]:
    names = load.namespaces["namespace"]
    for name, means in zip(names, prices.of_namespaces(load), strict=True):
        prices_there = " and ".join(
            f"{figure(float(mean))} {unit}" for unit, mean in zip(_UNITS, means, strict=True)
        )
        yield f"  a waypoint of {fmt.inert(str(name))} pays what its sidecars do: {prices_there}"


def _mean(
    label: str, names: pd.Series, weights: Floats, each: Floats, mean: float, amount: str
) -> Iterator[str]:
    even = weights if weights.sum() > 0 else np.ones(len(weights))
    weighted = [
        (fmt.inert(str(name)) or "(unknown node)", float(weight), float(price))
        for name, weight, price in zip(names, even, each, strict=True)
    ]
    yield from weighted_mean(label, weighted, mean, amount)


def dollar_lines(mode: Mode, price: Price) -> Iterator[str]:
    """Return what a mode costs on each basis."""
    needs = [part.need for part in mode.components]
    for basis, found in mode.bases.items():
        if len(needs) > 1:
            parts = [need.vcpu[basis][0] for need in needs]
            yield equation(f"vCPU {fmt.AS_BASIS[basis]}", plus(parts), found.vcpu.mid, "vCPU")
        memory = [need.memory_gib.get(basis) for need in needs]
        amounts: list[tuple[float, float]] = []
        for need, gib in zip(needs, memory, strict=True):
            vcpu_usd, memory_gib_usd = _month_usd(need, basis, price)
            amounts.append((float(need.vcpu[basis][0]), vcpu_usd))
            if gib is not None and found.memory_gib is not None:
                amounts.append((float(gib[0]), memory_gib_usd))
        if found.memory_gib is None:
            yield f"  {fmt.AS_BASIS[basis]}: the memory is not known, so only the CPU is paid for"
        terms = " + ".join(f"{figure(amount)} x {figure(usd)}" for amount, usd in amounts)
        yield equation(fmt.AS_BASIS[basis], f"({terms}) x 12", found.usd_per_year.mid, "USD a year")


def _month_usd(need: Need, basis: Basis, price: Price) -> tuple[float, float]:
    if need.month_usd is None:
        return price.vcpu_month_usd, price.memory_gib_month_usd
    vcpu_usd, memory_gib_usd = need.month_usd[basis]
    return float(vcpu_usd[0]), float(memory_gib_usd[0])


def saving_lines(projection: Projection, mode: Mode, saving: Saving) -> Iterator[str]:
    """Return what a mode saves against the sidecars, and how sure that is."""
    sidecar, basis = projection.modes[0], projection.basis
    before, after = (each.bases[Basis.USAGE].vcpu.mid for each in (sidecar, mode))
    yield equation("saved", f"{figure(before)} - {figure(after)}", saving.vcpu.mid, "vCPU")
    paid, then = (each.bases[basis].usd_per_year.mid for each in (sidecar, mode))
    saved = f"{figure(paid)} - {figure(then)}"
    yield equation(f"saved {fmt.AS_BASIS[basis]}", saved, saving.usd_per_year.mid, "USD a year")
    share = f"100 x {figure(saving.usd_per_year.mid)} / {figure(paid)}"
    yield equation("saved, part of what the sidecars cost", share, saving.percent.mid, "%")
    yield from _freed(projection.load, sidecar, mode, saving)
    yield from _ranges(projection, mode, saving)


def _freed(load: MeshLoad, sidecar: Mode, mode: Mode, saving: Saving) -> Iterator[str]:
    if not isinstance(load, MeasuredLoad):
        return
    size_vcpu, size_gib = load.allocatable_vcpu_per_node, load.allocatable_memory_gib_per_node
    if saving.freed_node_count is None or size_vcpu is None or size_gib is None:
        return
    before, after = (each.bases[Basis.RESERVED] for each in (sidecar, mode))
    if before.memory_gib is None or after.memory_gib is None:
        return
    for label, old, new, size in (
        ("nodes' worth of CPU", before.vcpu.mid, after.vcpu.mid, size_vcpu),
        ("nodes' worth of memory", before.memory_gib.mid, after.memory_gib.mid, size_gib),
    ):
        freed = f"({figure(old)} - {figure(new)}) / {figure(size)}"
        yield equation(f"no longer reserved, {label}", freed, (old - new) / size, "nodes")
    yield f"  whole nodes of that, by the scarcer: {saving.freed_node_count}, at most"


def _ranges(projection: Projection, mode: Mode, saving: Saving) -> Iterator[str]:
    needs = [part.need for part in mode.components]
    draws = len(np.atleast_1d(needs[0].vcpu[Basis.USAGE])) - 1 if needs else 0
    yield (
        f"  range: all that has a range above is drawn {draws} times, together, and all of this is "
        "worked out each time; 90 % of the answers lie within"
    )
    basis = projection.basis
    yield f"  vCPU {spread(mode.bases[Basis.USAGE].vcpu)}"
    yield f"  USD a year {fmt.AS_BASIS[basis]} {spread(mode.bases[basis].usd_per_year)}"
    cheaper = f"ambient is cheaper in {saving.probability_cheaper:.1%} of them"
    yield f"  % saved {spread(saving.percent)}; {cheaper}"
