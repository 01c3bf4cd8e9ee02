"""Warnings about CPU that requests do not explain, each with the group of causes."""

from collections.abc import Iterator

from analyzer.calibration.patterns import Patterns
from analyzer.measurement.findings import Bias, Finding
from analyzer.units import in_percent


def pattern_findings(patterns: Patterns) -> Iterator[Finding]:
    """Yield a finding for each pattern. Measured totals are right in any case."""
    if patterns.has_bursts:
        yield Finding(
            name="shared_bursts",
            text="Sidecars use more CPU in the same short bursts, without more requests. Pushes of "
            "configuration and jobs that call every pod are likely causes.",
            fix="Compare the timeline chart with the rate of pilot_xds_pushes, or measure a time "
            "without deployments.",
            bias=Bias.NONE,
        )
    if patterns.has_jobs:
        yield Finding(
            name="scheduled_jobs",
            text="The CPU of all sidecars jumps up and later down again, without a change of "
            "requests. A scheduled job is the likely cause.",
            fix="Find the job's time in the timeline chart, and measure a time without it.",
            bias=Bias.NONE,
        )
    if patterns.rise_share:
        yield Finding(
            name="rising_load",
            text="Sidecars need more CPU while load rises than while it falls: "
            f"{in_percent(patterns.rise_share)} of their CPU. New connections with TLS handshakes "
            "are the likely cause.",
            fix="Check that clients reuse connections, and measure a time with steadier load.",
            bias=Bias.NONE,
        )
    if patterns.level_share:
        yield Finding(
            name="costly_peaks",
            text="A request costs more CPU at high load than at low load. Retries, failed requests "
            "and busy nodes are likely causes.",
            fix="Compare response codes and flags of istio_requests_total at high and low load.",
            bias=Bias.NONE,
        )
