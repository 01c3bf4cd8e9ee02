"""Several meshes priced side by side, and their sum.

The sum is taken draw by draw. Every projection draws its assumptions with one seed and in one
order (`uncertainty.drawn`), so a draw of one number has the same assumptions in every mesh: the
same price of a vCPU, the same cost of a pass through a ztunnel relative to a request. An assumption
that is wrong is wrong for all meshes, and its errors add up rather than average out.

The errors of each mesh's own fit come from that seed too. They are independent in truth, and go
together here: that makes the range of the sum wider, not narrower.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.errors import InsufficientData, UsageError, sentences
from analyzer.projection.choices import Basis
from analyzer.projection.figures import saved
from analyzer.projection.modes import MODES, SIDECAR
from analyzer.projection.result import NOTHING_TO_SAVE, Price, Projection
from analyzer.projection.uncertainty import to_interval
from analyzer.units import Interval, Reason, Refusal

TOTAL: Final = "sum"
"""The name of the sum, which no mesh may have."""

_MOST_REASONS: Final = 3
"""Of an error that lists why each mesh is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedMode:
    """What a mode of a mesh needs and costs, on the basis of `Meshes`; draws as in `Footprint`."""

    name: str
    vcpu: Interval
    usd_per_year: Interval
    vcpu_draws: Floats = field(compare=False, repr=False, metadata={"json": False})
    usd_draws: Floats = field(compare=False, repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedSaving:
    """What a mode saves against sidecars, on the same basis; negative where it costs more.

    Attributes:
        percent: of the sidecars' dollars.
        probability_cheaper: share of the draws in which the mode costs less.
    """

    mode: str
    usd_per_year: Interval
    percent: Interval
    probability_cheaper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedMesh:
    """One mesh, or the sum of all of them.

    Attributes:
        node_count: None where it is not known.
        modes: sidecars first.
        price: of a vCPU and a GiB; None for the sum.
    """

    name: str
    sidecar_count: int
    namespace_count: int
    node_count: int | None
    modes: tuple[PricedMode, ...]
    savings: tuple[PricedSaving, ...]
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meshes:
    """Several meshes and their sum.

    Attributes:
        basis: of all dollars: that of every mesh's own answer, or usage where these differ.
        meshes: those that are in the sum, in the order in which they were given.
        total: their sum, of the modes that all of them have.
        refusals: the meshes that are not in the sum, and the modes that some mesh lacks.
    """

    basis: Basis
    meshes: tuple[PricedMesh, ...]
    total: PricedMesh
    refusals: tuple[Refusal, ...] = field(metadata={"json": False})

    @property
    def shown(self) -> tuple[PricedMesh, ...]:
        """The meshes, then their sum if there are several."""
        return (*self.meshes, self.total) if len(self.meshes) > 1 else self.meshes


def together(found: Mapping[str, Projection | Refusal]) -> Meshes:
    """Return several projections of one scenario side by side, and their sum.

    Args:
        found: by name of the mesh: its projection, or why it has none.

    Raises:
        UsageError: if a mesh has the name of the sum.
        InsufficientData: if ambient is priced for none of them.
    """
    if TOTAL in found:
        raise UsageError(f"A mesh has the name {TOTAL!r}, which is that of the sum. Rename it.")
    left_out = tuple(
        _left_out(name, item)
        for name, item in found.items()
        if isinstance(item, Refusal) or not item.ambient_savings
    )
    counted = {
        name: item
        for name, item in found.items()
        if not isinstance(item, Refusal) and item.ambient_savings
    }
    if not counted:
        more = len(left_out) - _MOST_REASONS
        reasons = [*map(str, left_out[:_MOST_REASONS]), *([f"And {more} more"] if more > 0 else [])]
        raise InsufficientData(sentences("None of the meshes can be priced", *reasons))
    bases = {projection.basis for projection in counted.values()}
    basis = next(iter(bases)) if len(bases) == 1 else Basis.USAGE
    meshes = tuple(_priced(name, projection, basis) for name, projection in counted.items())
    return Meshes(
        basis=basis,
        meshes=meshes,
        total=_total(meshes),
        refusals=(*left_out, *_lacking(meshes)),
    )


def _left_out(name: str, found: Projection | Refusal) -> Refusal:
    """Return why a mesh is not in the sum."""
    why = found
    if isinstance(found, Projection):
        # What was not asked for is no reason where there is another one.
        ranked = sorted(found.refusals, key=lambda item: item.reason == Reason.NOT_ASKED)
        why = ranked[0] if ranked else NOTHING_TO_SAVE
    assert isinstance(why, Refusal)  # noqa: S101 - for the type checker
    return Refusal(subject=f"mesh {name}", reason=why.reason, detail=str(why))


def _priced(name: str, projection: Projection, basis: Basis) -> PricedMesh:
    load = projection.load
    footprints = {mode.name: mode.bases[basis] for mode in projection.modes if basis in mode.bases}
    modes = tuple(_mode(mode, item.vcpu_draws, item.usd_draws) for mode, item in footprints.items())
    return PricedMesh(
        name=name,
        sidecar_count=load.sidecar_count,
        namespace_count=load.namespace_count,
        node_count=load.node_count,
        modes=modes,
        savings=tuple(_savings(modes)),
        price=projection.price,
    )


def _mode(name: str, vcpu: Floats, usd: Floats) -> PricedMode:
    return PricedMode(
        name=name,
        vcpu=to_interval(vcpu),
        usd_per_year=to_interval(usd),
        vcpu_draws=vcpu,
        usd_draws=usd,
    )


def _savings(modes: Sequence[PricedMode]) -> Iterator[PricedSaving]:
    sidecar, *others = modes
    for mode in others:
        amount = saved(sidecar.usd_draws, mode.usd_draws)
        difference = sidecar.usd_draws - mode.usd_draws
        draws = difference[1:] if len(difference) > 1 else difference
        if amount is not None:
            yield PricedSaving(
                mode=mode.name,
                usd_per_year=amount.usd_per_year,
                percent=amount.percent,
                probability_cheaper=float((draws > 0).mean()),
            )


def _total(meshes: Sequence[PricedMesh]) -> PricedMesh:
    by_mode = {
        name: [mode for mesh in meshes for mode in mesh.modes if mode.name == name]
        for name in MODES
    }
    modes = tuple(
        _mode(
            name,
            _added([mode.vcpu_draws for mode in every]),
            _added([mode.usd_draws for mode in every]),
        )
        for name, every in by_mode.items()
        if len(every) == len(meshes)
    )
    nodes = [mesh.node_count for mesh in meshes]
    known = [count for count in nodes if count is not None]
    return PricedMesh(
        name=TOTAL,
        sidecar_count=sum(mesh.sidecar_count for mesh in meshes),
        namespace_count=sum(mesh.namespace_count for mesh in meshes),
        node_count=sum(known) if len(known) == len(nodes) else None,
        modes=modes,
        savings=tuple(_savings(modes)),
    )


def _added(draws: Sequence[Floats]) -> Floats:
    """Return the sum draw by draw; what is exact has one element and is the same in each draw."""
    return np.asarray(np.sum(np.broadcast_arrays(*draws), axis=0))


def _lacking(meshes: Sequence[PricedMesh]) -> Iterator[Refusal]:
    """Yield the modes that are not in the sum because some of the meshes lack them."""
    for name in MODES:
        lacking = [mesh.name for mesh in meshes if name not in {mode.name for mode in mesh.modes}]
        if lacking and len(lacking) < len(meshes) and name != SIDECAR:
            detail = f"Not priced for {', '.join(lacking)}."
            yield Refusal(subject=f"sum of {name}", reason=Reason.NO_DATA, detail=detail)
