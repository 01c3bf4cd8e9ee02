"""Reading points in bulk accepts and refuses what reading them one by one does."""

import json
from random import Random

import numpy as np
import pytest

from analyzer.errors import PrometheusError
from analyzer.prometheus.points import cut
from analyzer.prometheus.response import MATRIX, Response, decode

_MARK = b'"resultType":"'

_PIECES = (
    *(b'"', b"[", b"]", b",", b"{", b"}", b":", b"\\", b" ", b"0", b"9", b"-", b"+", b".", b"e"),
    *(b"E", b"_", b"NaN", b"nan", b"Inf", b"+Inf", b"inf", b"1e5", b"1e400", b"1e-400", b"00"),
    *(b'"],[', b'"]]', b",[", b'["', b'"values":[[', b'"values":', b'"values":0', b"[]", b"null"),
    *(b'"value":[', b"\\u0076alues", b"\xff", b"\x00", b"9" * 360, b"1.e5", b".5", b"5.", b"0x1"),
)
"""What mutations put between the bytes of an answer."""


def _body(chance: Random, kind: str = "matrix") -> bytes:
    result = []
    for number in range(chance.randint(1, 4)):
        count = chance.randint(1, 3) if kind == "matrix" else 1
        points = [
            [1000 + 60 * place + chance.choice((0, 0.25)), repr(chance.uniform(0, 5))]
            for place in range(count)
        ]
        metric = {"pod": f"a-{number}", "kind": chance.choice(("<none>", 'a"],[b', "values"))}
        found = {"values": points} if kind == "matrix" else {"value": points[0]}
        result.append({"metric": metric, **found})
    data = {"resultType": kind, "result": result}
    text = json.dumps({"status": "success", "data": data}, separators=(",", ":"))
    return text.replace("<", "\\u003c").encode()


def _mutated(content: bytes, chance: Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(content))
        kept = place + chance.choice((0, 0, 1, 1, 2, 12))
        content = content[:place] + chance.choice((b"", *_PIECES)) + content[kept:]
    return content


def _one_by_one(content: bytes) -> bytes:
    """Return the same JSON in a form that is read point by point."""
    return content.replace(_MARK, b'"resultType" :"')


def _outcome(content: bytes) -> object:
    try:
        response: Response = decode(content)
    except PrometheusError as error:
        return str(error).rpartition("which is not")[2]
    return [(one.labels, one.times.tolist(), one.samples.tobytes()) for one in response.series]


@pytest.mark.parametrize("kind", ["matrix", "vector"])
def test_mutated_answers_end_in_the_same_way(kind: str) -> None:
    chance = Random(kind)

    for _ in range(4000):
        content = _mutated(_body(chance, kind), chance)
        assert cut(_one_by_one(content)) is None
        assert _outcome(content) == _outcome(_one_by_one(content)), content


def test_a_clean_answer_is_read_in_bulk() -> None:
    found = cut(_body(Random(1)).replace(b'"values"}', b'"others"}'))

    assert found is not None
    assert found.bounds[-1] == len(found.times) == len(found.samples)
    assert json.loads(found.rest)["data"]["result"][0]["values"] == 0


def test_answers_of_many_batches_are_whole() -> None:
    points = [[1000 + place, repr(place / 7)] for place in range(30_000)]
    series = [{"metric": {"pod": f"p{number}"}, "values": points[number:]} for number in range(5)]
    data = {"resultType": "matrix", "result": series}
    content = json.dumps({"status": "success", "data": data}, separators=(",", ":")).encode()

    assert cut(content) is not None
    for number, one in enumerate(decode(content, MATRIX).series):
        np.testing.assert_array_equal(one.times, 1000 + np.arange(number, 30_000))
        np.testing.assert_array_equal(one.samples, np.arange(number, 30_000) / 7)


def test_points_elsewhere_are_not_those_of_a_series() -> None:
    stray = b'"values":[[1,"2"]],"resultType":"matrix"'
    content = (
        b'{"status":"success","data":{%s,"result":[{"metric":{"a":"b"},"valu\\u0065s":0}]}}' % stray
    )

    with pytest.raises(PrometheusError, match="points are not a list"):
        decode(content)
