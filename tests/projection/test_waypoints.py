"""How many replicas a waypoint has: by the busiest interval, by each, shared, on one thread."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.calibration.calibrate import calibrate_usage
from analyzer.cli import cli
from analyzer.data import sample_path
from analyzer.errors import UsageError
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.scenario import default_scenario, hypothetical_scenario, load_scenario
from analyzer.units import Interval, Role
from tests.projection.builders import Call, Proxy, mesh, scenario
from tests.projection.fits import calibration, fit

POST = ["project", "--constants=blog", "--pods=15000", "--nodes=200", "--namespaces=1000"]
STEPS = 4
rates = st.lists(st.floats(0, 20_000), min_size=STEPS, max_size=STEPS)


def projected(into: dict[str, list[float]], **changes: object) -> Projection:
    """Return the projection of namespaces that are called at these rates, one a step.

    A replica uses 0.01 at rest and 0.25 for 1000 requests/s, so 6,360 requests/s reach 1.6 vCPU.
    """
    slope, idle = Interval.exactly(0.25), Interval.exactly(0.01)
    fitted = calibration(waypoint=fit(role=Role.WAYPOINT, slope=slope, idle=idle))
    proxies = [
        Proxy(
            workload=f"{name}/w",
            cpu_vcpu=(0.1,) * STEPS,
            proxy_rps=tuple(rates),
            reserved_vcpu=0.1,
            memory_bytes=5e7,
            reserved_memory_bytes=1e8,
        )
        for name, rates in into.items()
    ]
    calls = [
        Call(source=f"{name}/w", destination=f"{name}/w", rps=tuple(rates))
        for name, rates in into.items()
    ]
    usage = mesh(*proxies, calls=calls, steps=STEPS)
    return project_usage(usage, fitted, scenario(**changes))


def load_sample_usage() -> MeshUsage:
    return measure(load_snapshot(sample_path("fleet")))


def waypoints(projection: Projection, mode: str = "ambient-waypoint") -> float:
    """Return how many replicas there are at a time."""
    (found,) = (item for item in projection.modes if item.name == mode)
    return sum(part.count for part in found.components if part.role == Role.WAYPOINT)


def shared(*groups: list[str]) -> dict[str, list[list[str]]]:
    return {"shared": list(groups)}


DAY = {"shop": [1000.0, 13_000.0, 13_000.0, 1000.0]}


def test_the_busiest_interval_decides_and_an_autoscaler_follows_the_load() -> None:
    # 13,000 requests/s need three replicas, 1,000 need one.
    assert waypoints(projected(DAY)) == 3
    assert waypoints(projected(DAY, waypoint_scaling="hpa")) == 2
    assert waypoints(projected(DAY, waypoint_scaling="hpa", waypoint_replicas=2)) == 2.5
    assert waypoints(projected(DAY, waypoint_scaling="hpa", waypoint_spare_replicas=1)) == 3


def test_the_least_replicas_of_a_measured_mesh_are_two_and_of_a_hypothetical_one_one() -> None:
    assert default_scenario().waypoint_replicas == 2
    assert hypothetical_scenario().waypoint_replicas == 1
    assert "2025-07-10" in hypothetical_scenario().assumptions["waypoint_replicas"].source


def test_a_stated_number_holds_for_a_hypothetical_mesh_too(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text("waypoint_replicas = 2\n", encoding="utf-8")

    assert load_scenario(file, hypothetical_scenario()).waypoint_replicas == 2
    for more, vcpu in (
        ([], 660),
        (["--scenario", str(file)], 1260),
        (["--waypoint-replicas", "3"], 1860),
    ):
        result = CliRunner().invoke(cli, [*POST, "--format", "json", *more])
        modes = {mode["name"]: mode for mode in json.loads(result.stdout)["projection"]["modes"]}
        assert modes["ambient-waypoint-all"]["vcpu"]["mid"] == vcpu


def test_both_columns_of_the_post_stand_beside_its_answer() -> None:
    result = CliRunner().invoke(cli, POST)

    assert "$2,201,760" in result.stdout
    assert "$1,884,960" in result.stdout


def test_waypoints_that_share_are_sized_for_both_at_once() -> None:
    # Each needs three in its own busy time, and both together never more.
    apart = {
        "day": [13_000.0, 13_000.0, 100.0, 100.0],
        "night": [100.0, 100.0, 13_000.0, 13_000.0],
    }

    assert waypoints(projected(apart)) == 6
    together = projected(apart, waypoint_placement=shared(["day", "night"]))
    assert waypoints(together) == 3
    assert waypoints(together, "ambient-waypoint-all") == 6
    rows = together.namespaces.set_index("namespace")
    assert rows["waypoint_replicas"].to_dict() == {"day": 3, "night": 3}
    # Half of the requests each.
    assert rows.loc["day", "waypoint_vcpu"] == pytest.approx(rows.loc["night", "waypoint_vcpu"])


def test_a_namespace_outside_all_groups_has_no_waypoint() -> None:
    rates = {"a": [10.0] * STEPS, "b": [20.0] * STEPS, "c": [30.0] * STEPS}
    found = projected(rates, waypoint_placement=shared(["a", "b", "gone"]))

    assert waypoints(found) == 1
    assert [item.affected for item in found.warnings if item.code == "IU402"] == [("gone",)]


def test_a_waypoint_is_there_while_its_namespace_has_sidecars_shared_or_not() -> None:
    half = Proxy(workload="pay/w", cpu_vcpu=(0.1,) * 4, proxy_rps=(5.0,) * 4, points=(0, 1))
    other = Proxy(workload="shop/w", cpu_vcpu=(0.1,) * 4, proxy_rps=(5.0,) * 4)
    # It is called all the time, also when it has no sidecar.
    call = Call(source="shop/w", destination="pay/w", rps=(10.0,) * STEPS)
    usage = mesh(half, other, calls=[call], steps=STEPS)

    def count(placement: object, scaling: str = "fixed") -> float:
        assumed = scenario(waypoint_placement=placement, waypoint_scaling=scaling)
        return waypoints(project_usage(usage, calibration(), assumed))

    assert count(["pay"]) == count(["pay"], "hpa") == 0.5
    assert count(shared(["pay"])) == count(shared(["pay"]), "hpa") == 0.5


def test_no_waypoint_serves_two_clusters() -> None:
    proxies = [replace(Proxy(), workload=f"{name}/w") for name in ("east", "west")]
    usage = mesh(*proxies)
    usage.proxies["namespace"] = ["east/shop", "west/shop"]
    placement = shared(["east/shop", "west/shop"])

    with pytest.raises(UsageError, match="between clusters: east/shop, west/shop"):
        project_usage(usage, calibration(), scenario(waypoint_placement=placement))


def test_replicas_that_follow_the_load_are_in_the_json() -> None:
    found = projected(DAY, waypoint_scaling="hpa", waypoint_replicas=2)

    assert found.namespaces["waypoint_replicas"].tolist() == [2.5]


@settings(max_examples=4, deadline=None)
@given(rates, rates, rates, st.integers(1, 3))
def test_sharing_never_takes_more_replicas_or_dollars(
    first: list[float], second: list[float], third: list[float], least: int
) -> None:
    into = {"a": first, "b": second, "c": third}
    alone = projected(into, waypoint_placement="all", waypoint_replicas=least)
    of_two = shared(["a", "b"], ["c"])
    of_all = shared(["a", "b", "c"])

    counts, dollars = [waypoints(alone)], [alone.modes[2].bases]
    for groups in (of_two, of_all):
        found = projected(into, waypoint_placement=groups, waypoint_replicas=least)
        counts.append(waypoints(found))
        dollars.append(found.modes[2].bases)
    assert counts == sorted(counts, reverse=True)
    for basis in Basis:
        usd = [bases[basis].usd_per_year.mid for bases in dollars]
        assert usd[0] >= usd[1] - 1e-9
        assert usd[1] >= usd[2] - 1e-9


@settings(max_examples=4, deadline=None)
@given(rates, st.integers(1, 4))
def test_an_autoscaler_never_takes_more_replicas(into: list[float], least: int) -> None:
    fixed, scaled = (
        waypoints(
            projected(
                {"a": into},
                waypoint_placement="all",
                waypoint_replicas=least,
                waypoint_scaling=scaling,
            )
        )
        for scaling in ("fixed", "hpa")
    )

    assert least <= scaled <= fixed


@pytest.mark.parametrize(
    ("rps", "limit_vcpu", "named_count"),
    [
        # One thread of 0.8 vCPU carries 3,160 requests/s.
        pytest.param(3100.0, 2, 0, id="one thread is enough"),
        pytest.param(3300.0, 2, 1, id="one thread is not enough"),
        pytest.param(3300.0, 1, 0, id="sized for one thread"),
    ],
)
def test_a_replica_that_one_thread_cannot_carry_is_named(
    rps: float, limit_vcpu: float, named_count: int
) -> None:
    found = projected({"shop": [rps] * STEPS}, waypoint_limit_vcpu_per_replica=limit_vcpu)

    named = [item for item in found.warnings if item.name == "waypoint_on_one_thread"]
    assert [item.affected for item in named] == [("shop",)] * named_count
    assert all("limit_vcpu_per_replica = 1" in item.fix for item in named)


def test_the_threads_of_an_autoscaled_waypoint_are_those_of_its_busiest_interval() -> None:
    # Three replicas carry 4,000 requests/s each at the peak; at night one has next to nothing.
    found = projected(
        {"shop": [12_000.0, 10.0, 10.0, 10.0]},
        waypoint_scaling="hpa",
        waypoint_limit_vcpu_per_replica=2,
    )

    named = [item for item in found.warnings if item.name == "waypoint_on_one_thread"]
    assert len(named) == 1
    quiet = projected({"shop": [3000.0, 10.0, 10.0, 10.0]}, waypoint_scaling="hpa")
    assert not [item for item in quiet.warnings if item.name == "waypoint_on_one_thread"]


def test_a_shared_waypoint_has_the_own_costs_of_all_workloads_that_it_serves() -> None:
    usage = load_sample_usage()
    fitted = calibrate_usage(usage)

    def vcpu(placement: object) -> float:
        found = project_usage(usage, fitted, scenario(waypoint_placement=placement))
        (mode,) = (item for item in found.modes if item.name == "ambient-waypoint")
        return sum(part.vcpu.mid for part in mode.components if part.role == Role.WAYPOINT)

    alone = vcpu(["identity", "inventory"])
    together = vcpu({"shared": [["identity", "inventory"]]})
    # The same requests at the same costs, and the idle CPU of one replica less.
    assert 0.8 * alone < together < alone


def test_shared_waypoints_are_explained(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(
        'waypoint_placement = { shared = [["shop", "pay"], ["media"]] }\n'
        'waypoint_scaling = "hpa"\n',
        encoding="utf-8",
    )
    words = ["project", str(sample_path("lab")), "--scenario", str(file), "--explain=all"]
    result = CliRunner().invoke(cli, words)

    assert result.exit_code == 0
    assert "waypoint of shop + pay" in result.stdout
    assert "waypoint of shop " in result.stdout
