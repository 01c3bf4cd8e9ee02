"""What the files of right-sizing bring, in sentences."""

from dataclasses import replace

from analyzer.projection.rightsizing.result import Recommendation, Resources, Rightsizing
from analyzer.report.patches.choosing import Style, patches_of
from analyzer.report.patches.reach import reach_of
from analyzer.report.sentences.reach import exception_lines, short_lines, total_line
from tests.report.patches.advice import RECOMMENDED, advice, rightsizing


def busy(name: str, vcpu: float, *, owner: str = "") -> Recommendation:
    kind = "Deployment" if owner else ""
    recommended = replace(RECOMMENDED, request_vcpu=vcpu)
    return advice(owner, kind, workload=name, recommended=recommended)


def texts(found: Rightsizing, style: Style = Style.DEFAULTS) -> tuple[str, list[str], list[str]]:
    patches = patches_of(found, style)
    reach = reach_of(found, patches)
    return (
        total_line(patches, reach),
        list(exception_lines(patches, reach)),
        list(short_lines(patches, reach)),
    )


def test_all_that_need_more_are_counted_and_those_without_a_patch_are_named() -> None:
    found = rightsizing(advice(), busy("a", 0.2), busy("b", 0.5), busy("c", 0.3, owner="c"))
    total, exceptions, short = texts(found)

    assert total == "With the files all sidecars request 1.03 vCPU, today 1.2."
    assert exceptions == ["The default is too small for 3 workloads. Patched: 1."]
    (line,) = short
    assert line == (
        "The default gives too little to 2 workloads without a patch: shop/b (500m instead of 15m) "
        "and shop/a (200m instead of 15m)."
    )


def test_memory_alone_can_be_too_little() -> None:
    more = advice("", "", recommended=replace(RECOMMENDED, request_memory_gib=0.25))
    (line,) = texts(rightsizing(advice(), more))[2]

    assert "shop/alone (256Mi instead of 64Mi)" in line


def test_what_saves_nothing_is_said() -> None:
    found = rightsizing(advice(), default=replace(RECOMMENDED, request_vcpu=0.1))
    lost = rightsizing(advice("", ""), default=found.default)

    assert texts(lost)[0].endswith("0.3 vCPU, today 0.3. That saves no requested CPU.")
    total, exceptions, _ = texts(found)
    assert total == "With the files all sidecars request 0.045 vCPU, today 0.3."
    assert exceptions == [
        "Patches keep the saving of 1 workload: the default is more than twice their need."
    ]


def test_without_a_recommendation_todays_requests_stay() -> None:
    total, exceptions, short = texts(rightsizing(advice(), advice("young", recommended=None)))

    assert total == "With the files all sidecars request 0.345 vCPU, today 0.6."
    assert exceptions[0].startswith("Without a recommendation: 1 workload.")
    assert short == []


def test_patches_alone_leave_others_as_they_are_and_unknown_requests_have_no_sum() -> None:
    both = rightsizing(advice(), busy("a", 0.2))
    assert texts(both, Style.ANNOTATIONS) == (
        "With the files all sidecars request 0.345 vCPU, today 0.6.",
        [],
        [],
    )
    unknown = rightsizing(advice(today=Resources()))
    assert texts(unknown)[0] == "With the files all sidecars request 0.045 vCPU."
    assert texts(rightsizing(advice("", "")), Style.ANNOTATIONS)[0] == ""
