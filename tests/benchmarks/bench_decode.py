"""How long answers of 1 to 30 MB take to decode with all checks, against the least possible.

The least is orjson and a conversion by numpy, without a check: `decode` is to take at most 1.5x
that. The data frames of prometheus-api-client, from the same bytes, are to take at least 3x as long
as `decode`. Prints CPU seconds, the medians of pairs in one run, and both ratios of each answer.
Exits with 1 if one is missed. The argument is the seed.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from prometheus_api_client import MetricRangeDataFrame

from analyzer.arrays import Floats
from analyzer.prometheus.response import MATRIX, decode

PAIRS: Final = 5
MOST_OF_PLAIN, LEAST_OF_CLIENT = 1.5, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Series of an answer, and points of each."""

    series: int
    points: int


SHAPES: Final = (
    Shape(series=2_500, points=24),
    Shape(series=20_000, points=12),
    Shape(series=15_000, points=48),
    Shape(series=100, points=288),
    Shape(series=100, points=2_016),
    Shape(series=400, points=2_016),
)


def body(shape: Shape, seed: int) -> bytes:
    """Return an answer with rates of sidecars, as Prometheus writes it."""
    rng = np.random.default_rng(seed)
    times = [1_780_000_000 + 300 * place for place in range(shape.points)]
    result = [
        {
            "metric": {
                "namespace": f"namespace-{number % 100}",
                "pod": f"workload-{number // 5}-7c9d8b6f5d-{number:05}",
                "container": "istio-proxy",
            },
            "values": [
                (at, repr(sample))
                for at, sample in zip(times, rng.gamma(2, 0.01, shape.points).tolist(), strict=True)
            ],
        }
        for number in range(shape.series)
    ]
    data = {"resultType": "matrix", "result": result}
    return orjson.dumps({"status": "success", "data": data})


def plain(content: bytes) -> list[tuple[Floats, Floats]]:
    """Return times and samples without a look at their form."""
    return [
        (
            np.array([time for time, _ in one["values"]], dtype=float),
            np.array([sample for _, sample in one["values"]], dtype=float),
        )
        for one in orjson.loads(content)["data"]["result"]
    ]


def client(content: bytes) -> object:
    """Return the data frame of prometheus-api-client."""
    return MetricRangeDataFrame(orjson.loads(content)["data"]["result"])


def seconds(read: Callable[[bytes], object], content: bytes) -> float:
    """Return the CPU seconds of one reading."""
    gc.collect()
    begun = time.process_time()
    held = read(content)
    spent = time.process_time() - begun
    del held
    return spent


def main() -> int:
    """Print the times, and whether they are as they are to be."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    is_missed = False
    for shape in SHAPES:
        content = body(shape, seed)
        # The first reading of a process loads what the others use.
        decode(content, MATRIX)
        pairs = [
            (seconds(lambda text: decode(text, MATRIX), content), seconds(plain, content))
            for _ in range(PAIRS)
        ]
        ours, least = (statistics.median(one) for one in zip(*pairs, strict=True))
        theirs = statistics.median(seconds(client, content) for _ in range(PAIRS))
        of_plain = statistics.median(one / other for one, other in pairs)
        of_client = theirs / ours
        is_bad = of_plain > MOST_OF_PLAIN or of_client < LEAST_OF_CLIENT
        is_missed |= is_bad
        print(
            f"{shape.series:,} x {shape.points:,} ({len(content) / 1e6:.1f} MB): "
            f"{ours:.3f} s, {of_plain:.2f}x of orjson and numpy ({least:.3f} s), "
            f"{of_client:.1f}x faster than prometheus-api-client ({theirs:.2f} s)"
            f"{'  MISSED' if is_bad else ''}"
        )
    print(f"seed {seed}; at most {MOST_OF_PLAIN}x and at least {LEAST_OF_CLIENT:g}x")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
