"""Answers of Prometheus as numpy arrays, read strictly: a wrong answer is never an empty one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import orjson

from analyzer.arrays import Floats
from analyzer.errors import FailedAnswer, PrometheusError
from analyzer.prometheus.points import Cut, cut
from analyzer.prometheus.strict import (
    StrangeError,
    labels_of,
    names_of,
    object_of,
    points_of,
    remarks_of,
    shown,
)
from analyzer.units import counted
from analyzer.window import Chunk, TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer, which has at least one point.

    Attributes:
        labels: as Prometheus gave them; an absent label means "".
        times: seconds since the epoch, ascending, shape (n,).
        samples: shape (n,); NaN and infinity where Prometheus has them.
    """

    labels: Mapping[str, str]
    times: Floats
    samples: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """All series of one answer, and the server's remarks on it.

    Attributes:
        warnings: the server's `warnings` and `infos`, and a sentence each for VictoriaMetrics's
            flag of a partial answer and for native histograms, which are left out; an answer with
            warnings may be incomplete.
    """

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


MATRIX: Final = frozenset({"matrix"})
"""The `resultType` of a range query, and of an instant query for a range of samples."""

INSTANT: Final = frozenset({"vector", "scalar"})
"""The `resultType` of other instant queries; the text of a "string" is never asked for."""

_PARTIAL = "isPartial: some vmstorage nodes did not answer"
"""VictoriaMetrics's cluster has a flag where Prometheus and Thanos have words."""

_NOT_READ = (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError)
"""What reading a body of another form may raise."""


def types_asked(url: str, promql: str) -> frozenset[str]:
    """Return which `resultType` answers a query that is sent to an endpoint of the API."""
    is_range = url.endswith("/query_range") or promql.rstrip().endswith("]")
    return MATRIX if is_range else INSTANT


def decode(content: bytes, types: frozenset[str] = MATRIX | INSTANT) -> Response:
    """Read the body of a successful answer of /api/v1/query or /api/v1/query_range.

    Args:
        content: the body.
        types: what its `resultType` may be.

    Raises:
        FailedAnswer: if the body is empty or holds an error.
        PrometheusError: if the body is not what Prometheus's API documents.
    """
    return _quickly(content, types) or _strictly(content, types)


def _quickly(content: bytes, types: frozenset[str]) -> Response | None:
    """Return the answer if nothing is wrong with it; None where a closer look is needed."""
    points = cut(content)
    if points is None:
        return None
    try:
        return _response(orjson.loads(points.rest), types, points)
    except _NOT_READ:
        # What is wrong, and where, is found in the whole body.
        return None


def _strictly(content: bytes, types: frozenset[str]) -> Response:
    document = _document(content)
    try:
        return _response(document, types)
    except _NOT_READ as error:
        raise _strange(content, error) from error


def decode_values(content: bytes) -> tuple[str, ...]:
    """Read the body of a successful answer of /api/v1/label/<name>/values; raises as `decode`."""
    document = _document(content)
    try:
        _require_success(document)
        return names_of(document["data"])
    except _NOT_READ as error:
        raise _strange(content, error) from error


def _document(content: bytes) -> Mapping[str, Any]:
    if not content.strip():
        raise FailedAnswer("the answer is empty, which is not Prometheus's API")
    try:
        document = orjson.loads(content)
        is_error = document["status"] == "error"
    except _NOT_READ as error:
        raise _strange(content, error) from error
    if is_error:
        words = document.get("error")
        raise FailedAnswer(
            words=words if isinstance(words, str) and words else "no reason is given"
        )
    whole: Mapping[str, Any] = document
    return whole


def _strange(content: bytes, error: Exception) -> PrometheusError:
    text = " ".join(content[:200].decode("utf-8", "replace").split())
    # A `StrangeError` has the reason; of other errors the text is about Python.
    reason = f" ({error})" if isinstance(error, StrangeError) else ""
    return PrometheusError(
        f"the answer begins {text[:60]!r}, which is not Prometheus's API{reason}"
    )


def joined(responses: Iterable[Response]) -> Response:
    """Return the responses to one query over consecutive times as one: each series once."""
    warnings: dict[str, None] = {}
    pieces: dict[frozenset[tuple[str, str]], list[Series]] = {}
    for response in responses:
        warnings.update(dict.fromkeys(response.warnings))
        for one in response.series:
            pieces.setdefault(frozenset(one.labels.items()), []).append(one)
    series = (
        Series(
            labels=parts[0].labels,
            times=np.concatenate([part.times for part in parts]),
            samples=np.concatenate([part.samples for part in parts]),
        )
        for parts in pieces.values()
    )
    return Response(series=tuple(series), warnings=tuple(warnings))


def shifted(response: Response, seconds: float) -> Response:
    """Return a response with all its times moved by some seconds."""
    if not seconds:
        return response
    # One addition for all series, which are small and many.
    times, begin, moved = _times_of(response) + seconds, 0, []
    for one in response.series:
        end = begin + len(one.times)
        moved.append(Series(labels=one.labels, times=times[begin:end], samples=one.samples))
        begin = end
    return replace(response, series=tuple(moved))


def _times_of(response: Response) -> Floats:
    """Return the times of all series, one after the other."""
    return np.concatenate([np.empty(0), *(one.times for one in response.series)])


_RANGE: Final = re.compile(r"\[(\d+)s\]\s*$")

_SLACK_SECONDS: Final = 300
"""Some servers move the time of an instant query to a multiple of a step."""


def stray_instant(response: Response, promql: str, at: datetime) -> datetime | None:
    """Return a time of the response to an instant query that was not asked for; None if all were.

    Args:
        response: to an instant query.
        promql: the query, which ends with the seconds that it looks back if it reads a range.
        at: the time that was asked for.
    """
    found = _RANGE.search(promql)
    latest = at.timestamp() + _SLACK_SECONDS
    earliest = at.timestamp() - _SLACK_SECONDS - (int(found[1]) if found else 0)
    ends = [float(time) for one in response.series for time in (one.times[0], one.times[-1])]
    stray = next((time for time in ends if not earliest <= time <= latest), None)
    return None if stray is None else datetime.fromtimestamp(stray, UTC)


def stray_time(response: Response, window: TimeWindow, chunk: Chunk) -> datetime | None:
    """Return a time of a response that is none of the points of a chunk; None if there is none."""
    return window.stray_time(_times_of(response), chunk)


def _require_success(document: Mapping[str, Any]) -> None:
    if document["status"] != "success":
        raise StrangeError("its status is neither success nor error")


def _response(
    document: Mapping[str, Any], types: frozenset[str], points: Cut | None = None
) -> Response:
    """Return the answer in a document; `points` are those that it has numbers in place of."""
    _require_success(document)
    kind, result = document["data"]["resultType"], document["data"]["result"]
    # Nothing found is the same answer as a vector and as a matrix.
    if kind not in types and not (result == [] and kind in MATRIX | INSTANT):
        raise StrangeError(f"its resultType is not {' or '.join(sorted(types))}")
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    if not isinstance(result, list):
        raise StrangeError("its result is not a list")
    found = [
        _series(item, place, points, is_matrix=kind == "matrix")
        for place, item in enumerate(result, 1)
    ]
    series = tuple(one for one in found if one is not None)
    _require_each_once(series, is_matrix=kind == "matrix")
    histograms = sum(1 for item in result if "histograms" in item or "histogram" in item)
    return Response(series=series, warnings=(*_remarks(document), *_left_out(histograms)))


def _require_each_once(series: tuple[Series, ...], *, is_matrix: bool) -> None:
    each = [one.labels for one in series]
    if len(set(map(tuple, each))) == 1:
        # Texts cost less than sets.
        texts = {"\0".join(labels.values()) for labels in each}
        if len(texts) == len(each):
            return
    # A vector may have two series without labels: names of metrics are left out by functions.
    known: set[frozenset[tuple[str, str]]] = set()
    for one in series:
        labels = frozenset(one.labels.items())
        if labels in known and (labels or is_matrix):
            raise StrangeError(f"it has two series with the same labels {shown(one.labels)}")
        known.add(labels)


def _remarks(document: Mapping[str, Any]) -> tuple[str, ...]:
    is_partial = document.get("isPartial") or False
    if not isinstance(is_partial, bool):
        raise StrangeError("its isPartial is neither true nor false")
    return (*remarks_of(document), *((_PARTIAL,) if is_partial else ()))


def _left_out(histograms: int) -> tuple[str, ...]:
    if not histograms:
        return ()
    held = counted(histograms, "series of the answer", "series of the answer")
    return (f"{held} had native histograms, which istio-usage does not read. They were left out.",)


def _series(item: object, place: int, points: Cut | None, *, is_matrix: bool) -> Series | None:
    """Return a series; None if it has histograms only."""
    key, histogram = ("values", "histograms") if is_matrix else ("value", "histogram")
    labels: dict[str, str] | None = None
    try:
        fields = object_of(item)
        labels = labels_of(fields.get("metric"))
        if key not in fields and histogram in fields:
            return None
        found = fields.get(key)
        if points is None:
            times, samples = points_of(found if is_matrix else [found])
        else:
            times, samples = points.of(found)
    except StrangeError as error:
        where = "" if labels is None else f" {shown(labels)}"
        raise StrangeError(f"series {place:,}{where}: {error}") from error
    return Series(labels=labels, times=times, samples=samples)
