"""Amounts as Kubernetes writes them: never less than was recommended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.rightsizing.result import Resources
from analyzer.report.patches.quantities import (
    CPU,
    CPU_LIMIT,
    MEMORY,
    MEMORY_LIMIT,
    annotations_of,
    container_resources,
    cpu_quantity,
    memory_quantity,
)


@pytest.mark.parametrize(
    ("vcpu", "text"),
    [
        (0.015, "15m"),
        (1.2, "1200m"),
        (0.0101, "11m"),
        (2, "2000m"),
        (0.047, "47m"),
        (1.15, "1150m"),
    ],
)
def test_cpu_is_in_whole_millicores(vcpu: float, text: str) -> None:
    assert cpu_quantity(vcpu) == text


@pytest.mark.parametrize(
    ("gib", "text"), [(0.125, "128Mi"), (1, "1024Mi"), (62 / 1024, "62Mi"), (62.1 / 1024, "63Mi")]
)
def test_memory_is_in_whole_mib(gib: float, text: str) -> None:
    assert memory_quantity(gib) == text


@given(st.integers(1, 100_000))
def test_whole_units_stay_what_they_are(count: int) -> None:
    assert cpu_quantity(count / 1000) == cpu_quantity(count * 0.001) == f"{count}m"
    assert memory_quantity(count / 1024) == f"{count}Mi"


@given(st.floats(0.001, 1000))
def test_nothing_is_rounded_down(amount: float) -> None:
    milli, mib = cpu_quantity(amount), memory_quantity(amount)

    assert 1000 * amount - 1e-5 <= int(milli.removesuffix("m")) < 1000 * amount + 1
    assert 1024 * amount - 1e-5 <= int(mib.removesuffix("Mi")) < 1024 * amount + 1


def test_what_is_not_set_has_no_annotation() -> None:
    found = Resources(request_vcpu=0.01, request_memory_gib=0.0625)

    assert annotations_of(found) == {CPU: "10m", MEMORY: "64Mi"}
    assert container_resources(found) == {"requests": {"cpu": "10m", "memory": "64Mi"}}
    full = Resources(
        request_vcpu=0.01, limit_vcpu=1, request_memory_gib=0.0625, limit_memory_gib=0.5
    )
    assert list(annotations_of(full)) == [CPU, CPU_LIMIT, MEMORY, MEMORY_LIMIT]
    assert container_resources(Resources(limit_memory_gib=0.5)) == {"limits": {"memory": "512Mi"}}
