"""A proxy exists between its first and last sample, and longer only if its sources are dark."""

import numpy as np
import pytest

from analyzer.arrays import Bools, Ints
from analyzer.measurement.presence import Presence, Sightings, coverage, presence

STEPS = 8


def seen(*texts: str) -> Bools:
    """Return which steps are marked with x, a row for each text."""
    return np.array([[mark == "x" for mark in text] for text in texts])


def shown(flags: Bools) -> list[str]:
    return ["".join("x" if flag else "." for flag in row) for row in flags]


def found(  # noqa: PLR0913 - what may be known of proxies
    cpu: Bools,
    metrics: Bools | None = None,
    state: Bools | None = None,
    *,
    memory: Bools | None = None,
    node: Ints | None = None,
    cluster: Ints | None = None,
    workload: Ints | None = None,
) -> Presence:
    nothing = np.zeros_like(cpu)
    one = np.zeros(len(cpu), dtype=np.int64)
    return presence(
        Sightings(
            cpu=cpu,
            metrics=nothing if metrics is None else metrics,
            memory=nothing if memory is None else memory,
            state=nothing if state is None else state,
            node=one if node is None else node,
            cluster=one if cluster is None else cluster,
            workload=np.arange(len(cpu)) if workload is None else workload,
            lookback_steps=1,
        )
    )


def test_a_proxy_exists_from_its_first_to_its_last_sample_of_either_source() -> None:
    cpu, metrics = seen("..xx...."), seen("....xx..")

    assert shown(found(cpu, metrics).exists) == ["..xxxx.."]


def test_a_dark_time_of_both_sources_is_no_end() -> None:
    cpu = seen("xx....xx", "xx....xx")

    assert shown(found(cpu, cpu).exists) == ["xxxxxxxx"] * 2


@pytest.mark.parametrize(
    ("state", "exists"),
    [
        # kube-state-metrics shows the other pod, and not this one.
        (seen("xx....xx", "xxxxxxxx"), "xx....xx"),
        (seen("xxxxxxxx", "xxxxxxxx"), "xxxxxxxx"),
        # Its kubelet does so where there is no kube-state-metrics.
        (None, "xx....xx"),
    ],
    ids=["deleted", "dark", "not on its node"],
)
def test_a_pod_that_was_deleted_and_returned_did_not_exist_between(
    state: Bools | None, exists: str
) -> None:
    cpu = seen("xx....xx", "xxxxxxxx")

    assert shown(found(cpu, cpu, state).exists) == [exists, "xxxxxxxx"]


def test_memory_shows_that_a_proxy_exists_inside_its_life_only() -> None:
    cpu, memory = seen("xx....x.", "xxxxxxxx"), seen("xx..x.xx", "xxxxxxxx")

    assert shown(found(cpu, cpu, memory=memory).exists) == ["xx..x.x.", "xxxxxxxx"]


def test_a_completed_pod_that_kube_state_metrics_still_shows_is_gone() -> None:
    cpu = seen("xxx.....", "xxxxxxxx")
    state = seen("xxxxxxxx", "xxxxxxxx")

    assert shown(found(cpu, cpu, state).exists) == ["xxx.....", "xxxxxxxx"]


def test_pods_of_a_node_that_goes_dark_exist_as_long_as_their_objects() -> None:
    """The last step before an object's end may be its last sample only: it does not count."""
    cpu = seen("xxx.....", "xxx.....", "xxxx....", "xxxxxxxx")
    state = seen("xxxxxx..", "xxxxxxxx", "xxxxxxxx", "xxxxxxxx")
    node = np.array([0, 0, 0, 1])

    exists = found(cpu, cpu, state, node=node).exists
    assert shown(exists) == ["xxxxx...", "xxxxxxxx", "xxxxxxxx", "xxxxxxxx"]


def test_jobs_that_complete_together_are_gone() -> None:
    """No other proxy runs on their node, so nothing is scraped there."""
    cpu = seen("xxx.....", "xxx.....", "xxxxxxxx")
    state, node = seen("xxxxxxxx", "xxxxxxxx", "xxxxxxxx"), np.array([0, 0, 1])

    exists = found(cpu, cpu, state, node=node, workload=node).exists
    assert shown(exists) == ["xxx.....", "xxx.....", "xxxxxxxx"]


def test_a_node_that_is_dark_at_first_had_its_pods() -> None:
    cpu = seen("...xxxxx", "...xxxxx", "....xxxx", "xxxxxxxx")
    state = seen(".xxxxxxx", "xxxxxxxx", "xxxxxxxx", "xxxxxxxx")
    node = np.array([0, 0, 0, 1])

    exists = found(cpu, cpu, state, node=node).exists
    assert shown(exists) == ["..xxxxxx", "xxxxxxxx", "xxxxxxxx", "xxxxxxxx"]


def test_pods_of_a_node_that_is_removed_are_gone() -> None:
    cpu = seen("xxx.....", "xxx.....", "xxxxxxxx")
    state = seen("xxxx....", "xxxx....", "xxxxxxxx")

    exists = found(cpu, cpu, state, node=np.array([0, 0, 1])).exists
    assert shown(exists) == ["xxx.....", "xxx.....", "xxxxxxxx"]


# --- clusters ---

CLUSTERS = np.array([0, 0, 1])


def test_a_cluster_that_is_dark_between_keeps_its_proxies() -> None:
    cpu = seen("xx...xxx", "xx...xxx", "xxxxxxxx")

    both = found(cpu, cpu, cluster=CLUSTERS, node=CLUSTERS)
    assert both.exists.all()
    assert not both.doubtful.any()


def test_proxies_that_were_replaced_while_their_cluster_was_dark_have_a_half_each() -> None:
    cpu = seen("xx......", "......xx", "xxxxxxxx")

    exists = found(cpu, cpu, cluster=CLUSTERS, node=CLUSTERS).exists
    assert shown(exists) == ["xxxx....", "....xxxx", "xxxxxxxx"]


@pytest.mark.parametrize(
    ("cpu", "exists"),
    [("xxxxx...", "xxxxxxxx"), ("xx......", "xx......"), ("...xxxxx", "xxxxxxxx")],
    ids=["dark at last", "dark for longer", "dark at first"],
)
def test_a_cluster_that_is_dark_at_an_end_is_doubtful(cpu: str, exists: str) -> None:
    flags = seen(cpu, cpu, "xxxxxxxx")

    both = found(flags, flags, cluster=CLUSTERS, node=CLUSTERS)
    assert shown(both.exists) == [exists, exists, "xxxxxxxx"]
    assert shown(both.doubtful[:2]) == shown(~flags[:2])
    assert not both.doubtful[2].any()


def test_a_single_cluster_is_never_dark_beside_another() -> None:
    cpu = seen("xxx.....", "xxx.....")

    assert not found(cpu, cpu).doubtful.any()


# --- steps that are covered in part ---


def test_the_ends_of_a_series_are_cut_and_those_of_the_window_are_not() -> None:
    source = seen("xxxx....", "..xxxxxx")
    exists = seen("xxxx....", "..xxxxxx")

    covered = coverage(source, exists)
    assert shown(covered.is_cut) == ["...x....", "..x....."]
    assert not covered.beside_gap.any()
    assert not covered.beside_hole.any()


@pytest.mark.parametrize(
    ("source", "gap", "hole"),
    [
        ("xx..xxxx", ".x..x...", "........"),
        ("xx.xxxxx", "........", ".x.x...."),
        # The first or last step of a proxy is no gap: rates need two samples.
        (".xxxxxxx", "........", ".x......"),
        ("xxxxxx..", ".....x..", "........"),
    ],
)
def test_steps_beside_a_gap_are_covered_in_part(source: str, gap: str, hole: str) -> None:
    covered = coverage(seen(source), seen("xxxxxxxx"))

    assert shown(covered.beside_gap) == [gap]
    assert shown(covered.beside_hole) == [hole]


def test_the_first_step_of_a_proxy_is_no_gap() -> None:
    covered = coverage(seen("..xxxxxx"), seen(".xxxxxxx"))

    assert shown(covered.is_cut) == ["..x....."]
    assert not covered.beside_hole.any()


def test_a_source_that_never_shows_a_proxy_has_no_gap() -> None:
    assert not coverage(seen("........"), seen("xxxxxxxx")).beside_gap.any()
