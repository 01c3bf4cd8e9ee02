"""Origin of the data, and how to collect it again."""

from collections.abc import Iterator
from typing import Final

from analyzer.measurement.manifest import Manifest, QueryRecord
from analyzer.report import format as fmt
from analyzer.settings import Setting
from analyzer.units import counted

NOTHING_COLLECTED: Final = (
    "No data was collected: published benchmarks are applied to a hypothetical mesh."
)


def window_title(manifest: Manifest | None) -> str:
    """Return the time window of an answer; without data, that the mesh is hypothetical."""
    return (
        fmt.time_title(manifest.window) if manifest else "Hypothetical mesh, published benchmarks"
    )


def again(manifest: Manifest, *, has_scenario: bool) -> Iterator[str]:
    """Return where and when the data was collected, and an introduction to the commands."""
    yield (
        f"Collected by istio-usage {manifest.tool_version} from {manifest.source}: "
        f"{fmt.time_title(manifest.window)}. CPU is scraped every "
        f"{manifest.cpu_scrape_seconds:g} s, requests every {manifest.request_scrape_seconds:g} s."
    )
    if manifest.rules_version:
        yield (
            f"The figures come from recording rules, version {manifest.rules_version}, and not "
            "from raw samples."
        )
    scenario = f" Give the scenario file above with {Setting.SCENARIO}." if has_scenario else ""
    yield (
        "These commands collect the same window again, if Prometheus still has it, and write the "
        f"same report.{scenario}"
    )


def answered(query: QueryRecord) -> str:
    """Return unit and size of the answer to a query."""
    samples = counted(query.sample_count, "sample")
    return f"in {query.unit}: {query.series_count:,} series, {samples}"
