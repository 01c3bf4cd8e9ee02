"""Answers of Prometheus's API, spoilt by chance: structures, labels, points and bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

_ATTEMPTS: Final = 20
_MANY_LABELS: Final = 50_000

Document = Any
"""JSON: what it holds is what mutations change."""

ODD: Final[tuple[object, ...]] = (
    None, True, False, 0, -1, 1.5, 1e308, 2**63, "", "a", "NaN", [], {}, [[]], ["a"], [None],
    {"a": 1},
    [[[[[[[[1]]]]]]]], "\x00", "x" * 70_000,
)  # fmt: skip
"""Values of types and sizes that are wrong nearly everywhere."""

TEXTS: Final = (
    "NaN", "+Inf", "-Inf", "9" * 400, "-" + "9" * 400, "1e300", "1e308", "-1e308", "1e-310",
    "5e-324",
    "-0.5", "-1", "0", "-0", "1e15", "1e18", "1e19", "9223372036854775808", "0.5", "1.0000001",
    "1e999",
    "", " 1", "1_0", "0x10", "infinity", "nan", "\u0661", "1e", "--1", "1,5", "true",
)  # fmt: skip
"""Samples: hostile, odd, and some that are right."""

TIMES: Final[tuple[object, ...]] = (
    None, True, "1", "NaN", [], {}, -1, 0, 1e300, -1e300, 1e18, 2**62, 253402300800,
    -62135596801, 0.5,
)  # fmt: skip
"""Times that were not asked for, or are none."""

LABELS: Final[tuple[object, ...]] = (
    None, 1, True, [], ["a"], {}, "", "\x00", "\x1b[31m", "\u202e", "'; --", '"}', "$(id)",
    "../../etc",
    "a\nb", "\u2028", "-", "NaN", "x" * 5000, "x" * 10_000_000, "\U0001f600", "=1+1",
    "<script>", "3.5",
)  # fmt: skip
"""Values of labels: of wrong types, and such as mean something to somebody else."""

NAMES: Final = (
    "", "exporter", "metric", "samples", "__name__", "pod", "namespace", "job", "cluster",
    "a.b", "a b",
    "\x00", "x" * 3000, "__proto__", "time", "reporter", "le", "query",
)  # fmt: skip
"""Names of labels."""


def mutated(body: bytes, chance: Random, *, keeps_form: bool = False) -> tuple[bytes, str]:
    """Return an answer with one to three changes, and their names.

    Args:
        body: the answer.
        chance: what decides.
        keeps_form: whether only that is changed which may be another answer of the same form.
    """
    document = json.loads(body)
    names: list[str] = []
    wanted = chance.choice((1, 1, 1, 2, 3))
    for _ in range(_ATTEMPTS):
        change = chance.choice(_OF_CONTENTS if keeps_form else _OF_DOCUMENTS)
        try:
            document = change(document, chance)
        except (LookupError, TypeError, AttributeError, ValueError):
            # There is nothing for it, or an earlier change left nothing.
            continue
        names.append(change.__name__.strip("_"))
        if len(names) == wanted:
            break
    changed = json.dumps(document, separators=(",", ":")).encode()
    if not keeps_form and (not names or chance.random() < 0.2):
        of_bytes = chance.choice(_OF_BYTES)
        changed = of_bytes(changed, chance)
        names.append(of_bytes.__name__.strip("_"))
    return changed, "+".join(names)


def _result(document: Document) -> list[Any]:
    result = document["data"]["result"]
    if not isinstance(result, list) or not result:
        raise LookupError
    return result


def _series(document: Document, chance: Random) -> dict[str, Any]:
    found: dict[str, Any] = chance.choice(_result(document))
    return found


def _pairs(series: dict[str, Any]) -> list[list[Any]]:
    pairs: list[list[Any]] = series["values"] if "values" in series else [series["value"]]
    return pairs


def _other_field(document: Document, chance: Random) -> Document:
    """Change or remove one of the fields around the result."""
    place = chance.choice((document, document["data"]))
    name = chance.choice(sorted(place))
    if chance.random() < 0.3:
        del place[name]
    else:
        place[name] = chance.choice((*ODD, "success", "error", "vector", "matrix", "scalar"))
    return document


def _remarks(document: Document, chance: Random) -> Document:
    """Add remarks of the server, of odd types and sizes."""
    odd = (*ODD, ["partial"], [["a"]], ["x" * 100_000], ["a\nb"] * 3, ["\x1b[2J"], ["a"] * 5000)
    document[chance.choice(("warnings", "infos", "isPartial", "error"))] = chance.choice(odd)
    return document


def _wrapped(document: Document, chance: Random) -> Document:
    """Put all of it, or its result, into lists or objects."""
    depth = chance.choice((1, 3, 200))
    if chance.random() < 0.5:
        for _ in range(depth):
            document = [document]
        return document
    for _ in range(depth):
        document["data"]["result"] = [document["data"]["result"]]
    return document


def _fewer_series(document: Document, chance: Random) -> Document:
    result = _result(document)
    kept = chance.choice((0, 1, len(result) // 2, len(result) - 1))
    document["data"]["result"] = chance.sample(result, kept)
    return document


def _more_series(document: Document, chance: Random) -> Document:
    """Repeat a series, or all of them."""
    result = _result(document)
    if chance.random() < 0.5:
        result.append(copy.deepcopy(chance.choice(result)))
    else:
        # Repeating 100,000 labels would take more memory here than the answer that is tested.
        is_long = sum(len(series["metric"]) for series in result) > _MANY_LABELS
        document["data"]["result"] = result * (2 if is_long else chance.choice((2, 50)))
    return document


def _other_order(document: Document, chance: Random) -> Document:
    chance.shuffle(_result(document))
    return document


def _other_item(document: Document, chance: Random) -> Document:
    result = _result(document)
    result[chance.randrange(len(result))] = chance.choice(ODD)
    return document


def _other_part(document: Document, chance: Random) -> Document:
    """Change, remove or rename a field of a series."""
    series = _series(document, chance)
    name = chance.choice(sorted(series))
    value = series.pop(name)
    way = chance.randrange(3)
    if way == 0:
        series[name] = chance.choice(ODD)
    elif way == 1:
        names = ("value", "values", "histogram", "histograms", "labels", "Metric")
        series[chance.choice(names)] = value
    return document


def _fewer_labels(document: Document, chance: Random) -> Document:
    """Remove a label of one series, or of all."""
    labels = _series(document, chance)["metric"]
    name = chance.choice(sorted(labels))
    each = _result(document) if chance.random() < 0.4 else [{"metric": labels}]
    for series in each:
        series["metric"].pop(name, None)
    return document


def _other_label(document: Document, chance: Random) -> Document:
    """Change the value of a label of one series, or of all."""
    labels = _series(document, chance)["metric"]
    name, value = chance.choice(sorted(labels)), chance.choice(LABELS)
    each = _result(document) if chance.random() < 0.2 else [{"metric": labels}]
    if len(str(value)) > 10_000:
        # On all series it would be more than an answer may be.
        each = [{"metric": labels}]
    for series in each:
        series["metric"][name] = value
    return document


def _others_label(document: Document, chance: Random) -> Document:
    """Give a series the label of another one."""
    labels, other = (_series(document, chance)["metric"] for _ in range(2))
    name = chance.choice(sorted(labels))
    labels[name] = other[name]
    return document


def _renamed_label(document: Document, chance: Random) -> Document:
    labels = _series(document, chance)["metric"]
    labels[chance.choice(NAMES)] = labels.pop(chance.choice(sorted(labels)))
    return document


def _more_labels(document: Document, chance: Random) -> Document:
    result = _result(document)
    at = chance.randrange(len(result))
    # A series that is there fifty times is one object: only one of them gets the labels.
    labels = dict(result[at]["metric"])
    result[at] = {**result[at], "metric": labels}
    count = chance.choice((1, 1, 2, 500, 100_000))
    if count > 2:
        labels.update({f"label_{number}": "x" for number in range(count)})
    else:
        labels[chance.choice(NAMES)] = chance.choice(LABELS)
    return document


def _other_sample(document: Document, chance: Random) -> Document:
    """Change a sample of one series, or all of its samples."""
    pairs = _pairs(_series(document, chance))
    value = chance.choice(TEXTS) if chance.random() < 0.8 else chance.choice(ODD)
    for pair in pairs if chance.random() < 0.4 else [chance.choice(pairs)]:
        pair[1] = value
    return document


def _all_samples(document: Document, chance: Random) -> Document:
    """Give all series the same samples, or samples of another size."""
    value = chance.choice(TEXTS)
    factor = chance.choice((0.0, -1.0, 1e-300, 1e-9, 1e9, 1e17, 1e300))
    is_same = chance.random() < 0.5
    for series in _result(document):
        for pair in _pairs(series):
            pair[1] = value if is_same else repr(float(pair[1]) * factor)
    return document


def _other_time(document: Document, chance: Random) -> Document:
    pair = chance.choice(_pairs(_series(document, chance)))
    shifts = (pair[0] + 1, pair[0] + 300, pair[0] - 300, pair[0] + 86_400, -pair[0], pair[0] * 1000)
    pair[0] = chance.choice((*TIMES, *shifts))
    return document


def _all_times(document: Document, chance: Random) -> Document:
    shift, factor = chance.choice(((1, 1), (300, 1), (-3600, 1), (0, 1000), (0, -1), (1e12, 1)))
    for series in _result(document):
        for pair in _pairs(series):
            pair[0] = pair[0] * factor + shift
    return document


def _other_points(document: Document, chance: Random) -> Document:
    """Remove, repeat, reorder or replace points of a series."""
    series = _series(document, chance)
    pairs = _pairs(series)
    ways: tuple[Any, ...] = (
        [], pairs[:1], pairs[::2], pairs[::-1], pairs + pairs, pairs[:-1], [*pairs, pairs[0]],
        [[]],
        [[1]], [[*pairs[0], 1]], [None], [*pairs, "12"], {}, dict(enumerate(pairs)),
        [[pairs[0][0] + number, "1"] for number in range(20_000)],
    )  # fmt: skip
    changed = chance.choice(ways)
    if "values" in series:
        series["values"] = changed
    else:
        series["value"] = changed[0] if isinstance(changed, list) and changed else changed
    return document


def _histogram(document: Document, chance: Random) -> Document:
    series = _series(document, chance)
    if chance.random() < 0.5:
        series.pop("value", None)
        series.pop("values", None)
    name = chance.choice(("histogram", "histograms"))
    series[name] = chance.choice((*ODD, [[1, {"count": "3"}]], [1, {}]))
    return document


def _other_text(document: Document, chance: Random) -> Document:
    """Change the value of a label of one series, or of all, to a text."""
    labels = _series(document, chance)["metric"]
    name = chance.choice(sorted(labels))
    value = chance.choice([one for one in LABELS if isinstance(one, str) and len(one) < 10_000])
    each = _result(document) if chance.random() < 0.2 else [{"metric": labels}]
    for series in each:
        series["metric"][name] = value
    return document


def _other_number(document: Document, chance: Random) -> Document:
    """Change one sample, or all of a series, to a number that a server may send."""
    pairs = _pairs(_series(document, chance))
    value = chance.choice(("0", "1e15", "1e18", "1e-310", "NaN", "+Inf", "0.5", "3", "1e9", "1e-9"))
    for pair in pairs if chance.random() < 0.5 else [chance.choice(pairs)]:
        pair[1] = value
    return document


def _fewer_points(document: Document, chance: Random) -> Document:
    series = _series(document, chance)
    pairs = series["values"]
    series["values"] = chance.choice((pairs[:1], pairs[::2], pairs[:-1], pairs[-1:]))
    return document


def _cut(body: bytes, chance: Random) -> bytes:
    return body[: chance.randrange(len(body))]


def _bit(body: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(body))
    return body[:place] + bytes((body[place] ^ (1 << chance.randrange(8)),)) + body[place + 1 :]


def _put_in(body: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(body))
    pieces = (
        b"\x00", b"\xff", b"\xef\xbb\xbf", b'"', b"{", b"}", b"[", b"]", b",", b"NaN",
        b"\\ud800", b"null",
        b"[" * 2000, b" " * 1000, b"1e999", b"-", b"\n", b"<html>",
    )  # fmt: skip
    return body[:place] + chance.choice(pieces) + body[place:]


def _left_out(body: bytes, chance: Random) -> bytes:
    first, last = sorted(chance.randrange(len(body)) for _ in range(2))
    return body[:first] + body[min(last, first + 40) :]


def _twice(body: bytes, chance: Random) -> bytes:
    first, last = sorted(chance.randrange(len(body)) for _ in range(2))
    return body[:last] + body[first:last] + body[last:]


def _repeated_key(body: bytes, chance: Random) -> bytes:
    keys = (b'"metric":', b'"values":', b'"value":', b'"result":', b'"data":', b'"resultType":')
    key = chance.choice(keys)
    odd = chance.choice((b"null", b"{}", b"[]", b'"matrix"', b"0"))
    return body.replace(key, key + odd + b"," + key, 1)


def _surrogate(body: bytes, chance: Random) -> bytes:
    odd = chance.choice((b'":"\\ud800', b'":"\\u0000', b'":"\xed\xa0\x80', b'":"\\udfff\\ud800'))
    return body.replace(b'":"', odd, chance.choice((1, 5)))


def _after(body: bytes, chance: Random) -> bytes:
    return body + chance.choice((b" ", b"\n", b"{}", b"\x00", body, b"]" * 2000))


def _nothing(body: bytes, chance: Random) -> bytes:
    del body
    return chance.choice((b"", b" ", b"null", b"[]", b"{}", b'""', b"0", b"\x00", b"[" * 100_000))


_OF_DOCUMENTS: Final[tuple[Callable[[Document, Random], Document], ...]] = (
    _other_field, _remarks, _wrapped, _fewer_series, _more_series, _other_order, _other_item,
    _other_part,
    _fewer_labels, _other_label, _others_label, _renamed_label, _more_labels, _other_sample,
    _other_sample,
    _all_samples, _other_time, _all_times, _other_points, _histogram,
)  # fmt: skip
_OF_CONTENTS: Final[tuple[Callable[[Document, Random], Document], ...]] = (
    _fewer_series, _other_order, _fewer_labels, _fewer_labels, _other_text, _others_label,
    _renamed_label,
    _other_number, _other_number, _all_samples, _fewer_points,
)  # fmt: skip
_OF_BYTES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    _cut, _bit, _put_in, _left_out, _twice, _repeated_key, _surrogate, _after, _nothing,
)  # fmt: skip
