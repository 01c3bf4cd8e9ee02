"""Bodies are decoded as Prometheus's API documents them, or refused in words."""

import json
from typing import Any

import numpy as np
import pytest

from analyzer.errors import PrometheusError
from analyzer.prometheus.response import Response, Series, decode, joined


def body(result_type: str, result: Any, **more: object) -> bytes:  # noqa: ANN401 - JSON
    data = {"resultType": result_type, "result": result}
    return json.dumps({"status": "success", "data": data, **more}).encode()


def test_a_matrix_becomes_arrays() -> None:
    answer = decode(
        body("matrix", [{"metric": {"pod": "a"}, "values": [[1000, "0.5"], [1600.25, "2"]]}])
    )

    (series,) = answer.series
    assert series.labels == {"pod": "a"}
    assert {str(series.times.dtype), str(series.samples.dtype)} == {"float64"}
    assert series.times.tolist() == [1000.0, 1600.25]
    assert series.samples.tolist() == [0.5, 2.0]


def test_a_vector_is_a_matrix_of_one_point() -> None:
    answer = decode(
        body("vector", [{"metric": {}, "value": [1000, "3"]}, {"metric": {}, "value": [1000, "4"]}])
    )

    assert [series.times.tolist() for series in answer.series] == [[1000.0], [1000.0]]
    assert [series.samples.tolist() for series in answer.series] == [[3.0], [4.0]]


def test_a_scalar_is_a_series_without_labels() -> None:
    (series,) = decode(body("scalar", [1000, "1"])).series

    assert series.labels == {}
    assert series.samples.tolist() == [1.0]


def test_what_is_no_number_stays_none() -> None:
    (series,) = decode(
        body("matrix", [{"metric": {}, "values": [[1, "NaN"], [2, "+Inf"], [3, "-Inf"]]}])
    ).series

    np.testing.assert_array_equal(series.samples, [np.nan, np.inf, -np.inf])


def test_nothing_found_is_an_answer() -> None:
    assert decode(body("matrix", [])).series == ()


def test_the_servers_remarks_are_kept() -> None:
    answer = decode(body("matrix", [], warnings=["a store is down"], infos=["not a counter"]))

    assert answer.warnings == ("a store is down", "not a counter")


@pytest.mark.parametrize(
    ("content", "opening"),
    [
        (b"", "it is empty"),
        (b"<html>\n <title>Sign in</title>", "it begins '<html> <title>Sign in</title>'"),
        (b"[]", "it begins '\\[\\]'"),
        (b'{"status":"success"}', 'it begins \'{"status":"success"}\''),
        (b"\xff\xfe\x00", "it begins"),
        (body("matrix", None), "it begins"),
        (body("matrix", [{"metric": {}}]), "it begins"),
        (body("matrix", [{"metric": {}, "values": [[1, "one"]]}]), "it begins"),
        (body("matrix", [{"metric": {}, "values": [[1]]}]), "it begins"),
        (body("matrix", [{"metric": None, "values": []}]), "it begins"),
        (body("matrix", ["a"]), "it begins"),
        (body("string", [1, "a"]), "it begins"),
        (body("matrix", [{"metric": {}, "values": [[1, "2"]]}])[:-9], "it begins"),
    ],
    ids=[
        "empty", "page", "list", "no data", "bytes", "no result", "no values", "no number",
        "no pair", "no labels", "no series", "string", "cut",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_with_how_it_begins(content: bytes, opening: str) -> None:
    with pytest.raises(PrometheusError, match=rf"the answer {opening.removeprefix('it ')}"):
        decode(content)


def test_a_long_body_is_not_repeated_whole() -> None:
    with pytest.raises(PrometheusError) as caught:
        decode(b"<p>" + b"x" * 10_000)

    assert len(str(caught.value)) < 120


def series(pod: str, *times: float) -> Series:
    return Series(labels={"pod": pod}, times=np.array(times), samples=2 * np.array(times))


def test_responses_to_consecutive_times_are_one() -> None:
    first = Response(series=(series("a", 1, 2), series("b", 2)), warnings=("odd",))
    second = Response(series=(series("a", 3), series("c", 4)), warnings=("odd", "cut"))
    whole = joined([first, second])

    found = {one.labels["pod"]: one.times.tolist() for one in whole.series}
    assert found == {"a": [1, 2, 3], "b": [2], "c": [4]}
    assert all((one.samples == 2 * one.times).all() for one in whole.series)
    assert whole.warnings == ("odd", "cut")
