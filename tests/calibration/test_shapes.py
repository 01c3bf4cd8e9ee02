"""A term is fitted where the traffic can tell it apart, and named where it cannot."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.calibration.fit.least_squares import Term
from analyzer.calibration.panel import COLLINEAR, Obstacle
from analyzer.calibration.shapes import (
    AFFINE,
    BY_DIRECTION,
    BYTES,
    IDLE,
    INBOUND,
    OUTBOUND,
    REQUESTS,
    Shape,
    knee,
    left_out,
    power,
)
from analyzer.units import Reason
from tests.calibration.directed import Load, directed_mesh, panel_of

ALL = {IDLE, INBOUND, OUTBOUND, BYTES}
"""The terms where each varies on its own."""


def terms_of_each(*loads: Load) -> list[set[Term]]:
    """Return which terms each workload's traffic tells apart."""
    problem = BY_DIRECTION.problem(panel_of(directed_mesh(*loads)))
    return [
        {term for term, takes_part in zip(problem.terms, row, strict=True) if takes_part}
        for row in problem.active
    ]


def terms(load: Load) -> set[Term]:
    (found,) = terms_of_each(load)
    return found


def changed(load: Load, **parts: object) -> Load:
    return dataclasses.replace(load, **parts)  # type: ignore[arg-type]


# --- the columns ---


def test_a_straight_line_is_fitted_to_requests() -> None:
    panel = panel_of(directed_mesh(Load.drawn(1)))

    problem = AFFINE.problem(panel)

    one, requests = problem.design
    assert one.tolist() == [1] * len(panel.rps)
    assert requests.tolist() == panel.rps.tolist()
    assert problem.target.tolist() == panel.vcpu.tolist()
    assert problem.active.tolist() == [[True, True]]
    # Noise may hide what requests cost, and pushes it below zero as often as above.
    assert {term for term in problem.terms if not term.is_floored} == {REQUESTS}


@given(st.floats(0.2, 0.95))
def test_a_concave_shape_is_fitted_to_a_power_of_requests(exponent: float) -> None:
    panel = panel_of(directed_mesh(Load.drawn(1, proxies=2, steps=12)))

    design = power(exponent).design(panel)

    assert design[0].tolist() == [1] * len(panel.rps)
    assert design[1] == pytest.approx(np.exp(exponent * np.log(panel.rps)))
    assert str(round(exponent, 2))[:3] in power(round(exponent, 2)).name


def test_beyond_a_knee_each_request_counts_more() -> None:
    load = Load.drawn(1, proxies=2, steps=12)
    panel = panel_of(directed_mesh(load))
    highest = float((load.inbound + load.outbound).max())

    shape = knee(0.5, 0.8)
    beyond = np.maximum(panel.rps - 0.5 * highest, 0)

    assert (beyond > 0).any()
    assert (beyond == 0).any()
    assert shape.basis(panel) == pytest.approx(panel.rps + 0.8 * beyond)
    assert "50 %" in shape.name


@pytest.mark.parametrize("shape", [AFFINE, power(0.7), knee(0.45, 1.3)])
def test_the_marginal_is_the_rate_times_the_slope_of_the_basis(shape: Shape) -> None:
    panel = panel_of(directed_mesh(Load.drawn(2)))
    little = 1e-6 * panel.rps
    more = dataclasses.replace(panel, rps=panel.rps + little)

    slope = (shape.basis(more) - shape.basis(panel)) / little

    # No rate is exactly at the knee.
    assert shape.marginal(panel) == pytest.approx(panel.rps * slope, rel=1e-4)


def test_directions_and_bytes_have_columns_of_their_own() -> None:
    load = Load.drawn(1)
    panel = panel_of(directed_mesh(load))

    problem = BY_DIRECTION.problem(panel)

    loads = {
        REQUESTS: load.inbound + load.outbound,
        INBOUND: load.inbound,
        OUTBOUND: load.outbound,
        BYTES: load.gbit,
    }
    for term, values in loads.items():
        assert problem.design[problem.terms.index(term)] == pytest.approx(values.ravel())
    assert {term for term in problem.terms if not term.is_floored} == {REQUESTS}


# --- which take part ---


def test_all_that_varies_independently_is_separated() -> None:
    assert terms(Load.drawn(1)) == ALL


def test_directions_that_rise_together_have_one_cost() -> None:
    load = Load.drawn(1)

    assert terms(changed(load, outbound=2 * load.inbound)) == {IDLE, REQUESTS, BYTES}


def test_requests_in_one_direction_only_have_one_cost() -> None:
    load = Load.drawn(1)

    assert terms(changed(load, outbound=0 * load.inbound)) == {IDLE, REQUESTS, BYTES}
    assert terms(changed(load, inbound=0 * load.outbound)) == {IDLE, REQUESTS, BYTES}


@pytest.mark.parametrize(
    "bytes_of",
    [
        lambda load: 0 * load.gbit,
        lambda load: 0 * load.gbit + 0.05,
        lambda load: np.nan * load.gbit,
        lambda load: np.where(load.gbit > np.quantile(load.gbit, 0.01), load.gbit, np.nan),
        lambda load: 1e-4 * load.inbound,
        lambda load: 1e-4 * load.inbound + 3e-4 * load.outbound,
    ],
    ids=["none", "constant", "unknown", "partly unknown", "by requests in", "by both directions"],
)
def test_bytes_that_are_constant_or_unknown_or_follow_requests_are_no_column(
    bytes_of: object,
) -> None:
    assert callable(bytes_of)
    load = Load.drawn(1)

    assert terms(changed(load, gbit=bytes_of(load))) == {IDLE, INBOUND, OUTBOUND}


def test_bytes_that_follow_all_requests_are_no_column_where_directions_are_one() -> None:
    load = Load.drawn(1)
    together = changed(load, outbound=load.inbound, gbit=1e-4 * load.inbound)

    assert terms(together) == {IDLE, REQUESTS}


@pytest.mark.parametrize(("share", "is_apart"), [(0.85, True), (0.95, False)])
def test_directions_are_one_from_nine_tenths_of_shared_variance_on(
    share: float, *, is_apart: bool
) -> None:
    # Two orthogonal waves of equal variance, mixed to a correlation whose square is `share`.
    day = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    one, other = (np.tile(np.sin(times * day), (8, 1)) for times in (1, 2))
    mixed = np.sqrt(share) * one + np.sqrt(1 - share) * other
    load = Load(inbound=50 + 40 * one, outbound=50 + 30 * mixed, gbit=0 * one)
    assert np.corrcoef(load.inbound.ravel(), load.outbound.ravel())[0, 1] ** 2 == pytest.approx(
        share
    )

    assert (terms(load) >= {INBOUND, OUTBOUND}) is is_apart
    assert (share < COLLINEAR) is is_apart


@pytest.mark.parametrize(("share", "is_apart"), [(0.85, True), (0.95, False)])
def test_bytes_are_no_column_from_nine_tenths_explained_by_both_directions_on(
    share: float, *, is_apart: bool
) -> None:
    day = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    inbound, wave, own = (np.tile(np.sin(times * day), (8, 1)) for times in (1, 2, 3))
    outbound = 0.6 * inbound + 0.8 * wave
    explained = (inbound + outbound) / (inbound + outbound).std()
    gbit = np.sqrt(share) * explained + np.sqrt(1 - share) * own / own.std()
    load = Load(inbound=50 + 40 * inbound, outbound=50 + 40 * outbound, gbit=0.1 + 0.01 * gbit)
    design = np.column_stack([np.ones(768), load.inbound.ravel(), load.outbound.ravel()])
    left = load.gbit.ravel() - design @ np.linalg.lstsq(design, load.gbit.ravel())[0]
    assert 1 - left.var() / load.gbit.var() == pytest.approx(share)

    assert (BYTES in terms(load)) is is_apart


# --- workloads that differ ---


def test_each_workload_has_the_terms_of_its_own_traffic() -> None:
    apart = Load.drawn(1)
    together = changed(Load.drawn(2), outbound=Load.drawn(2).inbound)
    without_bytes = changed(Load.drawn(3), gbit=np.nan * Load.drawn(3).gbit)

    assert terms_of_each(apart, together, without_bytes) == [
        ALL,
        {IDLE, REQUESTS, BYTES},
        {IDLE, INBOUND, OUTBOUND},
    ]


def test_terms_left_out_are_counted_over_workloads_with_a_slope() -> None:
    apart = Load.drawn(1)
    together = changed(Load.drawn(2), outbound=Load.drawn(2).inbound)
    unknown = changed(together, gbit=np.nan * together.gbit)
    panel = panel_of(directed_mesh(apart, together, unknown))

    remarks = left_out(panel, np.array([True, True, True]))

    assert len(remarks) == 2
    assert ("Inbound" in remarks[0], "2 of 3 workloads" in remarks[0]) == (True, True)
    assert ("Bytes" in remarks[1], "1 of 3 workloads" in remarks[1]) == (True, True)
    assert left_out(panel, np.array([True, False, False])) == ()
    assert "in 1 of 2 workloads" in left_out(panel, np.array([True, True, False]))[0]


@pytest.mark.parametrize("is_all_idle", [True, False])
def test_a_workload_with_an_obstacle_has_no_slope_and_an_idle_only_if_it_is_all_idle(
    *, is_all_idle: bool
) -> None:
    obstacle = Obstacle(reason=Reason.NO_TRAFFIC, detail="chosen", is_all_idle=is_all_idle)
    panel = dataclasses.replace(
        panel_of(directed_mesh(Load.drawn(1), Load.drawn(2))), obstacles={1: obstacle}
    )

    for shape in (AFFINE, power(0.5), BY_DIRECTION):
        problem = shape.problem(panel)

        idle = problem.terms.index(IDLE)
        assert problem.active[0].sum() >= 2
        assert bool(problem.active[1, idle]) is is_all_idle
        assert not np.delete(problem.active[1], idle).any()
