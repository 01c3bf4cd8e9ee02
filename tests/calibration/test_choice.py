"""The simplest shape that is not clearly worse is chosen: that of the law, where data show it."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import (
    AFFINE,
    BY_DIRECTION,
    BYTES,
    INBOUND,
    OUTBOUND,
    Score,
    Shape,
    choose,
    cross_validate,
    power,
)
from analyzer.calibration.workloads import WorkloadFits, fit_workloads
from analyzer.measurement.usage import MeshUsage
from tests.calibration.directed import (
    IDLE,
    PER_GBIT,
    PER_INBOUND,
    PER_OUTBOUND,
    Load,
    directed_mesh,
    panel_of,
)
from tests.calibration.hardships import concave_mesh
from tests.calibration.meshes import Fleet, ramp, simulate, usage_of


def scores_of(usage: MeshUsage) -> tuple[Score, ...]:
    panel = panel_of(usage)
    return choose(panel, fit_workloads(AFFINE, panel).fit)


def chosen(usage: MeshUsage) -> Shape:
    return scores_of(usage)[0].shape


def fitted(usage: MeshUsage, shape: Shape) -> WorkloadFits:
    return fit_workloads(shape, panel_of(usage))


# --- linear and concave laws ---


def test_a_linear_law_is_called_linear_nine_times_in_ten() -> None:
    names = [
        chosen(simulate(seed, workloads=(2, 6), proxies=(6, 30)).usage).name for seed in range(40)
    ]

    # 36 of 40 are nine in ten. Were it right with probability 0.8 only, as many would be so with
    # P(Binomial(40, 0.8) >= 36) = 0.08; at 0.75 with 0.016.
    assert names.count("affine") >= 36


@pytest.mark.parametrize("exponent", [0.55, 0.75, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_a_concave_law_is_called_concave_and_its_exponent_is_found(
    seed: int, exponent: float
) -> None:
    usage, _ = concave_mesh(seed, exponent=exponent)

    shape = chosen(usage)

    assert shape.name.startswith("power")
    assert shape.exponent == pytest.approx(exponent, abs=0.05)


# --- directions and bytes ---


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_what_each_direction_and_bytes_cost_is_found_where_they_differ(noise: float) -> None:
    usage = directed_mesh(*(Load.drawn(seed) for seed in range(4)), noise=noise)

    shape = chosen(usage)

    assert shape == BY_DIRECTION
    coefficients = fitted(usage, shape).fit.coefficients
    truth = [IDLE, 0, PER_INBOUND, PER_OUTBOUND, PER_GBIT]
    for own in coefficients:
        assert own == pytest.approx(truth, rel=1e-6 if noise == 0 else 0.1)
    assert coefficients.mean(axis=0) == pytest.approx(truth, rel=1e-6 if noise == 0 else 0.04)


def test_directions_that_cannot_be_separated_leave_a_line() -> None:
    loads = [
        dataclasses.replace(load, outbound=load.inbound, gbit=1e-4 * load.inbound)
        for load in (Load.drawn(seed) for seed in range(3))
    ]
    usage = directed_mesh(*loads, noise=0.05)

    scores = scores_of(usage)

    assert scores[0].shape == AFFINE
    assert BY_DIRECTION not in [score.shape for score in scores]
    # Half in, half out, and 1e-4 Gbit/s with every request in.
    slopes = fitted(usage, AFFINE).curves[:, 1]
    both = (PER_INBOUND + PER_OUTBOUND + PER_GBIT * 1e-4) / 2
    assert slopes == pytest.approx(np.full(3, both), rel=0.05)


@pytest.mark.parametrize("gbit", [0.05, np.nan])
def test_bytes_that_are_constant_or_unknown_get_no_cost(gbit: float) -> None:
    loads = [
        dataclasses.replace(load, gbit=np.full_like(load.gbit, gbit))
        for load in (Load.drawn(seed) for seed in range(3))
    ]
    usage = directed_mesh(*loads, noise=0.02)

    shape = chosen(usage)

    assert shape == BY_DIRECTION
    fits = fitted(usage, shape)
    costs = dict(zip(shape.terms, fits.fit.coefficients.T, strict=True))
    assert not costs[BYTES].any()
    assert costs[INBOUND].mean() == pytest.approx(PER_INBOUND, rel=0.05)
    assert costs[OUTBOUND].mean() == pytest.approx(PER_OUTBOUND, rel=0.05)
    idle = IDLE + PER_GBIT * np.nan_to_num(gbit)
    assert fits.curves[:, 0].mean() == pytest.approx(idle, rel=0.05)


# --- the score ---


def plain_error(panel: Panel, shape: Shape) -> tuple[float, float]:
    """Return error and standard error, fold by fold, by numpy alone, of undisturbed workloads."""
    line = fit_workloads(AFFINE, panel).fit
    ends = [*panel.workloads.starts, panel.workloads.row_count]
    cluster_of = np.repeat(np.arange(len(panel.clusters)), panel.clusters.lengths)
    basis = shape.basis(panel)
    losses, rows = [], []
    for number, (first, end) in enumerate(pairwise(ends)):
        own = slice(first, end)
        design = np.column_stack([np.ones(end - first), basis[own]])
        target, root = panel.vcpu[own], np.sqrt(line.weights[own]) / line.scale[number]
        clusters = cluster_of[own] - cluster_of[first]
        for cluster in range(clusters.max() + 1):
            inside, rest = clusters == cluster, clusters != cluster
            weighed = design[rest] * root[rest, None]
            own_fit = np.linalg.lstsq(weighed, target[rest] * root[rest])[0]
            if own_fit[0] < 0:
                own_fit = np.append(
                    0, np.linalg.lstsq(weighed[:, 1:], target[rest] * root[rest])[0]
                )
            left = (target[inside] - design[inside] @ own_fit) * root[inside]
            losses.append((left**2).sum())
            rows.append(inside.sum())
    error = sum(losses) / sum(rows)
    spread = sum((loss - error * count) ** 2 for loss, count in zip(losses, rows, strict=True))
    return error, float(np.sqrt(spread) / sum(rows))


@pytest.mark.parametrize("shape", [AFFINE, power(0.65)])
def test_the_error_is_that_of_each_fifth_by_a_fit_to_the_others(shape: Shape) -> None:
    panel = panel_of(simulate(3, workloads=(3, 3), proxies=(14, 14)).usage)
    assert panel.obstacles == {}

    score = cross_validate(shape, panel, fit_workloads(AFFINE, panel).fit)

    error, standard_error = plain_error(panel, shape)
    assert score.error == pytest.approx(error, rel=1e-6)
    assert score.standard_error == pytest.approx(standard_error, rel=1e-6)
    assert score.shape == shape


def test_an_error_of_noise_alone_is_near_one() -> None:
    panel = panel_of(simulate(4, workloads=(3, 3), proxies=(30, 30)).usage)

    score = cross_validate(AFFINE, panel, fit_workloads(AFFINE, panel).fit)

    # Beyond 1.345 deviations Huber's weights take some off: the mean of min(z^2, 1.345 |z|) of
    # normal noise is 0.857.
    assert score.error == pytest.approx(0.857, abs=0.05)


def test_workloads_that_cannot_be_fitted_do_not_count() -> None:
    good, idle = ramp(6, 40), np.zeros((6, 40))
    noise = 1 + 0.1 * np.random.default_rng(1).normal(size=good.shape)
    fitted_one = Fleet(rps=good, vcpu=(0.01 + 0.001 * good) * noise, workload="a")
    idle_one = Fleet(rps=idle, vcpu=0.01 * noise, workload="b")

    alone, together = (
        cross_validate(AFFINE, panel, fit_workloads(AFFINE, panel).fit)
        for panel in (panel_of(usage_of(fitted_one)), panel_of(usage_of(fitted_one, idle_one)))
    )

    assert together.error == pytest.approx(alone.error)
    assert together.standard_error == pytest.approx(alone.standard_error)


def test_the_first_is_the_simplest_within_one_standard_error_of_the_best() -> None:
    linear = [simulate(seed, workloads=(2, 4), proxies=(6, 12)).usage for seed in range(8)]
    # Of one workload that is nearly linear, a line is five standard errors worse and more.
    nearly = [concave_mesh(seed, exponent=0.9, workloads=1)[0] for seed in range(4)]
    for usage in linear + nearly:
        scores = scores_of(usage)
        best = min(scores, key=lambda score: score.error)
        line = next(score for score in scores if score.shape == AFFINE)

        assert len({score.shape.name for score in scores}) == len(scores) == 2
        is_line_allowed = line.error <= best.error + best.standard_error
        assert (scores[0].shape == AFFINE) is is_line_allowed
