"""Meshes whose costs are drawn without the tool's assumptions, and how the benchmark judges."""

import numpy as np
import pytest

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.projection.connections import measured_connection_share
from analyzer.units import Interval, Role
from tests.benchmarks.bench_migrations import MODES, Saved, in_bands, limits, saved
from tests.comparison.independent import Independent, independent_mesh

MESHES = [independent_mesh(seed) for seed in range(12)]


def test_a_seed_gives_one_mesh() -> None:
    first, second = (independent_mesh(3).truth for _ in range(2))

    assert first.vcpu == second.vcpu
    assert first.usage.steps.equals(second.usage.steps)


@pytest.mark.parametrize("mesh", MESHES)
def test_the_drawn_costs_are_in_what_the_sidecars_use(mesh: Independent) -> None:
    steps = mesh.truth.usage.of_role(Role.SIDECAR)
    measured = float(steps["cpu_vcpu"].sum()) / len(mesh.truth.usage.observed_points)

    assert measured == pytest.approx(mesh.truth.vcpu["sidecar"], rel=0.03)
    passes = mesh.truth.costs["ztunnel_vcpu_per_1000_rps"]
    assert passes == pytest.approx(mesh.ratio * mesh.vcpu_per_1000_rps)
    assert 0.18 <= mesh.ratio <= 0.48
    # Of requests alone, with less than all that sidecars use.
    assert mesh.vcpu_per_1000_rps * steps["proxy_rps"].sum() / 1000 < steps["cpu_vcpu"].sum()


@pytest.mark.parametrize("mesh", MESHES)
def test_what_is_not_scraped_is_unknown(mesh: Independent) -> None:
    steps = mesh.truth.usage.of_role(Role.SIDECAR)

    assert steps["http_bytes_per_second"].notna().all() == mesh.has_http_bytes
    assert steps["accepted_connections_per_second"].notna().all() == mesh.has_accepted


def test_some_meshes_have_each_metric_and_some_have_none() -> None:
    kinds = {(mesh.has_http_bytes, mesh.has_accepted) for mesh in MESHES}

    assert len(kinds) > 2


def test_the_share_of_new_connections_is_found_in_what_envoys_accept() -> None:
    found = [
        (mesh.truth.costs["http_new_connection_share"], share)
        for mesh in MESHES
        if mesh.has_accepted
        for share in [measured_connection_share(mesh.truth.usage)]
        if share is not None
    ]

    assert found
    assert np.mean([share.low <= true <= share.high for true, share in found]) > 0.7


# --- the benchmark ---


def saving(true: float, probability: float, mode: str = MODES[0]) -> Saved:
    """Return a saving with a range from 0 to 20 %."""
    return Saved(
        seed=0,
        mode=mode,
        scraped="neither",
        true=true,
        percent=Interval(low=0.0, mid=10.0, high=20.0),
        probability_cheaper=probability,
    )


def test_a_band_has_its_lower_end_and_the_last_both() -> None:
    bands = in_bands([saving(1, at) for at in (0.0, 0.19, 0.2, 0.79, 0.8, 1.0)])

    assert [len(band) for band in bands] == [2, 1, 0, 1, 2]


def is_met(covered: int) -> list[bool]:
    """Return which demands are met if so many of a hundred ranges hold the truth."""
    found = [
        saving(5 if number < covered else 30, 0.9, mode) for mode in MODES for number in range(100)
    ]
    return [met for _, met in limits(found)]


def test_too_narrow_and_too_wide_ranges_fail() -> None:
    assert is_met(90) == [True, True, True]
    assert is_met(83) == [False, False, True]
    assert is_met(98) == [False, False, True]


def test_probabilities_that_do_not_come_true_fail() -> None:
    found = [saving(1 if number < 79 else -1, 0.9, MODES[0]) for number in range(100)]
    (*_, (_, met)) = limits([*found, saving(1, 0.1, MODES[1])])

    assert not met


def test_a_mesh_has_a_saving_of_each_mode() -> None:
    found = saved(2)

    assert [one.mode for one in found] == list(MODES)
    assert all(one.percent.low < one.percent.mid < one.percent.high for one in found)
    assert found[0].true > found[1].true


def test_where_sidecars_have_no_idle_cpu_a_waypoint_still_has_its_range() -> None:
    """Of this mesh the corrected idle CPU is a hair below zero."""
    found = calibrate_usage(independent_mesh(118).truth.usage)

    assert isinstance(found.sidecar, RoleCalibration)
    assert isinstance(found.waypoint, RoleCalibration)
    assert found.sidecar.idle_vcpu_per_proxy.mid == pytest.approx(0, abs=1e-4)
    idle = found.waypoint.idle_vcpu_per_proxy
    assert idle.low <= idle.mid < idle.high
