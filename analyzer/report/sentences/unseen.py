"""Time that was not seen and is filled, in sentences."""

from collections.abc import Iterator

from analyzer.measurement.quality.of_unseen import LEAST_FILLED_SHARE
from analyzer.projection.demand import MeshLoad
from analyzer.projection.unseen import MeasuredRanges
from analyzer.report import format as fmt
from analyzer.units import in_percent


def filled_line(load: MeshLoad) -> Iterator[str]:
    """Return which shares of the sidecars' totals were not seen, and what they are filled from."""
    parts = [f"{in_percent(share)} of the {what}" for share, what in filled_shares(load.ranges)]
    if parts:
        is_one = len(parts) == 1 and parts[0].endswith("CPU")
        was, be = ("was", "is") if is_one else ("were", "are")
        yield (
            f"{fmt.listed(parts)} {was} not seen and {be} filled from the same workloads' seen "
            "time."
        )


def filled_shares(ranges: MeasuredRanges) -> Iterator[tuple[float, str]]:
    """Yield the shares that a reader has to know of, each with what it is of."""
    for share, what in (
        (ranges.filled_cpu_share, "sidecars' CPU"),
        (ranges.filled_rps_share, "sidecars' requests"),
    ):
        if share >= LEAST_FILLED_SHARE:
            yield share, what
