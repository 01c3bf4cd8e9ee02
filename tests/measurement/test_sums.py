"""Sums over the same names and steps are those of pandas."""

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as some

from analyzer.measurement.sums import summed_in_steps

NAMES = some.sampled_from(["", "a", "b", "b/a", "z"])
VALUES = some.one_of(some.just(float("nan")), some.floats(-1e6, 1e6))
ROWS = some.lists(some.tuples(NAMES, NAMES, some.integers(-1, 3), VALUES))


@given(ROWS, some.sampled_from([["source"], ["target", "source"]]))
@example([], ["source"])
# A series that is interrupted by another one, and goes on.
@example([("a", "b", 0, 1.0), ("z", "b", 0, 2.0), ("a", "b", 0, 4.0)], ["source", "target"])
def test_sums_are_those_of_pandas(rows: list[tuple[str, str, int, float]], keys: list[str]) -> None:
    table = pd.DataFrame(rows, columns=["source", "target", "point", "rps"]).astype(
        {"source": "str", "target": "str", "point": np.int64, "rps": float}
    )

    found = summed_in_steps(table, keys, "rps")

    expected = table.groupby([*keys, "point"])["rps"].sum().reset_index()
    pd.testing.assert_frame_equal(found, expected, atol=1e-9)
