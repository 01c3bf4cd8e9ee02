"""The simplest shape that is not clearly worse is chosen: that of the law, where data show it."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.choice import EXPONENTS, FINER, Choice, choose, sharpened
from analyzer.calibration.fit.segments import TIME_BLOCKS
from analyzer.calibration.panel import MOST_ROWS, Panel
from analyzer.calibration.shapes import (
    AFFINE,
    BY_DIRECTION,
    BYTES,
    INBOUND,
    OUTBOUND,
    Shape,
    knee,
    power,
)
from analyzer.calibration.trials import (
    Sample,
    Score,
    Trial,
    cross_validate,
    is_better,
    weight,
)
from analyzer.calibration.workloads import WorkloadFits, fit_workloads
from analyzer.measurement.usage import MeshUsage
from tests.calibration.attacks import attacked, kinds
from tests.calibration.attacks.day import Day, mesh_of
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
from tests.calibration.meshes import Fleet, lawful, ramp, simulate, usage_of


def choice_of(usage: MeshUsage) -> Choice:
    panel = panel_of(usage)
    return choose(panel, fit_workloads(AFFINE, panel).robust)


def scores_of(usage: MeshUsage) -> tuple[Score, ...]:
    return choice_of(usage).scores


def final_of(usage: MeshUsage) -> Choice:
    """Return the choice with the weights of the curve's own fit."""
    choice, panel = choice_of(usage), panel_of(usage)
    return sharpened(choice, panel, fit_workloads(choice.shape, panel).robust)


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


def test_larger_payloads_at_high_rates_are_no_knee() -> None:
    loads = []
    for load in (Load.drawn(seed) for seed in range(4)):
        rps = load.inbound + load.outbound
        is_high = rps > 0.6 * rps.max()
        gbit = np.where(is_high, 4e-3 * (rps - 0.6 * rps.max()), 0.1 * load.gbit)
        loads.append(dataclasses.replace(load, outbound=load.inbound, gbit=gbit))
    usage = directed_mesh(*loads, noise=0.05)

    scores = {score.shape.name: score.error for score in scores_of(usage)}

    knees = [error for name, error in scores.items() if name.startswith("knee")]
    assert min(knees) < 0.98 * scores["affine"]
    assert chosen(usage) == BY_DIRECTION


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


# --- the choice ---


def test_a_line_stays_unless_a_curve_is_better_over_clusters_and_over_time() -> None:
    usages = [simulate(seed, workloads=(2, 4), proxies=(6, 12)).usage for seed in range(4)]
    usages += [concave_mesh(seed, exponent=0.9, workloads=1)[0] for seed in range(2)]
    for usage in usages:
        panel = panel_of(usage)
        sample = Sample.of(panel, fit_workloads(AFFINE, panel).robust)
        line = sample.trial(AFFINE)
        shapes = [score.shape for score in scores_of(usage)]

        assert AFFINE in shapes
        assert len({shape.name for shape in shapes}) == len(shapes)
        best = min((sample.trial(shape) for shape in shapes), key=lambda trial: trial.loss)
        assert (shapes[0] == AFFINE) is not is_better(best, line)


@pytest.mark.parametrize("kind", ["mesh shock 5 %", "workload shock 5 %"])
def test_noise_that_proxies_share_in_time_bends_no_line(kind: str) -> None:
    shapes = [chosen(attacked(kind, seed).usage) for seed in range(20)]

    # Of clusters alone, a fifth would be called curves.
    assert sum(shape.is_curve for shape in shapes) <= 2


def test_a_gain_of_one_block_of_time_is_no_curve() -> None:
    panel = panel_of(attacked("hinge", 1).usage)
    sample = Sample.of(panel, fit_workloads(AFFINE, panel).robust)
    line, curve = sample.trial(AFFINE), sample.trial(knee(0.6, 1.0))
    assert is_better(curve, line)
    gains = np.zeros(TIME_BLOCKS)
    gains[0] = (line.in_blocks - curve.in_blocks).sum()

    once = curve._replace(in_blocks=line.in_blocks - gains)

    assert not is_better(once, line)


@pytest.mark.parametrize("seed", range(4))
def test_a_knee_is_found_with_its_place_and_its_rise(seed: int) -> None:
    shape = final_of(attacked("hinge", seed).usage).shape

    assert shape.knee_share == pytest.approx(0.6, abs=0.05)
    assert shape.rise_share == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("seed", range(4))
def test_the_own_weights_of_a_curve_bring_its_exponent_to_the_truth(seed: int) -> None:
    usage = concave_mesh(seed, exponent=0.7)[0]

    rough, final = choice_of(usage), final_of(usage)

    assert final.shape.exponent == pytest.approx(0.7, abs=0.03)
    assert final.scores[1:] == rough.scores[1:]


# --- what the choice leaves uncertain ---


@pytest.mark.long
def test_most_straight_lines_get_no_wider_from_the_choice() -> None:
    choices = [choice_of(simulate(seed).usage) for seed in range(20)]

    assert all(choice.shape == AFFINE for choice in choices)
    # P(Binomial(20, 0.1) > 4) is 0.04.
    assert sum(bool(choice.covariance.any()) for choice in choices) <= 4


def test_a_bend_that_is_not_clear_widens_the_line() -> None:
    meshes = [mesh_of(kinds.power(Day.drawn(seed), exponent=0.95)).usage for seed in range(8)]
    lines = [choice for choice in map(choice_of, meshes) if choice.shape == AFFINE]

    widened = [choice.covariance for choice in lines if choice.covariance.any()]
    assert widened
    for covariance in widened:
        assert (np.diag(covariance) > 0).all()
        # It is one change, of idle and slope together.
        assert covariance[0, 1] ** 2 == pytest.approx(covariance[0, 0] * covariance[1, 1])


@pytest.mark.parametrize(
    ("gain", "least", "most"), [(-1.0, 0, 0), (0.0, 0, 0), (1.0, 0.3, 0.7), (4.0, 1, 1)]
)
def test_a_curve_counts_by_how_likely_it_predicts_better(
    gain: float, least: float, most: float
) -> None:
    # A mean gain of this many standard errors, over clusters and over blocks.
    def gains(count: int) -> Floats:
        spread = np.where(np.arange(count) % 2, 1.0, -1.0)
        spread -= spread.mean()
        return np.asarray(spread + gain * float(spread.std(ddof=1)) / np.sqrt(count))

    score = Score(AFFINE, 1.0, 0.1)
    straight = Trial(score, np.zeros(100), np.zeros(TIME_BLOCKS))
    curve = Trial(score._replace(shape=power(0.8)), -gains(100), -gains(TIME_BLOCKS))

    assert least <= weight(curve, straight) <= most
    assert is_better(curve, straight) is (weight(curve, straight) == 1)


def test_the_error_of_an_exponent_is_in_the_range_of_idle() -> None:
    covariances = [final_of(concave_mesh(seed)[0]).covariance for seed in range(6)]
    idles = []
    for seed in range(6):
        usage = concave_mesh(seed)[0]
        idles.append(float(fitted(usage, final_of(usage).shape).curves[:, 0].mean()))

    errors = np.abs(np.array(idles) - 0.005) / np.sqrt([item[0, 0] for item in covariances])
    assert np.median(errors) < 2


def test_of_many_samples_evenly_chosen_workloads_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(usage_of(*(lawful(ramp(4, 48), workload=f"w{i}", seed=i) for i in range(9))))
    fit = fit_workloads(AFFINE, panel).robust
    each = int(panel.workloads.lengths[0])
    assert panel.workloads.row_count < MOST_ROWS
    monkeypatch.setattr("analyzer.calibration.trials.MOST_ROWS", 3 * each)

    sample = Sample.of(panel, fit)

    assert np.diff(sample.panel.numbers).tolist() == [3, 3]
    assert len(sample.weights) == sample.panel.workloads.row_count == len(sample.panel.rps)
    own = fit_workloads(AFFINE, sample.panel).curves
    whole = fit_workloads(AFFINE, panel).curves
    place = [panel.numbers.tolist().index(number) for number in sample.panel.numbers]
    assert own == pytest.approx(whole[place])


def test_the_exponents_tried_reach_from_a_third_to_nearly_one() -> None:
    finest = {round(exponent + step, 2) for exponent in EXPONENTS for step in (0, *FINER)}

    assert sorted(finest) == [round(0.35 + 0.05 * number, 2) for number in range(13)]
