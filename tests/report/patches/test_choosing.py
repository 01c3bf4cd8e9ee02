"""Which workloads have a patch, and why others have none."""

from dataclasses import replace

import pytest

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.result import Resources
from analyzer.report.patches.choosing import Style, patches_of
from analyzer.report.patches.templates import TEMPLATES
from analyzer.units import Reason
from tests.report.patches.advice import POLICY, RECOMMENDED, TODAY, advice, rightsizing


def test_a_recommendation_with_a_known_owner_has_a_patch() -> None:
    found = patches_of(rightsizing(*(advice(kind, kind) for kind in TEMPLATES)))

    assert [patch.kind for patch in found.items] == list(TEMPLATES)
    assert {patch.resources for patch in found.items} == {RECOMMENDED}
    assert found.refusals == ()


def test_without_a_recommendation_there_is_no_patch_of_annotations() -> None:
    found = patches_of(rightsizing(advice(recommended=None)))

    assert (found.items, found.refusals) == ((), ())


@pytest.mark.parametrize(
    ("kind", "owner"),
    [("", ""), ("Pod", "cart"), ("", "cart"), ("Deployment", ""), ("CloneSet", "cart")],
)
def test_an_owner_that_is_not_known_is_listed_and_not_guessed(kind: str, owner: str) -> None:
    found = patches_of(rightsizing(advice(owner, kind, workload="cart"), advice("pay")))

    assert [patch.owner for patch in found.items] == ["pay"]
    assert [item.subject for item in found.refusals] == ["patch of shop/cart"]
    assert {item.reason for item in found.refusals} == {Reason.NO_DATA}


def test_one_object_with_several_workloads_is_ambiguous() -> None:
    found = patches_of(rightsizing(advice(workload="a"), advice(workload="b"), advice("pay")))

    assert [patch.owner for patch in found.items] == ["pay"]
    assert {item.reason for item in found.refusals} == {Reason.AMBIGUOUS}
    assert [item.subject for item in found.refusals] == ["patch of shop/a", "patch of shop/b"]


def test_the_same_name_in_two_clusters_is_two_objects() -> None:
    found = patches_of(
        rightsizing(advice(namespace="east/shop"), advice(namespace="a/b:c/shop"), advice())
    )

    assert [(item.cluster, item.namespace) for item in found.items] == [
        ("east", "shop"),
        ("a/b:c", "shop"),
        ("", "shop"),
    ]


@pytest.mark.parametrize(
    "resources", [Resources(request_vcpu=0.01), Resources(request_memory_gib=0.1), Resources()]
)
def test_cpu_without_memory_would_erase_it_and_has_no_patch(resources: Resources) -> None:
    found = patches_of(rightsizing(advice(recommended=resources)))

    assert (found.items, len(found.refusals)) == ((), 1)


def test_workloads_without_a_recommendation_keep_todays_from_the_default() -> None:
    found = patches_of(rightsizing(advice(), advice("young", recommended=None)), Style.DEFAULTS)

    (patch,) = found.items
    assert (patch.owner, patch.is_today, patch.resources) == ("young", True, TODAY)
    unknown = replace(advice("young", recommended=None), today=Resources())
    refused = patches_of(rightsizing(advice(), unknown), Style.DEFAULTS)
    assert [item.subject for item in refused.refusals] == ["patch of shop/young"]


def test_without_a_default_every_recommendation_is_an_exception() -> None:
    found = patches_of(rightsizing(advice(), default=None), Style.DEFAULTS)

    assert (found.default, [patch.owner for patch in found.items]) == (None, ["cart"])


UNKNOWN = replace(TODAY, limit_vcpu=None, limit_memory_gib=None)

NO_CPU_LIMIT = replace(RECOMMENDED, limit_vcpu=None)


@pytest.mark.parametrize(
    ("policy", "removes"), [(LimitPolicy.KEEP, False), (LimitPolicy.NONE, True)]
)
def test_a_limit_that_was_not_measured_is_removed_only_where_none_is_chosen(
    policy: LimitPolicy, *, removes: bool
) -> None:
    found = rightsizing(
        advice(today=UNKNOWN, recommended=NO_CPU_LIMIT),
        advice("young", today=UNKNOWN, recommended=None),
        policy=replace(POLICY, cpu_limit=policy),
        default=Resources(request_vcpu=0.01, request_memory_gib=0.03),
    )
    cart, young = patches_of(found, Style.DEFAULTS).items

    assert cart.removes_cpu_limit is removes
    assert not young.removes_cpu_limit


@pytest.mark.parametrize(
    "known", [replace(UNKNOWN, limit_vcpu=2.0), replace(UNKNOWN, limit_memory_gib=1.0)]
)
def test_where_others_have_limits_an_absent_one_means_none(known: Resources) -> None:
    found = rightsizing(advice(today=UNKNOWN, recommended=NO_CPU_LIMIT), advice("pay", today=known))
    cart, pay = patches_of(found).items

    assert cart.removes_cpu_limit
    assert not pay.removes_cpu_limit


@pytest.mark.parametrize("style", Style)
def test_hidden_names_have_no_patches_and_no_default(style: Style) -> None:
    found = patches_of(rightsizing(advice()), style, are_names_hidden=True)

    assert (found.items, found.default, len(found.refusals)) == ((), None, 1)
