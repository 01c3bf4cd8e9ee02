"""Bodies are decoded as Prometheus's API documents them, or refused in words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from analyzer.errors import FailedAnswer, PrometheusError
from analyzer.prometheus.response import (
    INSTANT,
    MATRIX,
    Response,
    Series,
    decode,
    decode_values,
    joined,
    stray_instant,
    stray_time,
    types_asked,
)
from analyzer.window import Chunk, TimeWindow


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


def answer_of(*pairs: object, labels: object = None) -> bytes:
    return body("matrix", [{"metric": {} if labels is None else labels, "values": list(pairs)}])


@pytest.mark.parametrize(
    "text",
    ["1_0", " 1", "1 ", "", "0x1p-2", "infinity", "\u0661", "1e", "--1", 1, True, None, ["1"]],
)
def test_a_sample_is_a_number_as_go_writes_it(text: object) -> None:
    with pytest.raises(PrometheusError, match="the answer begins"):
        decode(answer_of([1, "1"], [2, text]))


@pytest.mark.parametrize("text", ["0", "-0", "1e+06", "1e-07", "0.1", "+Inf", "-Inf", "NaN", "Inf"])
def test_numbers_of_every_engine_are_read(text: str) -> None:
    (series,) = decode(answer_of([1, text])).series

    np.testing.assert_array_equal(series.samples, [float(text)])


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([["1", "2"]], "a time is not"),
        ([[True, "2"]], "a time is not"),
        ([[None, "2"]], "a time is not"),
        ([[1, "2", "3"]], "begins"),
        (["12"], "no pair"),
        ([{"1": 2, "3": 4}], "no pair"),
        ([[1, "1"], [2, "1"], [3]], "at point 3"),
        ([[-1, "1"]], "between 1970 and 9999"),
        ([[1, "1"], [1e300, "1"]], "at point 2"),
        ([[253_402_300_800, "1"]], "between 1970 and 9999"),
        ([[1, "9" * 400]], "400 characters"),
        ([[1, "1"], [2, "1e999"]], "at point 2, a sample is above"),
        ([[1, "-1e300"]], "a sample is above"),
        ([], "no points"),
        ([[1, "1"], [3, "1"], [2, "1"]], "not in order at point 3"),
        ([[2, "1"], [1, "1"]], "not in order"),
        ([[1, "1"], [1, "1"]], "not in order"),
    ],
)
def test_a_point_is_a_time_and_a_sample(pairs: list[object], reason: str) -> None:
    with pytest.raises(PrometheusError, match=reason):
        decode(answer_of(*pairs))


@pytest.mark.parametrize("labels", [{"pod": 1}, {"pod": None}, {"pod": ["a"]}])
def test_a_label_is_text(labels: object) -> None:
    with pytest.raises(PrometheusError, match="label 'pod' is not text"):
        decode(answer_of([1, "1"], labels=labels))


@pytest.mark.parametrize("labels", [["pod"], "pod", 1, False])
def test_labels_are_an_object(labels: object) -> None:
    with pytest.raises(PrometheusError, match="not an object"):
        decode(answer_of([1, "1"], labels=labels))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"pod": "x" * 10_000_000}, "'pod' has 10,000,000 characters"),
        ({"x" * 2000: "a"}, "2,000 characters"),
        ({"": "a"}, "0 characters"),
        ({f"label_{number}": "a" for number in range(100_000)}, "100,000 labels"),
    ],
)
def test_labels_are_bounded(labels: dict[str, str], reason: str) -> None:
    with pytest.raises(PrometheusError, match=reason) as caught:
        decode(answer_of([1, "1"], labels=labels))

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", ["\x00", "\x1b[2J", "a\nb", "\u202e", '"}', "x" * 4000, ""])
def test_any_text_is_the_value_of_a_label(value: str) -> None:
    (series,) = decode(answer_of([1, "1"], labels={"pod": value})).series

    assert series.labels == {"pod": value}


def test_a_fault_is_named_with_its_series() -> None:
    good = {"metric": {"pod": "a"}, "values": [[1, "1"]]}
    bad = {"metric": {"pod": "b\n", "namespace": "x" * 500}, "values": [[1, "1"], [2, "one"]]}
    with pytest.raises(PrometheusError) as caught:
        decode(body("matrix", [good, bad]))

    text = str(caught.value)
    assert "series 2" in text
    assert "point 2" in text
    assert '{pod="b' in text
    assert "\n" not in text
    assert len(text) < 400


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"status":"success","data":' * 3000])
def test_what_is_nested_too_deep_is_refused(content: bytes) -> None:
    with pytest.raises(PrometheusError, match="the answer begins"):
        decode(content)


def test_infinity_is_a_number_and_the_largest_limit_too() -> None:
    (series,) = decode(answer_of([1, "+Inf"], [2, "9223372036854775807"])).series

    assert series.samples.tolist() == [np.inf, 2.0**63]


def test_a_series_is_in_a_matrix_once() -> None:
    one = {"metric": {"pod": "a"}, "values": [[1, "1"]]}
    with pytest.raises(PrometheusError, match="same labels"):
        decode(body("matrix", [one, one]))


def test_a_series_with_labels_is_in_a_vector_once() -> None:
    one = {"metric": {"pod": "a"}, "value": [1, "1"]}
    with pytest.raises(PrometheusError, match="same labels"):
        decode(body("vector", [one, {"metric": {}, "value": [1, "1"]}, one]))


@pytest.mark.parametrize("more", [{}, {"data": {"resultType": "matrix", "result": []}}])
def test_an_error_is_none_of_the_empty_answers(more: dict[str, object]) -> None:
    document = {"status": "error", "errorType": "execution", "error": "store down", **more}
    with pytest.raises(FailedAnswer) as caught:
        decode(json.dumps(document).encode())

    assert caught.value.words == "store down"


@pytest.mark.parametrize("status", ["Success", "partial", None, 200])
def test_the_status_is_one_of_two(status: object) -> None:
    data = {"resultType": "matrix", "result": []}
    with pytest.raises(PrometheusError, match="status"):
        decode(json.dumps({"status": status, "data": data}).encode())
    with pytest.raises(PrometheusError, match="begins"):
        decode(json.dumps({"data": data}).encode())


VECTOR = body("vector", [{"metric": {}, "value": [1, "1"]}])


@pytest.mark.parametrize(
    ("content", "types"),
    [
        (VECTOR, MATRIX),
        (body("scalar", [1, "1"]), MATRIX),
        (answer_of([1, "1"]), INSTANT),
        (body("matrix", [{"metric": {}, "value": [1, "1"]}]), MATRIX),
        (body("vector", [{"metric": {}, "values": [[1, "1"]]}]), INSTANT),
        (body("streams", []), MATRIX),
        (body("string", []), INSTANT),
    ],
)
def test_another_type_of_result_is_no_answer(content: bytes, types: frozenset[str]) -> None:
    with pytest.raises(PrometheusError, match="the answer begins"):
        decode(content, types)


def test_nothing_found_is_the_same_answer_in_both_types() -> None:
    assert decode(body("vector", []), MATRIX) == decode(body("matrix", []), INSTANT)


def test_the_type_of_a_result_follows_from_the_question() -> None:
    assert types_asked("http://p/api/v1/query_range", "up") == MATRIX
    assert types_asked("http://p/api/v1/query", "up[300s] ") == MATRIX
    assert types_asked("http://p/api/v1/query", "rate(up[300s])") == INSTANT


def test_native_histograms_are_left_out_with_a_remark() -> None:
    both = {"metric": {"pod": "a"}, "values": [[1, "2"]], "histograms": [[1, {"count": "3"}]]}
    only = {"metric": {"pod": "b"}, "histograms": [[1, {"count": "3"}]]}
    answer = decode(body("matrix", [both, only]), MATRIX)

    assert [one.samples.tolist() for one in answer.series] == [[2.0]]
    (remark,) = answer.warnings
    assert remark.startswith("2 series ")
    assert "native histograms" in remark
    instant = decode(body("vector", [{"metric": {}, "histogram": [1, {}]}]), INSTANT)
    assert instant.series == ()
    assert instant.warnings[0].startswith("1 series ")


@pytest.mark.parametrize("remarks", ["a store is down", {"a": 1}, [1], [None], [["a"]], 7, True])
@pytest.mark.parametrize("key", ["warnings", "infos"])
def test_remarks_are_a_list_of_texts(remarks: object, key: str) -> None:
    with pytest.raises(PrometheusError, match=key):
        decode(body("matrix", [], **{key: remarks}))


def test_remarks_are_bounded() -> None:
    answer = decode(body("matrix", [], warnings=["x" * 600] * 5000))

    assert len("".join(answer.warnings)) < 30_000
    assert answer.warnings[-1].startswith("4,950 more")


@pytest.mark.parametrize("flag", ["false", 1, [], {"a": 1}])
def test_whether_an_answer_is_partial_is_true_or_false(flag: object) -> None:
    if flag:
        with pytest.raises(PrometheusError, match="isPartial"):
            decode(body("matrix", [], isPartial=flag))
    assert decode(body("matrix", [], isPartial=False)).warnings == ()
    assert decode(body("matrix", [], isPartial=None)).warnings == ()


# --- values of a label ---


def values(data: object, status: str = "success") -> bytes:
    return json.dumps({"status": status, "data": data}).encode()


def test_the_values_of_a_label_are_read() -> None:
    assert decode_values(values(["shop", "search"])) == ("shop", "search")
    assert decode_values(values([])) == ()


@pytest.mark.parametrize(
    "content",
    [
        values(None), values("shop"), values({"a": 1}), values([["shop"]]), values([1]),
        values(["x" * 10**6]),
        values(["a"], "partial"), b"[]", b"{}", b"<html>", b"",
        b'{"status":"error","error":{"a":1}}',
    ],
)  # fmt: skip
def test_what_are_no_values_of_a_label_is_refused(content: bytes) -> None:
    with pytest.raises(PrometheusError):
        decode_values(content)


# --- the times that were asked for ---

START = datetime(2024, 5, 14, 10, tzinfo=UTC)
WINDOW = TimeWindow(start=START, end=START + timedelta(hours=1), step_seconds=600)


@pytest.mark.parametrize(
    ("minutes", "stray"),
    [
        ((20, 30), None),
        ((), None),
        ((10, 20), 10),
        ((30, 40), 40),
        ((20, 25), 25),
        ((525_620,), 525_620),
        ((-600,), -600),
    ],
)
def test_a_time_that_is_no_point_of_the_chunk_is_found(
    minutes: tuple[int, ...], stray: int | None
) -> None:
    times = [(START + timedelta(minutes=one)).timestamp() for one in minutes]
    answer = Response(series=(series("a", *times),))
    found = stray_time(answer, WINDOW, Chunk(first_point=1, point_count=2))

    assert found == (None if stray is None else START + timedelta(minutes=stray))


@pytest.mark.parametrize(
    ("promql", "seconds", "is_stray"),
    [
        ("up", (0,), False),
        ("up", (-60,), False),
        ("up", (-3600,), True),
        ("up", (86_400,), True),
        ("up[3600s]", (-3590, -30), False),
        ("up[3600s] ", (-3590, 86_400), True),
        ("up[3600s]", (-9000, -30), True),
        ("rate(up[3600s])", (-3590,), True),
    ],
)
def test_a_time_before_or_after_an_instant_is_found(
    promql: str, seconds: tuple[float, ...], *, is_stray: bool
) -> None:
    times = [START.timestamp() + one for one in seconds]
    answer = Response(series=(series("a", START.timestamp()), series("b", *times)))

    assert (stray_instant(answer, promql, START) is not None) is is_stray


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
