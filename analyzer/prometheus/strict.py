"""The strict part of decoding: labels, points and remarks as Prometheus's API documents them."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from typing import Any, Final

import numpy as np

from analyzer.arrays import Floats

LARGEST_SAMPLE: Final = 1e19
"""No quantity of a mesh is larger: a limit of 2^63 bytes means none. Larger ones would overflow."""

_LATEST_SECONDS: Final = 253_402_300_799
"""The end of the year 9999: Python has no later time."""

LONGEST_NUMBER: Final = 350
"""Characters. Some servers write the smallest numbers without an exponent, in 330."""

_LONGEST_NAME: Final = 1000
LONGEST_VALUE: Final = 4096
_MOST_LABELS: Final = 1000
"""Of one series: the kubelet's and kube-state-metrics's labels are far fewer and shorter."""

_LONGEST_REMARK: Final = 500
_MOST_REMARKS: Final = 50

_SHOWN: Final = 80
"""Characters of a series' labels that a message repeats."""

NUMBER: Final = frozenset("0123456789+-.eENaInf")
"""Characters of a number as Go writes it. Python reads more: "1_0", " 1", "infinity"."""

_INFINITE: Final = frozenset({"Inf", "+Inf", "-Inf"})


class StrangeError(ValueError):
    """A difference from Prometheus's API; the text is a clause that names it."""


def shown(labels: Mapping[str, object]) -> str:
    """Return the labels of a series as a message names it, cut.

    >>> shown({"pod": "a"})
    '{pod="a"}'
    """
    first = islice(labels.items(), _SHOWN // 4)
    # JSON escapes line ends and quotes.
    pairs = (f"{name[:_SHOWN]}={json.dumps(str(value)[:_SHOWN])}" for name, value in first)
    text = f"{{{', '.join(pairs)}}}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def object_of(item: object, what: str = "it") -> dict[str, Any]:
    """Return an object; StrangeError if it is another type."""
    if not isinstance(item, dict):
        raise StrangeError(f"{what} is not an object")
    return item


def labels_of(found: object) -> dict[str, str]:
    """Return the labels of a series; StrangeError if they are none."""
    metric = object_of(found, "its metric")
    if _are_short(metric):
        return metric
    if not set(map(type, metric.values())) <= {str}:
        name = next(name for name, value in metric.items() if type(value) is not str)
        raise StrangeError(f"label {name[:_SHOWN]!r} is not text")
    if len(metric) > _MOST_LABELS:
        raise StrangeError(f"it has {len(metric):,} labels")
    for name, value in metric.items():
        if not 0 < len(name) <= _LONGEST_NAME:
            raise StrangeError(f"the name of a label has {len(name):,} characters")
        if len(value) > LONGEST_VALUE:
            raise StrangeError(f"label {name[:_SHOWN]!r} has {len(value):,} characters")
    return metric


def _are_short(metric: dict[str, Any]) -> bool:
    """Return whether all labels are texts that are short even together, as nearly all are."""
    try:
        length = len("".join(metric.values()))
    except TypeError:
        return False
    return length <= LONGEST_VALUE and len("".join(metric)) <= _LONGEST_NAME and "" not in metric


def are_in_range(times: Floats, samples: Floats) -> bool:
    """Return whether all points are at possible times, and no sample is too large."""
    is_known = (times >= 0) & (times <= _LATEST_SECONDS) & ~(np.abs(samples) > LARGEST_SAMPLE)
    return bool(is_known.all())


def points_of(pairs: object) -> tuple[Floats, Floats]:
    """Return times and samples of pairs of a number and a number in quotes; shape (n,), n > 0.

    Raises StrangeError with the first point that is none, or out of order.
    """
    if not isinstance(pairs, list):
        raise StrangeError("its points are not a list")
    if not pairs:
        raise StrangeError("it has no points")
    # One look at the points of a series costs less than a look at each.
    if not (set(map(type, pairs)) <= {list} and set(map(len, pairs)) <= {2}):
        raise StrangeError(_first_fault(pairs))
    seconds, texts = [time for time, _ in pairs], [text for _, text in pairs]
    is_form = (
        set(map(type, texts)) <= {str}
        and NUMBER.issuperset("".join(texts))
        and set(map(type, seconds)) <= {int, float}
    )
    if not is_form:
        raise StrangeError(_first_fault(pairs))
    try:
        times, samples = np.array(seconds, dtype=float), np.array([*map(float, texts)], dtype=float)
    except ValueError as error:
        raise StrangeError(_first_fault(pairs)) from error
    if not are_in_range(times, samples) or max(map(len, texts)) > LONGEST_NUMBER:
        # Infinity is larger too, and is a number as Go writes it.
        fault = _first_fault(pairs)
        if fault:
            raise StrangeError(fault)
    if not (np.diff(times) > 0).all():
        place = next(n for n, (one, other) in enumerate(pairwise(seconds), 2) if other <= one)
        raise StrangeError(f"its times are not in order at point {place:,}")
    return times, samples


def _first_fault(pairs: list[Any]) -> str:
    """Return what is wrong with the first point of which something is; "" if nothing is."""
    faults = ((place, fault) for place, pair in enumerate(pairs, 1) if (fault := _fault(pair)))
    place, fault = next(faults, (0, ""))
    return fault and f"at point {place:,}, {fault}"


def _fault(pair: object) -> str:
    if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - a pair
        return "there is no pair of a time and a sample"
    time, text = pair
    if type(time) not in {int, float}:
        return "a time is not a number"
    if not 0 <= time <= _LATEST_SECONDS:
        return "a time is not between 1970 and 9999"
    return _fault_of_sample(text)


def _fault_of_sample(text: object) -> str:
    is_text = isinstance(text, str) and NUMBER.issuperset(text)
    try:
        number = float(str(text)) if is_text else None
    except ValueError:
        number = None
    if number is None:
        return "a sample is not a number in quotes"
    if len(str(text)) > LONGEST_NUMBER:
        return f"a sample has {len(str(text)):,} characters"
    is_too_large = abs(number) > LARGEST_SAMPLE and text not in _INFINITE
    return "a sample is above 1e19" if is_too_large else ""


def remarks_of(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the server's `warnings` and `infos`, cut; StrangeError if they are no texts."""
    for key in ("warnings", "infos"):
        texts = document.get(key) or []
        if not isinstance(texts, list) or not set(map(type, texts)) <= {str}:
            raise StrangeError(f"its {key} are not a list of texts")
        yield from (text[:_LONGEST_REMARK] for text in texts[:_MOST_REMARKS])
        if len(texts) > _MOST_REMARKS:
            yield f"{len(texts) - _MOST_REMARKS:,} more {key} were left out"


def names_of(values: object) -> tuple[str, ...]:
    """Return the values of a label; StrangeError if they are no texts."""
    if not isinstance(values, list) or not set(map(type, values)) <= {str}:
        raise StrangeError("its data are not a list of texts")
    if any(len(value) > LONGEST_VALUE for value in values):
        raise StrangeError(f"it has a value of more than {LONGEST_VALUE:,} characters")
    return tuple(values)
