"""Each kind of trouble, as a function from a drawn day to what is measured and true.

Truth is the law. CPU that no request causes (pushes, jobs, handshakes) is not in it. A factor of
the CPU is: what is paid for a request is its mean, so noise has the mean one, and a cost that
varies over the day counts with its mean over requests. After an upgrade the truth is the new cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration import events
from tests.calibration.attacks.day import Day, Measured, Workload, persistent
from tests.calibration.meshes import STEP_SECONDS, STEPS_PER_DAY

MESH_PERSISTENCE, WORKLOAD_PERSISTENCE = 0.95, 0.9
UPDATES, CONNECTIONS, FAILED = (
    event.column for event in (events.CONFIGURATION, events.CONNECTIONS, events.FAILURES)
)
HANDSHAKE_VCPU_SECONDS = 0.002
BYTES_SHARE = 0.4
"""Share of the cost of a request that is proportional to its bytes, at the mean size."""


def calm(day: Day) -> Iterator[Measured]:
    """Nothing is added."""
    yield from (workload.measured() for workload in day.workloads)


def _scaled(workload: Workload, factor: Floats) -> Measured:
    """Return a workload whose CPU and cost are multiplied by a factor of shape (steps,)."""
    part = workload.measured(workload.law * factor)
    return replace(part, idle=part.idle * factor, cost=part.cost * factor)


# --- shocks that pods share ---


def shared_in_workload(day: Day, deviation: float) -> Iterator[Measured]:
    """All pods of a workload use more or less CPU at the same time."""
    for workload in day.workloads:
        shock = persistent(day.rng, 1, WORKLOAD_PERSISTENCE)[0]
        yield workload.measured(workload.law * (1 + deviation * shock))


def shared_in_mesh(day: Day, deviation: float) -> Iterator[Measured]:
    """All pods of the mesh use more or less CPU at the same time."""
    shock = persistent(day.rng, 1, MESH_PERSISTENCE)[0]
    for workload in day.workloads:
        yield workload.measured(workload.law * (1 + deviation * shock))


# --- noise that is not normal ---


def log_normal(day: Day, deviation: float = 0.5) -> Iterator[Measured]:
    """The noise of each sample is log-normal."""
    for workload in day.workloads:
        noise = np.exp(day.rng.normal(-(deviation**2) / 2, deviation, workload.rps.shape))
        yield workload.measured(workload.law * noise)


def pareto(
    day: Day, share: float = 0.05, tail: float = 2.5, extra: float = 1.6
) -> Iterator[Measured]:
    """In some samples a burst adds CPU: as many times `extra` of the law on average."""
    for workload in day.workloads:
        shape = workload.rps.shape
        size = extra * (tail - 1) * day.rng.pareto(tail, shape)
        burst = 1 + (day.rng.random(shape) < share) * size
        yield workload.measured(workload.law * burst / (1 + share * extra))


# --- CPU that no request causes ---


def _pushes(day: Day, rate: Floats, share_of_idle: float) -> Iterator[Measured]:
    """Add pushes to all pods at the same time: Poisson of this rate, (steps,) with mean one."""
    pushes = day.rng.poisson(rate)
    for workload in day.workloads:
        each = (
            share_of_idle * day.mean_idle * np.exp(day.rng.normal(0, 0.2, (len(workload.rps), 1)))
        )
        yield workload.measured(workload.law + each * pushes)


def xds_in_step(day: Day) -> Iterator[Measured]:
    """Configuration is pushed more often when the mesh is busy."""
    yield from _pushes(day, day.load**2 / (day.load**2).mean(), 0.3)


def xds_flat(day: Day) -> Iterator[Measured]:
    """Configuration is pushed at any time, as often at night as by day."""
    yield from _pushes(day, np.ones(STEPS_PER_DAY), 0.3)


def counted_pushes(day: Day, share_of_idle: float = 0.3) -> Iterator[Measured]:
    """As `xds_in_step`, and each proxy counts two updates for each push."""
    pushes = day.rng.poisson(day.load**2 / (day.load**2).mean())
    for workload in day.workloads:
        ones = np.ones_like(workload.rps)
        each = share_of_idle * day.mean_idle * np.exp(day.rng.normal(0, 0.2, (len(ones), 1)))
        part = workload.measured(workload.law + each * pushes)
        yield replace(part, events={UPDATES: 2 * pushes * ones / STEP_SECONDS})


def cron(day: Day, steps: int = 18, share: float = 0.5) -> Iterator[Measured]:
    """A job of 90 minutes at the peak uses half a pod's mean CPU, in each pod."""
    middle = int(np.argmax(np.convolve(day.load, np.ones(12), mode="same")))
    runs = (np.arange(STEPS_PER_DAY) - middle + steps // 2) % STEPS_PER_DAY < steps
    for workload in day.workloads:
        extra = share * workload.law.mean(axis=1, keepdims=True)
        yield workload.measured(workload.law + extra * runs)


def handshakes(day: Day, share: float = 0.25) -> Iterator[Measured]:
    """Rising load opens connections: at the steepest, a quarter of the mean cost of requests.

    Istio counts connections of TCP only, so no column has them.
    """
    for workload in day.workloads:
        extra = share * workload.slope * workload.rps.mean(axis=1, keepdims=True)
        yield workload.measured(workload.law + extra * _rise(workload))


def _rise(workload: Workload) -> Floats:
    """Return the rise of load, 1 at its steepest and 0 where it falls, shape (steps,)."""
    smooth = np.convolve(np.tile(workload.load, 3), np.ones(6) / 6, mode="same")
    rise = np.maximum(np.gradient(smooth)[STEPS_PER_DAY : 2 * STEPS_PER_DAY], 0)
    return np.asarray(rise / rise.max())


def counted_handshakes(day: Day, share: float = 0.25) -> Iterator[Measured]:
    """As `handshakes`, and each proxy counts its connections; some are opened at any load."""
    for workload in day.workloads:
        extra = share * workload.slope * workload.rps.mean(axis=1, keepdims=True)
        mean = extra * (_rise(workload) + 0.1 * workload.load) / HANDSHAKE_VCPU_SECONDS
        rate = day.rng.poisson(mean * STEP_SECONDS) / STEP_SECONDS
        part = workload.measured(workload.law + HANDSHAKE_VCPU_SECONDS * rate)
        yield replace(part, events={CONNECTIONS: rate})


# --- requests whose cost is not the same all day ---


def retries(day: Day) -> Iterator[Measured]:
    """Up to 17 % of requests fail at the peak, and each of those is tried three times."""
    for workload in day.workloads:
        factor = 1 + 2 * _failing(workload)
        part = workload.measured(workload.idle + workload.slope * factor * workload.rps)
        yield replace(part, cost=part.cost * factor)


def _failing(workload: Workload) -> Floats:
    """Return the share of requests that fail, shape (steps,)."""
    return np.asarray(0.02 + 0.15 * (workload.load / workload.load.max()) ** 2)


def counted_retries(day: Day) -> Iterator[Measured]:
    """As `retries`, and each proxy counts the requests that failed."""
    for workload in day.workloads:
        failing = _failing(workload)
        counts = day.rng.poisson(failing * workload.rps * STEP_SECONDS) / STEP_SECONDS
        part = workload.measured(workload.law + 2 * workload.slope * counts)
        yield replace(part, cost=part.cost * (1 + 2 * failing), events={FAILED: counts})


def smt(day: Day) -> Iterator[Measured]:
    """Work takes up to 40 % more CPU time as the other half of each core gets busy."""
    for workload in day.workloads:
        yield _scaled(workload, 1 + 0.4 * day.load / day.load.max())


def payload_drift(day: Day) -> Iterator[Measured]:
    """The bytes of a request triple over the day."""
    size = np.linspace(10e3, 30e3, STEPS_PER_DAY)
    for workload in day.workloads:
        jitter = np.exp(day.rng.normal(0, 0.05, workload.rps.shape))
        each = size * jitter
        factor = 1 - BYTES_SHARE + BYTES_SHARE * each / size.mean()
        part = workload.measured(workload.idle + workload.slope * factor * workload.rps)
        yield replace(part, cost=part.cost * factor, http_bytes_per_second=workload.rps * each)


def upgrade(day: Day) -> Iterator[Measured]:
    """From some time in the middle third, everything costs 30 % less."""
    since = int(day.rng.integers(STEPS_PER_DAY // 3, 2 * STEPS_PER_DAY // 3))
    factor = np.where(np.arange(STEPS_PER_DAY) < since, 1.0, 0.7)
    for workload in day.workloads:
        part = workload.measured(workload.law * factor)
        yield replace(part, idle=0.7 * part.idle, cost=0.7 * part.cost)


NODE_KINDS = {"node-a": "fast", "node-b": "fast", "node-c": "slow", "node-d": "slow"}
SPEED = {"fast": 1.0, "slow": 0.6}


def least_request(day: Day) -> Iterator[Measured]:
    """Pods on faster nodes answer sooner, so they get more requests and need less CPU for each."""
    names = list(NODE_KINDS)
    for workload in day.workloads:
        pods = len(workload.rps)
        nodes = [names[(number + int(day.rng.integers(2))) % 4] for number in range(pods)]
        speed = np.array([[SPEED[NODE_KINDS[name]]] for name in nodes])
        rps = workload.rps * speed / speed.mean()
        part = replace(workload, rps=rps).measured((workload.idle + workload.slope * rps) / speed)
        yield replace(part, idle=part.idle / speed, cost=part.cost / speed, nodes=tuple(nodes))


# --- requests as they are seen ---


def rps_error(day: Day, deviation: float) -> Iterator[Measured]:
    """Each sample of the request rate has an error of its own."""
    for workload in day.workloads:
        error = np.exp(day.rng.normal(-(deviation**2) / 2, deviation, workload.rps.shape))
        yield replace(workload.measured(), seen_rps=workload.rps * error)


def hpa(day: Day) -> Iterator[Measured]:
    """Pods come and go with the load, so that each has about the same rate all day."""
    for workload in day.workloads:
        pods = len(workload.rps)
        target = workload.load.max() / pods
        wanted = np.ceil(np.maximum(workload.load, 1e-9) / target).astype(int)
        # It removes a pod when no load of the last half hour needed it.
        count = np.max([np.roll(wanted, lag) for lag in range(6)], axis=0)
        exists = np.arange(pods)[:, None] < count
        each = workload.rps / workload.load * (workload.load / count) * pods
        rps = np.where(exists, each, 0.0)
        part = replace(workload, rps=rps).measured()
        yield replace(part, exists=exists)


# --- laws that are not straight ---


def power(day: Day, exponent: float = 0.7) -> Iterator[Measured]:
    """The cost of requests is a power of their rate."""
    for workload in day.workloads:
        mean = workload.rps.mean()
        traffic = workload.slope * mean * (workload.rps / mean) ** exponent
        part = workload.measured(workload.idle + traffic)
        yield replace(part, cost=exponent * traffic / workload.rps)


def hinge(day: Day, share: float = 0.6) -> Iterator[Measured]:
    """Beyond a share of a pod's highest rate, each request costs twice as much."""
    for workload in day.workloads:
        knee = share * workload.rps.max()
        beyond = np.maximum(workload.rps - knee, 0)
        part = workload.measured(workload.law + workload.slope * beyond)
        yield replace(part, cost=part.cost * np.where(beyond > 0, 2, 1))
