"""For how much of each step a proxy existed, by how often it was scraped in it."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.arrays import Floats
from analyzer.measurement.lived import (
    FOR_LIFE,
    LIVED,
    PART_OF_A_STEP,
    Ends,
    lived_shares,
    over_steps,
    scraped_shares,
)
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.units import Role
from tests.measurement.snapshots import Rows, make_snapshot, steady

NAN = float("nan")
CPU, BUILD, IN = "proxy_cpu_vcpu", "proxy_build", "inbound_requests_rps"
REQUEST, MEMORY = "proxy_reserved_vcpu", "proxy_memory_bytes"
STAYS = ("shop", "stays-5b8c9d7f4-aaaaa")
STEPS = 6


def lived(scrapes: list[float], *, first: int = 0, steps: int = STEPS, most: float = 11) -> Floats:
    """Return the shares of one proxy beside one that is scraped so often in each step.

    The range has a scrape more than the step.
    """
    proxy = np.repeat([0, 1], [len(scrapes), steps])
    point = np.r_[first + np.arange(len(scrapes)), np.arange(steps)]
    ends = Ends.of(proxy, point, steps)
    scraped = scraped_shares(
        np.r_[scrapes, np.full(steps, most)], np.zeros(len(proxy), np.int64), ends.either, most
    )
    return lived_shares(ends, scraped, point, steps, most / (most - 1))[: len(scrapes)]


@pytest.mark.parametrize(
    ("scrapes", "first", "shares"),
    [
        pytest.param([11] * 6, 0, [1] * 6, id="all-of-the-window"),
        pytest.param([4, 11, 11, 6], 1, [0.4, 1, 1, 0.5], id="begins-and-ends"),
        pytest.param([4], 2, [0.4], id="within-a-step"),
        pytest.param([4, 3], 2, [0.4, 0.2], id="across-a-border"),
        pytest.param([11, 2], 3, [1, 0.1], id="ends-soon"),
        pytest.param([11, 1], 3, [1, 0], id="ends-before-its-last-step"),
        pytest.param([5, 11, 3], 0, [0.5, 1, 0.2], id="begins-in-the-first-step"),
        pytest.param([11, 11, 5], 3, [1, 1, 0.4], id="ends-in-the-last-step"),
        pytest.param([11, 10, 11], 0, [1, 1, 1], id="a-scrape-late"),
        pytest.param([11, 6, 11, 11, 11, 11], 0, [1] * 6, id="a-gap-is-no-end"),
        pytest.param([NAN, 11, NAN], 2, [PART_OF_A_STEP, 1, PART_OF_A_STEP], id="not-known"),
        pytest.param([NAN] * 6, 0, [1] * 6, id="never-scraped"),
    ],
)
def test_a_life_counts_for_as_much_of_a_step_as_it_was_scraped(
    scrapes: list[float], first: int, shares: list[float]
) -> None:
    np.testing.assert_allclose(lived(scrapes, first=first), shares, atol=1e-12)


def test_brief_pods_of_one_workload_are_compared_with_what_a_step_holds() -> None:
    """None of them shows how often a pod is scraped that lives for a whole step."""
    proxy, point = np.arange(4), np.array([0, 1, 2, 3])
    ends = Ends.of(proxy, point, 6)
    scraped = scraped_shares(np.array([3.0, 4, 4, 4]), np.zeros(4, np.int64), ends.either, 11.0)

    np.testing.assert_allclose(scraped, np.array([3, 4, 4, 4]) / 11)


def test_a_server_that_began_within_the_first_step_shortens_no_life() -> None:
    shares = lived_shares(
        Ends.of(np.repeat([0, 1], 3), np.tile(np.arange(3), 2), 3),
        np.tile([0.4, 1.0, 1.0], 2),
        np.tile(np.arange(3), 2),
        3,
        1.1,
    )

    np.testing.assert_array_equal(shares, 1.0)


def rows(*, memory: list[float], shares: list[float], proxy: list[int]) -> pd.DataFrame:
    held = dict.fromkeys(FOR_LIFE, 2.0)
    table = {"proxy": proxy, "memory_bytes": memory, LIVED: shares, "cpu_vcpu": 1.0}
    return pd.DataFrame({**table, **held})


def test_what_is_held_is_averaged_over_the_step_and_rates_stay() -> None:
    table = rows(memory=[8, 8, NAN], shares=[0.5, 1, 0.25], proxy=[0, 0, 0])
    found = over_steps(table, np.zeros(3, np.int64))

    assert found["memory_bytes"].tolist() == [4, 8, 2]
    for name in FOR_LIFE:
        assert found[name].tolist() == [1, 2, 0.5]
    assert found["cpu_vcpu"].tolist() == [1, 1, 1]
    assert table["memory_bytes"].tolist()[:2] == [8, 8]


def test_a_brief_pod_holds_what_its_workload_does() -> None:
    """It was at the end of no step, where memory is asked for."""
    table = rows(memory=[8, 12, NAN, NAN], shares=[1, 1, 0.5, 0.5], proxy=[0, 0, 1, 2])
    found = over_steps(table, np.array([0, 0, 0, 1]))

    assert found["memory_bytes"].tolist()[:3] == [8, 12, 5]
    assert math.isnan(found["memory_bytes"].iloc[3])


def test_a_mesh_in_which_nothing_ends_is_not_copied() -> None:
    table = rows(memory=[8, NAN], shares=[1, 1], proxy=[0, 0])

    assert over_steps(table, np.zeros(2, np.int64)) is table


# --- from a snapshot ---


def measured(folder: Path, scrapes: dict[int, float], memory: dict[int, float]) -> MeshUsage:
    """Measure a sidecar that stays, and one that was scraped so often in these steps.

    In those of `memory` its memory and its request are known.
    """
    brief = ("shop", "stays-5b8c9d7f4-bbbbb")
    whole: dict[str, Rows] = {
        CPU: steady(CPU, STAYS, 0.1, points=STEPS),
        BUILD: steady(BUILD, (*STAYS, "proxy"), 10.0, points=STEPS),
        IN: steady(IN, (*STAYS, "shop", "stays"), 5.0, points=STEPS),
        REQUEST: steady(REQUEST, STAYS, 0.5, points=STEPS),
        MEMORY: steady(MEMORY, STAYS, 100.0, points=STEPS),
    }
    part: dict[str, Rows] = {
        CPU: [("", *brief, "istio-proxy", point, 0.01) for point in scrapes],
        BUILD: [("", *brief, "proxy", *pair) for pair in scrapes.items()],
        IN: [("", *brief, "shop", "stays", point, 1.0) for point in scrapes],
        REQUEST: [("", *brief, point, 0.5) for point in memory],
        MEMORY: [("", *brief, *pair) for pair in memory.items()],
    }
    tables = {name: [*whole[name], *part[name]] for name in whole}
    return measure(make_snapshot(folder / "snap", tables, points=STEPS))


def test_totals_have_a_request_for_the_time_of_a_life(tmp_path: Path) -> None:
    usage = measured(tmp_path, {1: 4.0, 2: 10.0, 3: 6.0}, {1: 40.0, 2: 40.0})

    assert usage.mean_total(Role.SIDECAR, "reserved_vcpu") == pytest.approx(0.5 + 0.5 * 2.0 / STEPS)
    assert usage.mean_total(Role.SIDECAR, "memory_bytes") == pytest.approx(100 + 40 * 2.0 / STEPS)
    assert usage.steps["reserved_vcpu"].dropna().eq(0.5).all()


def test_what_a_brief_pod_was_not_seen_to_hold_counts_for_its_life_too(tmp_path: Path) -> None:
    usage = measured(tmp_path, {2: 4.0}, {})

    for name, usual in (("reserved_vcpu", 0.5), ("memory_bytes", 100)):
        found = usage.total(Role.SIDECAR, name)
        assert found is not None
        assert found.mid == pytest.approx(usual * (1 + 0.4 / STEPS))
