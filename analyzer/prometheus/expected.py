"""What a query relies on in its answer, beyond the form of the API: its marks and its counts."""

import re
from collections.abc import Collection
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.errors import PrometheusError
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, Series
from analyzer.prometheus.strict import shown

_MOST: Final = 1e15
"""Counts are below: they are exact as floating point."""

NOT_THE_SERVER: Final = "Check whether a cache or a proxy answers in place of the server."
"""What to do about an answer to another question."""

_SLACK_SECONDS: Final = 1.0
"""A millisecond would do: evaluations are rounded to it."""


def marks_of(name: str, label: str) -> frozenset[str]:
    """Return the values of the label by which a query marks the terms of its `or`.

    >>> sorted(marks_of("survey_last_samples", "metric"))
    ['container_cpu_usage_seconds_total', 'istio_requests_total']
    """
    found = re.findall(rf'"{label}", "([^"]*)", "", ""', load_query(name).template)
    return frozenset(found)


def mark_of(series: Series, label: str, known: Collection[str]) -> str:
    """Return the label by which a query marks its terms, or chooses series.

    Raises PrometheusError if the series lacks it, or has a value that is none of `known`.
    """
    mark = series.labels.get(label)
    if mark is None or mark not in known:
        has = "no label" if mark is None else "an unknown value of the label"
        raise _unexpected(series, f"{has} {label!r}, which the query chooses")
    return mark


def require_marked_counts(answer: Response, name: str, label: str) -> None:
    """Check the answer to a query that counts series by mark; raises as `mark_of`, `counts_of`."""
    known = marks_of(name, label)
    for series in answer.series:
        mark_of(series, label, known)
        counts_of(series)


def counts_of(series: Series) -> Floats:
    """Return samples that count something; PrometheusError if one is no whole number from 1 on.

    Where there is nothing to count, PromQL has no series.
    """
    counts = series.samples
    is_count = (counts >= 1) & (counts < _MOST) & (counts == np.rint(counts))
    if not is_count.all():
        raise _unexpected(series, f"{counts[~is_count][0]:g} where the query counts")
    return counts


def quantities_of(series: Series) -> Floats:
    """Return samples that measure something; PrometheusError if one is infinite or below 0.

    What is not known is NaN.
    """
    amounts = series.samples
    is_odd = np.isinf(amounts) | (amounts < 0)
    if is_odd.any():
        raise _unexpected(series, f"{amounts[is_odd][0]:g}, which no such quantity is")
    return amounts


def is_one(series: Series) -> bool:
    """Return whether the first sample is 1 and not 0; PrometheusError if it is neither."""
    number = float(series.samples[0])
    if number not in {0.0, 1.0}:
        raise _unexpected(series, f"{number:g}, which is neither 0 nor 1")
    return number == 1


def moments_of(series: Series) -> Floats:
    """Return samples that are times; PrometheusError if one is later than its evaluation."""
    moments = series.samples
    is_known = (moments >= 0) & (moments <= series.times + _SLACK_SECONDS)
    if not is_known.all():
        raise _unexpected(series, f"{moments[~is_known][0]:g}, which is no earlier time")
    return moments


def _unexpected(series: Series, has: str) -> PrometheusError:
    return PrometheusError(
        f"The server gave another answer than was asked for: the series {shown(series.labels)} has "
        f"{has}.",
        advice=NOT_THE_SERVER,
    )
