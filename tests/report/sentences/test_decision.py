"""What to do, in at most five sentences: each form by hand, and over random projections."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given

import analyzer
from analyzer.data import sample_path
from analyzer.measurement.findings import Finding
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.decision import Verdict, Why
from analyzer.projection.modes import RIGHTSIZED
from analyzer.report.answer import Answer
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.decision import (
    MOST_SENTENCES,
    PROVISIONAL,
    VERDICTS,
    decision_lines,
    namespaces_note,
    why,
)
from analyzer.report.sentences.dependence import dependence_lines
from analyzer.report.sentences.projection import headline, projection_lines, turning
from analyzer.report.sentences.summary import summary
from analyzer.report.table import View
from analyzer.report.tables.parts import namespaces
from analyzer.units import Interval
from tests.projection.builders import Proxy, as_published, called, mesh, steady
from tests.projection.fits import calibration
from tests.projection.randomly import Drawn, projections
from tests.reading import MOST_WORDS, word_count
from tests.report.answers import by_default, constants_only, full, refused
from tests.support.examples import examples

L7 = "L7 policy (routing, retries, HTTP authorization)"
GIVEN = "if the assumed replicas, requests and prices hold"

BUSY, TCP, BULK = steady("busy", 0.8, 1000), steady("tcp", 0.1), steady("bulk", 0.01, gbit=1)
QUIET, DARK = steady("quiet", 0.008, 2), steady("dark", math.nan, 1)
CALLS = (called("busy", 300), called("quiet", 2))


def of(answer: Answer) -> Projection:
    assert answer.projection is not None
    return answer.projection


def projected(usage: MeshUsage, **changes: object) -> Projection:
    return project_usage(usage, calibration(), as_published(**changes))


def lines_of(usage: MeshUsage, **changes: object) -> list[str]:
    return list(decision_lines(projected(usage, **changes)))


# --- right-size ---


@functools.cache
def fleet(replicas: int) -> Projection:
    snapshot = load_snapshot(sample_path("fleet"))
    return analyzer.project(snapshot, scenario={"waypoint_replicas": replicas}).result


def test_move_some_and_right_size_the_others() -> None:
    first, saving, instead, _, _ = decision_lines(fleet(2))

    assert first.startswith("Move 14 of 19 namespaces (")
    assert first.endswith(", and right-size the others.")
    assert saving.startswith("This saves $")
    assert instead.startswith("Right-sizing all sidecars without moving any saves $")


def test_right_size_first_where_moving_does_not_surely_save_more() -> None:
    first, saving, why_not, against, check = decision_lines(fleet(4))

    assert first == (
        "Right-size the sidecars first: set their CPU and memory requests to what they need."
    )
    assert saving.startswith("This saves $")
    assert why_not == (
        "Moving saves against today's sidecars, but not surely against right-sized ones."
    )
    assert against.startswith("Against right-sized sidecars ambient L4 would save ")
    assert check.startswith("Before moving, check which of ")


def test_stay_and_right_size() -> None:
    projection = fleet(4)
    decision = replace(projection.decision, why=Why.TOO_LITTLE)
    first, _, reason, _, bill = decision_lines(replace(projection, decision=decision))

    assert first == "Stay in sidecar mode, and right-size the sidecars."
    assert reason == "The ztunnels cost more than moving namespaces saves."
    assert bill.startswith("If your bill charges per CPU (the larger of used and requested), ")


def test_right_size_where_the_cost_of_ambient_is_not_known() -> None:
    projection = fleet(4)
    savings = tuple(item for item in projection.savings if item.mode == RIGHTSIZED)
    decision = replace(projection.decision, why=Why.AMBIENT_UNKNOWN)
    known = replace(projection, decision=decision, savings=savings)

    assert list(decision_lines(known))[2] == (
        "Cannot tell whether to move: the cost of ambient is not known."
    )
    assert "ambient mode frees" not in " ".join(projection_lines(known))


# --- move ---


def test_move_all_of_several_namespaces() -> None:
    usage = mesh(*(steady(name, 0.8, 1000) for name in "abc"), calls=[called("a", 9)])
    first, saving, bill, check, l4 = lines_of(usage)

    assert first == "Move all 3 namespaces to ambient, with one waypoint replica in one of them."
    # 0.8 less 0.06 of its ztunnel, three times, less one waypoint of 0.0125 + 9 x 0.375 / 1000,
    # less 0.003 of the idle ztunnel: 2.201 of 2.4 vCPU, at 264 dollars a year.
    assert saving.startswith("This saves $581 (90 % interval $")
    assert saving.endswith(f", {GIVEN}) of $634 a year as used, or 92 %.")
    assert bill == (
        "If your bill charges per CPU used, you save the $581; if per node, you save when nodes "
        "are removed."
    )
    assert check == f"Before moving, check whether a needs {L7}."
    assert l4.startswith("With ambient L4 alone the saving is $585 a year, or 92 % (")


def test_move_two_namespaces_each_with_a_waypoint() -> None:
    usage = mesh(BUSY, replace(BUSY, workload="b2/w"), calls=[called("busy", 9), called("b2", 8)])
    first, _, _, check, _ = lines_of(usage)

    assert first == "Move both namespaces to ambient, with one waypoint replica in each."
    assert check == f"Before moving, check which of 2 namespaces need {L7}: busy and b2."


def test_move_the_only_namespace() -> None:
    first, saving, _ = lines_of(mesh(TCP))
    with_waypoint, *_ = lines_of(mesh(BUSY, calls=CALLS[:1]))

    assert first == "Move the only namespace to ambient, without waypoints."
    interval = f"90 % interval $24-$26, {GIVEN}"
    assert saving.startswith(f"This saves $26 ({interval}) of $26 a year as used, or 97")
    assert with_waypoint == "Move the only namespace to ambient, with one waypoint replica."


def test_replicas_of_the_scenario_are_counted() -> None:
    first, *_ = lines_of(mesh(BUSY, calls=CALLS[:1]), waypoint_replicas=3)

    assert first == "Move the only namespace to ambient, with 3 waypoint replicas."


def test_move_some_and_leave_what_loses_or_is_not_known() -> None:
    first, second, saving, *_ = lines_of(mesh(BUSY, QUIET, BULK, DARK, calls=CALLS))

    assert first == "Move 1 of 4 namespaces (busy) to ambient, with one waypoint replica."
    assert second == (
        "Move quiet only if L4 is enough there; leave dark and bulk in sidecar mode (sidecar CPU "
        "not measured or ztunnel costs more than its sidecars)."
    )
    assert saving.startswith("This saves $162 ")


def test_the_namespace_that_hangs_on_its_waypoint_is_checked_first() -> None:
    usage = mesh(BUSY, QUIET, calls=CALLS)
    (check,) = (line for line in lines_of(usage) if line.startswith("Before"))

    assert check == f"Before moving, check which of 2 namespaces need {L7}: quiet and busy."


def test_of_many_namespaces_to_check_the_first_four_are_named() -> None:
    names = [f"n{number}" for number in range(6)]
    usage = mesh(
        *(steady(name, 0.8, 1000) for name in names),
        calls=[called(name, 300 - at) for at, name in enumerate(names)],
    )
    (check,) = (line for line in lines_of(usage) if line.startswith("Before"))

    assert (
        check == f"Before moving, check which of 6 namespaces need {L7}, starting with n0, n1, n2 "
        "and n3."
    )


def test_where_the_scenario_settles_who_needs_a_waypoint_nothing_is_to_check() -> None:
    found = lines_of(mesh(BUSY, QUIET, calls=CALLS), waypoint_placement=["quiet"])

    assert found[0] == "Move 1 of 2 namespaces (busy) to ambient, without waypoints."
    assert found[1] == "Leave quiet in sidecar mode (a waypoint costs more than L4 saves)."
    assert "L7" not in " ".join(found)


def test_names_are_harmless_and_only_some_are_spelled_out() -> None:
    names = ["sh\x1bop", "b", "c", "d", "e"]
    usage = mesh(*(steady(name, 0.8 - at / 10, 1000) for at, name in enumerate(names)), BULK)
    first, *_ = lines_of(usage)

    assert first.startswith("Move 5 of 6 namespaces (sh�op, b, c and 2 more) to ambient")


def test_a_saving_that_hangs_on_the_number_of_replicas_is_named() -> None:
    # A sidecar of 0.03 vCPU pays for one waypoint replica of 0.0125 idle, and not for two.
    found = lines_of(mesh(steady("shop", 0.03, 10), calls=[called("shop", 10)]))
    (line,) = (line for line in found if "replicas per waypoint" in line)

    assert (
        line
        == "With 2 replicas per waypoint, ambient with waypoints may cost more than sidecar mode."
    )
    surely = lines_of(mesh(steady("shop", 0.018, 1), calls=[called("shop", 1)]), **CHEAP_ZTUNNEL)
    (line,) = (line for line in surely if "replicas per waypoint" in line)
    assert line.startswith("With 2 replicas per waypoint, ambient with waypoints costs $")
    assert line.endswith(" a year more than sidecar mode.")
    safe = lines_of(mesh(BUSY, calls=CALLS[:1]))
    assert "replicas per waypoint" not in " ".join(safe)


CHEAP_ZTUNNEL = {"ztunnel_idle_vcpu_per_node": 0.0001}


@pytest.mark.parametrize(
    ("freed", "text"),
    [
        (2, "if per node, you save when the 2 freed nodes go."),
        (1, "if per node, you save when the 1 freed node goes."),
        (0, "if per node, nothing, because no whole node is freed."),
        (-1, "if per node, nothing, because no whole node is freed."),
        (None, "if per node, you save when nodes are removed."),
    ],
)
def test_which_bill_falls(freed: int | None, text: str) -> None:
    found = projected(mesh(TCP))
    savings = tuple(replace(item, freed_node_count=freed) for item in found.savings)
    (line,) = (
        line
        for line in decision_lines(replace(found, savings=savings))
        if line.startswith("If your bill charges per CPU used, you save the ")
    )

    assert text in line


def test_lower_requests_are_named_where_they_save_more_than_moving() -> None:
    # 1 vCPU requested and 0.02 used: 0.98 x 264 dollars; moving leaves 0.3 of a ztunnel.
    sidecar = Proxy(cpu_vcpu=(0.02, 0.02), proxy_rps=(0, 0), reserved_vcpu=1.0)
    found = lines_of(mesh(sidecar), basis="billed")

    assert found[1] == "This saves $185 of $264 a year as billed, or 70 %."
    assert found[2].startswith(
        "If your bill charges per CPU (the larger of used and requested), you save the "
    )
    assert found[3] == (
        "Alternative: keep the sidecars and lower their CPU requests to what they use, which saves "
        "at most $259 a year as billed."
    )


# --- stay ---


def test_stay_where_ztunnels_cost_more_than_moving_saves() -> None:
    assert decision_lines(of(by_default())) == (
        "Stay in sidecar mode.",
        "The ztunnels cost more than moving namespaces saves.",
        "Even without waypoints, ambient would cost 21 % (11-46 %) more as billed.",
    )


def test_stay_where_no_namespace_saves() -> None:
    first, second, third = lines_of(mesh(steady("bulk", 0.001, gbit=1)))

    assert first == "Stay in sidecar mode."
    assert second == "No namespace saves by moving, even without a waypoint."
    assert re.fullmatch(
        r"Even without waypoints, ambient would cost [\d,]+ % \(.*\) more as used\.", third
    )


def test_stay_where_the_waypoints_of_the_scenario_cost_more() -> None:
    first, second, third, fourth = lines_of(mesh(QUIET, calls=CALLS[1:]), waypoint_placement="all")

    assert first == "Stay in sidecar mode."
    assert second == "The waypoints that the scenario places cost more than L4 saves."
    assert third.startswith("With these waypoints, ambient would cost 105 % (54-203 %) more")
    assert fourth.startswith("Without waypoints, ambient would cost between 87 % less and 26 %")


# --- cannot tell ---


def test_cannot_tell_by_ranges_names_the_figure_that_would_decide() -> None:
    first, l4, waypoint, *_, fact = lines_of(mesh(steady("shop", 0.004)))

    assert first == "Cannot tell whether ambient would cost less: the ranges have both signs."
    assert l4.startswith("Without waypoints, ambient would cost between 76 % less and 148 % more")
    assert waypoint.startswith("With waypoints for HTTP, ambient would cost between 76 % less")
    assert fact == (
        "The figure that would narrow this most: ztunnel idle vCPU per node: 0.003 (0.001-0.01) "
        "vCPU per node, ztunnel with istio-cni. Measure or state it."
    )


def test_cannot_tell_by_ranges_leaves_out_what_surely_loses() -> None:
    first, l4, whole, *_ = lines_of(mesh(steady("shop", 0.004), steady("bulk", 0.001, gbit=1)))

    assert first.endswith("the ranges have both signs.")
    assert l4.startswith("Without waypoints, moving 1 namespace would cost between ")
    assert whole.startswith("With waypoints for HTTP, moving all of them would cost ")


def test_cannot_tell_by_l7_names_what_to_check() -> None:
    usage = mesh(steady("quiet", 0.012, 2), calls=[called("quiet", 2)])
    first, waypoint, l4, *_, check = lines_of(usage, ztunnel_idle_vcpu_per_node=0.001)

    assert first == (
        "Cannot tell yet whether to move: it depends on which namespaces need a waypoint."
    )
    assert waypoint.startswith("With waypoints for HTTP, ambient would cost between 9.7 % less and")
    assert l4 == "Moving 1 namespace without waypoints saves $3 of $3 a year as used, or 91 %."
    assert check == f"Before moving, check whether quiet needs {L7}."


def test_cannot_tell_by_l7_where_the_scenario_places_a_share_of_the_waypoints() -> None:
    usage = mesh(
        *(steady(name, 0.012, 2) for name in ("a", "b")), calls=[called("a", 2), called("b", 2)]
    )
    first, waypoint, l4, *_, check = lines_of(
        usage, ztunnel_idle_vcpu_per_node=0.001, waypoint_placement=1.0
    )

    assert first.startswith("Cannot tell yet whether to move: ")
    assert waypoint.startswith("With waypoints where the scenario places them, ambient would cost ")
    assert l4.startswith("Moving 2 namespaces without waypoints saves $6 of $6 a year")
    assert check == f"Before moving, check which of 2 namespaces need {L7}: a and b."


def test_cannot_tell_where_all_that_is_known_loses() -> None:
    first, second = lines_of(mesh(steady("bulk", 0.001, gbit=1), DARK))

    assert first == "Cannot tell whether to move: sidecar CPU was not measured in dark."
    assert second.startswith(
        "Compared with the measured sidecars, ambient with waypoints would cost "
    )


def test_cannot_tell_without_the_cost_of_ambient_and_the_cause_is_next() -> None:
    assert decision_lines(of(refused())) == (
        "Cannot tell whether to move: the cost of ambient is not known.",
        "The number of nodes is not known: install kube-state-metrics, or give `node_count`.",
    )


def test_nothing_to_save_is_nothing_to_decide() -> None:
    (line,) = decision_lines(of(full(assumed=as_published(vcpu_month_usd=0))))

    assert line.startswith("Nothing to decide on cost. At this price")


def test_a_hypothetical_mesh_has_no_decision() -> None:
    assert decision_lines(of(constants_only())) == (
        "No decision: these are published benchmarks for a hypothetical mesh.",
        "Measure your own mesh first.",
    )


def test_a_decision_from_too_short_a_time_is_provisional() -> None:
    answer = full()
    assert answer.usage is not None
    short = Finding(name="short_window", text="Only 10 min were measured.")
    usage = replace(answer.usage, findings=(short,))
    (first, *_), (plain, *_) = (
        AnswerReport(answer=replace(answer, usage=found)).decision
        for found in (usage, replace(usage, findings=()))
    )

    assert first == (
        f"{PROVISIONAL['short_window']}, then check L7 needs, then move both namespaces to "
        "ambient, with one waypoint replica in each."
    )
    gaps = replace(usage, findings=(replace(short, name="sparse_window"),))
    assert (
        AnswerReport(answer=replace(answer, usage=gaps))
        .decision[0]
        .startswith("Provisional: first measure a time without gaps, then ")
    )
    assert plain.startswith("Move both namespaces")


# --- beside the table of namespaces ---


@pytest.mark.parametrize(
    ("because", "needs_waypoint", "saved", "text"),
    [
        (Why.SAVES, True, 5, "saves with a waypoint"),
        (Why.SAVES, False, 5, "saves, needs no waypoint"),
        (Why.TOO_LITTLE, True, 5, "saves less than the ztunnels cost"),
        (Why.TOO_LITTLE, True, -5, "L4 saves less than the ztunnels cost"),
        (Why.ZTUNNELS_DECIDE, False, 5, "may save less than the ztunnels cost"),
        (Why.ZTUNNELS_DECIDE, True, -5, "L4 may save less than the ztunnels cost"),
        (Why.RANGE_HAS_BOTH_SIGNS, True, -5, "without a waypoint the range has both signs"),
        (Why.WAYPOINT_COSTS_MORE, True, -5, "a waypoint costs more than L4 saves"),
    ],
)
def test_the_reason_of_a_namespace_fits_the_saving_beside_it(
    because: Why, saved: float, text: str, *, needs_waypoint: bool
) -> None:
    item = replace(
        projected(mesh(TCP)).decision.by_namespace[0],
        why=because,
        needs_waypoint=needs_waypoint,
        saving_usd_per_year=Interval.exactly(saved),
    )

    assert why(item) == text


def test_only_a_waypoint_that_may_be_spared_is_to_be_checked() -> None:
    open_to_it, settled = (
        projected(mesh(BUSY, calls=CALLS[:1]), **changes).decision
        for changes in ({}, {"waypoint_placement": "all"})
    )
    checked, stated = (
        why(decision.by_namespace[0], decision.check_first) for decision in (open_to_it, settled)
    )

    assert checked == "saves with a waypoint, more without: check L7"
    assert stated == "saves with a waypoint"


def test_the_note_of_the_namespaces_adds_up() -> None:
    # 0.2222 vCPU of ztunnels, of which 0.006 are idle, at 264 dollars a year.
    assert namespaces_note(of(full()).decision) == (
        "Savings are as used and rounded, before $2 ($0-$5) a year for the ztunnels that all "
        "namespaces share. "
        "Those to move add up to $55; minus $2 for the ztunnels, $53 is left."
    )
    assert namespaces_note(of(constants_only()).decision) == ""


def test_the_note_names_the_namespace_from_which_on_the_saving_is_sure() -> None:
    nodes = [f"node-{number}" for number in range(20)]
    usage = mesh(*(steady(name, 0.15) for name in "abc"), nodes=nodes)
    decision = projected(usage).decision

    # Of 0.06 vCPU of 20 ztunnels at rest, up to 0.21 are likely.
    assert decision.pays_from == 2
    assert namespaces_note(decision).endswith(
        " Moving only the first one may not repay the ztunnels; moving 2 or more does."
    )
    assert "Moving only" not in namespaces_note(of(full()).decision)


# --- over random projections ---


@examples(4)
@given(projections())
def test_no_sentence_contradicts_the_ranges_beside_it(drawn: Drawn) -> None:
    found = drawn.projection
    savings = {item.mode: item.percent for item in found.savings}
    decision, told = found.decision, headline(found)

    if told:
        _, l4, waypoint = re.split(
            r"ambient L4 would | as \w+\. With waypoints [a-zA-Z ]+, ambient ", told
        )
        _agrees(l4, savings["ambient-l4"])
        _agrees(waypoint.removeprefix("would "), savings["ambient-waypoint"])
    for line in decision_lines(found):
        if line.startswith("This saves "):
            assert decision.outcome is not None
            assert decision.outcome.usd_per_year.low > 0
        if line.startswith("Moving ") and " saves " in line:
            assert decision.without_waypoints is not None
            assert decision.without_waypoints.usd_per_year.low > 0
        for mode, percent in _of_modes(line, found):
            _agrees(mode, percent)
    for sweep in found.sweeps:
        _turns(turning(sweep, found.basis), [point.usd_per_year for point in sweep.points])


def _of_modes(line: str, found: Projection) -> Iterator[tuple[str, Interval]]:
    """Yield what a sentence has of a mode or of a part of the mesh, and the range of that."""
    match = re.search(r"(?i)^(even without|without|with).*, (ambient|moving .*) would (.*)$", line)
    if match is None or line.startswith("Alternative"):
        return
    how, who, text = match.groups()
    savings = {item.mode: item.percent for item in found.savings}
    best = found.decision.at_best
    if who not in {"ambient", "moving all of them"} and best:
        yield text, best.percent
    else:
        yield text, savings["ambient-waypoint" if how.lower() == "with" else "ambient-l4"]


def _agrees(text: str, percent: Interval) -> None:
    """A saving has no loss in its range, an extra cost no gain, and else both ends are named."""
    if text.startswith("save"):
        assert percent.low >= 0
    elif "between" in text:
        assert percent.low < 0 < percent.high
    else:
        assert text.startswith("cost")
        assert percent.high <= 0
    assert ("likely" in text) <= (percent.low < 0 < percent.high)


def _turns(text: str, ranges: list[Interval]) -> None:
    less, more = (range_.low > 0 for range_ in ranges), (range_.high < 0 for range_ in ranges)
    less_at, more_at = list(less), list(more)
    if "however many" in text:
        assert ("costs less than" in text) == all(less_at)
        assert ("costs more than" in text) == all(more_at)
        assert ("cannot tell" in text) == (not less_at[0] and not more_at[-1])
    else:
        assert ("costs less" in text) == less_at[0]
        assert (" more " in text) == more_at[-1]
        assert not all(less_at)
        assert not all(more_at)


@examples(4)
@given(projections())
def test_the_decision_and_the_table_of_namespaces_never_disagree(drawn: Drawn) -> None:
    found = drawn.projection
    decision, table = found.decision, namespaces(found)
    titles = [head.title for head in table.heads(View.TEXT)]
    rows = [dict(zip(titles, row, strict=True)) for row in table.texts_in(View.TEXT)]

    verdicts = {item.namespace: VERDICTS[item.verdict] for item in decision.by_namespace}
    assert {row["namespace"]: row["decision"] for row in rows} == verdicts
    assert [row["namespace"] for row in rows] == [item.namespace for item in decision.by_namespace]
    moving = [row["namespace"] for row in rows if row["decision"] == VERDICTS[Verdict.MOVE]]
    first = decision_lines(found)[0]
    assert moving == list(decision.namespaces)
    assert first.startswith("Move ") == bool(moving)
    if (named := re.search(r"namespaces \((.*)\)", first)) and "more" not in named[1]:
        assert re.split(", | and ", named[1]) == moving
    elif moving and len(moving) == len(rows):
        assert re.match("Move (all|both|the only) ", first)
    for item, row in zip(decision.by_namespace, rows, strict=True):
        _reason_agrees(row["why"], item.saving_usd_per_year)


def _reason_agrees(reason: str, saved: Interval) -> None:
    """No reason claims another sign than the saving in the same row has."""
    if reason.startswith("saves"):
        assert saved.high > 0
    if reason.startswith(("saves with a waypoint", "saves, needs no waypoint")):
        assert saved.low > 0
    if reason.startswith("with a waypoint the range") or reason == "the range has both signs":
        assert saved.low <= 0 < saved.high
    if reason.startswith(("a waypoint costs more", "ztunnel costs more")):
        assert saved.high <= 0


@examples(4)
@given(projections())
def test_a_decision_is_short(drawn: Drawn) -> None:
    found = drawn.projection
    answer = Answer(load=found.load, projection=found)
    lines = decision_lines(found)

    assert 1 <= len(lines) <= MOST_SENTENCES == 5
    assert found.decision.basis == found.basis
    texts = [
        *lines,
        *projection_lines(found),
        *dependence_lines(found),
        *(line.text for line in summary(answer)),
        namespaces_note(found.decision),
    ]
    for sentence in re.split(r"(?<=\.) (?=[A-Z])", " ".join(texts)):
        assert word_count(sentence) <= MOST_WORDS, sentence
    assert all(text.endswith(".") for text in texts if text)
    assert not re.search(
        r"nan|None|\binf\b|\.\.| 1 (namespaces|nodes|replicas)\b|all 1 ", " ".join(texts)
    )
