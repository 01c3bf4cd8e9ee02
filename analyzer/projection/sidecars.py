"""The sidecars' CPU and memory: used, requested and billed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.columns import assigned, elementwise
from analyzer.measurement.groups import Groups
from analyzer.projection.choices import Basis
from analyzer.units import BYTES_PER_GIB

Amounts = TypeVar("Amounts", Floats, pd.Series)


def billed(used: Amounts, requested: Amounts) -> Amounts:
    """Return what is billed: per proxy the larger of used and requested.

    OpenCost's rule (its documentation, "CPU and RAM allocation"). If one of the two is NaN (not
    known), it is the other.
    """
    return cast("Amounts", np.fmax(used, requested))


def by_basis(used: Amounts, requested: Amounts) -> dict[Basis, Amounts]:
    """Return the same amounts on every basis."""
    return {Basis.USAGE: used, Basis.RESERVED: requested, Basis.BILLED: billed(used, requested)}


def with_billed(samples: pd.DataFrame) -> pd.DataFrame:
    """Return samples of proxies with what is billed: billed_vcpu and billed_memory_bytes."""
    used_and_requested = {
        "billed_vcpu": ("cpu_vcpu", "reserved_vcpu"),
        "billed_memory_bytes": ("memory_bytes", "reserved_memory_bytes"),
    }
    bills = {
        name: elementwise(billed, *(samples[column].to_numpy() for column in columns))
        for name, columns in used_and_requested.items()
    }
    return assigned(samples, bills)


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarFootprint:
    """CPU and memory of the sidecars, averaged over the window; None: not known."""

    vcpu: float
    billed_vcpu: float | None
    reserved_vcpu: float | None
    memory_gib: float | None
    reserved_memory_gib: float | None
    billed_memory_gib: float | None

    @property
    def vcpu_by_basis(self) -> dict[Basis, float]:
        """The known CPU figures, by basis."""
        return _known(self.vcpu, self.reserved_vcpu, self.billed_vcpu)

    @property
    def memory_gib_by_basis(self) -> dict[Basis, float]:
        """The known memory figures, by basis."""
        return _known(self.memory_gib, self.reserved_memory_gib, self.billed_memory_gib)


def _known(*amounts: float | None) -> dict[Basis, float]:
    return {
        basis: amount for basis, amount in zip(Basis, amounts, strict=True) if amount is not None
    }


def footprint_of(sidecars: pd.DataFrame, step_count: int) -> SidecarFootprint:
    """Return the footprint of sidecars from their samples; a figure that none has is None.

    Their columns are cpu_vcpu, reserved_vcpu, billed_vcpu, memory_bytes, reserved_memory_bytes and
    billed_memory_bytes; NaN: not known. Billed figures are known only if requests are.
    """

    def mean(name: str, unit: float = 1) -> float | None:
        is_known = sidecars[name.replace("billed", "reserved")].notna().any()
        return float(sidecars[name].sum()) / step_count / unit if is_known else None

    return SidecarFootprint(
        vcpu=float(sidecars["cpu_vcpu"].sum()) / step_count,
        reserved_vcpu=mean("reserved_vcpu"),
        billed_vcpu=mean("billed_vcpu"),
        memory_gib=mean("memory_bytes", BYTES_PER_GIB),
        reserved_memory_gib=mean("reserved_memory_bytes", BYTES_PER_GIB),
        billed_memory_gib=mean("billed_memory_bytes", BYTES_PER_GIB),
    )


def placement_of(samples: pd.DataFrame, points: int) -> pd.DataFrame:
    """Return what proxies need in each namespace and on each node: `MeasuredLoad.placement`."""
    columns = {
        "usage_vcpu": "cpu_vcpu",
        "reserved_vcpu": "reserved_vcpu",
        "billed_vcpu": "billed_vcpu",
        "usage_memory_gib": "memory_bytes",
        "reserved_memory_gib": "reserved_memory_bytes",
        "billed_memory_gib": "billed_memory_bytes",
    }
    values = {name: samples[column].to_numpy() for name, column in columns.items()}
    means = Groups.of(samples, ["namespace", "node"]).sums(values) / points
    means.loc[:, "usage_memory_gib":] /= BYTES_PER_GIB
    return means.reset_index()


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarTally:
    """Sums of the known figures over sidecars and intervals; the footprint times intervals.

    Attributes:
        value_count: samples with known CPU.
        added_rps: proxy requests per second added by growth, in samples with known CPU.
        added_vcpu: the CPU of these requests.
        floored_vcpu: added back where that CPU would make a sample negative.
        billed_by_use_vcpu: CPU used, of samples that use more than they request or have no known
            request.
        billed_by_reservation_vcpu: CPU requests of the other samples; `_gib`: the same for memory.
    """

    step_count: int
    value_count: int
    measured_vcpu: float
    measured_rps: float
    added_rps: float
    added_vcpu: float
    floored_vcpu: float
    reserved_vcpu: float
    memory_gib: float
    reserved_memory_gib: float
    billed_by_use_vcpu: float
    billed_by_reservation_vcpu: float
    billed_by_use_gib: float
    billed_by_reservation_gib: float


def tally(
    before: pd.DataFrame, after: pd.DataFrame, added_vcpu: Floats, step_count: int
) -> SidecarTally:
    """Add up the sidecars' samples, so that the footprint can be recalculated by hand.

    Rows are those of `MeshUsage.steps`; `after` includes growth and billed figures. `added_vcpu` is
    the CPU of the growth before any floor.
    """
    is_known = before["cpu_vcpu"].notna().to_numpy()
    vcpu_used, vcpu_requested = _billed_by(after, "vcpu")
    bytes_used, bytes_requested = _billed_by(after, "memory_bytes")
    return SidecarTally(
        step_count=step_count,
        value_count=int(is_known.sum()),
        measured_vcpu=float(before["cpu_vcpu"].sum()),
        measured_rps=float(before["proxy_rps"].sum()),
        added_rps=float(np.nansum(_change(before, after, "proxy_rps")[is_known])),
        added_vcpu=float(added_vcpu[is_known].sum()),
        floored_vcpu=float((_change(before, after, "cpu_vcpu") - added_vcpu)[is_known].sum()),
        reserved_vcpu=float(before["reserved_vcpu"].sum()),
        memory_gib=float(before["memory_bytes"].sum()) / BYTES_PER_GIB,
        reserved_memory_gib=float(before["reserved_memory_bytes"].sum()) / BYTES_PER_GIB,
        billed_by_use_vcpu=vcpu_used,
        billed_by_reservation_vcpu=vcpu_requested,
        billed_by_use_gib=bytes_used / BYTES_PER_GIB,
        billed_by_reservation_gib=bytes_requested / BYTES_PER_GIB,
    )


def _change(before: pd.DataFrame, after: pd.DataFrame, name: str) -> Floats:
    return np.asarray(after[name].to_numpy() - before[name].to_numpy())


def _billed_by(samples: pd.DataFrame, quantity: str) -> Iterator[float]:
    """Return the billed amount of samples billed by use, and of those billed by request."""
    amounts, requested = (
        samples[f"{kind}_{quantity}"].to_numpy() for kind in ("billed", "reserved")
    )
    by_request = amounts == requested
    return (float(np.nansum(amounts[chosen])) for chosen in (~by_request, by_request))
