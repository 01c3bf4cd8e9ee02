"""Recommended requests in sentences."""

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.result import Resources
from analyzer.report.patches.choosing import Style, patches_of
from analyzer.report.patches.files import KustomizeApi, Layout
from analyzer.report.patches.quantities import CPU_LIMIT
from analyzer.report.sentences.rightsizing import (
    apply_lines,
    backtest_lines,
    limit_lines,
    outcome,
    policy_lines,
    unknown_limit_lines,
    without_any,
    written,
)
from analyzer.units import Reason, Refusal
from tests.report.patches.advice import POLICY, RECOMMENDED, TODAY, advice, rightsizing

UNLIMITED = replace(TODAY, limit_vcpu=None, limit_memory_gib=None)

OLD = Layout(api=KustomizeApi.OLD)


def test_the_outcome_has_the_requests_of_today_where_all_are_known() -> None:
    found = rightsizing(advice(), advice("pay"), advice("young", recommended=None))

    assert outcome(found) == (
        "CPU requests that fit: 0.09 vCPU, today 0.6 (2 of 3 workloads). Billed CPU falls by "
        "0.51 vCPU."
    )
    unknown = replace(advice("pay"), today=Resources(), saved_vcpu=-0.5)
    assert outcome(rightsizing(advice(), unknown)) == (
        "CPU requests that fit: 0.09 vCPU (2 of 2 workloads). Billed CPU rises by 0.245 vCPU."
    )
    assert outcome(rightsizing(advice(recommended=None))) == (
        "None of 1 workload with sidecars has a recommendation."
    )


def test_the_policy_has_its_percentile_and_shares() -> None:
    text = " ".join(policy_lines(rightsizing(advice())))

    assert "what the busiest sidecars use at percentile 95 of all intervals" in text
    assert "Headroom is 10 % where the data shows short bursts, and 15 % elsewhere." in text
    assert "the highest use plus 15 %." in text
    assert "shorter than a day" not in text
    short = next(policy_lines(rightsizing(policy=replace(POLICY, window_hours=0.5, is_short=True))))
    assert short == "The window of 30 min is shorter than a day. It may lack the busiest hours."


def test_the_backtest_is_pooled_by_sidecars_and_says_what_a_day_compares() -> None:
    many = replace(advice("many"), sidecar_count=9.0, exceeded_share=0.2)
    edge = replace(advice("edge"), sidecar_count=8.0, exceeded_share=0.05)
    found = rightsizing(many, edge, replace(advice(), exceeded_share=0.0), advice(recommended=None))

    assert list(backtest_lines(found)) == [
        (
            "Backtest: requests from the first half of the window are exceeded in 11 % of the "
            "intervals of the second, weighted by sidecars. More than 5 %: 1 of 3 workloads."
        )
    ]
    day = replace(found, policy=replace(POLICY, window_hours=47.9))
    _, why = backtest_lines(day)
    assert why.endswith("From two days on it compares like with like.")
    assert list(backtest_lines(rightsizing(advice(recommended=None)))) == []


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (LimitPolicy.NONE, "a worker thread for each CPU of its node"),
        (LimitPolicy.KEEP, "today's, or the request where that is more"),
        (LimitPolicy.SET, "10 times the request"),
    ],
)
def test_each_limit_has_what_it_does(limit: LimitPolicy, words: str) -> None:
    found = rightsizing(advice(), policy=replace(POLICY, cpu_limit=limit))

    assert words in " ".join(limit_lines(found))


def test_threads_without_a_limit_are_named_where_keeping_ends_without_one() -> None:
    unlimited = replace(RECOMMENDED, limit_vcpu=None)
    some = rightsizing(advice(), advice("pay", recommended=unlimited))
    unknown = rightsizing(advice(today=UNLIMITED, recommended=unlimited))

    assert "worker thread for each CPU" in " ".join(limit_lines(some))
    assert "worker thread" not in " ".join(limit_lines(rightsizing(advice())))
    assert next(limit_lines(unknown)) == "CPU limit: not known today, and none is recommended."


def test_limits_that_were_not_measured_are_named_with_what_the_files_do() -> None:
    unlimited = replace(RECOMMENDED, limit_vcpu=None)
    unknown = rightsizing(advice(today=UNLIMITED, recommended=unlimited))
    first, annotation, memory = unknown_limit_lines(unknown, patches_of(unknown))

    assert first.startswith("CPU and memory limits were not measured:")
    assert annotation.startswith(f"Patches write no CPU limit. {CPU_LIMIT} stays")
    assert "highest use plus 100 %" in memory
    known = rightsizing(*unknown.workloads, advice("pay"))
    assert list(unknown_limit_lines(known, patches_of(known))) == []
    none = replace(unknown, policy=replace(POLICY, cpu_limit=LimitPolicy.NONE))
    assert annotation not in list(unknown_limit_lines(none, patches_of(none)))


def test_how_to_apply_begins_with_what_the_tool_does_not_do() -> None:
    lines = list(apply_lines(patches_of(rightsizing(advice())), Layout()))

    assert lines[0].startswith("Nothing is applied by this tool.")
    assert any("../base as seen from patches." in line for line in lines)
    assert any("35905" in line for line in lines)
    assert any("kubectl apply -k patches." in line for line in lines)
    nothing = patches_of(rightsizing(advice("", "")))
    assert len(list(apply_lines(nothing, Layout()))) == 1


def test_each_condition_is_there_where_it_applies() -> None:
    usual = patches_of(rightsizing(advice()))
    odd = patches_of(rightsizing(advice("a", "CronJob"), advice("b", "Job")))

    def has(word: str, found: object = usual, layout: Layout = OLD) -> bool:
        assert found in (usual, odd)
        chosen = odd if found is odd else usual
        return any(word in line for line in apply_lines(chosen, layout))

    assert has("prints no error", layout=Layout())
    assert not has("prints no error")
    assert has("one namespace only")
    assert not has("one namespace only", layout=Layout())
    assert has("batch/v1", odd)
    assert not has("batch/v1", odd, Layout())
    assert not has("batch/v1")
    assert has("Delete the Job", odd)
    assert not has("Delete the Job")
    assert has(f"keeps {CPU_LIMIT}")


def test_the_default_has_what_values_cannot_do() -> None:
    unlimited = replace(RECOMMENDED, limit_vcpu=None)
    busy = advice("busy", recommended=replace(RECOMMENDED, request_vcpu=1.0))
    young = advice("young", recommended=None)

    def lines(default: Resources) -> str:
        found = rightsizing(advice(), busy, young, default=default)
        return " ".join(apply_lines(patches_of(found, Style.DEFAULTS), Layout()))

    assert "below spec.values" in lines(RECOMMENDED)
    assert "also reaches gateways" in lines(RECOMMENDED)
    assert "28465 and 40078" in lines(unlimited)
    assert "28465" not in lines(RECOMMENDED)


def test_files_are_named_and_patches_counted() -> None:
    found = patches_of(rightsizing(advice(), advice("", "")))
    folder = Path("out")
    paths = [folder / "rightsizing.md", folder / "patches" / "kustomization.yaml"]

    assert list(written(paths, found, folder)) == [
        "Wrote rightsizing.md and 1 patch to out.",
        "rightsizing.md lists what has no patch, and why.",
    ]


def test_reasons_are_grouped_in_one_line() -> None:
    def refusal(name: str) -> Refusal:
        detail = "30 min were measured."
        return Refusal(subject=f"requests of {name}", reason=Reason.NO_DATA, detail=detail)

    assert without_any(map(refusal, ["a/b", "c/d", "e/f", "g/h"])) == (
        "No workload has a recommendation. Requests of a/b, c/d, e/f and 1 more: 30 min were "
        "measured."
    )
