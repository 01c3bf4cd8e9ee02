"""What the proxies of a snapshot need, as measured: CPU and memory, used, requested and billed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.comparison.match import Migration
from analyzer.measurement.lived import LIVED
from analyzer.measurement.other_side import WORKLOAD
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis
from analyzer.projection.needs import Need, prices_by_basis
from analyzer.projection.prices import NodePrices
from analyzer.projection.sidecars import footprint_of, placement_of, with_billed
from analyzer.units import BYTES_PER_GIB, Provenance, Role

LEAST_KNOWN_SHARE: Final = 0.9
"""Share of the samples with CPU that must have memory too, for the total to be known."""

_MEMORY: Final = "memory_bytes"


def samples_of(usage: MeshUsage, role: Role, moved: Migration) -> pd.DataFrame:
    """Return the samples of one role's proxies, without those that have no account.

    What was not seen is filled. `moved` has the workloads and waypoints of unknown CPU.
    """
    rows = usage.of_role(role, filled=True)
    if role == Role.SIDECAR:
        known = moved.workloads.dropna(subset=["before_vcpu", "after_vcpu"])[WORKLOAD]
        keys = pd.MultiIndex.from_frame(known)
        return rows[pd.MultiIndex.from_frame(rows[WORKLOAD]).isin(keys)]
    if role == Role.WAYPOINT:
        return rows[~rows["namespace"].isin(moved.waypoints_without_cpu)]
    return rows


def need_of(
    role: Role, samples: pd.DataFrame, points: int, prices: NodePrices | None, draw_count: int
) -> Need:
    """Return what these proxies need on average over so many steps, equal in all draws.

    Without a proxy that is 0 on every basis. An amount that is not known is absent, as in `Need`.
    """
    rows = with_billed(samples)
    if rows.empty:
        nothing = dict.fromkeys(Basis, np.zeros(draw_count))
        return Need(
            role=role,
            count=0.0,
            provenance=Provenance.MEASURED,
            vcpu=nothing,
            memory_gib=nothing,
        )
    found, placed = footprint_of(rows, points), placement_of(rows, points)
    amounts = found.vcpu_by_basis, _with_all(found.memory_gib_by_basis, rows)
    vcpu, memory_gib = (
        {basis: np.full(draw_count, amount) for basis, amount in known.items()} for known in amounts
    )
    month_usd = None
    if prices is not None:
        placed_vcpu, placed_gib = (
            {basis: placed[f"{basis}_{unit}"].to_numpy(float)[:, None] for basis in Basis}
            for unit in ("vcpu", "memory_gib")
        )
        month_usd = prices_by_basis(prices.of(placed["node"]), placed_vcpu, placed_gib)
    return Need(
        role=role,
        count=float(rows[LIVED].sum()) / points,
        provenance=Provenance.MEASURED,
        vcpu=vcpu,
        memory_gib=memory_gib,
        month_usd=month_usd,
    )


def _with_all(memory_gib: Mapping[Basis, float], rows: pd.DataFrame) -> dict[Basis, float]:
    """Return the memory of all proxies: used memory is known if most of the samples have it.

    The few samples without it have the mean of the others. Samples without a request have none.
    """
    share = float(rows[_MEMORY].notna().sum() / max(rows["cpu_vcpu"].notna().sum(), 1))
    known = dict(memory_gib)
    used = known.pop(Basis.USAGE, None)
    if used is None or share < LEAST_KNOWN_SHARE:
        # What is billed is partly what is used.
        known.pop(Basis.BILLED, None)
        return known
    lacking_gib = used / min(share, 1.0) - used
    more = {Basis.BILLED: known[Basis.BILLED] + lacking_gib} if Basis.BILLED in known else {}
    return {Basis.USAGE: used + lacking_gib, **known, **more}


def with_added(samples: pd.DataFrame, added_vcpu: pd.Series, points: int) -> pd.DataFrame:
    """Return sidecars' samples with the CPU of other traffic.

    `added_vcpu` is what is added to each workload, by namespace and workload, on average over so
    many steps.
    """
    used = samples["cpu_vcpu"] + _spread(samples, added_vcpu, points)
    return samples.assign(cpu_vcpu=used.clip(lower=0.0))


def with_draws(need: Need, samples: pd.DataFrame, used_vcpu: Floats) -> Need:
    """Return the need of sidecars that use so much CPU, over draws.

    A sample that uses more than it requests is billed by use. That is settled sample by sample at
    the best estimates; in other draws the CPU of those billed by use is in proportion.
    """
    vcpu = {**need.vcpu, Basis.USAGE: used_vcpu}
    if Basis.BILLED in vcpu:
        used, requested = samples["cpu_vcpu"], samples["reserved_vcpu"]
        total = float(used.sum())
        by_use = float(used.where(~(used < requested), 0.0).sum())
        share = by_use / total if total > 0 else 0.0
        vcpu[Basis.BILLED] = need.vcpu[Basis.BILLED] + share * (used_vcpu - used_vcpu[0])
    return replace(need, vcpu=vcpu)


def _spread(samples: pd.DataFrame, added_vcpu: pd.Series, points: int) -> pd.Series:
    """Return the CPU added to each sample: in proportion to its requests, or evenly without any."""
    keys = [samples[name] for name in WORKLOAD]
    is_known = samples["cpu_vcpu"].notna()
    weights = samples["proxy_rps"].fillna(0.0).where(is_known, 0.0)
    sums = weights.groupby(keys).transform("sum")
    weights = weights.where(sums > 0, is_known.astype(float))
    shares: pd.Series = weights / weights.groupby(keys).transform("sum")
    of_each = added_vcpu.reindex(pd.MultiIndex.from_frame(samples[WORKLOAD])).fillna(0.0)
    return shares.fillna(0.0).mul(of_each.to_numpy(float) * points)


def of_one_proxy(samples: pd.DataFrame) -> pd.DataFrame:
    """Return what one proxy of each namespace requests and uses, on average; NaN: not known.

    Columns: reserved_vcpu, memory_gib, reserved_memory_gib. A sample without a request has none.
    """
    groups = samples.groupby("namespace")
    requests = groups[["reserved_vcpu", "reserved_memory_bytes"]].sum(min_count=1)
    requests = requests.div(groups[LIVED].sum(), axis=0)
    # Memory that is not known has no share in the mean.
    held = samples[LIVED].where(samples[_MEMORY].notna()).groupby(samples["namespace"]).sum()
    return pd.DataFrame(
        {
            "reserved_vcpu": requests["reserved_vcpu"],
            "memory_gib": groups[_MEMORY].sum(min_count=1) / held / BYTES_PER_GIB,
            "reserved_memory_gib": requests["reserved_memory_bytes"] / BYTES_PER_GIB,
        }
    )
