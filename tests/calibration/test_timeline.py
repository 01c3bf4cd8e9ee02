"""The sidecars over time add up to what was measured, part by part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.units import Role
from tests.calibration.meshes import Fleet, lawful, ramp, usage_of

PARTS = ["fitted_vcpu", "unfitted_vcpu", "throttled_vcpu", "filled_vcpu", "left_out_vcpu"]
PROXIES, STEPS = 4, 40


def over_time(*fleets: Fleet) -> pd.DataFrame:
    return calibrate_usage(usage_of(*fleets)).timeline


def test_a_lawful_mesh_is_fitted_whole_and_foretold_exactly() -> None:
    fleet = lawful(ramp(PROXIES, STEPS))
    table = over_time(fleet)

    assert table["measured_vcpu"].tolist() == pytest.approx(fleet.vcpu.sum(axis=0).tolist())
    assert table["proxy_rps"].tolist() == pytest.approx(fleet.rps.sum(axis=0).tolist())
    assert table["predicted_vcpu"].tolist() == pytest.approx(table["fitted_vcpu"].tolist())
    assert not table[PARTS[1:]].to_numpy().any()


def test_steps_begin_where_the_window_does() -> None:
    table = over_time(lawful(ramp(PROXIES, STEPS)))

    assert str(table["start"].iloc[0]) == "2024-05-14 00:00:00+00:00"
    assert table["start"].diff().dropna().dt.total_seconds().unique().tolist() == [300]


def test_throttled_cpu_is_separate_from_other_left_out_cpu() -> None:
    fleet = lawful(ramp(PROXIES, STEPS))
    throttled = np.zeros((PROXIES, STEPS))
    throttled[1, 5] = 0.5
    fleet = Fleet(
        rps=fleet.rps,
        vcpu=fleet.vcpu,
        throttled_share=throttled,
        resets=np.where(np.arange(STEPS) == 7, 1.0, 0.0) * (np.arange(PROXIES) == 2)[:, None],
    )
    table = over_time(fleet)

    assert table["throttled_vcpu"].to_numpy().nonzero()[0].tolist() == [5]
    assert table["throttled_vcpu"][5] == pytest.approx(fleet.vcpu[1, 5])
    assert table["left_out_vcpu"].to_numpy().nonzero()[0].tolist() == [7]
    assert table["left_out_vcpu"][7] == pytest.approx(fleet.vcpu[2, 7])


def test_filled_cpu_is_a_part_of_its_own_and_is_not_fitted() -> None:
    """CPU of the first proxy in step 3 was not seen, and is filled with 0.5, or 0.25, or 1."""
    fleet = lawful(ramp(PROXIES, STEPS))
    fleet.vcpu[0, 3] = np.nan
    usage = usage_of(fleet)
    filling = pd.DataFrame(
        {"proxy": [0], "point": [3], "column": "cpu_vcpu", "mid": 0.5, "low": 0.25, "high": 1.0}
    )
    before, after = (calibrate_usage(item) for item in (usage, replace(usage, filling=filling)))

    filled = after.timeline["filled_vcpu"]
    assert filled.to_numpy().nonzero()[0].tolist() == [3]
    assert filled[3] == 0.5
    assert after.timeline["measured_vcpu"].to_numpy() == pytest.approx(
        after.timeline[PARTS].sum(axis=1).to_numpy()
    )
    slopes = [
        item.sidecar.vcpu_per_1000_rps
        for item in (before, after)
        if isinstance(item.sidecar, RoleCalibration)
    ]
    assert slopes == slopes[:1] * 2
    parts, seen_vcpu = after.decomposition, before.decomposition.measured_vcpu
    assert parts.filled_vcpu == parts.excluded_vcpu == pytest.approx(0.5 / STEPS)
    assert parts.measured_vcpu == pytest.approx(seen_vcpu + 0.5 / STEPS)
    assert parts.measured_vcpu_range.low == pytest.approx(seen_vcpu + 0.25 / STEPS)
    assert parts.measured_vcpu_range.high == pytest.approx(seen_vcpu + 1 / STEPS)
    assert before.decomposition.filled_vcpu == 0


def test_the_parts_add_up_to_what_was_measured() -> None:
    silent = Fleet(
        rps=np.zeros((2, STEPS)), vcpu=np.full((2, STEPS), 0.1), workload="redis", seen=None
    )
    fleet = lawful(ramp(PROXIES, STEPS))
    fleet.vcpu[0, 3] = np.nan
    table = over_time(fleet, silent)

    assert table[PARTS].sum(axis=1).tolist() == pytest.approx(table["measured_vcpu"].tolist())
    expected = np.nansum(fleet.vcpu, axis=0) + 0.2
    assert table["measured_vcpu"].tolist() == pytest.approx(expected.tolist())


def test_without_any_fit_nothing_is_foretold() -> None:
    steady = Fleet(rps=np.full((2, STEPS), 50.0), vcpu=np.full((2, STEPS), 0.1))
    table = over_time(steady)

    assert table["predicted_vcpu"].isna().all()
    assert table["unfitted_vcpu"].tolist() == pytest.approx([0.2] * STEPS)


def test_a_step_in_which_no_sidecar_was_scraped_has_no_requests_rather_than_none() -> None:
    sidecars = lawful(ramp(PROXIES, STEPS))
    sidecars.rps[:, 9] = np.nan
    gateway = Fleet(
        rps=np.full((1, STEPS), 50.0),
        vcpu=np.full((1, STEPS), 0.1),
        workload="ingress",
        role=Role.GATEWAY,
    )
    table = over_time(sidecars, gateway)

    assert table["proxy_rps"].isna().to_numpy().nonzero()[0].tolist() == [9]
    assert table["predicted_vcpu"].isna().to_numpy().nonzero()[0].tolist() == [9]
