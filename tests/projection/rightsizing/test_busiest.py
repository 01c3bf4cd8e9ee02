"""The high percentile over steps and pods, against plain loops over numpy's percentiles."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.rightsizing.busiest import Pods

SHARE = 0.95


def by_hand(
    workload: list[int], proxy: list[int], values: list[float], share: float, over_pods: float
) -> dict[int, float]:
    """Return the same one workload, one pod and one step at a time."""
    found = {}
    for name in sorted(set(workload)):
        pods = []
        for pod in sorted(set(proxy)):
            known = []
            for where, of, value in zip(workload, proxy, values, strict=True):
                if where == name and of == pod and not math.isnan(value):
                    known.append(value)
            if known:
                pods.append((float(np.percentile(known, 100 * share)), len(known)))
        steps = sum(count for _, count in pods)
        reached = 0
        for value, count in sorted(pods):
            reached += count
            if reached >= over_pods * steps - 1e-9:
                found[name] = value
                break
    return found


def busiest(
    workload: list[int],
    proxy: list[int],
    values: list[float],
    share: float = SHARE,
    over_pods: float = SHARE,
) -> dict[int, float]:
    pods = Pods.of(np.array(workload), np.array(proxy), np.array(values, float))
    return {int(str(name)): value for name, value in pods.busiest(share, over_pods).items()}


@st.composite
def meshes(draw: st.DrawFn) -> tuple[list[int], list[int], list[float]]:
    """Return samples of up to six pods of three workloads, in any order, some not known."""
    of_pod = draw(st.lists(st.integers(0, 2), min_size=1, max_size=6))
    proxy = draw(st.lists(st.integers(0, len(of_pod) - 1), min_size=1, max_size=60))
    amounts = st.one_of(st.floats(0, 5), st.just(float("nan")))
    values = draw(st.lists(amounts, min_size=len(proxy), max_size=len(proxy)))
    return [of_pod[pod] for pod in proxy], proxy, values


@given(meshes(), st.floats(0.5, 1), st.floats(0.5, 1))
def test_it_is_what_plain_loops_give(
    drawn: tuple[list[int], list[int], list[float]], share: float, over_pods: float
) -> None:
    found = busiest(*drawn, share, over_pods)

    assert found == pytest.approx(by_hand(*drawn, share, over_pods), rel=1e-9, abs=1e-12)


@given(meshes(), st.randoms())
def test_the_order_of_samples_and_the_numbers_of_pods_change_nothing(
    drawn: tuple[list[int], list[int], list[float]], random: object
) -> None:
    rows = list(zip(*drawn, strict=True))
    random.shuffle(rows)  # type: ignore[attr-defined]
    workload, proxy, values = (list(column) for column in zip(*rows, strict=True))
    renamed = [1000 - 7 * pod for pod in proxy]

    assert busiest(workload, renamed, values) == busiest(*drawn)


@given(meshes(), st.floats(0.5, 1), st.floats(0.5, 1))
def test_a_higher_share_is_never_a_lower_value(
    drawn: tuple[list[int], list[int], list[float]], first: float, second: float
) -> None:
    low, high = sorted((first, second))
    least, most = busiest(*drawn, share=low), busiest(*drawn, share=high)

    assert least.keys() == most.keys()
    assert all(least[name] <= most[name] + 1e-12 for name in least)


def test_a_pod_that_lived_for_one_step_does_not_set_the_value_of_a_hundred() -> None:
    steps = 50
    proxy = [pod for pod in range(100) for _ in range(steps)] + [100]
    values = [0.02] * (100 * steps) + [4.0]

    assert busiest([0] * len(proxy), proxy, values) == {0: 0.02}


def test_a_busy_pod_of_three_does() -> None:
    proxy = [0] * 50 + [1] * 50 + [2] * 50
    values = [0.02] * 100 + [0.4] * 50

    assert busiest([0] * 150, proxy, values) == {0: 0.4}


def test_each_workload_may_have_a_share_of_its_own() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0])
    pods = Pods.of(np.array([0, 0, 0, 1, 1, 1]), np.array([5, 5, 5, 9, 9, 9]), values)

    assert pods.percentile(np.array([0.5, 1.0])) == pytest.approx([2.0, 30.0])
    shares = pd.Series([0.5, 1.0])
    assert dict(pods.busiest(shares, shares)) == pytest.approx({0: 2.0, 1: 30.0})


def test_where_nothing_is_known_there_is_no_value() -> None:
    assert busiest([0, 0], [0, 1], [float("nan")] * 2) == {}
    assert busiest([], [], []) == {}
