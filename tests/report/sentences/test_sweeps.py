"""For which shares ambient costs less: no claim that the range does not carry."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.result import Sweep, SweepPoint
from analyzer.report.sentences.sweeps import share_verdict
from analyzer.units import Interval


def swept(ranges: Sequence[tuple[float, float]]) -> Sweep:
    """Return a sweep over even shares with these ranges."""
    points = tuple(
        SweepPoint(
            choice=float(at), usd_per_year=Interval(low=low, mid=(low + high) / 2, high=high)
        )
        for at, (low, high) in zip(np.linspace(0, 1, len(ranges)), ranges, strict=True)
    )
    return Sweep(name="l7_share", points=points, break_even=None)


@pytest.mark.parametrize(
    ("ranges", "verdict"),
    [
        (
            [(200, 400), (100, 300)],
            "Ambient costs less than sidecars,\nfor any share of namespaces with a waypoint",
        ),
        (
            [(-400, -200), (-500, -300)],
            "Ambient costs more than sidecars,\nfor any share of namespaces with a waypoint",
        ),
        (
            [(-10, 20), (-30, 10)],
            (
                "Cannot tell whether ambient costs less than sidecars,\n"
                "for any share of namespaces with a waypoint"
            ),
        ),
        (
            [(100, 200), (-100, 20)],
            (
                "Ambient costs less than sidecars up to 50 % of namespaces with a waypoint;\n"
                "above that, cannot tell"
            ),
        ),
        (
            [(-20, 100), (-200, -100)],
            (
                "Ambient costs more than sidecars from 50 % of namespaces with a waypoint;\n"
                "below that, cannot tell"
            ),
        ),
        (
            [(100, 200), (-300, -200)],
            (
                "Ambient costs less than sidecars up to 25 % of namespaces with a waypoint,\n"
                "more from 50 %"
            ),
        ),
        (
            [(-300, -200), (100, 200)],
            (
                "Ambient costs less than sidecars from 75 % of namespaces with a waypoint,\n"
                "more up to 50 %"
            ),
        ),
        (
            [(100, 200), (-10, 10), (100, 200), (-10, 10)],
            "The saving depends on the share of namespaces with a waypoint",
        ),
    ],
)
def test_the_verdict_has_a_form_for_each_case(
    ranges: Sequence[tuple[float, float]], verdict: str
) -> None:
    assert share_verdict(swept(ranges)) == verdict


ENDS = st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)).map(sorted).map(tuple)


def falling(ends: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return ranges whose both ends fall, as they do along the share of waypoints."""
    lows, highs = (sorted(column, reverse=True) for column in zip(*ends, strict=True))
    return list(zip(lows, highs, strict=True))


RANGES = st.lists(ENDS, min_size=2, max_size=11)


@given(RANGES | RANGES.map(falling))
def test_no_verdict_contradicts_the_band(ranges: list[tuple[float, float]]) -> None:
    found, shares = share_verdict(swept(ranges)), np.linspace(0, 1, 501)
    at = np.linspace(0, 1, len(ranges))
    low, high = (np.interp(shares, at, column) for column in zip(*ranges, strict=True))
    hair = 1e-6

    if "depends" in found:
        assert (low <= 0).any()
        assert (high >= 0).any()
        return
    if "any share" in found:
        points = np.array(ranges)
        if found.startswith("Cannot tell"):
            assert ((points[:, 0] <= 0) & (points[:, 1] >= 0)).all()
        else:
            assert (low > 0).all() if " less " in found else (high < 0).all()
        return
    claims = re.findall(r"(less|more)(?: than sidecars)? (up to|from) (\d+) %", found)
    assert claims
    for word, reach, percent in claims:
        share = int(percent) / 100
        inside = shares <= share if reach == "up to" else shares >= share
        assert (low[inside] >= -hair).all() if word == "less" else (high[inside] <= hair).all()
