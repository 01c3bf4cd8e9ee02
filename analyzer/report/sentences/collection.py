"""How the data came about, and how to collect them again."""

from collections.abc import Iterator
from typing import Final

from analyzer.measurement.manifest import Manifest, QueryRecord
from analyzer.report import format as fmt
from analyzer.settings import Setting

NOTHING_COLLECTED: Final = (
    "Nothing was collected: the figures are published constants, applied to a mesh of stated size."
)


def window_title(manifest: Manifest | None) -> str:
    """Return which time an answer is about."""
    stated = "A mesh of stated size, by published constants"
    return fmt.time_title(manifest.window) if manifest else stated


def again(manifest: Manifest, *, has_scenario: bool) -> Iterator[str]:
    """Return where and when the data were collected, and what leads to the commands."""
    yield (
        f"Collected by istio-usage {manifest.tool_version} from {manifest.source}: "
        f"{fmt.time_title(manifest.window)}. CPU is scraped every "
        f"{manifest.cpu_scrape_seconds:g} s, requests every {manifest.request_scrape_seconds:g} s."
    )
    scenario = f"; the scenario file above goes with {Setting.SCENARIO}" if has_scenario else ""
    yield (
        "The same window again, as long as that Prometheus keeps it, and the same "
        f"report{scenario}:"
    )


def answered(query: QueryRecord) -> str:
    """Return what came back for a query."""
    return f"in {query.unit}: {query.series_count} series, {query.sample_count} samples"
