"""Each namespace's waypoint costs what its called workloads' own sidecars do, times the ratio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzer.calibration import calibrate_usage
from analyzer.calibration.models import Power
from analyzer.calibration.result import Calibration, RoleCalibration, WorkloadCalibration
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.own_costs import own_costs
from analyzer.units import Interval, Provenance, Refusal, Role
from tests.projection.builders import Call, Proxy, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, fit, no_fit

STEPS = 96


def workload(
    name: str,
    slope: float,
    idle: float,
    *,
    error: float = 0.0,
    provenance: Provenance = Provenance.MEASURED,
) -> WorkloadCalibration:
    """Return the fit of a workload, written namespace/name."""
    namespace, own = name.split("/")
    return WorkloadCalibration(
        namespace=namespace,
        workload=own,
        vcpu_per_1000_rps=Interval(low=slope * (1 - error), mid=slope, high=slope * (1 + error)),
        idle_vcpu_per_proxy=Interval.exactly(idle),
        own_share=1.0,
        proxy_count=1,
        sample_count=2,
        mean_rps=50.0,
        mean_vcpu=0.1,
        fitted_rps=(10.0, 500.0),
        provenance=provenance,
    )


# The mesh's fit: 0.3 for 1000 requests/s and 0.01 idle.
DIFFERENT = (
    workload("shop/front", 0.2, 0.02),
    workload("shop/back", 0.6, 0.015),
    workload("data/db", 0.9, 0.005),
)


def differing(
    *workloads: WorkloadCalibration, sidecar: RoleCalibration | Refusal | None = None
) -> Calibration:
    return replace(calibration(sidecar), workloads=workloads or DIFFERENT)


def waypoint_vcpu(projection: Projection) -> dict[str, float]:
    frame = projection.namespaces.set_index("namespace")["waypoint_vcpu"]
    return {str(name): float(vcpu) for name, vcpu in frame.items()}


def test_a_waypoint_costs_the_mean_of_its_called_workloads_by_their_requests() -> None:
    """In plain loops over the calls that pass waypoints, sharing no code with the projection."""
    calls = {
        ("a/w", "shop/front"): (100.0, 300.0),
        ("a/w", "shop/back"): (40.0, 60.0),
        ("shop/front", "data/db"): (10.0, 30.0),
        ("unknown/unknown", "data/db"): (500.0, 500.0),
    }
    own = {item.namespace + "/" + item.workload: item for item in DIFFERENT}
    usage = mesh(
        *(Proxy(workload=name) for name in ("a/w", "shop/front", "shop/back", "data/db")),
        calls=[Call(source=s, destination=d, rps=rps) for (s, d), rps in calls.items()],
    )
    found = waypoint_vcpu(project_usage(usage, differing(), scenario()))

    for namespace in ("shop", "data"):
        total = slope = idle = 0.0
        for (source, destination), rps in calls.items():
            if source != "unknown/unknown" and destination.startswith(namespace):
                for rate in rps:
                    total += rate / 2
                    cost = own[destination].vcpu_per_1000_rps
                    rest = own[destination].idle_vcpu_per_proxy
                    assert cost is not None
                    assert rest is not None
                    slope += rate / 2 * cost.mid
                    idle += rate / 2 * rest.mid
        expected = 1.15 * (idle / total + slope / 1000)
        assert found[namespace] == pytest.approx(expected, rel=1e-9)


def test_namespaces_without_calls_have_the_cost_of_the_mesh() -> None:
    found = waypoint_vcpu(project_usage(mesh(Proxy()), differing(), scenario()))

    assert found["shop"] == pytest.approx(1.15 * 0.01)


def test_replicas_follow_the_own_cost_in_the_busiest_interval() -> None:
    usage = mesh(
        Proxy(cpu_vcpu=(2.4, 2.4), proxy_rps=(4000, 4000)),
        calls=[Call(source="shop/front", destination="shop/front", rps=(4000, 2000))],
    )
    usual, dear = (
        project_usage(usage, differing(workload("shop/front", slope, 0.01)), scenario())
        for slope in (0.3, 0.9)
    )

    # 1.38 and 4.14 vCPU in the busiest interval, of 1.6 a replica.
    assert [item.namespaces["waypoint_replicas"].iloc[0] for item in (usual, dear)] == [1, 3]


def test_measured_waypoints_have_their_own_curve_and_no_other() -> None:
    measured = replace(calibration(waypoint=fit(role=Role.WAYPOINT)), workloads=DIFFERENT)
    plain = calibration(waypoint=fit(role=Role.WAYPOINT))
    found, expected = (
        waypoint_vcpu(project_usage(shop_mesh(), item, scenario())) for item in (measured, plain)
    )

    assert found == expected


def test_on_a_curve_a_workload_is_compared_at_its_own_rate() -> None:
    curve = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.02, exponent=0.5)
    # 50 requests/s: half of 0.02 x 50 ** -0.5 for one more.
    at_its_rate = 1000 * 0.5 * 0.02 * 50**-0.5
    found = differing(
        workload("shop/front", 1.3 * at_its_rate, 0.01), sidecar=replace(fit(), curve=curve)
    )
    calls = [Call(source="a/w", destination="shop/front", rps=(5.0, 5.0))]
    own = own_costs(mesh(Proxy(), calls=calls).calls, found, points=2, fitted_points=2)

    assert own["shop"].request_ratio.mid == pytest.approx(1.3)


def test_in_working_hours_the_rate_of_a_fit_is_still_that_of_all_its_hours() -> None:
    curve = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.02, exponent=0.5)
    # As all the mesh: 50 requests/s at every hour.
    same = workload("shop/front", 1000 * 0.5 * 0.02 * 50**-0.5, 0.01)
    found = differing(replace(same, sample_count=288), sidecar=replace(fit(), curve=curve))
    steady = (50.0,) * 288
    usage = mesh(
        Proxy(cpu_vcpu=(0.1,) * 288, proxy_rps=steady),
        calls=[Call(source="a/w", destination="shop/front", rps=steady)],
        steps=288,
    )
    hours = {"days": ["tue"], "start": "09:00", "end": "17:00", "time_zone": "UTC"}
    workings = project_usage(usage, found, scenario(working_hours=hours)).workings

    assert workings is not None
    assert workings.own_costs["shop"].request_ratio.mid == pytest.approx(1.0)


def test_workloads_without_requests_say_nothing_of_what_a_request_costs() -> None:
    others = (workload("a/x", 0.1, 0.01), workload("a/y", 0.3, 0.01), workload("a/z", 0.9, 0.01))
    tcp = [
        replace(workload(f"db/{number}", 0.3, 0.01), vcpu_per_1000_rps=None) for number in range(30)
    ]
    of_tcp = replace(tcp[0], namespace="shop", workload="front")

    assert times_of(*others, *tcp) == times_of(*others)
    assert times_of(*others, *tcp, of_tcp) == times_of(*others)


def test_without_fits_nothing_is_known_of_namespaces() -> None:
    for found in (differing(sidecar=no_fit()), calibration()):
        assert own_costs(shop_mesh().calls, found, points=2, fitted_points=2) == {}


# --- ranges ---


def one_call() -> MeshUsage:
    calls = [Call(source="a/w", destination="shop/front", rps=(50.0, 50.0))]
    return mesh(Proxy(), Proxy(workload="a/w"), calls=calls)


def times_of(*workloads: WorkloadCalibration) -> Interval:
    return own_costs(one_call().calls, differing(*workloads), points=2, fitted_points=2)[
        "shop"
    ].request_ratio


def test_an_own_cost_no_surer_than_the_meshs_widens_it() -> None:
    # The mesh's half-width is a sixth.
    assert times_of(workload("shop/front", 0.3, 0.01, error=0.1)).high == pytest.approx(1.0)
    wide = times_of(workload("shop/front", 0.3, 0.01, error=0.5))
    assert wide.high == pytest.approx(np.exp((0.25 - 1 / 36) ** 0.5))
    assert wide.low == pytest.approx(1 / wide.high)


def test_a_workload_without_a_fit_has_the_spread_of_the_others() -> None:
    others = (workload("a/x", 0.3 * np.e, 0.01), workload("a/y", 0.3 / np.e, 0.01))
    borrowed = workload("shop/front", 0.2, 0.01, provenance=Provenance.DERIVED)

    for found in (times_of(*others), times_of(*others, borrowed)):
        # A standard deviation of 1 in the logarithm.
        assert found.mid == 1.0
        assert found.high > 2


def test_the_range_of_the_waypoints_holds_the_spread() -> None:
    sure, unsure = (
        project_usage(
            one_call(), differing(workload("shop/front", 0.3, 0.01, error=error)), scenario()
        )
        for error in (0.0, 0.8)
    )
    widths = [
        found.high - found.low
        for item in (sure, unsure)
        for found in [item.modes[-1].components[1].vcpu]
    ]
    assert widths[1] > 1.2 * widths[0]


def test_idle_cpu_near_zero_with_a_large_error_widens_the_range_by_that_error_only() -> None:
    idle = Interval(low=0.0, mid=1e-4, high=6e-3)
    near_zero = replace(workload("shop/front", 0.3, 0.01), idle_vcpu_per_proxy=idle)
    known, unsure = (
        project_usage(one_call(), differing(item), scenario(basis="usage")).modes[-1].components[1]
        for item in (workload("shop/front", 0.3, 1e-4), near_zero)
    )

    # 1.52 sidecars at most, each with 0.006 more.
    assert unsure.vcpu.high < known.vcpu.high + 1.52 * 6e-3
    assert unsure.vcpu.high > known.vcpu.high


# --- a mesh whose workloads differ, fitted ---


@pytest.mark.parametrize("seed", range(3))
def test_where_workloads_differ_the_waypoints_are_predicted_by_their_own_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"n{number}/w" for number in range(6)]
    slopes = 0.3 * np.exp(0.5 * rng.normal(size=len(names)))
    course = 1 + 0.5 * np.sin(np.arange(STEPS) / STEPS * 2 * np.pi)
    rates = rng.uniform(50, 400, len(names))
    proxies = [
        Proxy(
            workload=name,
            cpu_vcpu=tuple((0.01 + slope * rate * course / 1000) * rng.normal(1, 0.02, STEPS)),
            proxy_rps=tuple(rate * course),
        )
        for name, slope, rate in zip(names, slopes, rates, strict=True)
    ]
    calls = [
        Call(source="edge/w", destination=name, rps=tuple(rate * course))
        for name, rate in zip(names, rates, strict=True)
    ]
    usage = mesh(*proxies, calls=calls, steps=STEPS)
    found = waypoint_vcpu(project_usage(usage, calibrate_usage(usage), scenario()))

    for name, slope, rate in zip(names, slopes, rates, strict=True):
        truth = 1.15 * (0.01 + slope * rate / 1000)
        assert found[name.split("/")[0]] == pytest.approx(truth, rel=0.08)
