"""Warnings before recommended requests are applied: figures by hand, and none without an object."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.measurement.autoscalers import COLUMNS, LIMIT_COLUMNS, VERTICAL_COLUMNS
from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.autoscaled import Scaled, autoscaled
from analyzer.projection.rightsizing.limited import Limited, limited
from analyzer.projection.rightsizing.result import Policy, Recommendation, Resources, Rightsizing
from analyzer.projection.rightsizing.warnings import warnings_of
from tests.projection.builders import Proxy, mesh

POLICY = Policy(
    percentile=95,
    window_hours=168,
    step_seconds=300,
    headroom_share=0.15,
    unseen_headroom_share=0.3,
    memory_headroom_share=0.2,
    memory_limit_share=0.5,
    cpu_limit=LimitPolicy.KEEP,
    limit_factor=10,
)
TODAY = Resources(request_vcpu=0.1, limit_vcpu=2.0, request_memory_gib=0.125, limit_memory_gib=1.0)
LESS = replace(TODAY, request_vcpu=0.02, request_memory_gib=0.0625)


def advice(
    workload: str = "shop/front", recommended: Resources | None = LESS, today: Resources = TODAY
) -> Recommendation:
    namespace, name = workload.split("/")
    return Recommendation(
        namespace=namespace,
        workload=name,
        sidecar_count=3,
        used_vcpu=0.01,
        today=today,
        recommended=recommended,
    )


def rightsizing(*items: Recommendation) -> Rightsizing:
    return Rightsizing(policy=POLICY, workloads=items or (advice(),))


def hpa(name: str = "front", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a cell of a table
    return {
        "namespace": "shop",
        "kind": "Deployment",
        "name": name,
        "autoscaler": f"{name}-hpa",
        "min_replicas": 2.0,
        "max_replicas": 10.0,
        "replicas": 5.0,
        "target_utilization_percent": 70.0,
        **more,
    }


def usage_of(
    *workloads: str,
    hpas: list[dict[str, Any]] | None = None,
    beside_vcpu: float | None = 0.3,
    owners: list[tuple[str, ...]] | None = None,
    limits: list[tuple[Any, ...]] | None = None,
    vertical: list[tuple[Any, ...]] | None = None,
    native: tuple[bool | None, ...] = (),
) -> MeshUsage:
    names = workloads or ("shop/front",)
    usage = mesh(*(Proxy(workload=name) for name in names))
    keys = [tuple(name.split("/")) for name in names]
    owned = [(*key, "Deployment", key[1]) for key in keys] if owners is None else owners
    requests = [] if beside_vcpu is None else [(*key, beside_vcpu) for key in keys]
    columns = ["namespace", "workload", "application_reserved_vcpu"]
    return replace(
        usage,
        owners=pd.DataFrame(owned, columns=["namespace", "workload", "kind", "name"]),
        application_reserved_vcpu=pd.DataFrame(requests, columns=columns),
        autoscalers=pd.DataFrame(hpas or [], columns=[*COLUMNS]),
        limit_ranges=pd.DataFrame(limits or [], columns=[*LIMIT_COLUMNS]),
        vertical_autoscalers=pd.DataFrame(vertical or [], columns=[*VERTICAL_COLUMNS]).astype(
            {"recommends_for_proxy": "boolean"}
        ),
        is_native=pd.Series(native, dtype="boolean"),
    )


def by_name(found: Rightsizing, usage: MeshUsage) -> dict[str, Finding]:
    return {one.name: one for one in warnings_of(found, usage)}


def only(found: Rightsizing, usage: MeshUsage) -> Scaled:
    (one,) = autoscaled(found, usage).known
    return one


# --- HorizontalPodAutoscalers ---


def test_the_same_use_is_more_of_a_smaller_request() -> None:
    """(0.3 + 0.1) / (0.3 + 0.02) = 1.25: 70 % becomes 87.5 %, and 5 replicas 6.25, so 7."""
    one = only(rightsizing(), usage_of(hpas=[hpa()]))

    assert one.ratio == pytest.approx(1.25)
    assert one.new_utilization_percent == pytest.approx(87.5)
    assert (one.replicas, one.new_replicas) == (5, 7)
    assert not one.is_at_minimum
    finding = by_name(rightsizing(), usage_of(hpas=[hpa()]))["autoscaler_counts_sidecar"]
    assert finding.severity == Severity.WARNING
    assert finding.affected == ("shop/front",)
    for part in ("70 %", "88 %", "5 replicas", "7 (front-hpa)"):
        assert part in finding.text


@pytest.mark.parametrize(
    ("replicas", "least", "most", "new"),
    [
        (4.0, 2.0, 10.0, 5),
        # 4 x 1.25 is 5, and not a hair more.
        (4.4, 2.0, 10.0, 6),
        (9.0, 2.0, 10.0, 10),
        (10.0, 2.0, 10.0, 10),
        (2.0, 2.0, 10.0, 3),
        (0.0, 0.0, 10.0, 0),
        (4.0, math.nan, math.nan, 5),
        (math.nan, 2.0, 10.0, None),
    ],
)
def test_replicas_stay_within_the_minimum_and_the_maximum(
    replicas: float, least: float, most: float, new: int | None
) -> None:
    row = hpa(replicas=replicas, min_replicas=least, max_replicas=most)

    assert only(rightsizing(), usage_of(hpas=[row])).new_replicas == new
    # Its text has what is known.
    text = by_name(rightsizing(), usage_of(hpas=[row]))["autoscaler_counts_sidecar"].text
    assert "nan" not in text
    assert ("replicas become" in text) == (new is not None)


def test_at_its_minimum_an_autoscaler_may_need_fewer() -> None:
    one = only(rightsizing(), usage_of(hpas=[hpa(replicas=2.0)]))

    assert one.is_at_minimum


def test_a_larger_request_gives_fewer_replicas() -> None:
    """(0.3 + 0.1) / (0.3 + 0.5) = 0.5."""
    more = rightsizing(advice(recommended=replace(TODAY, request_vcpu=0.5)))

    one = only(more, usage_of(hpas=[hpa()]))

    assert one.new_utilization_percent == pytest.approx(35)
    assert one.new_replicas == 3


@given(
    st.floats(0.01, 8),
    st.floats(0.01, 2),
    st.floats(0.01, 2),
    st.integers(10, 150),
    st.floats(1, 50),
)
def test_the_use_that_the_autoscaler_keeps_is_the_same(
    beside: float, today: float, recommended: float, target: int, replicas: float
) -> None:
    found = rightsizing(
        advice(
            recommended=replace(TODAY, request_vcpu=recommended),
            today=replace(TODAY, request_vcpu=today),
        )
    )
    row = hpa(target_utilization_percent=float(target), replicas=replicas, max_replicas=1e9)
    for one in autoscaled(found, usage_of(hpas=[row], beside_vcpu=beside)).known:
        used = target / 100 * (beside + today)
        assert one.new_utilization_percent / 100 * (beside + recommended) == pytest.approx(used)
        assert one.new_replicas is not None
        # At its target, all replicas together serve what they served.
        if one.new_replicas > 2:
            served = one.new_replicas * target / 100 * (beside + recommended)
            assert served >= replicas * used * (1 - 1e-6)


def test_a_change_within_the_tolerance_is_less_severe() -> None:
    """(4 + 0.1) / (4 + 0.02) = 1.02."""
    usage = usage_of(hpas=[hpa()], beside_vcpu=4.0)

    assert only(rightsizing(), usage).is_tolerated
    finding = by_name(rightsizing(), usage)["autoscaler_counts_sidecar"]
    assert finding.severity == Severity.INFO
    assert not finding.fix
    # It scales only where it was near the edge of its tolerance.
    assert "at most 6 (front-hpa, within" in finding.text


@pytest.mark.parametrize(
    "row",
    [
        hpa(target_utilization_percent=math.nan),
        hpa("back"),
        hpa(kind="StatefulSet"),
        hpa(namespace="bank"),
    ],
    ids=["another metric", "another name", "another kind", "another namespace"],
)
def test_an_autoscaler_of_something_else_is_no_warning(row: dict[str, Any]) -> None:
    assert not warnings_of(rightsizing(), usage_of(hpas=[row]))


@pytest.mark.parametrize(
    "item", [advice(recommended=None), advice(recommended=TODAY)], ids=["none", "the same"]
)
def test_a_request_that_stays_is_no_warning(item: Recommendation) -> None:
    assert not warnings_of(rightsizing(item), usage_of(hpas=[hpa()]))


def test_without_any_object_there_is_no_warning() -> None:
    assert not warnings_of(rightsizing(), usage_of())
    assert not warnings_of(rightsizing(), mesh(Proxy(workload="shop/front")))


@pytest.mark.parametrize(
    ("item", "usage"),
    [
        (advice(), usage_of(hpas=[hpa()], beside_vcpu=None)),
        (advice(today=Resources()), usage_of(hpas=[hpa()])),
        # It may be of the workload whose owner is not known.
        (advice(), usage_of(hpas=[hpa()], owners=[])),
        # kube-state-metrics 1.x.
        (advice(), usage_of(hpas=[hpa(kind="", name="", autoscaler="front-hpa")])),
    ],
    ids=["application unknown", "today unknown", "owner unknown", "target unknown"],
)
def test_what_cannot_be_calculated_is_said(item: Recommendation, usage: MeshUsage) -> None:
    found = by_name(rightsizing(item), usage)

    assert set(found) == {"autoscaler_effect_unknown"}
    assert found["autoscaler_effect_unknown"].affected == ("shop/front-hpa",)


def test_of_many_autoscalers_those_that_change_most_are_named() -> None:
    names = [f"w{number}" for number in range(6)]
    items = [
        advice(f"shop/{name}", recommended=replace(TODAY, request_vcpu=0.01 * (number + 1)))
        for number, name in enumerate(names)
    ]
    usage = usage_of(*(f"shop/{name}" for name in names), hpas=[hpa(name) for name in names])

    found = autoscaled(rightsizing(*items), usage)
    finding = by_name(rightsizing(*items), usage)["autoscaler_counts_sidecar"]

    assert [one.workload for one in found.known] == names
    assert len(finding.affected) == 6
    assert "w2-hpa" in finding.text
    assert "w3-hpa" not in finding.text


# --- LimitRanges ---


def of_limits(found: Rightsizing, *limits: tuple[Any, ...]) -> list[tuple[str, str, float, Any]]:
    rows = pd.DataFrame(limits, columns=[*LIMIT_COLUMNS])
    return [_row(one) for one in limited(found, rows)]


def _row(one: Limited) -> tuple[str, str, float, Any]:
    return one.resource, one.constraint, one.enforced, one.amount


@pytest.mark.parametrize(
    ("limit", "broken"),
    [
        (("cpu", "min", 0.05), ("cpu", "min", 0.05, 0.02)),
        (("cpu", "min", 0.02), None),
        (("cpu", "max", 1.0), ("cpu", "max", 1.0, 2.0)),
        (("cpu", "max", 2.0), None),
        (("memory", "min", 100 * 1024**2), ("memory", "min", 100 / 1024, 0.0625)),
        (("memory", "max", 512 * 1024**2), ("memory", "max", 0.5, 1.0)),
        # 2 / 0.02 is 100, and was 20.
        (("cpu", "maxLimitRequestRatio", 20.0), ("cpu", "maxLimitRequestRatio", 20.0, 100.0)),
        (("memory", "maxLimitRequestRatio", 16.0), None),
        (("cpu", "default", 0.5), None),
        (("cpu", "defaultRequest", 0.5), None),
    ],
)
def test_a_constraint_holds_for_requests_and_limits(
    limit: tuple[Any, ...], broken: tuple[Any, ...] | None
) -> None:
    assert of_limits(rightsizing(), ("shop", *limit)) == ([broken] if broken else [])
    assert not of_limits(rightsizing(), ("bank", *limit))


def test_without_a_limit_the_default_one_counts() -> None:
    none = rightsizing(advice(recommended=replace(LESS, limit_vcpu=None)))

    assert of_limits(none, ("shop", "cpu", "default", 0.5)) == [("cpu", "default", 0.5, None)]
    assert of_limits(none, ("shop", "cpu", "max", 4.0)) == [("cpu", "max", 4.0, None)]
    assert of_limits(none, ("shop", "cpu", "default", 3.0), ("shop", "cpu", "max", 4.0)) == [
        ("cpu", "default", 3.0, None)
    ]


def test_a_rejection_names_the_namespace_and_the_number() -> None:
    items = [advice(), advice("shop/back", recommended=replace(LESS, request_vcpu=0.01))]
    usage = usage_of("shop/front", "shop/back", limits=[("shop", "cpu", "min", 0.05)])

    finding = by_name(rightsizing(*items), usage)["limit_range_rejects"]

    assert finding.affected == ("shop/back", "shop/front")
    for part in ("In shop ", "0.05 vCPU", "back, the lowest of 2", "0.01 vCPU"):
        assert part in finding.text


def test_memory_is_shown_in_mib() -> None:
    usage = usage_of(limits=[("shop", "memory", "min", 128 * 1024.0**2)])

    text = by_name(rightsizing(), usage)["limit_range_rejects"].text

    assert "128 MiB" in text
    assert "64 MiB" in text


def test_a_default_limit_is_a_warning_of_its_own() -> None:
    item = advice(recommended=replace(LESS, limit_vcpu=None))
    usage = usage_of(limits=[("shop", "cpu", "default", 0.5)])

    found = by_name(rightsizing(item), usage)

    assert set(found) == {"limit_range_default"}
    assert "0.5 vCPU in shop" in found["limit_range_default"].text


# --- native sidecars, and VerticalPodAutoscalers ---


@pytest.mark.parametrize(
    ("native", "is_said"), [((True,), True), ((False,), False), ((None,), False), ((), False)]
)
def test_native_sidecars_are_said_where_known(
    native: tuple[bool | None, ...], *, is_said: bool
) -> None:
    found = by_name(rightsizing(), usage_of(native=native))

    assert set(found) == ({"native_sidecar_requests"} if is_said else set())


@pytest.mark.parametrize(
    ("mode", "recommends", "native", "warned"),
    [
        ("Auto", True, False, True),
        ("Recreate", None, None, True),
        ("", None, False, True),
        ("Initial", True, False, True),
        ("Off", True, False, False),
        ("Auto", False, False, False),
        # It leaves init containers out.
        ("Auto", None, True, False),
    ],
)
def test_a_vertical_autoscaler_may_set_the_same_requests(
    mode: str, *, recommends: bool | None, native: bool | None, warned: bool
) -> None:
    row = ("shop", "Deployment", "front", mode, recommends)
    found = by_name(rightsizing(), usage_of(vertical=[row], native=(native,)))

    assert ("vertical_autoscaler_of_sidecar" in found) == warned
    if warned:
        text = found["vertical_autoscaler_of_sidecar"].text
        assert "shop/front" in text
        assert ("evict" in text) == (mode != "Initial")


def test_a_vertical_autoscaler_of_another_object_is_no_warning() -> None:
    row = ("shop", "StatefulSet", "front", "Auto", True)

    assert not warnings_of(rightsizing(), usage_of(vertical=[row]))
    assert not warnings_of(rightsizing(advice(recommended=None)), usage_of(vertical=[row]))


def test_names_of_several_clusters_are_apart() -> None:
    item = replace(advice(), namespace="east/shop")
    usage = usage_of("shop/front", hpas=[hpa()])

    assert not warnings_of(rightsizing(item), usage)
