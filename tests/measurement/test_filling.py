"""What was not seen is estimated from the same workload, with a range that holds the truth."""

import numpy as np
import pandas as pd
import pytest

from analyzer.arrays import Bools, Floats
from analyzer.measurement.filling import Cells, Estimate, Line, estimate, filled_in, nothing

POINTS = 48
NAN = float("nan")


def cells(proxies: int, *, workloads: int = 1) -> Cells:
    """Return every step of so many proxies of each workload."""
    proxy = np.repeat(np.arange(proxies * workloads), POINTS)
    return Cells(
        proxy=proxy,
        point=np.tile(np.arange(POINTS), proxies * workloads),
        workload=proxy // proxies,
        circle=np.zeros(len(proxy), dtype=np.int64),
        point_count=POINTS,
    )


def wave(level: float, *, phase: float = 0.0) -> Floats:
    """Return the course of a day."""
    return level * (1 + 0.6 * np.sin(np.arange(POINTS) / POINTS * 2 * np.pi + phase))


def hidden(values: Floats, rows: slice) -> tuple[Floats, Bools]:
    known = values.copy()
    known[rows] = np.nan
    return known, np.isnan(known)


def holds(found: Estimate, truth: Floats, missing: Bools) -> bool:
    return bool(found.low[missing].sum() <= truth[missing].sum() <= found.high[missing].sum())


def test_a_proxy_follows_its_peers_at_its_own_level() -> None:
    truth = np.concatenate([wave(10.0), wave(30.0)])
    values, missing = hidden(truth, slice(POINTS // 2, POINTS))

    found = estimate(cells(2), values)
    assert found.mid[missing] == pytest.approx(truth[missing], rel=1e-3)
    assert holds(found, truth, missing)


def test_a_proxy_that_was_never_seen_has_the_mean_of_its_peers() -> None:
    truth = np.concatenate([wave(10.0), wave(30.0), wave(20.0)])
    values, missing = hidden(truth, slice(2 * POINTS, 3 * POINTS))

    found = estimate(cells(3), values)
    assert found.mid[missing] == pytest.approx(truth[missing], rel=1e-3)


def test_where_no_peer_is_known_the_rest_of_the_mesh_shows_the_course() -> None:
    truth = np.concatenate([wave(10.0), wave(400.0)])
    values, missing = hidden(truth, slice(10, 30))

    found = estimate(cells(1, workloads=2), values)
    assert found.mid[missing] == pytest.approx(truth[missing], rel=1e-3)
    assert holds(found, truth, missing)


def test_what_the_other_side_reports_is_preferred_to_the_rest_of_the_mesh() -> None:
    truth = np.concatenate([wave(10.0), wave(400.0, phase=2.0)])
    values, missing = hidden(truth, slice(10, 30))
    heard = np.concatenate([2 * wave(10.0), np.full(POINTS, np.nan)])

    found = estimate(cells(1, workloads=2), values, heard=heard)
    assert found.mid[missing] == pytest.approx(truth[missing], rel=1e-3)


def test_without_any_other_it_is_the_mean_and_the_range_is_that_of_seen_time() -> None:
    truth = wave(10.0)
    values, missing = hidden(truth, slice(POINTS // 4, POINTS // 2))

    found = estimate(cells(1), values)
    assert found.mid[missing] == pytest.approx(np.nanmean(values))
    assert found.low[missing].max() < 0.6 * found.mid[missing].min()
    assert found.high[missing].min() > 1.4 * found.mid[missing].max()


def test_cpu_follows_the_proxys_own_requests() -> None:
    rps = wave(100.0)
    truth = 0.01 + 0.0003 * rps
    values, missing = hidden(truth, slice(10, 40))
    group = np.zeros(POINTS, dtype=np.int64)

    base = Line.of(group, rps, values).cpu(group, rps)
    found = estimate(cells(1), values, base)
    assert found.mid[missing] == pytest.approx(truth[missing])
    # Unseen time may differ in what cannot be seen.
    assert found.high[missing] == pytest.approx(1.1 * truth[missing])


def test_requests_follow_the_proxys_own_cpu_only_if_it_shows_them() -> None:
    random = np.random.default_rng(1)
    rps = wave(100.0)
    group = np.zeros(POINTS, dtype=np.int64)
    cpu = 0.01 + 0.0003 * rps

    assert Line.of(group, rps, cpu).rps(group, cpu) == pytest.approx(rps)
    noisy = 0.2 + random.normal(0, 0.05, POINTS)
    assert np.isnan(Line.of(group, rps, noisy).rps(group, noisy)).all()


def test_a_line_without_variation_or_with_a_falling_slope_is_none() -> None:
    group = np.zeros(POINTS, dtype=np.int64)
    steady, rps = np.full(POINTS, 50.0), wave(100.0)

    for requests, cpu in ((steady, wave(0.1)), (rps, 1.0 - 0.001 * rps)):
        assert (Line.of(group, requests, cpu).cpu(group, requests) == 1).all()


def test_a_workload_that_was_never_seen_has_no_estimate() -> None:
    values = np.concatenate([np.full(POINTS, np.nan), wave(400.0)])

    found = estimate(cells(1, workloads=2), values)
    assert np.isnan(found.mid[:POINTS]).all()
    assert not np.isnan(found.mid[POINTS:]).any()


def test_a_workload_without_requests_has_none_in_unseen_time() -> None:
    values, missing = hidden(np.zeros(2 * POINTS), slice(POINTS // 2, POINTS))

    found = estimate(cells(2), values)
    assert (found.mid[missing] == 0).all()
    assert (found.high[missing] == 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_the_range_holds_the_truth_of_a_noisy_workload(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.concatenate([wave(level) for level in random.uniform(5, 50, 4)])
    truth *= np.exp(random.normal(0, 0.2, len(truth)))
    values = truth.copy()
    begin = int(random.integers(0, POINTS // 2))
    for number in range(int(random.integers(1, 4))):
        values[number * POINTS + begin : number * POINTS + begin + POINTS // 3] = np.nan
    missing = np.isnan(values)

    found = estimate(cells(4), values)
    assert holds(found, truth, missing)


def test_estimates_go_where_nothing_is_known_and_nowhere_else() -> None:
    steps = pd.DataFrame({"proxy": [0, 0, 1], "point": [0, 1, 1], "cpu_vcpu": [1.0, NAN, NAN]})
    filling = pd.DataFrame(
        [(0, 0, 9.0), (0, 1, 2.0), (1, 1, NAN), (2, 1, 5.0)], columns=["proxy", "point", "mid"]
    ).assign(column="cpu_vcpu", low=0.0, high=9.0)

    filled = filled_in(steps, filling)["cpu_vcpu"]
    np.testing.assert_array_equal(filled, [1.0, 2.0, NAN])
    assert filled_in(steps, nothing()) is steps
