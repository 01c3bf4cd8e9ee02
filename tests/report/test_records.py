"""Results as flat rows: what CSV files and data frames are made of."""

import doctest
from dataclasses import replace

import pytest

from analyzer.report import records
from analyzer.report.migration import comparison_rows
from analyzer.units import Interval
from tests.comparison.migrations import Migrated
from tests.projection.builders import shop_mesh
from tests.projection.zoned import projected, spread_mesh
from tests.report.answers import calibration_only, full
from tests.report.comparisons import compared


def test_the_example_holds() -> None:
    results = doctest.testmod(records)

    assert (results.attempted > 0, results.failed) == (True, 0)


def test_an_interval_is_three_columns_and_a_list_none() -> None:
    calibration = calibration_only().calibration
    assert calibration is not None
    sidecar, *_ = records.role_rows(calibration)

    assert sidecar["role"] == "sidecar"
    assert {"vcpu_per_1000_rps_low", "backtest_bias_share", "fitted_rps_max"} <= sidecar.keys()
    assert not [value for value in sidecar.values() if isinstance(value, list | dict)]


def test_a_sweep_has_a_row_a_point() -> None:
    projection = full().projection
    assert projection is not None
    rows = list(records.sweep_rows(projection))

    assert len(rows) == sum(len(sweep.points) for sweep in projection.sweeps)
    assert rows[0].keys() == {
        *("sweep", "choice", "usd_per_year_low", "usd_per_year_mid", "usd_per_year_high")
    }


def test_an_unknown_mark_of_time_is_no_cell() -> None:
    calibration = calibration_only().calibration
    assert calibration is not None
    timeline = calibration.timeline.assign(predicted_vcpu=float("nan"))
    first, *_ = records.timeline_rows(replace(calibration, timeline=timeline))

    assert "predicted_vcpu" not in first
    assert first["start"].startswith("2024-05-14T00:00")


def test_a_total_has_no_counts_and_no_row_has_unit_costs() -> None:
    rows = list(comparison_rows(compared(Migrated(moved=("pay",)))))
    total = next(row for row in rows if row["role"] == "total")

    assert "measured_count" not in total
    assert "measured_count" in rows[0]
    assert not [key for row in rows for key in row if "_cost" in key and "parts" not in key]


def test_what_has_no_keys_is_no_row() -> None:
    with pytest.raises(TypeError, match="int"):
        records.flat(3)
    assert records.flat(Interval.exactly(1.0)) == {"low": 1.0, "mid": 1.0, "high": 1.0}


def test_modes_with_waypoints_have_their_traffic_between_zones() -> None:
    found = projected(spread_mesh(), basis="billed")
    rows = {(row["mode"], row["basis"]): row for row in records.mode_rows(found)}
    added = found.modes[2].transfer

    assert added is not None
    for basis in found.modes[2].bases:
        row = rows["ambient-waypoint", basis]
        assert row["zone_transfer_usd_per_year_mid"] == pytest.approx(added.usd_per_year.mid)
        assert row["zone_transfer_gb_per_month_high"] == pytest.approx(added.gb_per_month.high)
    assert not [key for key in rows["ambient-l4", "usage"] if "zone" in key]
    without = [key for row in records.mode_rows(projected(shop_mesh())) for key in row]
    assert not [key for key in without if "zone" in key]
