"""CPU that no request causes is found by its shape, and only there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analyzer.calibration import calibrate_usage
from analyzer.calibration.observations import observe
from analyzer.calibration.pattern_findings import pattern_findings
from analyzer.calibration.patterns import MIN_STEPS, NONE, Patterns, find_patterns
from analyzer.calibration.role import fit_role
from analyzer.calibration.workloads import fit_workloads
from analyzer.measurement.findings import Bias
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role, in_percent
from tests.calibration.attacks import CALM, attacked
from tests.calibration.attacks.day import persistent
from tests.calibration.meshes import STEPS_PER_DAY, Fleet, simulate, usage_of

SEEDS = range(4)

JOB = 220
"""The middle of a job, in intervals."""


def of(usage: MeshUsage) -> Patterns:
    fitted = fit_role(Role.SIDECAR, observe(usage, Role.SIDECAR)).fitted
    assert fitted is not None
    return find_patterns(fitted.workloads)


@cache
def found(kind: str, seed: int) -> Patterns:
    return of(attacked(kind, seed).usage)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["xDS in step", "xDS flat"])
def test_pushes_of_configuration_are_bursts_that_all_share(kind: str, seed: int) -> None:
    patterns = found(kind, seed)

    assert patterns.has_bursts
    assert not patterns.has_jobs


@pytest.mark.parametrize("seed", SEEDS)
def test_a_job_makes_cpu_jump_up_and_down_again(seed: int) -> None:
    patterns = found("cron", seed)

    assert patterns.has_jobs
    assert not patterns.has_bursts


@pytest.mark.parametrize("seed", SEEDS)
def test_handshakes_are_a_cost_of_rising_load(seed: int) -> None:
    patterns = found("handshakes", seed)

    # The steepest rise costs a quarter of the mean traffic, and there is none half of the time.
    assert 0.01 < patterns.rise_share < 0.08
    assert patterns == Patterns(rise_share=patterns.rise_share)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["retries", "SMT"])
def test_retries_and_busy_nodes_are_a_cost_of_high_load(kind: str, seed: int) -> None:
    fitted = fit_role(Role.SIDECAR, observe(attacked(kind, seed).usage, Role.SIDECAR)).fitted
    assert fitted is not None
    patterns = find_patterns(fit_workloads(fitted.pods.shape, fitted.workloads.panel))

    assert patterns.level_share > 0.02
    assert patterns == Patterns(level_share=patterns.level_share)
    # In the answer, it is this pattern or a knee.
    assert found(kind, seed).level_share > 0 or fitted.choice.shape.rise_share > 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "kind", [CALM, "mesh shock 5 %", "workload shock 5 %", "Pareto", "upgrade", "RPS error 10 %"]
)
def test_other_noise_is_none_of_these(kind: str, seed: int) -> None:
    assert found(kind, seed) == NONE


def test_clean_meshes_have_no_pattern() -> None:
    assert [of(simulate(seed).usage) for seed in range(12)] == [NONE] * 12


@cache
def few_workloads(extra: float) -> MeshUsage:
    """Return two workloads of six pods, with CPU for 24 steps in the middle that nothing causes."""
    rng = np.random.default_rng(0)
    wave = 100 * (1 + 0.6 * np.sin(np.linspace(0, 2 * np.pi, STEPS_PER_DAY)))
    during = np.abs(np.arange(STEPS_PER_DAY) - JOB) < 12
    fleets = []
    for name in ("a", "b"):
        rps = wave * rng.lognormal(0, 0.05, (6, STEPS_PER_DAY))
        law = 0.01 + 0.0004 * rps + extra * during
        noise = 1 + 0.1 * persistent(rng, 6, 0.6)
        fleets.append(Fleet(rps=rps, vcpu=law * noise, workload=name))
    return usage_of(*fleets)


def test_where_workloads_are_few_pods_are_compared() -> None:
    assert of(few_workloads(0.03)).has_jobs
    assert of(few_workloads(0.0)) == NONE


def test_a_job_that_comes_with_requests_is_their_cost() -> None:
    usage = few_workloads(0.0)
    steps = usage.steps.copy()
    during = (steps["point"] - JOB).abs() < 12
    steps.loc[during, "proxy_rps"] += 75.0
    steps.loc[during, "inbound_rps"] += 75.0
    steps.loc[during, "cpu_vcpu"] += 75.0 * 0.0004

    assert of(replace(usage, steps=steps)) == NONE


def test_in_a_short_time_any_shape_may_be_chance() -> None:
    usage = few_workloads(0.03)

    def last(count: int) -> MeshUsage:
        late = usage.steps["point"] >= STEPS_PER_DAY - count
        return replace(usage, steps=usage.steps[late])

    assert of(last(150)).has_jobs
    assert of(last(MIN_STEPS - 1)) == NONE


def test_proxies_that_were_not_seen_all_day_do_not_hide_a_pattern() -> None:
    usage = attacked("xDS flat", 1).usage
    rng = np.random.default_rng(0)
    missing = rng.random(len(usage.steps)) < 0.02
    gaps = usage.steps["point"].isin([40, 41, 200])

    kept = usage.steps[~(missing | gaps)]

    assert of(replace(usage, steps=kept)).has_bursts


def test_each_pattern_is_a_finding_that_moves_no_total() -> None:
    patterns = Patterns(rise_share=0.04, level_share=0.05, has_bursts=True, has_jobs=True)
    findings = {item.name: item for item in pattern_findings(patterns)}

    assert list(findings) == ["shared_bursts", "scheduled_jobs", "rising_load", "costly_peaks"]
    assert [item.code for item in findings.values()] == ["IU306", "IU307", "IU308", "IU309"]
    assert {item.bias for item in findings.values()} == {Bias.NONE}
    assert all(item.fix for item in findings.values())
    assert in_percent(0.04) in findings["rising_load"].text
    assert list(pattern_findings(NONE)) == []


def test_a_calibration_warns_of_them() -> None:
    calibration = calibrate_usage(attacked("handshakes", 0).usage)

    assert [item.name for item in calibration.warnings] == ["rising_load"]
