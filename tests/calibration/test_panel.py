"""Which workloads can be fitted, why the others cannot, and what counts as one cluster."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from analyzer.calibration.fit.segments import MIN_CLUSTERS
from analyzer.calibration.panel import MIN_SAMPLES, Obstacle, Panel
from analyzer.units import Reason, counted
from tests.calibration.asking import observed, panel_of
from tests.calibration.meshes import Fleet, lawful, ramp

Bools = npt.NDArray[np.bool_]


def obstacle_of(fleet: Fleet) -> Obstacle | None:
    """Return what stands against a slope of the only workload."""
    return panel_of(fleet).obstacles.get(0)


def reason_of(fleet: Fleet) -> Reason | None:
    obstacle = obstacle_of(fleet)
    return obstacle.reason if obstacle else None


# --- parts ---


def three() -> Panel:
    return panel_of(*(lawful(ramp(count, 24), workload=f"w{count}") for count in (2, 3, 4)))


@pytest.mark.parametrize("chosen", [(0, 1), (1,), (1, 2), (0, 1, 2), ()])
def test_a_part_of_neighbours_copies_no_samples(chosen: tuple[int, ...]) -> None:
    panel, rows = three(), np.concatenate([np.zeros(0, dtype=np.int64), *map(samples_of, chosen)])

    part = panel.part(np.isin(np.arange(3), chosen))

    assert part.rps.tolist() == panel.rps[rows].tolist()
    assert part.numbers.tolist() == list(chosen)
    assert part.proxy_counts.tolist() == [number + 2 for number in chosen]
    assert np.shares_memory(part.vcpu, panel.vcpu) == bool(chosen)


def test_a_part_with_a_gap_is_the_chosen_workloads_without_it() -> None:
    panel, rows = three(), np.concatenate([samples_of(0), samples_of(2)])

    part = panel.part(np.array([True, False, True]))

    assert part.vcpu.tolist() == panel.vcpu[rows].tolist()
    assert part.workloads.lengths.tolist() == [2 * 24, 4 * 24]
    assert part.proxies.lengths.tolist() == [24] * 6
    assert part.clusters.within(part.workloads).lengths.tolist() == [8, 8]


def test_blocks_of_a_panel_are_its_workloads_in_order() -> None:
    panel = three()

    blocks = list(panel.blocks(1))

    assert [part.numbers.tolist() for _, _, part in blocks] == [[0], [1], [2]]
    assert [panel.rps[rows].tolist() for _, rows, _ in blocks] == [
        part.rps.tolist() for _, _, part in blocks
    ]


def samples_of(number: int) -> npt.NDArray[np.int64]:
    """Return the rows of one of three workloads with 2, 3 and 4 pods."""
    ends = np.cumsum([0, 2, 3, 4]) * 24
    return np.arange(ends[number], ends[number + 1])


# --- obstacles ---


def test_a_workload_of_varying_traffic_has_no_obstacle() -> None:
    assert obstacle_of(lawful(ramp(4, 24))) is None


@pytest.mark.parametrize(("proxies", "steps"), [(1, MIN_SAMPLES - 1), (3, 3), (1, 1)])
def test_too_few_samples_are_an_obstacle(proxies: int, steps: int) -> None:
    obstacle = obstacle_of(lawful(ramp(proxies, steps)))

    assert obstacle is not None
    assert obstacle.reason == Reason.TOO_FEW_SAMPLES
    assert counted(proxies * steps, "sample") in obstacle.detail
    assert counted(steps, "interval") in obstacle.detail
    assert not obstacle.has_level


@pytest.mark.parametrize("steps", [1, 2])
def test_a_moment_is_too_little_however_many_proxies_it_shows(steps: int) -> None:
    rps = np.linspace(10, 500, 40 * steps).reshape(40, steps)

    assert reason_of(lawful(rps)) == Reason.TOO_FEW_SAMPLES


def test_just_enough_samples_are_enough() -> None:
    assert reason_of(lawful(ramp(1, MIN_SAMPLES))) is None


def test_steps_are_those_of_the_window_and_not_those_of_each_proxy() -> None:
    # Twenty proxies, one after the other, of two steps each.
    seen = np.kron(np.eye(20, dtype=bool), np.ones((1, 2), dtype=bool))
    mesh = dataclasses.replace(lawful(ramp(20, 40)), seen=seen)
    rows = observed(lawful(ramp(20, 40))).rows[seen.ravel()]

    assert Panel.of(rows).obstacles == {}
    assert reason_of(lawful(ramp(20, 2))) == Reason.TOO_FEW_SAMPLES
    # As measured, each of them only ever started and ended.
    assert len(observed(mesh).rows) == 2


@pytest.mark.parametrize(("variation", "is_constant"), [(0.045, True), (0.055, False)])
def test_a_rate_is_constant_if_it_varies_by_less_than_a_twentieth(
    variation: float, *, is_constant: bool
) -> None:
    # Alternating between two values: its deviation is half of their distance.
    rps = 100 * (1 + variation * np.tile([1.0, -1.0], (4, 12)))

    obstacle = obstacle_of(lawful(rps))

    assert (obstacle is not None) == is_constant
    if obstacle:
        assert obstacle.reason == Reason.CONSTANT_TRAFFIC
        assert obstacle.has_level


def test_without_requests_all_cpu_is_idle() -> None:
    obstacle = obstacle_of(lawful(np.zeros((4, 24))))

    assert obstacle is not None
    assert (obstacle.reason, obstacle.is_all_idle) == (Reason.NO_TRAFFIC, True)


def test_where_all_traffic_is_tcp_not_even_the_idle_is_known() -> None:
    obstacle = obstacle_of(dataclasses.replace(lawful(np.zeros((4, 24))), tcp_bytes_per_second=1e6))

    assert obstacle is not None
    assert (obstacle.reason, obstacle.is_all_idle) == (Reason.NO_TRAFFIC, False)
    assert "TCP" in obstacle.detail


def test_where_tcp_is_not_known_there_is_none() -> None:
    obstacle = obstacle_of(
        dataclasses.replace(lawful(np.zeros((4, 24))), tcp_bytes_per_second=np.nan)
    )

    assert obstacle is not None
    assert obstacle.is_all_idle


def test_a_cpu_counter_that_never_moves_is_an_obstacle() -> None:
    rps = ramp(4, 24)

    obstacle = obstacle_of(Fleet(rps=rps, vcpu=np.zeros_like(rps)))

    assert obstacle is not None
    assert obstacle.reason == Reason.NO_DATA
    assert (obstacle.is_all_idle, obstacle.has_level) == (False, False)


def test_an_obstacle_is_that_of_its_own_workload() -> None:
    panel = panel_of(
        lawful(ramp(4, 24), workload="a"),
        lawful(np.zeros((4, 24)), workload="b"),
        lawful(ramp(2, 24), workload="c"),
        lawful(np.full((4, 24), 9.0), workload="d"),
    )

    assert {number: obstacle.reason for number, obstacle in panel.obstacles.items()} == {
        1: Reason.NO_TRAFFIC,
        3: Reason.CONSTANT_TRAFFIC,
    }
    assert panel.is_fitted.tolist() == [True, False, True, False]


# --- clusters ---


def lengths(*fleets: Fleet) -> list[int]:
    return [int(length) for length in panel_of(*fleets).clusters.lengths]


def test_many_proxies_are_the_clusters() -> None:
    assert lengths(lawful(ramp(MIN_CLUSTERS, 24))) == [24] * MIN_CLUSTERS


@pytest.mark.parametrize(("proxies", "clusters"), [(1, 8), (2, 8), (3, 9), (4, 8), (7, 14)])
def test_the_time_of_few_proxies_is_cut_into_equal_blocks(proxies: int, clusters: int) -> None:
    assert lengths(lawful(ramp(proxies, 48))) == [48 * proxies // clusters] * clusters


def test_each_workload_has_clusters_of_its_own_kind() -> None:
    panel = panel_of(lawful(ramp(1, 24), workload="one"), lawful(ramp(9, 24), workload="nine"))

    assert (panel.degrees_of_freedom + 1).tolist() == [9, 8]
    assert panel.proxy_counts.tolist() == [9, 1]


def test_a_hole_in_the_window_leaves_as_many_blocks() -> None:
    mesh = dataclasses.replace(lawful(ramp(1, 100)), seen=(np.arange(100) % 99 < 20)[None, :])

    panel = panel_of(mesh)

    # The ends of the window: twenty steps before the hole, one after it.
    assert np.unique(panel.point).size == 21
    assert panel.degrees_of_freedom.tolist() == [MIN_CLUSTERS - 1]
    assert set(panel.clusters.lengths.tolist()) == {2, 3}


def test_proxies_that_lived_for_moments_do_not_replace_one_that_lived_all_day() -> None:
    seen = np.zeros((10, 288), dtype=bool)
    seen[0] = True
    for proxy in range(1, 10):
        seen[proxy, 28 * proxy : 28 * proxy + 4] = True

    panel = panel_of(dataclasses.replace(lawful(ramp(10, 288)), seen=seen))

    # (288 + 9 x 2)^2 / (288^2 + 9 x 2^2) is 1.13, so that the day is cut into eight.
    assert panel.clusters.lengths.max() == 288 / 8
    assert panel.degrees_of_freedom[0] >= 8 + 9 - 1


def test_no_rows_have_no_workloads() -> None:
    rows = observed(lawful(ramp(1, 3))).rows.iloc[:0]

    panel = Panel.of(pd.DataFrame(rows))

    assert len(panel.workloads) == 0
    assert panel.obstacles == {}
