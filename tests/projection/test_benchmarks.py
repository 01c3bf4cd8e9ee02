"""Ratios of published runs, net of what is priced apart, by hand."""

import pytest

from analyzer.data import assumptions, published_constants
from analyzer.projection import project_usage
from analyzer.projection.benchmarks import net_ratios
from tests.projection.builders import called as called_at
from tests.projection.builders import mesh, scenario, steady
from tests.projection.fits import calibration


def test_bytes_are_taken_off_both_proxies() -> None:
    # 1000 requests/s of 1 KB are 0.008192 Gbit/s, at 0.165 and 0.26 vCPU where requests alone are
    # 0.23 through a gateway.
    request = 0.20 / (1 + 0.008192 * 0.26 / 0.23)
    expected = (0.06 - 0.008192 * 0.165 * request / 0.23) / request

    assert net_ratios()["istio-1.24"] == pytest.approx((expected, expected))


def test_figures_that_were_fitted_apart_are_net_already() -> None:
    assert net_ratios()["netcracker-1.30"] == pytest.approx((0.05 / 0.23, 0.05 / 0.23))


@pytest.mark.parametrize("name", ["buoyant-1.25", "uds-core-2025"])
def test_where_the_share_of_new_connections_is_unknown_it_may_be_all_or_none(name: str) -> None:
    low, high = net_ratios()[name]
    found = published_constants()[name]

    assert found.new_connection_share == (0, 1)
    # A new connection for each request would explain all that a ztunnel used, and more.
    assert low == 0
    assert found.ztunnel_vcpu_per_1000_rps is not None
    assert found.sidecar_vcpu_per_1000_rps is not None
    assert high == pytest.approx(found.ztunnel_vcpu_per_1000_rps / found.sidecar_vcpu_per_1000_rps)


def test_a_set_without_both_proxies_has_no_ratio() -> None:
    assert set(net_ratios()) == {"istio-1.24", "buoyant-1.25", "netcracker-1.30", "uds-core-2025"}


def test_the_assumed_range_holds_every_run_that_is_net_and_meets_every_other() -> None:
    assumed = assumptions()["ztunnel_to_sidecar_ratio"].value

    for low, high in net_ratios().values():
        assert assumed.low <= high <= assumed.high
        assert low in (0, high)


def test_the_best_estimate_is_within_two_hundredths_of_the_runs_with_known_connections() -> None:
    assumed = assumptions()["ztunnel_to_sidecar_ratio"].value

    assert assumed.mid == pytest.approx(net_ratios()["istio-1.24"][1], abs=0.02)


def test_a_waypoint_that_follows_the_sidecars_pays_no_bytes_of_its_own() -> None:
    plain, loaded = (
        project_usage(
            mesh(steady("shop", 0.3, 100, gbit), calls=[called_at("shop", 50)]),
            calibration(),
            scenario(),
        )
        for gbit in (0.0, 2.0)
    )

    for found in (plain, loaded):
        (row,) = found.namespaces["waypoint_vcpu"]
        assert row == pytest.approx(1.15 * (0.01 + 0.05 * 0.3))
    before, after = (found.namespaces["ambient_l4_vcpu"].iloc[0] for found in (plain, loaded))
    assert after - before == pytest.approx(2 * 0.165 * 0.3 / 0.23)
