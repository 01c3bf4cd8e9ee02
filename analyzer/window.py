"""The time that is asked for, and its division into requests that a server accepts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from analyzer.arrays import Floats, Ints
from analyzer.defaults import LAST_YEAR
from analyzer.errors import InsufficientData, UsageError
from analyzer.settings import Setting

MAX_POINTS_PER_SERIES = 11_000
"""Prometheus refuses range queries of more points (web/api/v1/api.go, "maximum resolution")."""

SAMPLE_BUDGET = 10_000_000
"""Samples one request may load: a fifth of Prometheus's default --query.max-samples."""

ANSWER_BUDGET = 1_000_000
"""Samples one answer may have: 38 MiB at most, which is below `DEFAULT_MAX_ANSWER_MIB`."""

LABELS_SAMPLES = 24
"""Samples that are as long as the labels of a series of Envoy or cAdvisor, some 800 bytes."""

SPAN_SECONDS = 3 * 86_400
"""Time of a request for the last samples of many series. Prometheus 2 looks into every block of the
request's time at each point, so the work for a month in one request grows with its square."""

SPANNED_SERIES = 1000
"""Series from which that takes longer than a request more."""

MIN_STEP_SECONDS = 300
"""Below five minutes the kubelet's 10-15 s housekeeping makes CPU and requests disagree."""

INTERVALS_PER_STEP = 10
"""Scrapes a step must hold. A rate reads up to one scrape more than its step, and the CPU counter
runs up to one housekeeping behind: at ten scrapes both are worth less than a tenth."""

OFFSET_SECONDS = 150
"""Seconds by which steps of five minutes and more end before a multiple of the step. Scheduled jobs
start at full five minutes: a burst there would be cut at the border of two steps."""


COARSE_SECONDS = 3600
"""What changes slowly is asked this often."""

COARSE_POINTS = 160
"""Points that a window must have even so: a day is asked at every step, a week each hour."""

LONG_STEPS, LONG_POINTS = 4, 40
"""The same where an hour has not two steps: as many steps, and as many points."""

MOST_STRIDE = 24
"""Steps in a coarse interval: a table keeps eight digits of a sum of so many powers of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some points of a `TimeWindow`: one range query.

    Attributes:
        stride: steps from one point to the next. Each point is asked about as many steps, which
            end with its own.
    """

    first_point: int
    point_count: int
    stride: int = 1

    @property
    def last_point(self) -> int:
        """The last of its points."""
        return self.first_point + (self.point_count - 1) * self.stride

    def halves(self) -> tuple[Chunk, Chunk]:
        """Return the two halves of the chunk; ValueError if it is one point."""
        if self.point_count < 2:  # noqa: PLR2004 - two halves need two points
            raise ValueError("a single point has no halves")
        left = self.point_count // 2
        first = self.first_point + left * self.stride
        rest = replace(self, first_point=first, point_count=self.point_count - left)
        return replace(self, point_count=left), rest


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """Time from `start` to `end`, cut into non-overlapping steps.

    Step i is (start + i * step, start + (i + 1) * step]. All times here are of the data. The server
    evaluates point i `offset_seconds` after the end of its step, and reads as much further back.

    Raises:
        ValueError: if a time has no zone, or the window is not a whole number of steps.
    """

    start: datetime
    end: datetime
    step_seconds: int
    offset_seconds: int = 0

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a time without a zone differs between machines")
        seconds = (self.end - self.start).total_seconds()
        if self.step_seconds <= 0 or seconds <= 0 or seconds % self.step_seconds:
            raise ValueError(f"{seconds:g} s is not a whole number of {self.step_seconds} s steps")

    @classmethod
    def within(
        cls, start: datetime, end: datetime, step_seconds: int, offset_seconds: int | None = None
    ) -> TimeWindow:
        """Return the longest window of whole steps inside `start` and `end`.

        Steps are evaluated at multiples of `step_seconds` since the epoch. The same hour has the
        same steps in every question, and Prometheus's caches can serve it again. Query frontends
        (Thanos, Mimir, VictoriaMetrics) move other times to such multiples.

        Args:
            start: no step begins earlier.
            end: no step ends later.
            step_seconds: length of a step.
            offset_seconds: how long before its evaluation a step ends; None: `offset_of` it.

        Raises:
            InsufficientData: if not one whole step fits.
        """
        if offset_seconds is None:
            offset_seconds = offset_of(step_seconds)
        first, last = (
            whole((time.timestamp() + offset_seconds) / step_seconds) * step_seconds
            - offset_seconds
            for time, whole in ((start, math.ceil), (end, math.floor))
        )
        if last <= first:
            raise InsufficientData(
                f"The time from {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC holds no "
                f"whole step of {step_seconds} s. Ask for a longer time ({Setting.DAYS}, "
                f"{Setting.START}, {Setting.END})."
            )
        begin, finish = (datetime.fromtimestamp(second, UTC) for second in (first, last))
        return cls(
            start=begin, end=finish, step_seconds=step_seconds, offset_seconds=offset_seconds
        )

    @property
    def point_count(self) -> int:
        """The number of steps, and of points a series can have."""
        return int((self.end - self.start).total_seconds()) // self.step_seconds

    def time_of(self, point: int) -> datetime:
        """Return the end of step `point`."""
        return self.start + timedelta(seconds=self.step_seconds * (point + 1))

    def evaluated_at(self, point: int) -> datetime:
        """Return the time for which the server is asked for point `point`."""
        return self.time_of(point) + timedelta(seconds=self.offset_seconds)

    def start_of(self, point: int) -> datetime:
        """Return when step `point` begins."""
        return self.time_of(point - 1)

    def stray_time(self, times: Floats, chunk: Chunk | None = None) -> datetime | None:
        """Return the first of some times that is not the end of a step; None if all are.

        `times` are seconds since the epoch, of the data. `chunk` allows its points only.
        """
        asked = chunk or Chunk(first_point=0, point_count=self.point_count)
        points = self.points(times)
        nearest = np.rint(points)
        # Servers send times in milliseconds.
        known = np.abs(points - nearest) * self.step_seconds < 0.001  # noqa: PLR2004
        known &= (nearest >= asked.first_point) & (nearest <= asked.last_point)
        known &= (nearest - asked.first_point) % asked.stride == 0
        if known.all():
            return None
        # A damaged file may have a time that no calendar has.
        latest = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()
        return datetime.fromtimestamp(float(np.clip(times[~known][0], 0, latest)), UTC)

    def points(self, times: Floats) -> Floats:
        """Return the number of the step that ends at each of some times, in fractions."""
        return (times - self.time_of(0).timestamp()) / self.step_seconds

    @property
    def coarse_stride(self) -> int:
        """The steps in an interval at whose end what changes slowly is asked; 1: each step."""
        if self.has_long_steps:
            most = min(LONG_STEPS, self.point_count // LONG_POINTS)
        else:
            most = min(COARSE_SECONDS // self.step_seconds, self.point_count // COARSE_POINTS)
        return max(min(most, MOST_STRIDE), 1)

    @property
    def has_long_steps(self) -> bool:
        """Whether an hour has not two steps."""
        return 2 * self.step_seconds > COARSE_SECONDS

    def asked_points(self, stride: int) -> Ints:
        """Return the last step of each interval of so many, and of the window, in order.

        Intervals end at multiples of their length since the epoch, as query frontends need it.
        """
        first = self._first_point(stride)
        points = np.arange(first, self.point_count, stride, dtype=np.int64)
        return np.unique(np.append(points, self.point_count - 1))

    def _first_point(self, stride: int) -> int:
        evaluated = int(self.evaluated_at(0).timestamp()) // self.step_seconds
        return -evaluated % stride

    def chunks(
        self,
        *,
        samples_per_point: float = 0,
        sample_budget: int = SAMPLE_BUDGET,
        series_count: int = 0,
        has_all_labels: bool = False,
        is_ranged: bool = True,
        stride: int = 1,
    ) -> tuple[Chunk, ...]:
        """Cut the window so that each chunk stays under the server's limits, and under ours.

        Args:
            samples_per_point: what the server is estimated to load for one step of the query.
            sample_budget: what one request may load.
            series_count: how many series an answer can have; 0 if that is not known.
            has_all_labels: whether its series have the labels of scrape jobs.
            is_ranged: whether the samples of a range are read at each point, and not the last one.
            stride: steps from one point to the next. The last step of the window is always a point:
                where no interval ends with it, it is a chunk of its own.
        """
        first = self._first_point(stride)
        count = len(range(first, self.point_count, stride))
        affordable = int(sample_budget / max(samples_per_point * stride, 1))
        readable = ANSWER_BUDGET // max(series_count, 1)
        readable -= LABELS_SAMPLES if has_all_labels else 0
        is_spanned = not is_ranged and series_count >= SPANNED_SERIES
        near = SPAN_SECONDS // (self.step_seconds * stride) if is_spanned else count
        size = max(1, min(MAX_POINTS_PER_SERIES, affordable, readable, near, count))
        regular = tuple(
            Chunk(
                first_point=first + begin * stride,
                point_count=min(size, count - begin),
                stride=stride,
            )
            for begin in range(0, count, size)
        )
        last = self.point_count - 1
        rest = last - (first + (count - 1) * stride)
        if not rest:
            return regular
        return (*regular, Chunk(first_point=last, point_count=1, stride=rest))


def offset_of(step_seconds: int) -> int:
    """Return how long before its evaluation a step ends: half a step, at most `OFFSET_SECONDS`."""
    return min(OFFSET_SECONDS, step_seconds // 2)


def choose_step_seconds(
    slower_scrape_seconds: float, asked_seconds: int | None, slowest: str = ""
) -> int:
    """Return the step that was asked for, or the shortest that can be trusted.

    The user's step may go below five minutes, but not below `INTERVALS_PER_STEP` scrapes of the
    slower side, CPU or requests: then it is a UsageError, which names the `slowest` scrape job.
    """
    shortest = math.ceil(round(slower_scrape_seconds * INTERVALS_PER_STEP, 3))
    if asked_seconds is None:
        return max(MIN_STEP_SECONDS, shortest)
    if asked_seconds < shortest:
        raise UsageError(
            f"{Setting.STEP} {asked_seconds}s holds fewer than {INTERVALS_PER_STEP} scrapes, which "
            f"are {slower_scrape_seconds:g} s apart{slowest}. Use {Setting.STEP} {shortest}s or "
            "longer."
        )
    return asked_seconds
