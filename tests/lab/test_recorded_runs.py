"""All recorded runs, cut into blocks of time: fit and truth share no noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.calibration.shapes import BY_DIRECTION
from analyzer.units import Role
from tests.lab.cut import LEAST_HELD_SHARE, RATIOS, Held, held, judged, median_ratios
from tests.lab.plans import PLANS
from tests.lab.recorded import RUNS, Recorded, read_run
from tests.lab.table import PAGE, runs_table
from tests.lab.topology import CHAINS
from tests.lab.truth import total_vcpu

_CUT = [name for name in RUNS if name != "sample"]

if not _CUT:
    pytest.skip("a source release has no recorded runs", allow_module_level=True)


@pytest.fixture(scope="module")
def runs() -> Mapping[str, Recorded]:
    return {name: read_run(name) for name in RUNS}


@pytest.fixture(scope="module")
def outcomes(runs: Mapping[str, Recorded]) -> Mapping[str, Held]:
    return {name: held(run) for name, run in runs.items()}


def test_there_is_a_run_of_each_character() -> None:
    assert set(_CUT) == set(PLANS) - {"day"}


@pytest.mark.parametrize("name", _CUT)
def test_a_run_is_small(name: str) -> None:
    assert sum(path.stat().st_size for path in RUNS[name].iterdir()) <= 300 * 1024


@pytest.mark.parametrize("name", RUNS)
def test_fit_and_truth_share_no_time(runs: Mapping[str, Recorded], name: str) -> None:
    run = runs[name]
    seconds = run.usage.window.step_seconds
    fitted = {
        point * seconds // run.record["load_seconds"] for point in run.fitted_usage.steps["point"]
    }
    kept = set(run.kept_truth["step"])

    assert fitted.isdisjoint(kept)
    # Each has about half of the time.
    assert min(len(fitted), len(kept)) > 0.4 * run.truth["step"].nunique()


@pytest.mark.parametrize("name", _CUT)
def test_each_part_has_low_and_high_load(runs: Mapping[str, Recorded], name: str) -> None:
    run = runs[name]
    fitted = run.fitted_usage.of_role(Role.SIDECAR).groupby("workload")["proxy_rps"]
    kept = run.kept_truth.groupby("workload")["rps"]
    busy = kept.max() > 0

    for rates in (fitted, kept):
        assert (rates.min()[busy] < 0.6 * rates.max()[busy]).all()


@pytest.mark.parametrize("name", _CUT)
def test_most_planned_rates_were_reached(runs: Mapping[str, Recorded], name: str) -> None:
    run = runs[name]
    for chain in CHAINS:
        first = chain.paths[0]
        if first.is_tcp:
            continue
        steps = run.truth.loc[run.truth["proxy"] == first.proxy.key, "rps"].to_numpy()
        planned = np.array([loads[chain.name] for loads in run.record["loads_rps"]])

        # In a rush all chains want more than the others leave of the machine.
        assert np.median(steps[planned > 0] / planned[planned > 0]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", _CUT)
def test_the_total_is_what_the_kernel_accounted(runs: Mapping[str, Recorded], name: str) -> None:
    run = runs[name]

    assert run.usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(
        total_vcpu(run.sidecars), rel=0.03
    )


def test_four_coefficients_in_five_are_held(outcomes: Mapping[str, Held]) -> None:
    table = pd.concat(outcome.coefficients for outcome in outcomes.values())

    assert table["is_held"].mean() >= LEAST_HELD_SHARE


def test_half_widths_are_those_of_a_jackknife_over_time(outcomes: Mapping[str, Held]) -> None:
    ratios = median_ratios(outcomes.values()).to_numpy()
    low, high = RATIOS

    assert ratios[:, 0] == pytest.approx(
        np.median([outcome.mesh_ratios for outcome in outcomes.values()], axis=0)
    )
    assert ratios.shape == (2, 2)
    assert ((ratios >= low) & (ratios <= high)).all()


def test_payloads_that_rise_with_the_rate_are_no_knee(runs: Mapping[str, Recorded]) -> None:
    sidecar = calibrate_usage(runs["sample"].fitted_usage).sidecar

    assert isinstance(sidecar, RoleCalibration)
    assert sidecar.model == BY_DIRECTION.name
    # The knee predicts better than a straight line, too.
    assert [item.model for item in sidecar.candidates][1].startswith("knee")


@pytest.mark.parametrize("factor", [0.75, 1.3])
def test_figures_that_are_all_wrong_are_not_held(
    outcomes: Mapping[str, Held], factor: float
) -> None:
    table = pd.concat(outcome.coefficients for outcome in outcomes.values())
    table[["fit", "low", "high"]] *= factor
    slopes = judged(table)[table["quantity"] == "vcpu_per_1000_rps"]

    assert slopes["is_held"].mean() < LEAST_HELD_SHARE


def test_the_page_of_the_lab_shows_the_table_of_all_runs(outcomes: Mapping[str, Held]) -> None:
    readme = PAGE.read_text(encoding="utf-8")

    for line in runs_table(outcomes):
        assert line in readme
