"""For how much of each step a proxy existed, by how often it was scraped in it."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.measurement.lived import (
    FOR_LIFE,
    LIVED,
    PART_OF_A_STEP,
    Scrapes,
    over_steps,
)
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.units import Role
from tests.measurement.snapshots import Rows, make_snapshot, steady

NAN = float("nan")
CPU, BUILD, IN = "proxy_cpu_vcpu", "proxy_build", "inbound_requests_rps"
REQUEST, MEMORY = "proxy_reserved_vcpu", "proxy_memory_bytes"
STAYS = ("shop", "stays-5b8c9d7f4-aaaaa")
STEPS = 6
WHOLE_STEP = 11
"""Scrapes in the range of a whole step."""


Lives = Sequence[tuple[int, Sequence[float]]]
"""Of each proxy the first step, and its scrapes in each step from there on."""


def lived(
    lives: Lives,
    *,
    workloads: Sequence[str] = (),
    seen: Sequence[bool] | None = None,
    expected: float = WHOLE_STEP,
) -> list[list[float]]:
    """Return the shares of each proxy; the range in which scrapes count has one more than the step.

    Workloads are cluster/namespace/name; all proxies have the same one, if there are none. `seen`
    says whether the CPU of all rows is known.
    """
    names = pd.Series(workloads or ["one/shop/front"] * len(lives))
    proxy = np.repeat(np.arange(len(lives)), [len(counts) for _, counts in lives])
    counts = np.concatenate([np.asarray(counts, float) for _, counts in lives])
    by = names, names.str.rpartition("/")[0], names.str.partition("/")[0]
    workload, namespace, cluster = (pd.factorize(one)[0] for one in by)
    scrapes = Scrapes(
        proxy=proxy,
        point=np.concatenate([first + np.arange(len(counts)) for first, counts in lives]),
        scrape_count=counts,
        is_seen=np.full(len(proxy), True) if seen is None else np.asarray(seen),
        workload=workload,
        namespace=namespace,
        cluster=cluster,
        point_count=STEPS,
        whole_step_count=expected,
    )
    found = scrapes.lived(WHOLE_STEP / (WHOLE_STEP - 1))
    return [found[proxy == number].tolist() for number in range(len(lives))]


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
        pytest.param([NAN, 11, NAN], 2, [0.1, 1, 0], id="scraped-once"),
        pytest.param([0, 11, 0], 2, [0.1, 1, 0], id="no-scrape-is-written-as-zero"),
    ],
)
def test_a_life_counts_for_as_much_of_a_step_as_it_was_scraped(
    scrapes: list[float], first: int, shares: list[float]
) -> None:
    found, stays = lived([(first, scrapes), (0, [WHOLE_STEP] * STEPS)])

    np.testing.assert_allclose(found, shares, atol=1e-12)
    assert stays == [1] * STEPS


@pytest.mark.parametrize("scrapes", [NAN, 0])
def test_a_proxy_that_is_never_scraped_lives_for_half_of_its_first_and_last_step(
    scrapes: float,
) -> None:
    brief, stays = lived([(1, [scrapes] * 3), (0, [scrapes] * STEPS)])

    assert brief == [PART_OF_A_STEP, 1, PART_OF_A_STEP]
    assert stays == [1] * STEPS


@pytest.mark.parametrize("beside", ["one/shop/stays", "one/other/stays"])
def test_brief_pods_are_compared_with_what_a_step_holds(beside: str) -> None:
    """None of them shows how often a pod is scraped that lives for a whole step."""
    brief: Lives = [(0, [3, 4]), (3, [4]), (4, [2, 5])]
    found = lived(
        [*brief, (0, [WHOLE_STEP] * STEPS)],
        workloads=[*["one/shop/jobs"] * len(brief), beside],
        expected=99,
    )

    wanted = [[0.3, 0.3], [0.4], [0.2, 0.4], [1.0] * STEPS]
    for shares, known in zip(found, wanted, strict=True):
        np.testing.assert_allclose(shares, known, atol=1e-12)


def test_a_mesh_of_brief_pods_is_compared_with_what_the_survey_saw() -> None:
    found = lived([(0, [3, 4]), (1, [4]), (2, [2, 5])], expected=WHOLE_STEP)

    np.testing.assert_allclose(found[1], [0.4])


# --- where nothing was seen ---


@pytest.mark.parametrize(
    ("lives", "shares"),
    [
        pytest.param([(2, [5, 11, 11, 11])] * 2, [[1] * 4] * 2, id="stored-from-then-on"),
        pytest.param([(0, [11, 11, 5])] * 2, [[1] * 3] * 2, id="stored-until-then"),
        pytest.param(
            [(0, [11, 6]), (3, [5, 11, 11])], [[1, 1], [1, 1, 1]], id="replaced-in-an-outage"
        ),
        pytest.param(
            [(2, [5, 11, 11, 11]), (2, [2, 11, 11, 11])],
            [[1] * 4, [0.44, 1, 1, 1]],
            id="later-than-others",
        ),
    ],
)
def test_lives_do_not_end_where_the_server_does(lives: Lives, shares: list[list[float]]) -> None:
    for found, wanted in zip(lived(lives), shares, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize(
    "names",
    [["one/shop/front", "two/shop/front"], ["one/shop/front", "one/other/front"]],
    ids=["a cluster", "a namespace"],
)
def test_one_that_is_scraped_from_the_middle_of_a_step_on_was_there(names: list[str]) -> None:
    found = lived([(0, [WHOLE_STEP] * STEPS), (0, [5, 11, 11, 11, 11, 6])], workloads=names)

    assert found == [[1] * STEPS] * 2


@pytest.mark.parametrize(
    ("scrapes", "first", "shares"),
    [
        pytest.param([11, 11, NAN, NAN], 2, [1, 1, 1, 1], id="to-the-end-of-the-window"),
        pytest.param([NAN, 11, 11], 0, [1, 1, 1], id="in-the-first-step"),
        pytest.param([11, 11, NAN, NAN], 1, [1, 1, 1, PART_OF_A_STEP], id="to-its-end"),
        pytest.param([NAN], 0, [0.1], id="a-scrape-in-the-first-step"),
        pytest.param([NAN], 3, [0.1], id="a-scrape"),
    ],
)
def test_a_target_that_is_down_is_no_end(
    scrapes: list[float], first: int, shares: list[float]
) -> None:
    """Its CPU is known all the time, beside others that are scraped."""
    found, _ = lived([(first, scrapes), (0, [WHOLE_STEP] * STEPS)])

    np.testing.assert_allclose(found, shares, atol=1e-12)


def test_a_cluster_that_is_dark_is_not_shown_by_another_one() -> None:
    found = lived(
        [(0, [WHOLE_STEP] * STEPS), (2, [5, 11, 11, 11])],
        workloads=["one/shop/front", "two/shop/front"],
    )

    assert found[1] == [1] * 4


def test_without_its_own_metrics_a_cluster_that_has_cpu_is_not_dark() -> None:
    found = lived([(0, [11, 11, NAN]), (0, [11, 11, NAN, NAN, NAN, 11])])

    assert found[0] == [1, 1, PART_OF_A_STEP]


def rows(*, memory: list[float], shares: list[float], proxy: list[int]) -> pd.DataFrame:
    held = dict.fromkeys(FOR_LIFE, 2.0)
    table = {"proxy": proxy, "memory_bytes": memory, LIVED: shares, "cpu_vcpu": 1.0}
    return pd.DataFrame({**table, **held})


def test_what_is_held_is_averaged_over_the_step_and_rates_stay() -> None:
    table = rows(memory=[8, 8, NAN], shares=[0.5, 1, 0.25], proxy=[0, 0, 0])
    found = over_steps(table, np.zeros(1, np.int64))

    assert found["memory_bytes"].tolist() == [4, 8, 2]
    for name in FOR_LIFE:
        assert found[name].tolist() == [1, 2, 0.5]
    assert found["cpu_vcpu"].tolist() == [1, 1, 1]
    assert table["memory_bytes"].tolist()[:2] == [8, 8]


def test_a_brief_pod_holds_what_its_workload_does() -> None:
    """It was at the end of no step, where memory is asked for."""
    table = rows(memory=[8, 12, NAN, NAN], shares=[1, 1, 0.5, 0.5], proxy=[0, 0, 1, 2])
    found = over_steps(table, np.array([0, 0, 1]))

    assert found["memory_bytes"].tolist()[:3] == [8, 12, 5]
    assert math.isnan(found["memory_bytes"].iloc[3])


def test_a_mesh_in_which_nothing_ends_is_not_copied() -> None:
    table = rows(memory=[8, NAN], shares=[1, 1], proxy=[0, 0])

    assert over_steps(table, np.zeros(1, np.int64)) is table


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
