"""The rule of what is billed, which has one home, and what follows from it."""

import math

import numpy as np
import pandas as pd
import pytest

from analyzer.projection.choices import Basis
from analyzer.projection.sidecars import billed, by_basis, footprint_of

USED = [0.1, 0.3, 0.2, math.nan, math.nan]
REQUESTED = [0.2, 0.2, math.nan, 0.4, math.nan]
PAID = [0.2, 0.3, 0.2, 0.4, math.nan]


def test_the_larger_is_billed_and_what_is_known_where_one_is_not() -> None:
    arrays = billed(np.array(USED), np.array(REQUESTED))
    series = billed(pd.Series(USED, index=list("abcde")), pd.Series(REQUESTED, index=list("abcde")))

    assert arrays.tolist() == pytest.approx(PAID, nan_ok=True)
    assert series.tolist() == pytest.approx(PAID, nan_ok=True)
    assert list(series.index) == list("abcde")


def test_every_basis_is_there_in_its_order() -> None:
    found = by_basis(np.array([1.0]), np.array([2.0]))

    assert list(found) == list(Basis)
    assert [float(amount[0]) for amount in found.values()] == [1, 2, 2]


def steps(**changes: list[float]) -> pd.DataFrame:
    """Return two steps of one sidecar."""
    columns = {
        "cpu_vcpu": [0.1, 0.3],
        "reserved_vcpu": [0.2, 0.2],
        "billed_vcpu": [0.2, 0.3],
        "memory_bytes": [1024.0**3] * 2,
        "reserved_memory_bytes": [math.nan] * 2,
        "billed_memory_bytes": [1024.0**3] * 2,
    }
    return pd.DataFrame(columns | changes)


def test_a_footprint_is_the_mean_over_the_steps_and_unknown_where_nothing_is_known() -> None:
    found = footprint_of(steps(), step_count=2)

    assert found.vcpu_by_basis == pytest.approx(
        {Basis.USAGE: 0.2, Basis.RESERVED: 0.2, Basis.BILLED: 0.25}
    )
    # Without a request of memory nothing is known of its bill either.
    assert found.memory_gib_by_basis == {Basis.USAGE: 1}
