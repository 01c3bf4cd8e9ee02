"""Answers of Prometheus as numpy arrays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from analyzer.arrays import Floats
from analyzer.errors import PrometheusError


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: as Prometheus gave them; an absent label means "".
        times: seconds since the epoch, shape (n,).
        samples: shape (n,); NaN where Prometheus has NaN.
    """

    labels: Mapping[str, str]
    times: Floats
    samples: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """All series of one answer, and the server's remarks on it.

    Attributes:
        warnings: the server's `warnings` and `infos`, and a sentence for VictoriaMetrics's flag
            of a partial answer; an answer with warnings may be incomplete.
    """

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


_PARTIAL = "isPartial: some vmstorage nodes did not answer"
"""VictoriaMetrics's cluster has a flag where Prometheus and Thanos have words."""


def decode(content: bytes) -> Response:
    """Read the body of a successful answer of /api/v1/query or /api/v1/query_range.

    Raises:
        PrometheusError: if the body is not what Prometheus's API documents.
    """
    try:
        document = orjson.loads(content)
        data = document["data"]
        kind, result = data["resultType"], data["result"]
        if kind == "scalar":
            result = [{"metric": {}, "value": result}]
        series = tuple(_series(item) for item in result)
        warnings = (*(document.get("warnings") or ()), *(document.get("infos") or ()))
        partial = (_PARTIAL,) if document.get("isPartial") else ()
        return Response(series=series, warnings=(*map(str, warnings), *partial))
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        text = " ".join(content[:200].decode("utf-8", "replace").split())
        opening = f"begins {text[:60]!r}" if text else "is empty"
        raise PrometheusError(f"the answer {opening}, which is not Prometheus's API") from error


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


def _series(item: Mapping[str, Any]) -> Series:
    points = item["values"] if "values" in item else [item["value"]]
    count = len(points)
    return Series(
        labels=dict(item["metric"]),
        times=np.fromiter((point[0] for point in points), float, count),
        samples=np.fromiter((float(point[1]) for point in points), float, count),
    )
