"""Steps of which a scrape gap took a part: their rates are too low, although no step is missing.

A gap of ten minutes may leave some samples in both steps that it touches. rate() extrapolates by
half a scrape only, so what was used in the gap is in neither step.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.anchors import corrections, covered_in_part
from analyzer.measurement.columns import alike, as_one, assigned
from analyzer.measurement.filling import Line, sums
from analyzer.measurement.impossible import masked
from analyzer.measurement.lived import is_edge
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.other_side import WORKLOAD
from analyzer.measurement.steps import OWN_COLUMNS, StepTable

LOW_SHARE: Final = 0.8
"""Share of its expected rate below which a step may have been covered in part."""

FEW_SCRAPES: Final = 0.85
"""Share of the scrapes of the steps around it, below which a step may be covered in part."""

_DEVIATIONS: Final = 4.0
"""How many robust standard deviations of a kubelet's other steps a step must be below them."""

_MIN_STEPS: Final = 8
"""Steps of a kubelet or proxy from which its usual values are known."""

_OF_NORMAL: Final = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""


def without_partial(
    table: StepTable, believed: pd.DataFrame, proxies: pd.DataFrame, manifest: Manifest
) -> tuple[pd.DataFrame, Floats]:
    """Return the step table with the rates of partly covered steps unknown.

    Where a kubelet lost many single scrapes, its CPU is corrected to what the counters show. By
    which multiple the CPU of each row was too low is returned too, shape (rows,).
    """
    window = manifest.window
    proxy = believed["proxy"].to_numpy(np.int64)
    point = believed["point"].to_numpy(np.int64)
    is_inner = ~is_edge(proxy, point, window.point_count)
    workload = proxies.groupby([*WORKLOAD, "role"]).ngroup().to_numpy(np.int64)[proxy]
    rps, cpu = (believed[name].to_numpy(float) for name in ("proxy_rps", "cpu_vcpu"))
    line = Line.of(workload, rps, cpu)
    few = is_inner & _has_few_scrapes(table.scrapes, proxy)
    lacks_requests = few & (rps < LOW_SHARE * line.rps(workload, cpu))
    rps = np.where(lacks_requests, np.nan, rps)
    counter, multiples = table.counters["cpu_vcpu"], alike(1.0, len(proxy))
    if not table.has_cpu_counters:
        expected = line.cpu(workload, rps) * np.where(np.isnan(line.slope), np.nan, 1.0)[workload]
        lacks_cpu = _of_kubelets(cpu, expected, is_inner, proxy, point, proxies)
    else:
        scrapes = window.step_seconds / manifest.cpu_scrape_seconds
        lacks_cpu = covered_in_part(proxy, point, counter, cpu, scrapes_per_step=scrapes)
        cpu = np.where(lacks_cpu & is_inner, np.nan, cpu)
        multiples = as_one(corrections(proxy, point, counter, cpu, scrapes_per_step=scrapes))
    lacks_cpu &= is_inner
    if lacks_cpu.any() or (multiples != 1).any():
        believed = assigned(believed, {"cpu_vcpu": np.where(lacks_cpu, np.nan, cpu * multiples)})
    rest = masked(believed, dict.fromkeys(OWN_COLUMNS, lacks_requests))
    return rest, as_one(multiples * table.recounted)


def _has_few_scrapes(scrapes: Floats, proxy: Ints) -> Bools:
    """Return the steps with fewer scrapes than those around them, two on each side."""
    most = pd.Series(scrapes).groupby(proxy).transform("max").to_numpy(float)
    # As a rule no step of a proxy has clearly fewer than its most.
    has_few = np.isin(proxy, np.unique(proxy[scrapes < FEW_SCRAPES * most]))
    few = np.zeros(len(proxy), dtype=bool)
    groups = pd.Series(scrapes[has_few]).groupby(proxy[has_few])
    around = [groups.shift(by) for by in (-2, -1, 1, 2)]
    usual = pd.concat(around, axis=1).median(axis=1)
    few[has_few] = scrapes[has_few] < FEW_SCRAPES * usual.to_numpy(float)
    return few


def _of_kubelets(
    cpu: Floats,
    expected: Floats,
    is_inner: Bools,
    proxy: Ints,
    point: Ints,
    proxies: pd.DataFrame,
) -> Bools:
    """Return the rows of which the kubelet covered a part: all proxies of its node are too low.

    Where a proxy's node is not known, it is compared with itself.
    """
    nodes = proxies["node"].where(proxies["node"] != "", proxies.index.astype(str))
    node = pd.factorize(nodes)[0].astype(np.int64)[proxy]
    level = pd.Series(cpu / expected).groupby(proxy).transform("median").to_numpy(float)
    expected = expected * level
    used = is_inner & ~np.isnan(cpu) & ~np.isnan(expected)
    points = int(point.max(initial=-1)) + 1
    at = node * points + point
    seen, whole = sums(at[used], cpu[used]), sums(at[used], expected[used])
    size = (int(node.max(initial=-1)) + 1) * points
    share = np.full(size, np.nan)
    np.divide(seen, whole, out=share[: len(whole)], where=whole > 0)
    shares = pd.DataFrame(share.reshape(-1, points).T)
    usual: pd.Series = shares.median()
    spread: pd.Series = _OF_NORMAL * (shares - usual).abs().median()
    least: pd.Series = (1 - _DEVIATIONS * spread).clip(upper=LOW_SHARE)
    least = least.where(shares.count() >= _MIN_STEPS, 0.0)
    return np.asarray((shares < least * usual).to_numpy().T.ravel()[at])
