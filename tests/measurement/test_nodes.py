"""Nodes count for the time in which they existed, and only those that run a ztunnel."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.measurement.findings import Bias, Severity
from analyzer.measurement.nodes import REBOOT_SECONDS
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection.demand import mesh_load
from tests.measurement.snapshots import STEP_SECONDS, Rows, make_snapshot, steady

POINTS = 24
SAMPLES = 20.0
CPU, IN = "proxy_cpu_vcpu", "inbound_requests_rps"


def rows(node: str, points: Mapping[int, float] | Sequence[int], cluster: str = "") -> Rows:
    """Return the samples of a node: those of whole steps, or how many in each."""
    counts = points if isinstance(points, Mapping) else dict.fromkeys(points, SAMPLES)
    return [(cluster, node, point, count) for point, count in counts.items()]


def usage(folder: Path, *presence: Rows, **more: Rows) -> MeshUsage:
    """Return a mesh of one sidecar on `n`, and nodes with these samples."""
    counts = [row for found in presence for row in found]
    pod = ("shop", "a")
    # A node is reported at the end of each step in which it has a sample, and at the next end.
    tables: dict[str, Rows] = {
        CPU: steady(CPU, pod, 0.1, points=POINTS),
        IN: steady(IN, (*pod, "shop", "web"), 10.0, points=POINTS),
        "pod_placement": steady(
            "pod_placement", (*pod, "n", "10.0.0.1", "ReplicaSet", "web-1"), 1.0, points=POINTS
        ),
        "node_presence": counts,
        "node_allocatable_vcpu": [(cluster, node, at, 8.0) for cluster, node, at, _ in counts],
        **more,
    }
    return measure(make_snapshot(folder / "snap", tables, points=POINTS))


def shares(found: MeshUsage) -> dict[str, float]:
    return dict(zip(found.nodes["node"], found.nodes["present_share"], strict=True))


def test_a_node_that_was_there_all_the_time_counts_wholly(tmp_path: Path) -> None:
    found = usage(tmp_path, rows("n", range(POINTS)), rows("other", range(POINTS)))

    assert shares(found) == {"n": 1, "other": 1}
    assert mesh_load(found).node_count == 2


def test_scrapes_that_fall_beside_a_boundary_are_no_absence(tmp_path: Path) -> None:
    counts = {point: SAMPLES - (point % 3 == 0) for point in range(POINTS)}
    found = usage(tmp_path, rows("n", counts), rows("other", range(POINTS)))

    assert shares(found) == {"n": 1, "other": 1}


def test_replaced_nodes_count_for_their_time(tmp_path: Path) -> None:
    # Half of the time each; the change is a quarter into step 12.
    old = rows("old", {**dict.fromkeys(range(12), SAMPLES), 12: 5.0})
    new = rows("new", {12: 15.0, **dict.fromkeys(range(13, POINTS), SAMPLES)})
    found = usage(tmp_path, rows("n", range(POINTS)), old, new)

    assert shares(found) == pytest.approx({"n": 1, "old": 12.25 / 24, "new": 11.75 / 24})
    assert mesh_load(found).node_count == 2


def test_where_all_are_replaced_in_one_step_none_has_all_its_samples(tmp_path: Path) -> None:
    pairs = [
        rows(f"{turn}-{number}", {**dict.fromkeys(points, SAMPLES), **cut})
        for turn, points, cut in (
            (0, range(12), {12: 12.0}),
            (1, range(13, POINTS), {12: 8.0}),
        )
        for number in range(3)
    ]
    found = usage(tmp_path, *pairs)

    assert sum(shares(found).values()) == pytest.approx(3)


@pytest.mark.parametrize("step", [0, 11, POINTS - 1])
def test_nodes_that_share_a_step_share_it_at_the_ends_too(step: int, tmp_path: Path) -> None:
    before, after = range(step), range(step + 1, POINTS)
    old = {**dict.fromkeys(before, SAMPLES), step: 12.0}
    new = {step: 8.0, **dict.fromkeys(after, SAMPLES)}
    found = usage(tmp_path, rows("n", range(POINTS)), rows("old", old), rows("new", new))

    assert sum(shares(found).values()) == pytest.approx(2)


def test_a_pod_that_keeps_its_name_on_another_node_loads_each_in_turn(tmp_path: Path) -> None:
    pod, where = ("data", "db-0"), "pod_placement"
    label = ("10.0.0.9", "StatefulSet", "db")
    found = usage(
        tmp_path,
        rows("n", range(POINTS)),
        rows("old", range(6)),
        rows("new", range(6, POINTS)),
        **{
            CPU: steady(CPU, pod, 0.1, points=POINTS),
            IN: steady(IN, (*pod, "data", "db"), 40.0, points=POINTS),
            where: [
                *[(*("", *pod), "old", *label, at, 1.0) for at in range(6)],
                # kube-state-metrics missed one step, and nobody knows of the move within it.
                *[(*("", *pod), "new", *label, at, 1.0) for at in range(7, POINTS)],
            ],
        },
    )
    load = mesh_load(found).nodes

    assert shares(found) == pytest.approx({"n": 1, "old": 0.25, "new": 0.75})
    assert load is not None
    carried = dict(zip(load["node"], load["passes_rps"], strict=True))
    assert carried["n"] == 0
    # In the missed step it counts where it was before.
    assert carried["old"] == pytest.approx(40 * 7 / 6)
    assert carried["new"] == pytest.approx(40 * 17 / 18)


def test_a_node_shorter_than_a_step_counts_for_its_part(tmp_path: Path) -> None:
    found = usage(tmp_path, rows("n", range(POINTS)), rows("burst", {7: 4.0, 8: 6.0}))

    assert shares(found)["burst"] == pytest.approx(0.5 / 24)
    assert mesh_load(found).node_count == 1


def test_a_time_without_any_node_is_not_known(tmp_path: Path) -> None:
    """kube-state-metrics was down; meanwhile a node was replaced."""
    up = [point for point in range(POINTS) if point not in range(6, 12)]
    old, new = rows("old", range(6)), rows("new", range(12, POINTS))
    found = usage(tmp_path, rows("n", up), old, new)

    assert shares(found) == pytest.approx({"n": 1, "old": 6 / 18, "new": 12 / 18})


@pytest.mark.parametrize("answered", [1, 2])
def test_nodes_that_were_reported_in_a_step_or_two_only(answered: int, tmp_path: Path) -> None:
    """kube-state-metrics was down for the rest of the time."""
    found = usage(tmp_path, rows("n", range(6, 6 + answered)), rows("late", {6: SAMPLES / 2}))

    assert shares(found) == pytest.approx({"n": 1, "late": 0.5 / answered})


def test_a_partly_answered_step_at_either_end_is_no_absence(tmp_path: Path) -> None:
    counts = {0: 7.0, **dict.fromkeys(range(1, POINTS - 1), SAMPLES), POINTS - 1: 9.0}
    found = usage(tmp_path, rows("n", counts), rows("other", counts))

    assert shares(found) == {"n": 1, "other": 1}


def test_a_short_absence_is_a_reboot_and_a_long_one_is_not(tmp_path: Path) -> None:
    short = REBOOT_SECONDS // STEP_SECONDS
    rebooted = [point for point in range(POINTS) if not 5 <= point < 5 + short]
    stopped = [point for point in range(POINTS) if not 5 <= point < 5 + short + 1]
    found = usage(
        tmp_path, rows("n", range(POINTS)), rows("reboot", rebooted), rows("stop", stopped)
    )

    assert shares(found) == pytest.approx({"n": 1, "reboot": 1, "stop": 1 - (short + 1) / POINTS})


def test_a_proxy_shows_its_node_where_a_shard_was_down(tmp_path: Path) -> None:
    cut = [point for point in range(POINTS) if not 4 <= point < 20]
    found = usage(tmp_path, rows("n", cut), rows("other", range(POINTS)))

    assert shares(found) == {"n": 1, "other": 1}


def test_proxies_show_a_node_before_it_was_reported_but_not_what_lingers(tmp_path: Path) -> None:
    found = usage(tmp_path, rows("n", range(12, POINTS)), rows("other", range(POINTS)))
    assert shares(found) == {"n": 1, "other": 1}

    found = usage(tmp_path / "two", rows("n", range(2, POINTS)), rows("other", range(POINTS)))
    assert shares(found) == pytest.approx({"n": 22 / 24, "other": 1})


def test_a_pod_whose_new_node_is_not_reported_keeps_no_old_one_alive(tmp_path: Path) -> None:
    where = "pod_placement"
    label = ("shop", "a", "n", "10.0.0.1", "StatefulSet", "a")
    found = usage(
        tmp_path,
        rows("n", range(12)),
        rows("successor", range(12, POINTS)),
        **{where: steady(where, label, 1.0, points=12)},
    )

    assert shares(found) == pytest.approx({"n": 0.5, "successor": 0.5})


def test_a_node_that_is_reported_less_often_is_there_all_the_same(tmp_path: Path) -> None:
    found = usage(
        tmp_path, rows("n", range(POINTS)), rows("slow", dict.fromkeys(range(POINTS), 2.0))
    )

    assert shares(found) == {"n": 1, "slow": 1}


def test_each_cluster_is_known_by_its_own_nodes(tmp_path: Path) -> None:
    pod, other = ("shop", "a"), ("shop", "b")
    late = range(12, POINTS)
    found = usage(
        tmp_path,
        rows("n", range(POINTS), "east"),
        rows("n", late, "west"),
        **{
            CPU: [
                *steady(CPU, pod, 0.1, points=POINTS, cluster="east"),
                *steady(CPU, other, 0.1, points=POINTS, cluster="west"),
            ]
        },
    )

    # Nodes of the west were not reported before, which is no sign of their absence.
    assert shares(found) == {"east/n": 1, "west/n": 1}


def test_an_old_snapshot_has_nodes_at_the_end_of_each_step(tmp_path: Path) -> None:
    name = "node_allocatable_vcpu"
    instants = [("", "n", at, 8.0) for at in range(POINTS)]
    halves = [("", "half", at, 8.0) for at in range(12)]
    found = usage(tmp_path, **{name: [*instants, *halves]})

    assert shares(found) == pytest.approx({"n": 1, "half": 0.5})


def test_a_node_that_only_proxies_show_exists_where_they_do(tmp_path: Path) -> None:
    pod, second = ("shop", "a"), ("shop", "b")
    where = "pod_placement"
    found = usage(
        tmp_path,
        **{
            CPU: [
                *steady(CPU, pod, 0.1, points=POINTS),
                *[row for row in steady(CPU, second, 0.1, points=POINTS) if row[-2] in range(6)],
            ],
            where: [
                *steady(where, (*pod, "n", "10.0.0.1", "ReplicaSet", "web-1"), 1, points=POINTS),
                *steady(where, (*second, "m", "10.0.0.2", "ReplicaSet", "web-1"), 1, points=6),
            ],
        },
    )

    assert found.nodes.empty
    assert found.ztunnel_shares().to_dict() == pytest.approx({"m": 0.25, "n": 1})


def test_a_part_of_the_time_has_shares_of_its_own(tmp_path: Path) -> None:
    found = usage(tmp_path, rows("n", range(POINTS)), rows("night", range(12)))

    assert shares(found.only(points=np.arange(6)))["night"] == 1
    assert shares(found.only(points=np.arange(6, 18)))["night"] == 0.5
    day = found.only(points=np.arange(12, POINTS))
    assert shares(day)["night"] == 0
    assert list(day.ztunnel_shares().index) == ["n"]


# --- which nodes run DaemonSets ---


KINDS: Rows = [
    ("", "f1", "fargate", 0, 1.0),
    ("", "f2", "fargate", 0, 1.0),
    ("", "w", "windows", 3, 1.0),
]


def test_nodes_without_daemonsets_are_named_and_not_counted(tmp_path: Path) -> None:
    found = usage(
        tmp_path,
        *(rows(node, range(POINTS)) for node in ("n", "f1", "f2", "w")),
        node_kinds=KINDS,
    )

    runs = dict(zip(found.nodes["node"], found.nodes["runs_daemonsets"], strict=True))
    assert runs == {"n": True, "f1": False, "f2": False, "w": False}
    assert mesh_load(found).node_count == 1
    (finding,) = (item for item in found.findings if item.name == "nodes_without_daemonsets")
    assert (finding.severity, finding.bias) == (Severity.INFO, Bias.NONE)
    assert finding.affected == ("f1", "f2", "w")
    assert "2 Fargate and 1 Windows" in finding.text


def test_sidecars_that_cannot_move_are_counted_with_their_shares(tmp_path: Path) -> None:
    found = usage(
        tmp_path,
        rows("n", range(POINTS)),
        rows("m", range(POINTS)),
        node_kinds=[("", "n", "virtual-kubelet", 0, 1.0)],
    )

    (finding,) = (item for item in found.findings if item.name == "nodes_without_daemonsets")
    assert finding.severity == Severity.SERIOUS
    assert (finding.cpu_share, finding.rps_share, finding.time_share) == (1, 1, 1)
    assert finding.fix
    load = mesh_load(found)
    # Its requests still pass a ztunnel: those that call it, or are called.
    assert load.nodes is not None
    assert load.nodes["node"].tolist() == ["m"]
    assert load.nodes["passes_rps"].tolist() == pytest.approx([10])


def test_a_node_on_which_a_ztunnel_runs_is_an_ordinary_one(tmp_path: Path) -> None:
    pod = ("istio-system", "ztunnel-x")
    where = "pod_placement"
    found = usage(
        tmp_path,
        rows("n", range(POINTS)),
        node_kinds=[("", "n", "virtual-kubelet", 0, 1.0)],
        **{
            CPU: [
                *steady(CPU, ("shop", "a"), 0.1, points=POINTS),
                *steady(CPU, pod, 0.1, points=POINTS),
            ],
            "proxy_build": steady("proxy_build", (*pod, "ztunnel"), SAMPLES, points=POINTS),
            where: [
                *steady(
                    where, ("shop", "a", "n", "10.0.0.1", "ReplicaSet", "web-1"), 1, points=POINTS
                ),
                *steady(where, (*pod, "n", "10.0.0.2", "DaemonSet", "ztunnel"), 1, points=POINTS),
            ],
        },
    )

    assert found.nodes["runs_daemonsets"].tolist() == [True]
    assert "nodes_without_daemonsets" not in {item.name for item in found.findings}


def test_many_more_nodes_than_at_a_time_are_worth_knowing(tmp_path: Path) -> None:
    turns = [rows(f"spot-{turn}", range(turn * 6, turn * 6 + 6)) for turn in range(4)]
    found = usage(tmp_path, rows("n", range(POINTS)), *turns)

    (finding,) = (item for item in found.findings if item.name == "replaced_nodes")
    assert finding.severity == Severity.INFO
    assert "5 nodes" in finding.text
    assert "2 at a time" in finding.text
    steady_ones = usage(tmp_path / "steady", rows("n", range(POINTS)), rows("m", range(POINTS)))
    assert "replaced_nodes" not in {item.name for item in steady_ones.findings}


def test_a_price_of_zero_is_not_known_and_opencost_knows_the_type(tmp_path: Path) -> None:
    price = "node_vcpu_usd_per_hour"
    found = usage(
        tmp_path,
        rows("n", range(POINTS)),
        rows("m", range(POINTS)),
        **{
            price: [
                *[("", "n", "m5.large", at, 0.0 if at < 20 else 0.04) for at in range(POINTS)],
                *[("", "m", "m5.xlarge", at, 0.0) for at in range(POINTS)],
            ]
        },
    )

    nodes = found.nodes.set_index("node")
    assert nodes["vcpu_usd_per_hour"]["n"] == 0.04
    assert np.isnan(nodes["vcpu_usd_per_hour"]["m"])
    assert nodes["instance_type"].to_dict() == {"m": "m5.xlarge", "n": "m5.large"}
    assert isinstance(found.nodes, pd.DataFrame)


def test_a_price_that_moves_is_the_mean_over_time(tmp_path: Path) -> None:
    """A spot price doubles for a quarter of the time; one sample is absurd."""
    price = "node_vcpu_usd_per_hour"
    prices = np.where(np.arange(POINTS) < POINTS // 4, 0.04, 0.02)
    prices[-1] = 1e5
    priced = steady(price, ("n", "m5.large"), 0.02, points=POINTS)
    moving: Rows = [(*row[:-1], value) for row, value in zip(priced, prices, strict=True)]

    nodes = usage(tmp_path, rows("n", range(POINTS)), **{price: moving}).nodes.set_index("node")

    assert nodes.loc["n", "vcpu_usd_per_hour"] == pytest.approx(prices[:-1].mean())
