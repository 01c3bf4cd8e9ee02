"""Each scrape job has an interval of its own, and the slowest that matters decides."""

from collections.abc import Mapping, Sequence

import pytest

from analyzer.measurement.proxy_counts import Site
from analyzer.measurement.scrapes import deciding_seconds, usual_seconds

HUB, EDGE, TINY = ("hub", "kubelet"), ("edge", "kubelet"), ("edge", "own")


@pytest.mark.parametrize(
    ("intervals", "weights", "seconds"),
    [
        ({HUB: [30.0]}, {HUB: 10.0}, 30),
        ({HUB: [30.0], EDGE: [300.0]}, {HUB: 10.0, EDGE: 10.0}, 300),
        ({HUB: [30.0], EDGE: [300.0]}, {HUB: 985.0, EDGE: 15.0}, 300),
        ({HUB: [30.0], EDGE: [300.0]}, {HUB: 995.0, EDGE: 5.0}, 30),
        # Two small jobs are more than a hundredth together.
        ({HUB: [30.0], EDGE: [300.0], TINY: [60.0]}, {HUB: 985.0, EDGE: 7.0, TINY: 8.0}, 60),
        # What is not in the scope has no weight.
        ({HUB: [30.0], EDGE: [300.0]}, {HUB: 10.0}, 30),
        ({HUB: [30.0], EDGE: [300.0]}, {}, 300),
        ({HUB: [30.0, 30.0, 300.0]}, {HUB: 10.0}, 300),
        # A second more or less is jitter.
        ({HUB: [30.0, 30.0, 31.0, 33.0]}, {HUB: 10.0}, 30),
        ({}, {}, None),
    ],
)
def test_the_slowest_that_matters_decides(
    intervals: Mapping[Site, Sequence[float]], weights: Mapping[Site, float], seconds: float | None
) -> None:
    assert deciding_seconds(intervals, weights) == seconds


def test_the_usual_interval_is_one_that_exists() -> None:
    assert usual_seconds([30.0, 300.0]) == 30
    assert usual_seconds([60.0, 15.0, 60.0]) == 60
