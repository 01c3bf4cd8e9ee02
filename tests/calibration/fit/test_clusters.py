"""Few members are cut into blocks of their time, so that enough clusters remain."""

import numpy as np
import pytest

from analyzer.calibration.fit.clusters import MIN_CLUSTERS, clusters_of, seen_at
from analyzer.calibration.fit.segments import Segments


def test_a_time_is_seen_if_any_member_of_the_group_has_it() -> None:
    groups = Segments.of(np.array([0, 0, 0, 1]))

    seen = seen_at(groups, np.array([0, 2, 2, 1]))

    assert seen.tolist() == [[True, False, True], [False, True, False]]


@pytest.mark.parametrize(("members", "blocks"), [(1, 8), (3, 3), (4, 2), (8, 1), (20, 1)])
def test_members_times_blocks_are_at_least_the_least_number(members: int, blocks: int) -> None:
    member, time = (index.ravel() for index in np.indices((members, 24)))
    groups, runs = Segments.of(np.zeros(len(member), dtype=np.int64)), Segments.of(member)

    clusters = clusters_of(groups, runs, time)

    assert clusters.lengths.tolist() == [24 // blocks] * members * blocks
    assert len(clusters) >= MIN_CLUSTERS


def test_no_rows_have_no_clusters() -> None:
    empty = np.zeros(0, dtype=np.int64)

    assert len(clusters_of(Segments.of(empty), Segments.of(empty), empty)) == 0
