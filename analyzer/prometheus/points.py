"""The points of a large answer, read from its bytes without a Python object for each of them.

orjson makes a list, a number and a text of every point: ten times the bytes of the answer, and most
of the time. Here the points of all series are cut out of the body, and only the rest is JSON to
read. What differs from the one form that Prometheus writes is left to `strict`, which finds the
place and the words: nothing is refused here, and nothing is accepted that `strict` refuses.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from analyzer.arrays import Floats, Ints
from analyzer.prometheus.strict import LONGEST_NUMBER, NUMBER, are_in_range

_BATCH_BYTES: Final = 1024 * 1024
"""Text that is converted at once: it stays in the cache of a CPU."""

_DIGITS: Final = "".join(sorted(NUMBER)).encode()
_MARKS: Final = b'[]"'
_ESCAPED_LETTERS: Final = (rb"\u006", rb"\u007")
"""Lower-case letters in JSON's other spelling: a key may be hidden in it."""

_BETWEEN: Final = b'"],['
"""What is between two points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a `resultType` writes points: the key with what opens them, and what closes them."""

    key: bytes
    opening: bytes
    closing: bytes


FORMS: Final = {
    b'"resultType":"matrix"': Form(key=b'"values"', opening=b":[[", closing=b'"]]'),
    b'"resultType":"vector"': Form(key=b'"value"', opening=b":[", closing=b'"]'),
}

_HEAD_BYTES: Final = 4096
"""Where the `resultType` is, if it comes before the series as Prometheus writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A body without its points.

    Attributes:
        rest: the body with a number in place of each list of points, from 0 on.
        times: of all lists, one after the other, shape (points,).
        samples: shape (points,).
        bounds: where each list begins, and the end of the last, shape (lists + 1,).
    """

    rest: bytes
    times: Floats
    samples: Floats
    bounds: Sequence[int]

    def of(self, number: object) -> tuple[Floats, Floats]:
        """Return the times and samples by their number; LookupError if it is none."""
        if type(number) is not int:
            raise LookupError
        begin, end = self.bounds[number], self.bounds[number + 1]
        return self.times[begin:end], self.samples[begin:end]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """Points of some lists, one after the other, and how many each has."""

    times: Floats
    samples: Floats
    counts: Ints


def cut(content: bytes) -> Cut | None:
    """Return a body without its points; None if it may have a fault, or has another form."""
    head = content[:_HEAD_BYTES]
    form = next((form for mark, form in FORMS.items() if mark in head), None)
    if form is None:
        return None
    apart = _apart(content, form)
    if apart is None:
        return None
    rest, begins, ends = apart
    # A key without points might take those of a list that is elsewhere.
    if not begins or rest.count(form.key) != len(begins) or _may_hide(rest):
        return None
    known = []
    for batch in _batches(content[begin:end] for begin, end in zip(begins, ends, strict=True)):
        points = _points(batch)
        if points is None:
            return None
        known.append(points)
    counts = np.concatenate([points.counts for points in known])
    return Cut(
        rest=rest,
        times=np.concatenate([points.times for points in known]),
        samples=np.concatenate([points.samples for points in known]),
        bounds=[0, *np.cumsum(counts).tolist()],
    )


def _apart(content: bytes, form: Form) -> tuple[bytes, array[int], array[int]] | None:
    """Return a body without its points, and where those of each list begin and end.

    None if something else is closed, or a list is empty.
    """
    opening = form.key + form.opening
    rest, begins, ends = bytearray(), array("q"), array("q")
    place = 0
    # Millions of marks may close nothing: no object is made for each of them.
    while (end := content.find(form.closing, place)) >= 0:
        begin = content.find(opening, place, end)
        if begin < 0 or begin + len(opening) == end:
            return None
        rest += content[place:begin]
        rest += b"%s:%d" % (form.key, len(begins))
        begins.append(begin + len(opening))
        ends.append(end)
        place = end + len(form.closing)
    rest += content[place:]
    return bytes(rest), begins, ends


def _may_hide(rest: bytes) -> bool:
    """Return whether a key may be written with escapes."""
    return b"\\" in rest and any(escaped in rest for escaped in _ESCAPED_LETTERS)


def _batches(texts: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _points(texts: list[bytes]) -> _Points | None:
    """Return the points of some lists; None if one has another form, or may have a fault."""
    numbers = _numbers(_BETWEEN.join(texts))
    if numbers is None:
        return None
    counts = np.array([text.count(_BETWEEN) + 1 for text in texts], dtype=np.int64)
    times, samples = numbers[0::2].copy(), numbers[1::2].copy()
    ascends = np.diff(times) > 0
    ascends[np.cumsum(counts[:-1]) - 1] = True
    # Infinity is larger too: `strict` looks how it is written.
    if not (ascends.all() and are_in_range(times, samples)):
        return None
    return _Points(times=times, samples=samples, counts=counts)


def _numbers(whole: bytes) -> Floats | None:
    """Return the numbers of `time,"sample"],[time,"sample`; None if it is another form."""
    count = whole.count(_BETWEEN) + 1
    # Only these marks, in this order, and no number between those that belong together.
    marks = whole.translate(None, _DIGITS)
    if marks != b',""],[' * (count - 1) + b',"' or whole.count(b',"') != count:
        return None
    fields = np.frombuffer(whole.translate(None, _MARKS), dtype=np.uint8)
    text = whole.translate(None, _MARKS + b",")
    commas = np.flatnonzero(fields == ord(","))
    offsets = np.empty(2 * count + 1, dtype=np.int64)
    offsets[0], offsets[-1] = 0, len(text)
    offsets[1:-1] = commas - np.arange(len(commas))
    if not _are_plain(text, offsets) or b".e" in text or b".E" in text:
        return None
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(text)]
    try:
        found = pa.Array.from_buffers(pa.string(), 2 * count, buffers).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.float64)


def _are_plain(text: bytes, offsets: Ints) -> bool:
    """Return whether texts have a permitted length, and every other one is a number of JSON.

    That one is a time: JSON has no "01", "+1" or ".5", where Python and Arrow read them.
    """
    lengths = np.diff(offsets)
    if lengths.min() < 1 or lengths.max() > LONGEST_NUMBER:
        return False
    letters = np.frombuffer(text, dtype=np.uint8)
    first, last = letters[offsets[:-1:2]], letters[offsets[1::2] - 1]
    is_number = (first > ord("0")) & (first <= ord("9")) & (last >= ord("0")) & (last <= ord("9"))
    return bool(is_number.all())
