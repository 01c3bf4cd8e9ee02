"""From vCPU and GiB to dollars, and from dollars to savings."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad, MeshLoad
from analyzer.projection.modes import RIGHTSIZED
from analyzer.projection.needs import Need
from analyzer.projection.prices import AMOUNTS, NodePrices
from analyzer.projection.result import Mode, Price, Projection, Saving, Workings
from analyzer.projection.sidecars import by_basis
from analyzer.report import format as fmt
from analyzer.report.escapes import inert
from analyzer.report.explain.lines import assumed, equation, figure, plus, spread, total
from analyzer.report.sentences.projection import nodes
from analyzer.units import HOURS_PER_MONTH, Role, in_percent

_AMOUNTS = ("vCPU", "GiB")
_UNITS = tuple(f"USD per {amount}-month" for amount in _AMOUNTS)


def price_lines(price: Price, workings: Workings) -> Iterator[str]:
    """Return the prices and their source."""
    yield "Prices"
    prices = workings.node_prices
    if prices is None:
        yield from assumed(workings.scenario, "vcpu_month_usd", "memory_gib_month_usd")
        return
    yield f"  {inert(price.source)}"
    means = set()
    for node, *months in prices.month_usd.itertuples(name=None):
        for column, month, unit in zip(AMOUNTS, months, _UNITS, strict=True):
            label = f"node {inert(str(node))}"
            if np.isnan(prices.own_usd[column][node]):
                kind, alike = prices.alike(node, column)
                label += f", the mean of the nodes {kind or 'with a price'}"
                if (kind, column) not in means:
                    means.add((kind, column))
                    yield from _mean_price(prices, kind, alike, column, unit)
            hourly = (month / HOURS_PER_MONTH, HOURS_PER_MONTH)
            yield equation(label, "{} x {}", hourly, month, unit)
    for column, unit in zip(AMOUNTS, _UNITS, strict=True):
        if ("", column) not in means:
            yield from _mean_price(prices, "", prices.own_usd.index, column, unit)


def _mean_price(
    prices: NodePrices, kind: str, nodes: pd.Index, column: str, unit: str
) -> Iterator[str]:
    """Return the mean price of some nodes, by the share of the time that each existed."""
    weights = prices.weights(nodes, column)
    own = prices.own_usd[column].reindex(weights.index)
    label = f"mean, for a node {inert(kind)} without a price".replace("  ", " ")
    if (weights < 1).any():
        yield from total(f"{label}, shares of the time", weights, weights.sum(), "nodes")
        for node, share, price in zip(own.index, weights, own, strict=True):
            how, terms = "{} x {}", (share, price)
            yield equation(f"{label}, {inert(str(node))}", how, terms, share * price, unit)
    summed = float((own * weights).sum())
    yield from total(f"{label}, together", own * weights, summed, unit)
    mean = prices.mean_of(nodes, column)
    yield equation(label, "{} / {}", (summed, weights.sum()), mean, unit)


def node_price_lines(
    need: Need, load: MeasuredLoad, prices: NodePrices | None, *, is_rightsized: bool
) -> Iterator[str]:
    """Return the mean prices of a component, weighted by its need at each place.

    `is_rightsized`: whether its sidecars have the recommended requests.
    """
    if prices is None or need.month_usd is None:
        return
    if need.role == Role.WAYPOINT:
        namespaces = load.namespaces["namespace"]
        for name, means in zip(namespaces, prices.of_namespaces(load), strict=True):
            pairs = zip(means, _UNITS, strict=True)
            paid = " and ".join(f"{figure(mean)} {unit}" for mean, unit in pairs)
            yield f"  a waypoint of {inert(str(name))} has its sidecars' prices: {paid}"
    resized = load.rightsized if is_rightsized else None
    placement = resized.placement if resized else load.placement
    for basis, month_usd in need.month_usd.items():
        for column, amount in enumerate(("vcpu", "memory_gib")):
            if basis not in (need.vcpu, need.memory_gib)[column]:
                continue
            names, weights, each = _spread(need, placement, prices, basis, amount)
            role, mean = f"{need.role}s {fmt.AS_BASIS[basis]}", month_usd[column][0]
            yield from _mean(role, names, weights, each[:, column], mean, column)


def _spread(
    need: Need, placement: pd.DataFrame, prices: NodePrices, basis: Basis, amount: str
) -> tuple[pd.Series, Floats, Floats]:
    """Return the places of a component, its need at each, and the prices there, shape (n, 2)."""
    units = need.units
    if units is None:
        by_node = placement.groupby("node")[f"{basis}_{amount}"].sum()
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


def _mean(
    role: str, names: pd.Series, weights: Floats, each: Floats, mean: float, column: int
) -> Iterator[str]:
    """Return a mean price: a line per amount and price, and then the quotient."""
    label, unit = f"{role}, {_UNITS[column]}", _UNITS[column]
    if weights.sum() <= 0:
        weights = np.ones(len(weights))
    products = weights * each
    for name, *terms, product in zip(names, weights, each, products, strict=True):
        node = inert(str(name)) or "(unknown node)"
        yield equation(f"{label}, {node}, amount x price", "{} x {}", terms, product, "USD")
    ends = sum(products), sum(weights)
    yield from total(f"{label}, together", products, ends[0], "USD")
    yield from total(f"{label}, amounts together", weights, ends[1], _AMOUNTS[column])
    yield equation(label, "{} / {}", ends, mean, unit)


def dollar_lines(mode: Mode, price: Price) -> Iterator[str]:
    """Return the cost of a mode on each basis."""
    needs = [part.need for part in mode.components]
    flat = [price.vcpu_month_usd, price.memory_gib_month_usd]
    for basis, found in mode.bases.items():
        if len(needs) > 1:
            parts = plus(need.vcpu[basis][0] for need in needs)
            yield equation(f"vCPU {fmt.AS_BASIS[basis]}", parts, (), found.vcpu.mid, "vCPU")
        if found.memory_gib is None:
            yield f"  {fmt.AS_BASIS[basis]}: memory is not known, so dollars are for CPU only"
        paid = []
        for need in needs:
            prices = flat if need.month_usd is None else [usd[0] for usd in need.month_usd[basis]]
            gib = need.memory_gib.get(basis) if found.memory_gib else None
            amounts = zip((need.vcpu[basis], gib), prices, strict=True)
            paid += [f"{figure(has[0])} x {figure(usd)}" for has, usd in amounts if has is not None]
        how = f"({' + '.join(paid)}) x 12"
        if mode.transfer:
            how += f" + {figure(mode.transfer.usd_per_year.mid)}"
        yield equation(fmt.AS_BASIS[basis], how, (), found.usd_per_year.mid, "USD a year")


def saving_lines(projection: Projection, mode: Mode, saving: Saving) -> Iterator[str]:
    """Return the saving of a mode against the sidecars, and its range."""
    sidecar, basis = projection.modes[0], projection.basis
    vcpu = [each.bases[Basis.USAGE].vcpu.mid for each in (sidecar, mode)]
    yield equation("saved", "{} - {}", vcpu, saving.vcpu.mid, "vCPU")
    usd = [each.bases[basis].usd_per_year.mid for each in (sidecar, mode)]
    saved_usd = saving.usd_per_year.mid
    yield equation(f"saved {fmt.AS_BASIS[basis]}", "{} - {}", usd, saved_usd, "USD a year")
    label, share = "saved, part of the sidecars' cost", (saved_usd, usd[0])
    yield equation(label, "100 x {} / {}", share, saving.percent.mid, "%")
    yield from _beyond(projection, mode, saving)
    yield from _freed(projection.load, sidecar, mode, saving)
    yield from _ranges(projection, mode, saving)


def _beyond(projection: Projection, mode: Mode, saving: Saving) -> Iterator[str]:
    """Return the saving against right-sized sidecars, where these are known."""
    found = saving.against_rightsized
    for resized in (item for item in projection.modes if item.name == RIGHTSIZED):
        if found is None:
            continue
        usd = [each.bases[projection.basis].usd_per_year.mid for each in (resized, mode)]
        label = f"saved against {fmt.MODE_TITLES[RIGHTSIZED]}"
        yield equation(label, "{} - {}", usd, found.usd_per_year.mid, "USD a year")
        share = found.usd_per_year.mid, usd[0]
        yield equation(f"{label}, part of its cost", "100 x {} / {}", share, found.percent.mid, "%")


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
        ("CPU", before.vcpu.mid, after.vcpu.mid, size_vcpu),
        ("memory", before.memory_gib.mid, after.memory_gib.mid, size_gib),
    ):
        how, terms = "({} - {}) / {}", (old, new, size)
        yield equation(f"requested less, {label}", how, terms, (old - new) / size, "nodes")
    title = fmt.MODE_TITLES[mode.name]
    yield f"  whole nodes, by the scarcer of the two: {title} {nodes(saving.freed_node_count)}"


def _ranges(projection: Projection, mode: Mode, saving: Saving) -> Iterator[str]:
    draws = len(mode.components[0].need.vcpu[Basis.USAGE]) - 1
    yield (
        f"  ranges are 90 % intervals: all figures with a range are drawn together, {draws} times, "
        "and everything is calculated for each draw"
    )
    basis = projection.basis
    yield f"  vCPU {spread(mode.bases[Basis.USAGE].vcpu)}"
    yield f"  USD a year {fmt.AS_BASIS[basis]} {spread(mode.bases[basis].usd_per_year)}"
    cheaper = f"costs less than today in {in_percent(saving.probability_cheaper)} of the draws"
    yield f"  % saved {spread(saving.percent)}; {cheaper}"
    most = saving.break_even_ztunnel_vcpu_per_1000_rps
    if most:
        yield (
            f"  saves as long as a pass through a ztunnel costs under {figure(most)} vCPU per 1000 "
            "requests/s"
        )
