"""Steps whose rates no proxy can have: a counter jumped, or fell without a restart.

rate() takes every fall of a counter for a restart and adds the whole counter. One sample that is
10 ms lower than the one before adds the CPU of the container's whole life to its step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, are_alike
from analyzer.measurement.columns import as_one, assigned
from analyzer.measurement.counters import Counted
from analyzer.measurement.filling import ratio
from analyzer.measurement.neighbours import after
from analyzer.measurement.numbers import are_among
from analyzer.measurement.other_side import Heard
from analyzer.measurement.signs import KEY
from analyzer.measurement.steps import OWN_COLUMNS, REQUEST_COLUMNS
from analyzer.measurement.tables import Tables

LIMIT_MARGIN: Final = 1.25
"""Multiple of its CPU limit that a proxy may reach: the kubelet's samples are up to 15 s old, so
the work of a step is averaged over a slightly different time."""

NODE_MARGIN: Final = 1.25
"""Multiple of a node's allocatable amount that is taken for its capacity."""
NODE_MARGIN_VCPU: Final = 1.0
"""The same as a difference, for small nodes: GKE offers 0.94 of 2 vCPU on its shared-core types."""

MOST_VCPU: Final = 128.0
"""CPU of one proxy where neither its limit nor any node is known: Envoy has one thread per vCPU."""

LEAST_VCPU_PER_RPS: Final = 1e-5
"""Least CPU of a request. Published proxies need at least ten times as much."""

MOST_BYTES_PER_SECOND: Final = 12.5e9
"""100 Gbit/s, a fast network card."""

MULTIPLE: Final = 10.0
"""Multiple of what a proxy usually has, from which a step needs confirmation."""
UNCONFIRMED_MULTIPLE: Final = 50.0
"""The same where nothing can confirm it."""
CONFIRMING: Final = 0.2
"""Share of that multiple which its traffic (for CPU), or the other side, must reach."""
LEAST_VCPU: Final = 0.5
"""CPU below which a step needs no confirmation: proxies start, and istiod pushes configuration."""
LEAST_RPS: Final = 10.0

MIN_STEPS: Final = 8
"""Known steps that a proxy needs before its usual rate is used."""
USUAL: Final = 0.9
"""Quantile of a proxy's steps that is its usual rate."""

CHEAP_VCPU_PER_RPS: Final = 5e-5
"""CPU of a cheap request: a burst that would need half of the usual CPU must show in the CPU."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impossible:
    """Which rows of the step table are impossible, shape (rows,).

    Attributes:
        cpu, requests, memory: of these columns. `requests` are all rates of a proxy's own counters.
        raw: the values of cpu_vcpu and proxy_rps before they were removed, by column.
    """

    cpu: Bools
    requests: Bools
    memory: Bools
    raw: Mapping[str, Floats]


def impossible(
    rows: pd.DataFrame, proxies: pd.DataFrame, tables: Tables, counters: Counted, heard: Heard
) -> Impossible:
    """Return which rates of the step table are impossible."""
    # By proxy: in each row they would be the most that is held at a time.
    nodes = _capacities(proxies, tables)
    usual_cpu = _usual(rows, rows["cpu_vcpu"], len(proxies))
    cpu_fell = _is_in(counters.cpu_fell, rows, proxies)
    requests = _is_in(counters.requests_fell, rows, proxies)
    requests |= _too_many_requests(rows, nodes["vcpu"], usual_cpu, heard)
    requests |= (rows["http_bytes_per_second"] > MOST_BYTES_PER_SECOND).to_numpy()
    requests |= (rows["tcp_bytes_per_second"] > MOST_BYTES_PER_SECOND).to_numpy()
    traffic = _traffic(rows, requests)
    # In its first step a counter's growth is a guess, which a burst exceeds.
    is_first = np.diff(rows["proxy"].to_numpy(), prepend=-1) != 0
    cpu_fell &= ~(is_first & (traffic > MULTIPLE))
    cpu = _too_much_cpu(rows, nodes["vcpu"], usual_cpu, traffic)
    limit = LIMIT_MARGIN * rows["limit_memory_bytes"].to_numpy(float)
    of_node = nodes["memory_bytes"][rows["proxy"].to_numpy()]
    memory = rows["memory_bytes"].to_numpy(float) > np.fmin(limit, of_node)
    return Impossible(
        cpu=cpu | cpu_fell | _before(rows, cpu_fell, usual_cpu),
        requests=requests,
        memory=memory,
        raw={name: rows[name].to_numpy() for name in ("cpu_vcpu", "proxy_rps")},
    )


def without(rows: pd.DataFrame, found: Impossible) -> pd.DataFrame:
    """Return the step table with impossible values unknown."""
    of_columns = {"cpu_vcpu": found.cpu, "memory_bytes": found.memory}
    return masked(rows, {**of_columns, **dict.fromkeys(OWN_COLUMNS, found.requests)})


def masked(rows: pd.DataFrame, flags: Mapping[str, Bools]) -> pd.DataFrame:
    """Return rows with the flagged values of some columns unknown; the other columns are shared."""
    changed = {
        name: np.where(is_bad, np.nan, rows[name].to_numpy())
        for name, is_bad in flags.items()
        if is_bad.any()
    }
    return assigned(rows, changed) if changed else rows


def _capacities(proxies: pd.DataFrame, tables: Tables) -> dict[str, Floats]:
    """Return the vCPU and bytes of memory of the node of each proxy; infinite where not known."""
    found = {}
    for amount, least in (("vcpu", NODE_MARGIN_VCPU), ("memory_bytes", 0.0)):
        name = f"node_allocatable_{amount}"
        offered = tables[name].groupby("node")[name].max()
        largest = float(offered.max()) if len(offered) else np.inf
        of_proxy = offered.reindex(proxies["node"]).fillna(largest).to_numpy(float)
        found[amount] = np.maximum(NODE_MARGIN * of_proxy, of_proxy + least)
    return found


def _usual(rows: pd.DataFrame, values: pd.Series, proxy_count: int) -> Floats:
    """Return the usual one of some values of each proxy; NaN where it has too few steps."""
    groups = values.groupby(rows["proxy"])
    usual = groups.quantile(USUAL).where(groups.count() >= MIN_STEPS)
    return usual.reindex(range(proxy_count)).to_numpy(float)


def _is_in(steps: pd.DataFrame, rows: pd.DataFrame, proxies: pd.DataFrame) -> Bools:
    """Return the rows whose proxy and step are among `steps`: namespace, pod and point."""
    if steps.empty:
        return np.zeros(len(rows), dtype=bool)
    keys = proxies.loc[rows["proxy"], KEY].reset_index(drop=True).assign(point=rows["point"])
    return are_among(keys, steps)


def _before(rows: pd.DataFrame, fell: Bools, usual: Floats) -> Bools:
    """Return the step before a fall if it is far above the usual: the counter had jumped there."""
    proxy = rows["proxy"].to_numpy(np.int64)
    is_high = rows["cpu_vcpu"].to_numpy(float) > (MULTIPLE / 2 * usual)[proxy]
    return np.asarray(after(fell, proxy) & is_high)


def _traffic(rows: pd.DataFrame, no_requests: Bools) -> Floats:
    """Return how many times its median traffic a proxy has in each row; NaN where not known.

    A burst at the border of two steps may have its requests in the one and its CPU in the other:
    the steps before and after count too.
    """
    traffic = np.full(len(rows), np.nan)
    for name in OWN_COLUMNS:
        values = as_one(rows[name].to_numpy(float))
        if are_alike(values):
            # It is its own median, or not known.
            usual = np.where(no_requests | np.isnan(values[0]), np.nan, 1.0)
        else:
            known = np.where(no_requests, np.nan, values)
            groups = pd.Series(known).groupby(rows["proxy"].to_numpy())
            usual = ratio(known, groups.transform("median").to_numpy(float))
        traffic = np.fmax(traffic, usual)
    return _around(rows, traffic)


def _too_much_cpu(rows: pd.DataFrame, node_vcpu: Floats, usual: Floats, traffic: Floats) -> Bools:
    """Return the steps above what a proxy can use, or far above its usual without the traffic."""
    cpu, proxy = rows["cpu_vcpu"].to_numpy(float), rows["proxy"].to_numpy()
    limit = LIMIT_MARGIN * rows["limit_vcpu"].to_numpy(float)
    most = np.fmin(limit, np.where(np.isinf(node_vcpu), MOST_VCPU, node_vcpu)[proxy])
    multiple, unknown = ratio(cpu, usual[proxy]), np.isnan(traffic)
    needed = np.where(unknown, UNCONFIRMED_MULTIPLE, MULTIPLE)
    is_alone = unknown | (np.maximum(traffic, 1.0) < CONFIRMING * multiple)
    return np.asarray((cpu > most) | ((multiple > needed) & is_alone & (cpu > LEAST_VCPU)))


def _around(rows: pd.DataFrame, values: Floats) -> Floats:
    """Return the largest value of each row and the steps before and after it."""
    proxy, found = rows["proxy"].to_numpy(), values.copy()
    is_same = proxy[1:] == proxy[:-1]
    np.fmax(found[1:], values[:-1], out=found[1:], where=is_same)
    np.fmax(found[:-1], values[1:], out=found[:-1], where=is_same)
    return found


def _too_many_requests(
    rows: pd.DataFrame, node_vcpu: Floats, usual_cpu: Floats, heard: Heard
) -> Bools:
    """Return the steps with more requests than the CPU or the other side of the calls allows."""
    rps, cpu = rows["proxy_rps"].to_numpy(float), rows["cpu_vcpu"].to_numpy(float)
    proxy, count = rows["proxy"].to_numpy(), len(usual_cpu)
    available = np.where(np.isinf(node_vcpu), MOST_VCPU, node_vcpu)
    out = rps > (available / LEAST_VCPU_PER_RPS)[proxy]
    denied = rps > (0.5 * usual_cpu / CHEAP_VCPU_PER_RPS)[proxy]
    denied &= _around(rows, cpu) < (1.5 * usual_cpu)[proxy]
    for name in REQUEST_COLUMNS[:2]:
        usual = _usual(rows, rows[name], count)[proxy]
        out |= _is_odd(rows[name], usual, heard.of(rows, name), denied, np.isnan(cpu))
    # A waypoint's requests are in neither of the two.
    with np.errstate(invalid="ignore"):
        rest = rps - rows["inbound_rps"].to_numpy(float) - rows["outbound_rps"].to_numpy(float)
    if (rest > LEAST_RPS).any():
        unknown, others = np.full(len(rows), np.nan), pd.Series(rest, index=rows.index)
        usual = _usual(rows, others, count)[proxy]
        out |= _is_odd(others, usual, unknown, denied, np.isnan(cpu))
    return np.asarray(out)


def _is_odd(
    rates: pd.Series,
    usual: Floats,
    excess: Floats,
    denied_by_cpu: Bools,
    cpu_is_unknown: Bools,
) -> Bools:
    """Return the steps far above the usual that neither the other side nor the CPU confirms.

    `excess` is what the workload's proxies reported as a multiple of what the other side of the
    calls did; NaN where that does not report.
    """
    values = rates.to_numpy(float)
    multiple = ratio(values, usual)
    is_high = (multiple > MULTIPLE) & (values > LEAST_RPS)
    confirmed = excess < MULTIPLE * CONFIRMING
    contradicted = excess > MULTIPLE * CONFIRMING
    alone = np.isnan(excess) & (
        denied_by_cpu | (cpu_is_unknown & (multiple > UNCONFIRMED_MULTIPLE))
    )
    return np.asarray(is_high & ~confirmed & (contradicted | alone))
