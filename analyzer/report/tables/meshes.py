"""The table of several meshes and their sum."""

from dataclasses import dataclass
from itertools import chain

from analyzer.projection.meshes import Meshes, PricedMesh, PricedMode, PricedSaving
from analyzer.report import format as fmt
from analyzer.report.apart import apart
from analyzer.report.sentences.meshes import legend
from analyzer.report.table import Amount, Head, Listing, Table, Unit, Value, View

_NAME_WIDTH = 16  # columns of a terminal


@dataclass(frozen=True, slots=True)
class _Row:
    mesh: PricedMesh
    mode: PricedMode
    saving: PricedSaving | None

    @property
    def is_first(self) -> bool:
        """Whether it is the mesh's first row."""
        return self.saving is None

    @property
    def title(self) -> str:
        return fmt.MODE_TITLES[self.mode.name]


def costs(found: Meshes) -> Table:
    """Return what each mode of each mesh costs and saves, and the sum of all meshes."""
    listing = Listing(chain.from_iterable(map(_rows, found.shown)))
    basis = fmt.AS_BASIS[found.basis]
    names = ("text", "page", "notebook")

    short = apart([mesh.name for mesh in found.shown], _NAME_WIDTH)

    listing.column(lambda row: f"{row.mesh.name}, {row.title}", narrow="mesh, mode")
    listing.column(lambda row: short[row.mesh.name] if row.is_first else "", terminal="mesh")
    listing.column(lambda row: row.mesh.name, **dict.fromkeys(names, "mesh"))
    listing.text_column(lambda row: fmt.in_two_lines(row.title), terminal="mode")
    listing.text_column(lambda row: row.title, **dict.fromkeys(names, "mode"))
    listing.column(
        lambda row: Amount(row.mesh.sidecar_count if row.is_first else None, Unit.COUNT, absent=""),
        text="sidecars",
        page="sidecars",
    )
    listing.column(lambda row: row.mode.vcpu, text=f"vCPU {basis}", page=f"vCPU {basis}")
    listing.column(
        lambda row: row.mode.usd_per_year,
        Unit.USD,
        everywhere=f"USD a year {basis}",
        terminal=f"USD a year\n{basis}",
    )
    listing.column(_saved_usd, everywhere=Head("saved a year"), terminal="saved\na year")
    listing.column(_saved_percent, everywhere="saving")
    captions = dict.fromkeys(
        (View.PAGE, View.NOTEBOOK), "Cost and saving of each mesh and their sum"
    )
    notes = dict.fromkeys((View.TERMINAL, View.TEXT, View.PAGE), legend(found))
    return Table("cost", *listing.filled, captions=captions, notes=notes)


def _rows(mesh: PricedMesh) -> list[_Row]:
    savings = {item.mode: item for item in mesh.savings}
    return [_Row(mesh, mode, savings.get(mode.name)) for mode in mesh.modes]


def _saved_usd(row: _Row) -> Value:
    return Amount(row.saving.usd_per_year if row.saving else None, Unit.USD, "", is_gain=True)


def _saved_percent(row: _Row) -> Value:
    return Amount(row.saving.percent if row.saving else None, Unit.PERCENT, "", is_gain=True)
