"""The table of istiod in each mode."""

from typing import Final

from analyzer.projection.result import ControlPlane, Projection
from analyzer.report import format as fmt
from analyzer.report.table import Amount, Listing, Table, Unit, View, Words

CAPTION: Final = "istiod (not in the totals)"


def control_plane(projection: Projection) -> Table:
    """Return what istiod serves and uses in each mode; no row where that is not known."""
    rows: list[tuple[str, ControlPlane]] = [
        (fmt.MODE_TITLES[mode.name], mode.control_plane)
        for mode in projection.modes
        if mode.control_plane is not None
    ]
    listing = Listing(rows)
    listing.column(lambda row: Words(row[0], detail=row[1].source), page="mode")
    listing.column(lambda row: row[0], text="mode")
    served = "proxies served"
    listing.column(lambda row: row[1].proxies_served, Unit.COUNT, text=served, page=served)
    listing.column(lambda row: row[1].vcpu, text="vCPU used", page="vCPU used")
    memory = "GiB of memory used"
    listing.column(lambda row: row[1].memory_gib, text=memory, page=memory)
    usd = "USD a year as used"
    listing.column(lambda row: Amount(row[1].usd_per_year, Unit.USD), text=usd, page=usd)
    listing.text_column(lambda row: str(row[1].provenance), text="figures are", page="figures are")
    return Table("istiod", *listing.filled, captions={View.PAGE: CAPTION})
