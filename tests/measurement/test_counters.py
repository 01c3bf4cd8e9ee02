"""Counters at the ends of steps show which rates are wrong."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from analyzer.measurement.counters import Counted, counted
from analyzer.measurement.signs import KEY
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.tables import Tables
from analyzer.measurement.usage import measure
from analyzer.units import Role
from tests.measurement.snapshots import STEP_SECONDS, Rows, make_snapshot, steady

CPU, IN, BUILD = "proxy_cpu_vcpu", "inbound_requests_rps", "proxy_build"
CPU_COUNTER, COUNTERS = "proxy_cpu_counter_seconds", "proxy_request_counters"
RESETS = "proxy_resets"
POINTS = 12
POD = ("", "shop", "a")
WEB = (*POD, "shop", "web")

Values = Iterable[float]


def series(labels: Sequence[str], values: Iterable[float]) -> Rows:
    """Return rows of one series; NaN where it has none."""
    return [(*labels, n, value) for n, value in enumerate(values) if not np.isnan(value)]


def snapshot(  # noqa: PLR0913 - what may be given
    folder: Path,
    *,
    vcpu: Values | None = None,
    cpu_seconds: Values | None = None,
    rps: Values | None = None,
    requests: Values | None = None,
    resets: Values = (),
    scrapes: float = 21.0,
    lived: float = POINTS,
) -> Snapshot:
    """Return one sidecar with 0.1 vCPU and 10 requests/s, where nothing else is given.

    It is scraped in the first `lived` steps.
    """
    grown = STEP_SECONDS * np.arange(1, POINTS + 1)
    tables = {
        CPU: series((*POD, "istio-proxy"), [0.1] * POINTS if vcpu is None else vcpu),
        CPU_COUNTER: series(
            (*POD, "istio-proxy"), 5e4 + 0.1 * grown if cpu_seconds is None else cpu_seconds
        ),
        IN: series(WEB, [10.0] * POINTS if rps is None else rps),
        COUNTERS: series(
            (*POD, "destination"), 1e7 + 10.0 * grown if requests is None else requests
        ),
        BUILD: steady(BUILD, (*POD[1:], "proxy"), scrapes, points=int(lived)),
        RESETS: series(POD, resets),
    }
    return make_snapshot(folder / "snap", tables, points=POINTS)


def of(made: Snapshot) -> Counted:
    return counted(Tables(made), made.manifest)


def test_rates_that_are_the_growth_of_their_counters_are_left_alone(tmp_path: Path) -> None:
    found = of(snapshot(tmp_path))

    for name in ("cpu_fell", "requests_fell", "missed", "cpu", "requests"):
        assert getattr(found, name).empty, name


@pytest.mark.parametrize("point", [0, 5, POINTS - 1])
def test_a_rate_that_has_the_whole_counter_shows_a_fall(point: int, tmp_path: Path) -> None:
    vcpu = np.full(POINTS, 0.1)
    vcpu[point] += 5e4 / STEP_SECONDS
    found = of(snapshot(tmp_path, vcpu=vcpu)).cpu_fell

    assert found.to_dict("list") == {"namespace": ["shop"], "pod": ["a"], "point": [point]}


def test_a_value_that_jumps_at_the_end_of_a_step_falls_in_the_next(tmp_path: Path) -> None:
    seconds = 5e4 + 0.1 * STEP_SECONDS * np.arange(1, POINTS + 1)
    seconds[4] = 1.7e9
    vcpu = np.full(POINTS, 0.1)
    vcpu[5] += 5e4 / STEP_SECONDS
    found = of(snapshot(tmp_path, vcpu=vcpu, cpu_seconds=seconds)).cpu_fell

    assert found["point"].tolist() == [5]


def test_a_restart_is_no_fall(tmp_path: Path) -> None:
    grown = STEP_SECONDS * np.arange(1, POINTS + 1)
    requests = np.where(np.arange(POINTS) < 6, 1e7 + 10.0 * grown, 10.0 * (grown - grown[5]))
    resets = [1.0 if point == 6 else np.nan for point in range(POINTS)]
    found = of(snapshot(tmp_path, requests=requests, resets=resets))

    assert found.requests_fell.empty
    assert found.missed.empty


def test_one_of_many_request_counters_may_fall(tmp_path: Path) -> None:
    """It had 40,000 of ten million requests; a reset was counted in that step."""
    rps = np.full(POINTS, 10.0)
    rps[3] += 40_000 / STEP_SECONDS
    resets = [1.0 if point == 3 else np.nan for point in range(POINTS)]

    assert of(snapshot(tmp_path / "a", rps=rps, resets=resets)).requests_fell["point"].item() == 3
    # Without a reset no counter fell.
    assert of(snapshot(tmp_path / "b", rps=rps)).requests_fell.empty


def test_what_the_first_sample_has_is_counted_where_series_end_too(tmp_path: Path) -> None:
    """A counter of 3000 requests begins in two steps, and is evicted before the second."""
    requests = 1e7 + 10.0 * STEP_SECONDS * np.arange(1, POINTS + 1)
    requests[4:7] += 3000
    requests[9:] += 3000
    made = snapshot(tmp_path, requests=requests, rps=[10.0] * POINTS)
    found = of(made).missed

    assert found["point"].tolist() == [4, 9]
    assert found["rps"].to_numpy() == pytest.approx([5.0, 5.0])
    usage = measure(made)
    assert usage.mean_total(Role.SIDECAR, "proxy_rps") == pytest.approx(10 + 10 / POINTS)
    assert "evicted_series" in {finding.name for finding in usage.findings}


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_rates_that_are_wrong_in_most_steps_are_taken_from_the_growth(
    factor: float, tmp_path: Path
) -> None:
    """Bursts at the borders of steps are twice, or not at all, in rates of other intervals."""
    vcpu = 0.1 * (factor + 0.2 * (np.arange(POINTS) % 2) - 0.1)
    made = snapshot(tmp_path, vcpu=vcpu)
    found = of(made).cpu

    assert found["rate"].to_numpy()[1:] == pytest.approx(np.full(POINTS - 1, 0.1))
    assert set(found.columns) >= {*KEY, "point"}
    assert measure(made).mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(0.1, rel=0.02)


def test_requests_are_recounted_of_proxies_that_are_scraped_faster_only(tmp_path: Path) -> None:
    rps = 10.0 * (1.1 + 0.1 * (np.arange(POINTS) % 2))
    usual, faster = (
        of(snapshot(tmp_path / name, rps=rps, scrapes=scrapes)).requests
        for name, scrapes in (("usual", 10.0), ("faster", 21.0))
    )

    assert usual.empty
    assert faster["rate"].to_numpy()[1:] == pytest.approx(np.full(POINTS - 1, 10.0))


def test_evicted_series_do_not_make_rates_too_high(tmp_path: Path) -> None:
    """Every third step has 3000 requests in a series that ends in the next, a third by its rate."""
    is_begun = np.arange(POINTS) % 3 == 1
    requests = 1e7 + 10.0 * STEP_SECONDS * np.arange(1, POINTS + 1) + 3000 * is_begun
    rps = 10 + 1000 * is_begun / STEP_SECONDS
    made = snapshot(tmp_path, requests=requests, rps=rps, scrapes=10.0)

    rate = 10 + 3000 * is_begun.mean() / STEP_SECONDS
    assert of(made).requests.empty
    assert measure(made).mean_total(Role.SIDECAR, "proxy_rps") == pytest.approx(rate)


def test_a_pod_whose_place_another_of_its_name_took_is_not_known_in_that_step(
    tmp_path: Path,
) -> None:
    """Half of the step's use is in series of another address. A restart has its resets instead."""
    grown, low = STEP_SECONDS * np.arange(1, POINTS + 1), np.where(np.arange(POINTS) == 6, 0.5, 1)
    since = np.where(np.arange(POINTS) < 6, 1e6 + grown, grown - grown[5] - STEP_SECONDS / 2)
    series_of = {"vcpu": 0.1 * low, "rps": 10.0 * low, "requests": 10.0 * since}
    cpu_seconds = 0.1 * since
    # The kubelet's last sample stays visible at the end of the step.
    cpu_seconds[6] = cpu_seconds[5]
    reset = (np.arange(POINTS) == 6).astype(float)
    renewed, restarted = (
        measure(
            snapshot(
                tmp_path / name,
                **series_of,
                cpu_seconds=cpu_seconds,
                resets=resets,
                scrapes=10.0,
                lived=POINTS,
            )
        )
        for name, resets in (("renewed", 0 * reset), ("restarted", reset))
    )

    assert 6 not in set(renewed.steps["point"])
    assert renewed.mean_total(Role.SIDECAR, "proxy_rps") == pytest.approx(10.0)
    assert renewed.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(0.1, rel=0.02)
    assert restarted.steps.loc[6, "proxy_rps"] == pytest.approx(5.0)


def test_the_last_step_of_a_pod_that_ends_in_it_is_known(tmp_path: Path) -> None:
    """Its counters are gone at the end of the step, and are not those of another pod."""
    points, grown = np.arange(POINTS), STEP_SECONDS * np.arange(1, POINTS + 1)
    part = np.where(points < 7, 1.0, np.where(points == 7, 0.5, np.nan))
    counter = np.where(points < 7, 1e6 + 0.1 * grown, np.nan)
    made = snapshot(
        tmp_path,
        vcpu=0.1 * part,
        rps=10 * part,
        cpu_seconds=counter,
        requests=100 * counter,
        lived=8,
    )

    assert 7 in set(measure(made).steps.dropna(subset=["cpu_vcpu", "proxy_rps"])["point"])
