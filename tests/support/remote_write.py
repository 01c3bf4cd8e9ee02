"""Samples into a server by Prometheus remote write, fast enough for whole days.

A server that holds nothing yet takes samples of the past, as long as they come in time order: each
request must span less than half a block (`BLOCK_HOURS`), less some slack, or what follows is
refused as "out of bounds". So a mesh is written slice of time by slice of time, each with all its
series.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cramjam
import numpy as np
import numpy.typing as npt
import requests

from tests.support.series import Series

BLOCK_HOURS = 24
"""Of the test servers: long blocks are filled in half the time, and read in a third of it."""

SLICE_SECONDS = 11 * 3600

_REQUEST_BYTES = 4 << 20
"""About so long is a request, before it is compressed."""

_TIMEOUT_SECONDS = 60.0
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

# Protobuf tags: field number * 8 + wire type.
_WRITE_REQUEST_SERIES = b"\x0a"
_SERIES_LABEL = b"\x0a"
_LABEL_NAME, _LABEL_VALUE = b"\x0a", b"\x12"

SAMPLE_BYTES = 18
"""Length of an encoded sample."""
_TIME_VARINT_BYTES = 6
_TIME_MS_LEAST, _TIME_MS_END = 1 << 35, 1 << 42


class RemoteWriteError(Exception):
    """The server refused samples; the message has its own words."""


def write(url: str, series: Iterable[Series]) -> int:
    """Write series to a remote-write URL in time order; return how many samples went."""
    encoded = [_Encoded.of(one) for one in series]
    send(url, _bodies(encoded))
    return sum(len(one.times_ms) for one in encoded)


def send(url: str, bodies: Iterable[bytes]) -> None:
    """Send the bodies of requests, in this order."""
    with requests.Session() as session:
        # A proxy of the environment has no business between a test and its own server.
        session.trust_env = False
        session.headers.update(_HEADERS)
        for body in bodies:
            packed = bytes(cramjam.snappy.compress_raw(body))
            answer = session.post(url, data=packed, timeout=_TIMEOUT_SECONDS)
            if not answer.ok:
                words = answer.text.strip()
                raise RemoteWriteError(f"{url} answered {answer.status_code}: {words}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Encoded:
    """A series as protobuf: its labels, and its samples end to end, each as long as the next."""

    labels: bytes
    times_ms: npt.NDArray[np.int64]
    samples: bytes

    @classmethod
    def of(cls, series: Series) -> "_Encoded":
        return cls(
            labels=encoded_labels(series.labels),
            times_ms=series.times_ms,
            samples=encoded_samples(series),
        )

    def between(self, first: int, last: int) -> bytes:
        """Return the TimeSeries of samples from `first` up to `last`."""
        return encoded_series(self.labels, self.samples[first * SAMPLE_BYTES : last * SAMPLE_BYTES])


def encoded_series(labels: bytes, samples: bytes) -> bytes:
    """Return a TimeSeries of encoded labels and samples, as a part of a request's body."""
    return _field(_WRITE_REQUEST_SERIES, labels + samples)


def encoded_labels(labels: Sequence[tuple[str, str]]) -> bytes:
    """Return the Label messages of a TimeSeries; the names must be sorted already."""
    return b"".join(_encoded_label(name, value) for name, value in labels)


# Most labels of a mesh are those of many of its series.
@lru_cache(maxsize=1 << 16)
def _encoded_label(name: str, value: str) -> bytes:
    fields = _field(_LABEL_NAME, name.encode()) + _field(_LABEL_VALUE, value.encode())
    return _field(_SERIES_LABEL, fields)


def encoded_samples(series: Series) -> bytes:
    """Return the Sample messages of a TimeSeries, `SAMPLE_BYTES` each."""
    times = series.times_ms
    if times.size and not (_TIME_MS_LEAST <= times[0] <= times[-1] < _TIME_MS_END):
        raise ValueError(f"{series.name}: sample times out of order or before 1971")
    table = timed_samples(times)
    set_values(table, series.values)
    return table.tobytes()


def timed_samples(times_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Return Sample messages whose values are still to be set, shape (*times, SAMPLE_BYTES).

    Times are between 1971 and 2109, so that their varints all take six bytes and whole columns
    can be filled at once.
    """
    table = np.empty((*times_ms.shape, SAMPLE_BYTES), dtype=np.uint8)
    # Field 2 of TimeSeries, 16 bytes long; in it, field 1 is a double, field 2 a varint.
    table[..., :3] = (0x12, SAMPLE_BYTES - 2, 0x09)
    table[..., 11] = 0x10
    for place in range(_TIME_VARINT_BYTES):
        more = 0x80 if place < _TIME_VARINT_BYTES - 1 else 0
        table[..., 12 + place] = (times_ms >> (7 * place)) & 0x7F | more
    return table


def set_values(table: npt.NDArray[np.uint8], values: npt.NDArray[np.float64]) -> None:
    """Set the values of Sample messages, which have the shape of `values` and `SAMPLE_BYTES`."""
    found = np.ascontiguousarray(values, dtype="<f8").view(np.uint8)
    table[..., 3:11] = found.reshape(*values.shape, 8)


def _bodies(encoded: Sequence[_Encoded]) -> Iterator[bytes]:
    """Return the bodies of the requests, in time order."""
    times = [one.times_ms for one in encoded if one.times_ms.size]
    if not times:
        return
    begin, end = min(int(t[0]) for t in times), max(int(t[-1]) for t in times)
    edges = np.arange(begin, end + 1 + SLICE_SECONDS * 1000, SLICE_SECONDS * 1000)
    places = [np.searchsorted(one.times_ms, edges).tolist() for one in encoded]
    for number in range(len(edges) - 1):
        parts = [
            one.between(place[number], place[number + 1])
            for one, place in zip(encoded, places, strict=True)
            if place[number] < place[number + 1]
        ]
        ends = np.cumsum([len(part) for part in parts]) // _REQUEST_BYTES
        for _, body in itertools.groupby(zip(ends, parts, strict=True), lambda pair: pair[0]):
            yield b"".join(part for _, part in body)


def _field(tag: bytes, content: bytes) -> bytes:
    """Return a length-delimited protobuf field."""
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
