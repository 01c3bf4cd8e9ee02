"""Tables of samples, and the one check of each before it is used."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Ints
from analyzer.errors import FrameError
from analyzer.measurement.numbers import are_distinct, first_rows
from analyzer.measurement.possible import require_known, require_possible, without_traces
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.query import Query
from analyzer.prometheus.response import Response, Series
from analyzer.units import counted

TIME: Final = "time"
"""Column of the end of each step, in whole seconds since the epoch (int64)."""

_SIGNIFICANT_DIGITS = 8

_CANONICAL: Final = LabelMapping()

_LATER_LABELS: Final = ("destination_service_namespace", "destination_service_name")
"""Labels that snapshots of version 0.1 do not have."""


def frame_of(
    query: Query,
    answers: Iterable[Response],
    label_mapping: LabelMapping = _CANONICAL,
    *,
    has_categories: bool = False,
    may_have_more: bool = False,
) -> pd.DataFrame:
    """Return the answers to one query as a table: its labels, `time`, and a column of its name.

    Labels are renamed from the installation's to ours; one that it does not have is "". NaN is
    left out: a missing row is a missing value. With `has_categories` labels are categories, which
    take a tenth of the time and memory of texts. With `may_have_more` other labels are left out.

    Raises FrameError if a series carries a label that the query file does not declare, or a value
    that is impossible.
    """
    series = [item for answer in answers for item in answer.series]
    if not series:
        return _no_rows(query)
    samples = _joined([item.samples for item in series])
    require_possible(query, series, samples)
    lengths = [len(item.times) for item in series]
    categories = _categories(query, series, label_mapping, may_have_more=may_have_more)
    columns: dict[str, object] = {
        label: pd.Categorical.from_codes(np.repeat(found.codes, lengths), dtype=found.dtype)
        for label, found in categories.items()
    }
    times = np.rint(_joined([item.times for item in series])).astype(np.int64)
    # What is below zero now is the rest of a rounding.
    values = np.maximum(_rounded(samples), 0.0)
    # Nothing else has these arrays.
    frame = pd.DataFrame({**columns, TIME: times, query.name: values}, copy=False)
    is_known = np.isfinite(values)
    known: pd.DataFrame = frame if is_known.all() else frame[is_known].reset_index(drop=True)
    codes = [found.codes for found in categories.values()]
    if not may_repeat(query) and not (are_distinct(codes, len(series)) and ascend(times, lengths)):
        _require_each_once(query, known)
    return known if has_categories else known.astype(dict.fromkeys(query.labels, "str"))


def _categories(
    query: Query, series: Sequence[Series], label_mapping: LabelMapping, *, may_have_more: bool
) -> dict[str, pd.Categorical]:
    """Return each label of all series, by our names."""
    ours = {} if query.exporter is None else label_mapping.canonical(query.exporter)
    theirs = {label: _names_of(label, ours, may_have_more=may_have_more) for label in query.labels}
    known = {name for names in theirs.values() for name in names}
    for item in series if not may_have_more else ():
        if not known.issuperset(item.labels):
            surplus = min(ours.get(name, name) for name in item.labels if name not in known)
            raise FrameError(f"{query.name}: the answer has an undeclared label {surplus!r}.")
    return {label: _category(series, names) for label, names in theirs.items()}


def _names_of(label: str, ours: Mapping[str, str], *, may_have_more: bool) -> list[str]:
    """Return what the installation calls a label of ours: several names where its jobs differ."""
    theirs = {name for name, meant in ours.items() if meant == label}
    # Among others a label that has our name may have another meaning.
    same = set() if theirs and may_have_more else {label} - ours.keys()
    return sorted(theirs | same)


def _category(series: Sequence[Series], names: Sequence[str]) -> pd.Categorical:
    """Return the label of each series that has one of some names; "" where none has."""
    texts = [""] * len(series)
    for name in names:
        texts = [item.labels.get(name, text) for item, text in zip(series, texts, strict=True)]
    # For the few texts of a small mesh pandas takes twice as long.
    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    numbers = np.fromiter(map(codes.__getitem__, texts), np.int64, len(texts))
    return pd.Categorical.from_codes(numbers, pd.Index([*codes], dtype=object))


def ascend(times: Ints, lengths: Sequence[int] | Ints) -> bool:
    """Return whether the times of each series ascend."""
    is_later = times[1:] > times[:-1]
    is_later[np.cumsum(lengths, dtype=np.int64)[:-1] - 1] = True
    return bool(is_later.all())


def _no_rows(query: Query) -> pd.DataFrame:
    none = pd.array([], dtype="str")
    return pd.DataFrame(
        {
            **dict.fromkeys(query.labels, none),
            TIME: np.empty(0, dtype=np.int64),
            query.name: np.empty(0),
        },
        copy=False,
    )


def sorted_frame(query: Query, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return all rows of `frames` in one order, independent of the order of fetching."""
    whole = pd.concat(frames, ignore_index=True) if frames else frame_of(query, ())
    if may_repeat(query):
        whole = whole.drop_duplicates([*query.labels, TIME])
    return whole.sort_values([*query.labels, TIME], kind="stable", ignore_index=True)


def check_frame(query: Query, frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with what `query` declares; else FrameError names column or first row.

    What no counter can show is zero.
    """
    later = [name for name in _LATER_LABELS if name in query.labels and name not in frame]
    if later:
        frame = frame.assign(**dict.fromkeys(later, "")).astype(dict.fromkeys(later, "str"))
    lacking = [name for name in (*query.labels, TIME, query.name) if name not in frame]
    if lacking:
        raise FrameError(f"{query.name}: the table lacks the column {lacking[0]!r}.")
    require_known(query, frame)
    _require_each_once(query, frame)
    whole = without_traces(frame[query.name].to_numpy(np.float64))
    return frame if (whole == frame[query.name]).all() else frame.assign(**{query.name: whole})


def may_repeat(query: Query) -> bool:
    """Return whether two answers may have the same row."""
    # Jobs that name the pod differently have different pods, but may have the same objects.
    return "namespace" in query.labels and "pod" not in query.labels


def _require_each_once(query: Query, frame: pd.DataFrame) -> None:
    if _ascends(query, frame):
        return
    twice = frame.duplicated([*query.labels, TIME])
    if twice.any():
        raise FrameError(
            f"{query.name}: {counted(int(twice.sum()), 'duplicate row')}, the first in row "
            f"{twice.idxmax()}."
        )


def _ascends(query: Query, frame: pd.DataFrame) -> bool:
    """Return whether each series is in one piece, in the order of time: then no row is twice."""
    labels = frame[[*query.labels]]
    firsts = first_rows(labels)
    lengths = np.diff(firsts, append=len(frame)).tolist()
    is_twice = labels.iloc[firsts].duplicated().any()
    return not is_twice and ascend(frame[TIME].to_numpy(), lengths)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Round what is not whole to `_SIGNIFICANT_DIGITS`.

    Prometheus adds series in no fixed order, so the last bits of a sum differ between evaluations.
    A snapshot must not.
    """
    values = without_traces(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
        unit = 10.0 ** (_SIGNIFICANT_DIGITS - 1 - exponent)
        rounded = np.rint(values * unit) / unit
    whole = ~np.isfinite(unit) | (values == np.rint(values))
    return np.where(whole, values, rounded)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.empty(0)
