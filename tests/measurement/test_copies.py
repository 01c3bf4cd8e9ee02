"""Series are copies if they agree in what the proxy writes and in their values, and only then."""

from collections.abc import Sequence

import numpy as np
import pytest

from analyzer.measurement.copies import Copies, find_copies
from analyzer.prometheus.label_mapping import Attribution, LabelMapping
from analyzer.prometheus.response import Series

MAPPING = LabelMapping()
TIMES = np.arange(6, dtype=np.float64) * 60.0


def counter(start: float, rps: float, **labels: str) -> Series:
    """Return a request counter of pod a at six moments, a minute apart."""
    own = {"__name__": "istio_requests_total", "namespace": "shop", "pod": "a"}
    named = {**own, "reporter": "source", "response_code": "200", **labels}
    return Series(labels=named, times=TIMES, samples=start + rps * TIMES)


def build(**labels: str) -> Series:
    own = {"__name__": "istio_build", "namespace": "shop", "pod": "a", "component": "proxy"}
    return Series(labels={**own, **labels}, times=TIMES, samples=np.ones(6))


def pair(start: float, rps: float, ahead: float = 0.0, **labels: str) -> list[Series]:
    """Return a counter and its copy, which is some seconds ahead."""
    return [
        counter(start, rps, ha="x", **labels),
        counter(start + ahead * rps, rps, ha="y", **labels),
    ]


def test_counters_that_agree_are_copies() -> None:
    series = [*pair(5000, 2, 20), *pair(90_000, 30, -25, response_code="404")]

    assert find_copies(series, MAPPING) == Copies(labels=("ha",))


def test_one_growing_pair_may_be_chance_but_not_with_two_builds() -> None:
    one = pair(5000, 2, 20)

    assert find_copies(one, MAPPING) == Copies()
    assert find_copies([*one, build(ha="x"), build(ha="y")], MAPPING).labels == ("ha",)


def test_counters_at_rest_prove_nothing_alone() -> None:
    still = [*pair(0, 0), *pair(7, 0, response_code="404"), *pair(7, 0, response_code="500")]

    assert find_copies(still, MAPPING) == Copies()


@pytest.mark.parametrize("known", ["job", "replica", "instance"])
def test_known_scrape_labels_separate_series_already(known: str) -> None:
    series = [
        counter(5000 * kind, 2, response_code=f"{kind}00", **{known: name})
        for kind in (2, 4)
        for name in ("x", "y")
    ]

    assert find_copies(series, MAPPING) == Copies()


def test_labels_that_are_found_are_known_afterwards() -> None:
    series = [*pair(5000, 2, 20), *pair(90_000, 30, -25, response_code="404")]

    assert find_copies(series, LabelMapping(replica_labels=("ha",))) == Copies()


def test_parts_of_a_number_are_no_copies() -> None:
    series = [
        counter(start * kind, 3 + start / 1000, response_code=f"{kind}00", host=host)
        for kind in (2, 4)
        for start, host in ((4000, "a"), (9000, "b"))
    ]

    assert find_copies(series, MAPPING) == Copies()


def test_two_builds_whose_counters_differ_are_not_understood() -> None:
    series = [counter(4000, 3, ha="x"), counter(9000, 5, ha="y"), build(ha="x"), build(ha="y")]

    assert find_copies(series, MAPPING) == Copies(is_doubtful=True)


def test_two_builds_that_share_the_counters_between_them_are_fine() -> None:
    series = [counter(4000, 3, ha="x"), counter(9000, 5, ha="y", response_code="404")]

    assert find_copies([*series, build(ha="x"), build(ha="y")], MAPPING) == Copies()


def test_where_half_of_the_pairs_agree_it_is_not_understood() -> None:
    codes = [f"{number}00" for number in range(2, 6)]
    same = [one for code in codes[:2] for one in pair(5000, 2, 20, response_code=code)]
    other = [
        counter(start, 2, ha=ha, response_code=code)
        for code in codes[2:]
        for start, ha in ((4000, "x"), (9000, "y"))
    ]

    assert find_copies([*same, *other], MAPPING) == Copies(is_doubtful=True)


def test_series_of_different_times_are_not_compared() -> None:
    early, late = pair(5000, 2)
    apart = Series(labels=late.labels, times=late.times + 3600, samples=late.samples)

    assert find_copies([early, apart], MAPPING) == Copies()


def test_pods_without_a_label_are_known_by_address() -> None:
    by_address = LabelMapping(attribution=Attribution.ADDRESS)
    series: Sequence[Series] = [
        one
        for number in range(2)
        for one in pair(5000 + number, 2, 20, instance=f"10.0.0.{number}:15020", pod="")
    ]

    assert find_copies(series, by_address).labels == ("ha",)
