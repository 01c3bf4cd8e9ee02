"""How much time the data covers, and which part of it is missing."""

from typing import Final

from analyzer.measurement.findings import Bias, Finding
from analyzer.measurement.quality.evidence import Evidence
from analyzer.settings import Setting
from analyzer.units import duration, in_percent, moment

MINUTES_PER_DAY = 24 * 60

SPARSE_SHARE = 0.8
"""Share of the requested time with data below which figures per year are doubtful."""


def _short_window(evidence: Evidence) -> Finding | None:
    window = evidence.manifest.window
    seconds = (window.end - window.start).total_seconds()
    if seconds / 60 >= MINUTES_PER_DAY:
        return None
    return Finding(
        name="short_window",
        text=f"The analyzed time is {duration(seconds)}, less than a day. Figures per year assume "
        "that every day is like this time.",
        fix=f"Analyze at least one day, better seven ({Setting.DAYS}).",
        # The totals are right for that time.
        bias=Bias.NONE,
    )


def _sparse_window(evidence: Evidence) -> Finding | None:
    share = len(evidence.observed_points) / evidence.manifest.window.point_count
    if share >= SPARSE_SHARE:
        return None
    return Finding(
        name="sparse_window",
        text=f"Data exists for {in_percent(share)} of the requested time. Figures per year assume "
        "that the missing time is like the rest.",
        fix=f"Choose a time that is covered by samples ({Setting.START}, {Setting.END}).",
        time_share=1 - share,
        bias=Bias.EITHER,
    )


def _retention(evidence: Evidence) -> Finding | None:
    missing = int(evidence.observed_points.min())
    if not missing:
        return None
    window = evidence.manifest.window
    return Finding(
        name="short_retention",
        text="No CPU or no proxy metrics are stored before "
        f"{moment(window.time_of(missing - 1))} UTC. The answer lacks the first {missing} "
        f"of {window.point_count} intervals.",
        fix=f"Choose a shorter time ({Setting.DAYS}). If the mesh is older, keep samples longer "
        "(--storage.tsdb.retention.time; Thanos: --retention.resolution-raw).",
        time_share=missing / window.point_count,
        bias=Bias.EITHER,
    )


def _gaps(evidence: Evidence) -> Finding | None:
    points = evidence.observed_points
    point_count = evidence.manifest.window.point_count
    missing = int(point_count - points.min()) - len(points)
    if not missing:
        return None
    return Finding(
        name="gaps",
        text=f"CPU or proxy metrics are missing in {missing} of {point_count} intervals. Averages "
        "exclude these intervals.",
        fix="Check `up` of the kubelet's and the proxies' scrape jobs at that time.",
        time_share=missing / point_count,
        bias=Bias.EITHER,
    )


TIME_CHECKS: Final = (_short_window, _sparse_window, _retention, _gaps)
