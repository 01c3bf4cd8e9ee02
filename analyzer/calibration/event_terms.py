"""Which events become terms of the fit, and what they cost.

Pushes of configuration reach all proxies at once, and load opens connections everywhere. So a term
must be clear in blocks of time that all proxies share, after the noise of each has been made
independent from one interval to the next. It must also predict proxies that it was not fitted to.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration.events import (
    CONFIGURATION,
    CONNECTIONS,
    EVENTS,
    FAILURES,
    TCP_BYTES,
    Event,
)
from analyzer.calibration.fit.segments import places_of
from analyzer.calibration.fit.student import weighted
from analyzer.calibration.fit.whitening import Whitened, effect, whitened
from analyzer.calibration.observations import Observations
from analyzer.calibration.panel import Counted, Panel
from analyzer.calibration.trials import cross_validate
from analyzer.calibration.workloads import WorkloadFits
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.units import Interval, in_percent

LEAST_ERRORS: Final = 3.0
"""Standard errors from which events use CPU. Of 24 blocks of time, chance gives 3 in one of 300
meshes, and few of those also reach the least share and predict better."""

LEAST_SHARE: Final = 0.01
"""Share of the CPU that events must use, for a term to be worth its noise."""

MIN_STEPS: Final = 48
"""Least number of intervals: in fewer, blocks of time are too short."""

_MOST_PROXIES: Final = 256
"""Proxies looked at, those with the most CPU."""

_OTHERS: Final = 4
"""Columns of the design before those of events."""

_LEAST_KNOWN: Final = 0.9
"""Share of the intervals in which such a proxy must have samples."""


def with_events(fits: WorkloadFits, observations: Observations) -> Observations:
    """Return the observations with the events that are terms of the fit.

    `fits` are straight lines of the same observations, without events.
    """
    counted = [event for event in EVENTS if _happens(event, fits, observations)]
    if not counted:
        return observations
    workloads = fits.panel.workloads
    read = [Counted.of(event, observations.rows, workloads) for event in counted]
    known = [
        one
        for one in read
        if (one.is_separable & (fits.has_slope | (one.event != TCP_BYTES))).any()
    ]
    chosen = tuple(_clear(fits, known)) if known else ()
    if not chosen:
        return observations
    panel = Panel.of(observations.rows, chosen)
    errors = [cross_validate(fits.shape, one, fits.robust).error for one in (fits.panel, panel)]
    return replace(observations, events=chosen) if errors[1] < errors[0] else observations


def _happens(event: Event, fits: WorkloadFits, observations: Observations) -> bool:
    """Return whether proxies with requests have this event, as far as it is known."""
    if event.column not in observations.rows:
        return False
    rates = observations.rows[event.column].to_numpy(float)
    if not (rates > 0).any():
        # Which workloads have a slope takes time to find.
        return False
    if event != TCP_BYTES:
        return bool(fits.has_slope.any())
    totals = fits.panel.workloads.sum(np.nan_to_num(rates))
    return bool((totals[fits.has_slope] > 0).any())


def _clear(fits: WorkloadFits, events: list[Counted]) -> Iterator[Event]:
    """Yield the events whose CPU is clear in time, each given the others."""
    white = _whitened(fits, events)
    if white is None:
        return
    total = float(fits.panel.vcpu.sum())
    for number, one in enumerate(events):
        errors, vcpu_per_event = effect(white, _OTHERS + number)
        share = vcpu_per_event * float(one.rate.sum()) / total
        if errors >= LEAST_ERRORS and share >= LEAST_SHARE:
            yield one.event


def _whitened(fits: WorkloadFits, events: list[Counted]) -> Whitened | None:
    """Return the residuals of the busiest proxies over time, and the loads that they may follow."""
    panel = fits.panel
    times, time = places_of(panel.point)
    proxies, predicted = panel.proxies, fits.predicted_vcpu
    is_usable = proxies.lengths >= _LEAST_KNOWN * len(times)
    is_usable &= fits.has_slope[proxies.within(panel.workloads).numbers]
    is_usable &= proxies.lowest(np.nan_to_num(predicted)) > 0
    chosen = np.flatnonzero(is_usable)
    if len(times) < MIN_STEPS or not len(chosen):
        return None
    chosen = chosen[np.argsort(-proxies.sum(panel.vcpu)[chosen], kind="stable")[:_MOST_PROXIES]]
    place = np.full(len(proxies), -1)
    place[chosen] = np.arange(len(chosen))
    row_place = proxies.spread(place)
    rows = np.flatnonzero(row_place >= 0)

    def laid_out(values: Floats) -> Floats:
        whole = np.zeros((len(chosen), len(times)))
        # Noise is a share of the CPU.
        whole[row_place[rows], time[rows]] = values[rows] / predicted[rows]
        return whole

    mesh_rps = np.bincount(time, panel.rps)[time]
    # Failures and connections may rise with load, as the cost of a request on a busy node does.
    curves = [panel.rps**2, panel.rps * mesh_rps / mesh_rps.max(initial=1.0)]
    loads = [np.ones_like(panel.rps), panel.rps, *curves, *(one.rate for one in events)]
    design = np.stack([laid_out(load) for load in loads], axis=2)
    is_known = (design[:, :, 0] > 0).astype(float)
    return whitened(laid_out(panel.vcpu - predicted), design, is_known)


def vcpu_of_events(fits: WorkloadFits) -> dict[Event, Interval]:
    """Return the CPU of each event, in vcpu summed over samples; that of failures beside requests.

    It is empty if no event is a term of the fit.
    """
    terms, found = fits.shape.terms_of(fits.panel), {}
    for term, counted in fits.panel.events.items():
        column = terms.index(term)
        loads = fits.panel.workloads.sum(fits.shape.load(term, fits.panel)) * fits.has_idle
        variances = fits.coefficient_covariances[:, column, column]
        mids, freedoms = fits.fit.coefficients[:, column], fits.degrees_of_freedom
        found[counted.event] = weighted(loads, mids, variances, freedoms)
    return found


def event_findings(fits: WorkloadFits) -> Iterator[Finding]:
    """Yield which events the fit has a term for, and the share of the CPU that they use."""
    total = float(fits.panel.vcpu.sum())
    shares = {event: vcpu.mid / total for event, vcpu in vcpu_of_events(fits).items()}
    if share := shares.get(CONFIGURATION):
        yield Finding(
            name="configuration_updates",
            severity=Severity.INFO,
            text=f"Updates of their configuration use {in_percent(share)} of the sidecars' CPU. It "
            "is not a part of idle CPU or of the cost per request.",
            cpu_share=share,
            bias=Bias.NONE,
        )
    if share := shares.get(CONNECTIONS):
        yield Finding(
            name="accepted_connections",
            severity=Severity.INFO,
            text=f"New connections use {in_percent(share)} of the sidecars' CPU. It is not a part "
            "of idle CPU or of the cost per request.",
            cpu_share=share,
            bias=Bias.NONE,
        )
    if share := shares.get(FAILURES):
        yield Finding(
            name="failed_requests",
            severity=Severity.INFO,
            text=f"Failed requests use {in_percent(share)} of the sidecars' CPU beyond what others "
            "cost. Retries are a likely cause. The cost per request is the mean over both.",
            cpu_share=share,
            bias=Bias.NONE,
        )
