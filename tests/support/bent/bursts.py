"""Kind G: load in bursts, and series that begin with traffic."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.support.bent.edit import (
    Random,
    is_counter,
    label,
    labelled_more,
    moment_ms,
    pod_of,
    sidecars,
)
from tests.support.bent.scene import CPU, REQUESTS, Kind, Scene
from tests.support.series import STALE, Series
from tests.support.traffic import Floats

_FLOW_MS = 20_000
"""How long requests flow at a time that end in a counter of their own."""

_EVICTED_AFTER_MS = 300_000
"""Envoy drops a counter that has not moved for an interval; five minutes is the usual choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """Load that flows for some seconds of each period only, and as much of it as before."""

    period_seconds: float
    burst_seconds: float
    shift_seconds: float = 0.0
    """How long after a full period the burst begins."""

    def load_ms(self, times_ms: Floats) -> Floats:
        """Return until when the steady load has been done at some times."""
        period = self.period_seconds * 1000
        since = times_ms - self.shift_seconds * 1000
        turn, rest = np.divmod(since, period)
        done = np.minimum(rest / (self.burst_seconds * 1000), 1) * period
        return np.asarray(turn * period + done + self.shift_seconds * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """Load that flows several times as fast for a while, once, and slower before and after."""

    begin_ms: float
    end_ms: float
    """The mesh's time, over which as much load flows as before."""
    at_share: float
    """Of that time, when the rush begins."""
    minutes: float
    times: float

    def load_ms(self, times_ms: Floats) -> Floats:
        """Return until when the steady load has been done at some times."""
        whole, rush = self.end_ms - self.begin_ms, self.minutes * 60_000
        first = self.begin_ms + self.at_share * whole
        slower = (whole - self.times * rush) / (whole - rush)
        done = [0.0, slower * (first - self.begin_ms)]
        done += [done[1] + self.times * rush, whole]
        knots = [self.begin_ms, first, first + rush, self.end_ms]
        return np.asarray(np.interp(times_ms, knots, np.add(done, self.begin_ms)))


def with_bursts(scene: Scene, clockwork: Clockwork | Rush) -> Scene:
    """Let all load of a mesh flow at other times; proxies idle in between."""
    idle = {(pod.workload.namespace, pod.name): pod.workload.idle_vcpu for pod in scene.mesh.pods}

    def idle_of(one: Series) -> float:
        is_its = one.name == CPU and label(one, "container") == "istio-proxy"
        return idle[pod_of(one)[1:]] if is_its else 0.0

    def burst(one: Series) -> Series:
        return replace(one, values=_in_bursts(one, one.times_ms, clockwork, idle_of(one)))

    def finely(one: Series) -> Series:
        # Between two scrapes a burst begins and ends, so the truth is finer than they are.
        times = np.arange(one.times_ms[0], one.times_ms[-1] + 1, 1000)
        return replace(one, times_ms=times, values=_in_bursts(one, times, clockwork, idle_of(one)))

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            yield burst(one) if is_counter(one) else one

    counted = replace(
        scene.counted,
        cpu=tuple(map(finely, scene.counted.cpu)),
        requests=tuple(map(finely, scene.counted.requests)),
        calls=tuple(map(finely, scene.counted.calls)),
    )
    return replace(scene.storing(found(), Kind.BURSTS), counted=counted)


def _in_bursts(
    series: Series, times_ms: np.ndarray, clockwork: Clockwork | Rush, idle_vcpu: float
) -> Floats:
    real = ~np.isnan(series.values)
    known = series.times_ms[real].astype(np.float64)
    times = times_ms.astype(np.float64)
    steady = series.values[real] - idle_vcpu * (known - known[0]) / 1000
    if idle_vcpu:
        # Noise lets a proxy without traffic use less than its idle CPU for a while.
        steady = np.maximum.accumulate(steady)
    values = np.interp(clockwork.load_ms(times), known, steady)
    values = values + idle_vcpu * (times - known[0]) / 1000
    values = np.floor(values) if series.name.startswith("istio_") else values
    if len(times) == len(real):
        values[~real] = series.values[~real]
    return np.asarray(values)


def every_ten_minutes(scene: Scene, _: Random) -> Scene:
    """Let load flow for a minute at every full ten minutes."""
    return with_bursts(scene, Clockwork(period_seconds=600, burst_seconds=60))


def at_clock_times(scene: Scene, random: Random) -> Scene:
    """Let load flow at clock times of any period, length and shift."""
    period = float(random.choice([300, 600, 900, 1800]))
    clockwork = Clockwork(
        period_seconds=period,
        burst_seconds=float(random.uniform(20, period / 4)),
        shift_seconds=float(random.choice([0, 5, 25, 60, 145, 150, 290])),
    )
    return with_bursts(scene, clockwork)


def evicted_series(scene: Scene, random: Random) -> Scene:
    """Answer some requests with 404 now and then: that counter is evicted after each time.

    It begins again with most of the next time's requests in its first sample.
    """
    pods = set(sidecars(scene)[::3])
    every_ms = float(random.integers(18, 26)) * 60_000
    share = 0.15
    found = [
        one
        for one in scene.mesh.named(REQUESTS, reporter="destination")
        if pod_of(one) in pods and len(one.times_ms) > 100
    ]
    born = [_now_and_then(scene, random, one, every_ms, share) for one in found]
    more = tuple(counted for _, counted in born)
    stored = [*scene.mesh.series, *(one for one, _ in born)]
    counted = replace(
        scene.counted,
        requests=scene.counted.requests + more,
        calls=scene.counted.calls + more,
    )
    return replace(scene.storing(stored, Kind.BURSTS), counted=counted)


def _now_and_then(
    scene: Scene, random: Random, model: Series, every_ms: float, share: float
) -> tuple[Series, Series]:
    """Return a counter that lives for some minutes at a time, and what it counts in all."""
    real = ~np.isnan(model.values)
    times, values = model.times_ms[real], model.values[real]
    seconds = (times[-1] - times[0]) / 1000
    requests = np.ceil((values[-1] - values[0]) / seconds * share * every_ms / 1000)
    first = moment_ms(scene, 0) + float(random.uniform(0.1, 0.9)) * every_ms
    begins = np.arange(first, times[-1] - _EVICTED_AFTER_MS - 120_000, every_ms)
    stored_times, stored_values = [], []
    for begin in begins:
        alive = times[(times >= begin) & (times < begin + _FLOW_MS + _EVICTED_AFTER_MS)]
        after = times[times >= begin + _FLOW_MS + _EVICTED_AFTER_MS][:1]
        grown = np.ceil(np.clip((alive - begin) / _FLOW_MS, 0.02, 1) * requests)
        stored_times += [alive, after]
        stored_values += [grown, np.full(len(after), STALE)]
    whole_times = np.concatenate([[times[0]], np.repeat(begins, 2), [times[-1]]])
    steps = np.repeat(np.arange(len(begins)), 2) * requests
    steps[1::2] += requests
    whole_times[2:-1:2] += _FLOW_MS
    whole = replace(
        model,
        times_ms=np.round(whole_times).astype(np.int64),
        values=np.concatenate([[0.0], steps, [len(begins) * requests]]),
    )
    stored = replace(
        labelled_more(model, response_code="404"),
        times_ms=np.concatenate(stored_times),
        values=np.concatenate(stored_values),
    )
    return stored, whole
