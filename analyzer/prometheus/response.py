"""Answers of Prometheus as numpy arrays, read strictly: a wrong answer is never an empty one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson

from analyzer.arrays import Floats
from analyzer.errors import FailedAnswer, PrometheusError
from analyzer.units import counted
from analyzer.window import Chunk, TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: as Prometheus gave them; an absent label means "".
        times: seconds since the epoch, ascending, shape (n,).
        samples: shape (n,); NaN where Prometheus has NaN.
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

_NUMBER: Final = frozenset("0123456789+-.eENaInf")
"""Characters of a number as Go writes it. Python reads more: "1_0", " 1", "infinity"."""

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
    if not content.strip():
        raise FailedAnswer("the answer is empty, which is not Prometheus's API")
    try:
        document = orjson.loads(content)
        if document["status"] == "error":
            raise FailedAnswer(words=str(document.get("error") or "no reason is given"))
        return _response(document, types)
    except _NOT_READ as error:
        text = " ".join(content[:200].decode("utf-8", "replace").split())
        # A `_StrangeError` has the reason; of other errors the text is about Python.
        reason = f" ({error})" if isinstance(error, _StrangeError) else ""
        problem = f"the answer begins {text[:60]!r}, which is not Prometheus's API{reason}"
        raise PrometheusError(problem) from error


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
    moved = (replace(one, times=one.times + seconds) for one in response.series)
    return replace(response, series=tuple(moved)) if seconds else response


def stray_time(response: Response, window: TimeWindow, chunk: Chunk) -> datetime | None:
    """Return a time of a response that is none of the points of a chunk; None if there is none."""
    strays = (window.stray_time(one.times, chunk) for one in response.series)
    return next((stray for stray in strays if stray is not None), None)


class _StrangeError(ValueError):
    """A difference from Prometheus's API; the text is a clause that names it."""


def _response(document: Mapping[str, Any], types: frozenset[str]) -> Response:
    if document["status"] != "success":
        raise _StrangeError("its status is neither success nor error")
    kind, result = document["data"]["resultType"], document["data"]["result"]
    # Nothing found is the same answer as a vector and as a matrix.
    if kind not in types and not (result == [] and kind in MATRIX | INSTANT):
        raise _StrangeError(f"its resultType is not {' or '.join(sorted(types))}")
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    if not isinstance(result, list):
        raise _StrangeError("its result is not a list")
    series = tuple(_series(item, is_matrix=kind == "matrix") for item in result)
    # A vector may have two series without labels: names of metrics are left out by functions.
    if kind == "matrix" and len({frozenset(one.labels.items()) for one in series}) < len(series):
        raise _StrangeError("it has two series with the same labels")
    histograms = sum("histograms" in item or "histogram" in item for item in result)
    return Response(series=series, warnings=(*_remarks(document), *_left_out(histograms)))


def _remarks(document: Mapping[str, Any]) -> list[str]:
    lists = [document.get(key) or [] for key in ("warnings", "infos")]
    if not all(isinstance(one, list) for one in lists):
        raise _StrangeError("its warnings are not a list")
    partial = [_PARTIAL] if document.get("isPartial") else []
    return [*(str(text) for texts in lists for text in texts), *partial]


def _left_out(histograms: int) -> tuple[str, ...]:
    if not histograms:
        return ()
    held = counted(histograms, "series of the answer", "series of the answer")
    return (f"{held} had native histograms, which istio-usage does not read. They were left out.",)


def _series(item: Mapping[str, Any], *, is_matrix: bool) -> Series:
    labels = item["metric"]
    if not isinstance(labels, dict) or not set(map(type, labels.values())) <= {str}:
        raise _StrangeError("a label is not text")
    times, samples = _points(_pairs(item, is_matrix=is_matrix))
    return Series(labels=labels, times=times, samples=samples)


def _pairs(item: Mapping[str, Any], *, is_matrix: bool) -> Sequence[Any]:
    key, histogram = ("values", "histograms") if is_matrix else ("value", "histogram")
    if key not in item and histogram in item:
        return ()
    pairs: Sequence[Any] = item[key] if is_matrix else [item[key]]
    return pairs


def _points(pairs: Sequence[Any]) -> tuple[Floats, Floats]:
    """Return times and samples of pairs of a number and a number in quotes."""
    seconds, texts = [time for time, _ in pairs], [text for _, text in pairs]
    # One look at the characters of a series costs less than a pattern for each of its samples.
    if not (set(map(type, texts)) <= {str} and _NUMBER.issuperset("".join(texts))):
        raise _StrangeError("a sample is not a number in quotes")
    if not set(map(type, seconds)) <= {int, float}:
        raise _StrangeError("a time is not a number")
    times = np.array(seconds, dtype=float)
    if not (np.diff(times) > 0).all():
        raise _StrangeError("its times are not in order")
    return times, np.array([float(text) for text in texts], dtype=float)
