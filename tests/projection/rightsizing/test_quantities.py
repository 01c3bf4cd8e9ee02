"""Requests are rounded up to what people write, and never below a floor."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.rightsizing.quantities import (
    LEAST_MEMORY_GIB,
    LEAST_VCPU,
    gib_of,
    rounded_memory_gib,
    rounded_vcpu,
)

VCPU = st.floats(0, 200)
GIB = st.floats(0, 200)


@pytest.mark.parametrize(
    ("vcpu", "expected"),
    [
        (0.0, 0.01),
        (0.0100001, 0.011),
        (0.1, 0.1),
        (0.1 * 1.1, 0.11),
        (0.1000001, 0.105),
        (0.5, 0.5),
        (0.9951, 1.0),
        (1.0, 1.0),
        (1.0001, 1.05),
        (7.02, 7.05),
    ],
)
def test_cpu_is_rounded_up_to_two_or_three_digits(vcpu: float, expected: float) -> None:
    assert rounded_vcpu(vcpu) == expected


@pytest.mark.parametrize(
    ("mib", "expected"),
    [(0, 32), (32.5, 33), (256, 256), (256.5, 264), (1024, 1024), (1025, 1088)],
)
def test_memory_is_rounded_up_to_whole_mebibytes(mib: float, expected: int) -> None:
    assert rounded_memory_gib(mib / 1024) * 1024 == expected


@given(VCPU)
def test_a_cpu_request_is_enough_and_not_much_more(vcpu: float) -> None:
    found = rounded_vcpu(vcpu)

    assert found >= vcpu * (1 - 1e-9)
    assert found >= LEAST_VCPU
    assert found <= max(vcpu * 1.1, LEAST_VCPU) + 1e-9


@given(GIB)
def test_a_memory_request_is_enough_and_not_much_more(gib: float) -> None:
    found = rounded_memory_gib(gib)

    assert found >= gib * (1 - 1e-9)
    assert found <= max(gib * 1.1, LEAST_MEMORY_GIB) + 1e-9


@given(VCPU, GIB)
def test_what_is_rounded_stays(vcpu: float, gib: float) -> None:
    assert rounded_vcpu(rounded_vcpu(vcpu)) == rounded_vcpu(vcpu)
    assert rounded_memory_gib(rounded_memory_gib(gib)) == rounded_memory_gib(gib)


@given(VCPU, VCPU)
def test_rounding_keeps_the_order(first: float, second: float) -> None:
    low, high = sorted((first, second))

    assert rounded_vcpu(low) <= rounded_vcpu(high)


@given(st.integers(10, 99))
def test_every_whole_milli_of_two_digits_is_kept(milli: int) -> None:
    assert rounded_vcpu(float(Fraction(milli, 1000))) == milli / 1000


def test_unknown_bytes_stay_unknown() -> None:
    assert gib_of(None) is None
    assert gib_of(2.0**29) == 0.5
