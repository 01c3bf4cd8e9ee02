"""What changes slowly is asked once an hour, and the answer is that of asking at each step."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from analyzer.measurement.coarse import STATE_STEPS, Intervals
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask, Plan, make_plan, planned_on
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.measurement.working import Working
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.window import TimeWindow
from tests.support import SMALL_MESH, Mesh, PrometheusServer, Series, build_mesh, remote_write
from tests.support.prometheus import LoggedQuery
from tests.support.short_lives import with_short_lives

HOUR = 3600
DAY = 24 * HOUR
SPEC = replace(
    SMALL_MESH,
    hours=7 * 24,
    nodes=3,
    workloads=tuple(
        replace(one, pods=3, kind="StatefulSet" if one.native else one.kind)
        for one in SMALL_MESH.workloads
    ),
    envoy_scrape_seconds=120,
    cadvisor_scrape_seconds=120,
    state_scrape_seconds=120,
)
"""A step of 20 minutes, of which 3 make an hour."""
STEP_SECONDS = 1200
BRIEF_SECONDS = 1200
BRIEF_PODS = 5
STATE_OUTAGE = (DAY + 0.4 * HOUR, DAY + 2.4 * HOUR)
KUBELET_OUTAGE = (2 * DAY + 0.6 * HOUR, 2 * DAY + 2.7 * HOUR)
ENDS_IN_OUTAGE = 2 * DAY + 1.5 * HOUR
SCALED_DOWN = (3 * DAY + 0.2 * HOUR, 3 * DAY + 0.9 * HOUR)
NEW_NODE = "node-99"
NODE_ADDED = 4 * DAY + 0.4 * HOUR
MOVED = 4 * DAY + 0.95 * HOUR


def cut(series: Series, begin: float, end: float) -> Series:
    """Return a series without its samples of some seconds."""
    seconds = (series.times_ms - SPEC.start_ms) / 1000
    seen = ~((seconds > begin) & (seconds <= end))
    return replace(series, times_ms=series.times_ms[seen], values=series.values[seen])  # noqa: PD011 - no frame


def renamed(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return labels with the node that is added."""
    return tuple(sorted({**labels, "node": NEW_NODE}.items()))


def changed(mesh: Mesh) -> Iterator[Series]:
    """Yield the series of a mesh with what makes a coarse answer hard."""
    names = sorted(pod.name for pod in mesh.pods if pod.workload.name == "back")
    fronts = sorted(pod.name for pod in mesh.pods if pod.workload.name == "front")
    for one in mesh.series:
        labels = dict(one.labels)
        series = one
        if one.name.startswith("kube_"):
            series = cut(series, *STATE_OUTAGE)
        if one.name.startswith("container_"):
            series = cut(series, *KUBELET_OUTAGE)
        pod = labels.get("pod", "")
        if pod == fronts[0]:
            series = cut(series, ENDS_IN_OUTAGE, np.inf)
        if pod == names[0]:
            series = cut(series, *SCALED_DOWN)
        if labels.get("node") == "node-00" and one.name.startswith("kube_node"):
            yield replace(cut(series, -np.inf, NODE_ADDED), labels=renamed(labels))
        if pod == names[1] and one.name == "kube_pod_info":
            yield replace(cut(series, -np.inf, MOVED), labels=renamed(labels))
            series = cut(series, MOVED, np.inf)
        yield series


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What was collected, and what the server was asked for the first of the two."""

    coarse: Snapshot
    fine: Snapshot
    plan: Plan
    queries: Sequence[LoggedQuery]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """Collect each hour, and at each step."""
    folder = tmp_path_factory.mktemp("coarse")
    mesh = with_short_lives(build_mesh(SPEC), "shop/front", pods=BRIEF_PODS, seconds=BRIEF_SECONDS)
    with PrometheusServer(folder / "server") as server:
        remote_write.write(f"{server.url}/api/v1/write", list(changed(mesh)))
        ask = Ask(source=server.url, start=SPEC.start, end=SPEC.end)
        with Connection(Access(url=server.url)) as source:
            plan = make_plan(source, ask, now=SPEC.end)
            coarse = collect_snapshot(source, ask, folder / "coarse", now=SPEC.end)
            queries = server.query_log()
            # An interrupted collection of an earlier version: it goes on as it was planned.
            each_step = planned_on(
                ask, plan.survey, plan.window, plan.anonymiser, may_be_coarse=False
            )
            Working.begin(folder / "fine", each_step)
            fine = collect_snapshot(source, ask, folder / "fine", now=SPEC.end)
    return Collected(coarse=coarse, fine=fine, plan=plan, queries=queries)


@pytest.fixture(scope="module")
def snapshots(collected: Collected) -> tuple[Snapshot, Snapshot]:
    return collected.coarse, collected.fine


@pytest.fixture(scope="module")
def usages(snapshots: tuple[Snapshot, Snapshot]) -> tuple[MeshUsage, MeshUsage]:
    coarse, fine = snapshots
    return measure(coarse), measure(fine)


def test_what_changes_slowly_is_asked_each_hour_of_a_week(
    snapshots: tuple[Snapshot, Snapshot],
) -> None:
    coarse, fine = snapshots

    assert coarse.manifest.window.step_seconds == STEP_SECONDS
    assert coarse.manifest.stride_of("pod_placement") == 3
    assert coarse.manifest.stride_of("proxy_cpu_vcpu") == 1
    assert not fine.manifest.is_coarse
    assert STATE_STEPS not in {query.name for query in fine.manifest.queries}
    placed, each = (len(one.frame("pod_placement")) for one in snapshots)
    assert placed < each / 2.8


def test_the_samples_that_are_read_were_estimated(collected: Collected) -> None:
    """By the server's own count: each within a factor of 2, and all of them within 1.3."""
    names = {job.promql: job.query.name for job in collected.plan.jobs}
    read: Counter[str] = Counter()
    for query in collected.queries:
        if query.promql in names:
            read[names[query.promql]] += query.samples_read
    estimated = {name: planned.sample_count for name, planned in collected.plan.queries.items()}
    off = {
        name: (samples, estimated[name])
        for name, samples in read.items()
        if samples and not 0.5 <= estimated[name] / samples <= 2
    }

    assert not off
    assert 1 / 1.3 <= collected.plan.sample_count / sum(read.values()) <= 1.3
    bare = ("proxy_cpu_vcpu", "inbound_requests_rps", "outbound_requests_rps")
    ratio = sum(read.values()) / sum(read[name] for name in bare)
    assert collected.plan.times_bare == pytest.approx(ratio, rel=0.3)


def test_each_table_is_that_of_asking_at_each_step(usages: tuple[MeshUsage, MeshUsage]) -> None:
    coarse, fine = usages
    for field in fields(MeshUsage):
        ours, theirs = getattr(coarse, field.name), getattr(fine, field.name)
        if isinstance(ours, pd.DataFrame) and field.name != "moves":
            pd.testing.assert_frame_equal(ours, theirs, obj=field.name)
    assert coarse.node_presence is not None
    assert fine.node_presence is not None
    np.testing.assert_array_equal(coarse.node_presence.shares, fine.node_presence.shares)


def test_a_pod_that_lives_between_two_hours_has_its_node_and_its_requests(
    usages: tuple[MeshUsage, MeshUsage],
) -> None:
    usage = usages[0]
    brief = usage.proxies[usage.proxies["pod"].str.contains("-shr")]

    assert len(brief) == BRIEF_PODS
    assert (brief["node"] != "").all()
    steps = usage.steps[usage.steps["proxy"].isin(brief.index)]
    assert set(steps["proxy"]) == set(brief.index)
    assert steps["reserved_vcpu"].to_numpy() == pytest.approx(0.1)


def test_a_pod_that_moves_counts_for_its_old_node_until_the_end_of_the_hour(
    usages: tuple[MeshUsage, MeshUsage],
) -> None:
    coarse, fine = (usage.moves.sort_values(["proxy", "point"]) for usage in usages)
    differs = (coarse["node"] != fine["node"]).to_numpy()

    assert set(coarse["node"]) == {"node-01", NEW_NODE}
    assert list(coarse["point"]) == list(fine["point"])
    # The step after the move ends half past the hour that the interval ends with.
    assert differs.sum() <= 2
    moved = round(MOVED / STEP_SECONDS)
    assert np.abs(coarse["point"].to_numpy()[differs] - moved).max() <= 2


def test_a_node_exists_from_the_step_in_which_it_was_added(
    usages: tuple[MeshUsage, MeshUsage],
) -> None:
    nodes = usages[0].nodes.set_index("node")
    whole = 7 * DAY

    assert nodes.loc[NEW_NODE, "present_share"] == pytest.approx(
        (whole - NODE_ADDED) / whole, abs=3 * STEP_SECONDS / whole
    )
    assert (nodes["present_share"].drop(NEW_NODE) == 1).all()


@pytest.mark.parametrize(("stride", "step"), [(12, 300), (3, 1200), (24, 60)])
def test_the_steps_of_a_sum_of_powers_are_those_that_were_added(stride: int, step: int) -> None:
    start = datetime(2024, 5, 14, 10, 1, tzinfo=UTC)
    end = start + timedelta(seconds=(stride * 4 + 5) * step)
    window = TimeWindow.within(start, end, step)
    intervals = Intervals(window, stride)
    shown = np.random.default_rng(1).random(window.point_count) < 0.5
    sums = []
    for point, length in zip(intervals.ends, intervals.lengths(intervals.ends), strict=True):
        steps = [one for one in range(point - length + 1, point + 1) if one >= 0 and shown[one]]
        numbers = [int(window.evaluated_at(one).timestamp()) // step % int(length) for one in steps]
        assert len(set(numbers)) == len(numbers)
        sums.append(float(sum(2**number for number in numbers)))
    ends = np.arange(len(sums))

    number, found = intervals.steps_in(intervals.ends, np.array(sums))
    assert sorted(found) == list(np.flatnonzero(shown))
    assert set(number) <= set(ends)


@pytest.mark.parametrize("minutes", [0, 5, 37])
def test_intervals_end_at_full_hours_and_with_the_window(minutes: int) -> None:
    end = datetime(2024, 5, 14, 10, minutes, tzinfo=UTC)
    window = TimeWindow.within(end - timedelta(days=7), end, 300)
    chunks = window.chunks(stride=window.coarse_stride)
    points = [
        chunk.first_point + number * chunk.stride
        for chunk in chunks
        for number in range(chunk.point_count)
    ]

    assert window.coarse_stride == 12
    assert points == list(window.asked_points(12))
    assert points[-1] == window.point_count - 1
    hours = [window.evaluated_at(point).timestamp() % HOUR for point in points[:-1]]
    assert set(hours) == {0}
    # Each step is in one interval, and the last one has what is left.
    lengths = Intervals(window, 12).lengths(np.array(points))
    assert list(lengths) == [chunk.stride for chunk in chunks for _ in range(chunk.point_count)]
    rows = pd.DataFrame({"point": points})
    assert sorted(Intervals(window, 12).spread(rows)["point"]) == list(range(window.point_count))


@pytest.mark.parametrize(
    ("days", "step", "stride"),
    [
        (1, 300, 1),
        (2, 300, 3),
        (7, 300, 12),
        (28, 300, 12),
        (7, 60, 24),
        (7, 1200, 3),
        (1, 3600, 1),
        (5, 3600, 3),
        (7, 3600, 4),
        (28, 3600, 4),
    ],
)
def test_a_short_window_is_asked_at_each_step(days: int, step: int, stride: int) -> None:
    start = datetime(2024, 5, 14, 10, tzinfo=UTC)
    window = TimeWindow(start=start, end=start + timedelta(days=days), step_seconds=step)

    assert window.coarse_stride == stride
