"""What queries rely on in their answers: marks, counts, quantities and moments."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.errors import PrometheusError
from analyzer.prometheus.expected import (
    counts_of,
    is_one,
    mark_of,
    marks_of,
    moments_of,
    quantities_of,
)
from analyzer.prometheus.parts import terms
from analyzer.prometheus.query import load_queries
from analyzer.prometheus.response import Series


def series(*samples: float, labels: Mapping[str, str] | None = None) -> Series:
    times = np.arange(len(samples), dtype=float) * 60 + 6000
    return Series(labels=labels or {"pod": "a"}, times=times, samples=np.array(samples))


def test_marks_are_those_that_the_query_file_sets() -> None:
    assert marks_of("survey_proxy_counts", "exporter") == {"cadvisor", "proxy"}
    assert marks_of("survey_copied_proxies", "exporter") == {"copies"}
    assert marks_of("survey_request_counts", "exporter") == {"proxy"}
    assert len(marks_of("survey_series_count", "metric")) > 20
    assert marks_of("survey_joined_pods", "exporter") == frozenset()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("survey_labels", "exporter"),
        ("survey_namespaces", "exporter"),
        ("survey_proxy_counts", "exporter"),
        ("survey_copied_proxies", "exporter"),
        ("survey_duplicate_scrapes", "exporter"),
        ("survey_several_series", "exporter"),
        ("survey_series_count", "metric"),
        ("survey_last_samples", "metric"),
    ],
)
def test_each_term_has_its_mark(name: str, label: str) -> None:
    found = terms(load_queries()[name].template)
    assert all(f'"{label}", "' in term for term in found)
    assert marks_of(name, label)


@pytest.mark.parametrize("labels", [{"pod": "a"}, {"exporter": ""}, {"exporter": "Proxy"}])
def test_a_mark_is_one_of_the_querys(labels: dict[str, str]) -> None:
    with pytest.raises(PrometheusError, match="'exporter'") as caught:
        mark_of(series(1, labels=labels), "exporter", {"proxy", "cadvisor"})

    assert next(iter(labels)) in str(caught.value)


def test_a_mark_is_returned() -> None:
    assert mark_of(series(1, labels={"exporter": "proxy"}), "exporter", ("proxy",)) == "proxy"


@pytest.mark.parametrize("count", [np.nan, np.inf, -np.inf, -1, 0, 1.5, 1e15, 1e300])
def test_a_count_is_a_whole_number(count: float) -> None:
    with pytest.raises(PrometheusError, match=r"\{pod=\"a\"\}"):
        counts_of(series(3, count))


@pytest.mark.parametrize("amount", [np.inf, -np.inf, -0.5])
def test_a_quantity_is_neither_infinite_nor_negative(amount: float) -> None:
    with pytest.raises(PrometheusError, match="quantity"):
        quantities_of(series(3, amount))


@pytest.mark.parametrize("number", [np.nan, np.inf, -1, 0.5, 3])
def test_a_flag_is_0_or_1(number: float) -> None:
    assert [is_one(series(0)), is_one(series(1))] == [False, True]
    with pytest.raises(PrometheusError, match="neither 0 nor 1"):
        is_one(series(number))


@pytest.mark.parametrize("moment", [np.nan, np.inf, -1, 6100, 1e300])
def test_the_time_of_a_sample_is_not_after_its_evaluation(moment: float) -> None:
    with pytest.raises(PrometheusError, match="no earlier time"):
        moments_of(series(5990, moment))


@pytest.mark.parametrize(
    ("read", "samples"),
    [(counts_of, (1, 7, 1e9)), (quantities_of, (0, 0.25, np.nan)), (moments_of, (6000, 6059.5))],
)
def test_what_was_expected_is_returned(
    read: Callable[[Series], Floats], samples: tuple[float, ...]
) -> None:
    np.testing.assert_array_equal(read(series(*samples)), samples)
