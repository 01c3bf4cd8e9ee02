"""What to do, in at most five short sentences; each compares ranges and no midpoints."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from analyzer.measurement.findings import SERIOUS_SHARE, Finding, Severity
from analyzer.measurement.verdict import biases
from analyzer.projection.choices import OBSERVED, Basis, Shared, is_settled
from analyzer.projection.decision import Action, Decision, NamespaceDecision, Outcome, Verdict, Why
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, RIGHTSIZED
from analyzer.projection.result import NOTHING_TO_SAVE, Projection
from analyzer.projection.unseen import UNSEEN_TIME
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.sentences import whole
from analyzer.report.sentences.dependence import lower_requests
from analyzer.report.sentences.projection import assumed, assumption_title, break_even_line
from analyzer.report.sentences.unseen import filled_shares
from analyzer.report.sentences.zones import better_replicas
from analyzer.units import Reason, in_percent

MOST_SENTENCES: Final = 5

PROVISIONAL: Final = {
    # By finding: what comes before anything else.
    "short_window": "Provisional: first measure at least a day",
    "sparse_window": "Provisional: first measure a time without gaps",
}

_GIVEN: Final = "if the assumed replicas, requests and prices hold"

_MOST_NAMED: Final = 4

L7: Final = "L7 policy (routing, retries, HTTP authorization)"

VERDICTS: Final = {
    Verdict.MOVE: "move",
    Verdict.MOVE_WITHOUT_WAYPOINT: "move if L4 is enough",
    Verdict.RIGHTSIZE: "right-size",
    Verdict.STAY: "stay",
    Verdict.CANNOT_TELL: "cannot tell",
}

WHY: Final = {
    Why.SAVES: "saves",
    Why.SAVES_AGAINST_RIGHTSIZED: "saves against right-sized sidecars",
    Why.WAYPOINT_DECIDES: "with a waypoint the range has both signs",
    Why.WAYPOINT_COSTS_MORE: "a waypoint costs more than L4 saves",
    Why.ZTUNNEL_COSTS_MORE: "ztunnel costs more than its sidecars",
    Why.TOO_LITTLE: "saves less than the ztunnels cost",
    Why.RIGHTSIZED_SAVES_AS_MUCH: "moving may not beat right-sized sidecars",
    Why.ZTUNNELS_DECIDE: "may save less than the ztunnels cost",
    Why.RANGE_HAS_BOTH_SIGNS: "the range has both signs",
    Why.CPU_UNKNOWN: "sidecar CPU not measured",
}


def decision_lines(projection: Projection) -> tuple[str, ...]:
    """Return what to do, what it saves, how sure that is, and what to check first."""
    decision = projection.decision
    lines = {
        Action.MOVE: _move,
        Action.RIGHTSIZE: _rightsize,
        Action.STAY: _stay,
        Action.CANNOT_TELL: _cannot_tell,
    }[decision.action]
    return tuple(lines(projection, decision))[:MOST_SENTENCES]


_OF_L4: Final = {
    # Where the saving with a waypoint, which is shown, is a loss.
    Why.TOO_LITTLE: "L4 saves less than the ztunnels cost",
    Why.ZTUNNELS_DECIDE: "L4 may save less than the ztunnels cost",
    Why.RANGE_HAS_BOTH_SIGNS: "without a waypoint the range has both signs",
}


def on_the_time(answer: Answer) -> Iterator[Finding]:
    """Yield the findings that a reader needs before any figure per year."""
    return (item for item in answer.findings if item.name in PROVISIONAL)


def on_the_totals(answer: Answer) -> Iterator[Finding]:
    """Yield the worst finding because of which the sidecars' totals may be far off, if any."""
    serious = (item for item in answer.findings if item.severity == Severity.SERIOUS)
    yield from islice(filter(_moves_sidecars, serious), 1)


def _known_shares(item: Finding) -> list[float]:
    shares = (item.cpu_share, item.rps_share, item.time_share)
    return [share for share in shares if share is not None]


def _moves_sidecars(item: Finding) -> bool:
    # A serious finding on gateways alone changes nothing that is compared.
    return item.moves_totals and max(_known_shares(item), default=1.0) >= SERIOUS_SHARE


def _worst(answer: Answer) -> Iterator[Finding]:
    """Yield the finding that comes before any figure, if any: totals are wrong because of it."""
    found = [item for item in answer.findings if biases(item) and _known_shares(item)]
    yield from islice((*on_the_totals(answer), *found), 1)


def leading_lines(answer: Answer) -> Iterator[str]:
    """Return what a reader needs before any figure."""
    for item in _worst(answer):
        yield str(replace(item, fix=""))
    yield from (item.text for item in on_the_time(answer) if item not in on_the_totals(answer))


def provisional(answer: Answer) -> str:
    """Return what comes before a decision is used; "" where nothing does."""
    for item in on_the_totals(answer):
        return f"Provisional: first fix the data ({item.code})"
    load = answer.projection.load if answer.projection else answer.load
    for share, what in filled_shares(load.ranges) if load else ():
        if share >= SERIOUS_SHARE:
            return (
                f"Provisional: first fix the scrapes ({in_percent(share)} of the {what} not seen)"
            )
    return next((PROVISIONAL[item.name] for item in on_the_time(answer)), "")


def in_order(warning: str, first: str, decision: Decision) -> str:
    """Return the first sentence of a decision on too little data: the steps in their order."""
    if decision.action == Action.CANNOT_TELL:
        return f"{warning}. {first}"
    check = ", then check L7 needs" if decision.check_first else ""
    return f"{warning}{check}, then {fmt.continued(first)}"


def namespaces_note(decision: Decision) -> str:
    """Return what the savings of the namespaces leave out, and what they add up to."""
    shared = decision.shared_ztunnel_usd_per_year
    if shared is None:
        return ""
    ztunnels = f"{fmt.usd(shared)} a year for the ztunnels that all namespaces share"
    text = f"Savings are {fmt.AS_BASIS[decision.basis]} and rounded, before {ztunnels}."
    if decision.outcome:
        moving = decision.with_verdict(Verdict.MOVE)
        total = sum(item.saving_usd_per_year.mid for item in moving)
        net = decision.outcome.usd_per_year.mid
        text += (
            f" Those to move add up to {fmt.dollars(total)}; minus {fmt.dollars(shared.mid)} for "
            f"the ztunnels, {fmt.dollars(total - shared.mid)} is left."
        )
        others = net - (total - shared.mid)
        if fmt.dollars(others) != fmt.dollars(0):
            text += f" Right-sizing the others adds {fmt.dollars(others)}: {fmt.dollars(net)}."
    if decision.pays_from and decision.pays_from > 1:
        text += (
            f" Moving only the first {_first(decision.pays_from - 1)} may not repay the ztunnels; "
            f"moving {decision.pays_from:,} or more does."
        )
    return text


def _first(count: int) -> str:
    return "one" if count == 1 else f"{count:,} namespaces"


def why(item: NamespaceDecision, check_first: Collection[str] = ()) -> str:
    """Return why a namespace got its verdict, in words that fit the saving beside it."""
    if item.why == Why.SAVES and item.needs_waypoint:
        check = ", more without: check L7" if item.namespace in check_first else ""
        return f"saves with a waypoint{check}"
    if item.why in _OF_L4 and item.saving_usd_per_year.high <= 0:
        return _OF_L4[item.why]
    return "saves, needs no waypoint" if item.why == Why.SAVES else WHY[item.why]


def _move(projection: Projection, decision: Decision) -> Iterator[str]:
    moving = decision.with_verdict(Verdict.MOVE)
    resized = decision.with_verdict(Verdict.RIGHTSIZE)
    also = _resizing(decision, resized)
    yield f"Move {_which(decision)} to ambient{_waypoints(projection, moving)}{also}."
    maybe = decision.with_verdict(Verdict.MOVE_WITHOUT_WAYPOINT)
    others = decision.with_verdict(Verdict.STAY, Verdict.CANNOT_TELL)
    parts = [f"right-size the sidecars of {_names(resized)}"] if resized and not also else []
    parts += [f"move {_names(maybe)} only if L4 is enough there"] if maybe else []
    parts += [f"leave {_names(others)} in sidecar mode ({_reasons(others)})"] if others else []
    if parts:
        yield f"{fmt.capital('; '.join(parts))}."
    if decision.outcome:
        yield f"This saves {_gain(decision, decision.outcome)}."
    yield from _instead(decision)
    yield _nodes(projection, decision)
    yield from _check(decision)
    yield from _more_replicas(projection, moving)
    yield from lower_requests(projection, decision.outcome)
    yield from _worth(decision)


def _more_replicas(projection: Projection, moving: tuple[NamespaceDecision, ...]) -> Iterator[str]:
    """Return whether the saving hangs on how many replicas each waypoint has."""
    sweep, workings = projection.sweep_of("waypoint_replicas"), projection.workings
    if sweep is None or workings is None or not any(item.needs_waypoint for item in moving):
        return
    next_count = workings.scenario["waypoint_replicas"].mid + 1
    saving = sweep.at(next_count)
    if saving is None or saving.low > 0:
        return
    surely = saving.high <= 0
    what = f"costs {fmt.dollars(-saving.mid)} a year more" if surely else "may cost more"
    yield (
        f"With {fmt.count(next_count)} replicas per waypoint, "
        f"{fmt.MODE_TITLES[AMBIENT_WAYPOINT]} {what} than sidecar mode."
    )


def _which(decision: Decision) -> str:
    count, total = len(decision.namespaces), len(decision.by_namespace)
    if count == total:
        few = {1: "the only namespace", 2: "both namespaces"}
        return few.get(total, f"all {total:,} namespaces")
    return f"{count:,} of {total:,} namespaces ({fmt.named(decision.namespaces)})"


def _waypoints(projection: Projection, moving: tuple[NamespaceDecision, ...]) -> str:
    count = sum(item.needs_waypoint for item in moving)
    if not count:
        return ", without waypoints"
    if isinstance(projection.waypoint_placement, Shared):
        return ", with the shared waypoints of the scenario"
    each = _replicas_each(projection)
    if count == len(moving):
        return f", with {each} in each" if count > 1 else f", with {each}"
    return f", with {each} in {'one' if count == 1 else f'each of {count:,}'} of them"


def _replicas_each(projection: Projection) -> str:
    """Return how many replicas the waypoints of moving namespaces have: at a time, on average."""
    rows = projection.namespaces
    is_served = (rows["verdict"] == Verdict.MOVE) & rows["needs_waypoint"].astype(bool)
    known = rows["waypoint_replicas"][is_served]
    fewest, most = (fmt.number(end) for end in (known.min(), known.max()))
    if fewest != most:
        return f"{fewest} to {most} waypoint replicas"
    return "one waypoint replica" if fewest == "1" else f"{fewest} waypoint replicas"


def _names(items: tuple[NamespaceDecision, ...]) -> str:
    return fmt.named([item.namespace for item in items])


def _reasons(items: tuple[NamespaceDecision, ...]) -> str:
    return " or ".join(dict.fromkeys(map(why, items)))


def _gain(decision: Decision, outcome: Outcome) -> str:
    usd, of_all = outcome.usd_per_year, decision.sidecar_usd_per_year
    ends = fmt.usd_ends(usd)
    sure = f" (90 % interval {ends}, {_GIVEN})" if ends else ""
    paid = f" of {fmt.dollars(of_all.mid)}" if of_all else ""
    share = fmt.share(outcome.percent.mid)
    return f"{fmt.dollars(usd.mid)}{sure}{paid} a year {fmt.AS_BASIS[decision.basis]}, or {share}"


def _nodes(projection: Projection, decision: Decision) -> str:
    """Return when the saving is on a bill; for a part of the mesh the freed nodes are not known."""
    counts = {item.mode: item.freed_node_count for item in projection.savings}
    resizes = decision.action == Action.RIGHTSIZE
    count = counts.get(RIGHTSIZED if resizes else AMBIENT_WAYPOINT)
    is_part = not resizes and len(decision.namespaces) < len(decision.by_namespace)
    if count is None or is_part:
        per_node = "if per node, you save when nodes are removed"
    elif count > 0:
        go = "goes" if count == 1 else "go"
        per_node = f"if per node, you save when the {fmt.counted(count, 'freed node')} {go}"
    else:
        per_node = "if per node, nothing, because no whole node is freed"
    per_cpu = {
        Basis.USAGE: "per CPU used",
        Basis.RESERVED: "per CPU requested",
        Basis.BILLED: "per CPU (the larger of used and requested)",
    }[decision.basis]
    outcome = decision.rightsizing if resizes else decision.outcome
    usd = fmt.dollars(outcome.usd_per_year.mid) if outcome else "that"
    return f"If your bill charges {per_cpu}, you save the {usd}; {per_node}."


def _check(decision: Decision) -> Iterator[str]:
    """Return which namespaces to check for L7 needs, the one that matters most first."""
    names = decision.check_first
    if len(names) == 1:
        yield f"Before moving, check whether {fmt.named(names)} needs {L7}."
    elif names:
        others = [item.namespace for item in decision.by_namespace if item.namespace not in names]
        is_short = len(names) > _MOST_NAMED and 0 < len(others) <= _MOST_NAMED
        but = f" (all but {fmt.named(others)})" if is_short else ""
        some = "" if len(names) <= _MOST_NAMED else ", starting with"
        who = fmt.listed([fmt.shortened(name) for name in names[:_MOST_NAMED]])
        check = f"Before moving, check which of {len(names):,} namespaces{but} need {L7}"
        yield f"{check}{some or ':'} {who}."


def _worth(decision: Decision) -> Iterator[str]:
    without = decision.without_waypoints
    if decision.check_first and without:
        usd, share = fmt.dollars(without.usd_per_year.mid), fmt.percent(without.percent)
        yield f"With ambient L4 alone the saving is {usd} a year, or {share}."


def _resizing(decision: Decision, resized: tuple[NamespaceDecision, ...]) -> str:
    """Return that all that do not move are right-sized; "" where others do neither."""
    rest = len(decision.by_namespace) - len(decision.namespaces)
    return ", and right-size the others" if 0 < len(resized) == rest else ""


def _instead(decision: Decision) -> Iterator[str]:
    """Return what right-sizing all sidecars saves without a move, where it surely does."""
    alone, beyond = decision.rightsizing, decision.against_rightsized
    if alone and beyond and alone.usd_per_year.low > 0:
        usd, share = fmt.dollars(alone.usd_per_year.mid), fmt.share(alone.percent.mid)
        yield (
            f"Right-sizing all sidecars without moving any saves {usd} a year, or {share}; the "
            f"move saves {fmt.usd(beyond.usd_per_year)} more."
        )


_BEYOND: Final = {
    # By why right-sizing comes first: what is known of moving.
    Why.RIGHTSIZED_SAVES_AS_MUCH: (
        "Moving saves against today's sidecars, but not surely against right-sized ones."
    ),
    Why.WAYPOINT_DECIDES: "Whether moving saves more depends on which namespaces need a waypoint.",
    Why.RANGE_HAS_BOTH_SIGNS: "Cannot tell whether moving saves more: the ranges have both signs.",
    Why.CPU_UNKNOWN: "Cannot tell whether to move: some sidecar CPU was not measured.",
    Why.AMBIENT_UNKNOWN: "Cannot tell whether to move: the cost of ambient is not known.",
}


def _rightsize(projection: Projection, decision: Decision) -> Iterator[str]:
    stays = decision.why in _STAYS
    if stays:
        yield "Stay in sidecar mode, and right-size the sidecars."
    else:
        yield "Right-size the sidecars first: set their CPU and memory requests to what they need."
    if decision.rightsizing:
        yield f"This saves {_gain(decision, decision.rightsizing)}."
    yield _STAYS[decision.why] if stays else _BEYOND[decision.why]
    yield from _against_rightsized(projection, decision)
    if stays:
        yield _nodes(projection, decision)
    elif decision.why == Why.AMBIENT_UNKNOWN:
        yield from _unknown(projection)
    else:
        yield from _check(decision)


def _against_rightsized(projection: Projection, decision: Decision) -> Iterator[str]:
    """Return what ambient saves against right-sized sidecars, with and without waypoints."""
    found = {
        item.mode: item.against_rightsized.percent
        for item in projection.savings
        if item.against_rightsized
    }
    if AMBIENT_L4 not in found or AMBIENT_WAYPOINT not in found:
        return
    without, with_them = (fmt.saving(found[mode]) for mode in (AMBIENT_L4, AMBIENT_WAYPOINT))
    yield (
        f"Against right-sized sidecars ambient L4 would {without} "
        f"{fmt.AS_BASIS[decision.basis]}, and with waypoints {with_them}."
    )


_STAYS: Final = {
    Why.TOO_LITTLE: "The ztunnels cost more than moving namespaces saves.",
    Why.ZTUNNEL_COSTS_MORE: "No namespace saves by moving, even without a waypoint.",
    Why.WAYPOINT_COSTS_MORE: "The waypoints that the scenario places cost more than L4 saves.",
}


def _stay(projection: Projection, decision: Decision) -> Iterator[str]:
    yield "Stay in sidecar mode."
    yield _STAYS[decision.why]
    if decision.why == Why.WAYPOINT_COSTS_MORE:
        yield from _in_mode(projection, AMBIENT_WAYPOINT, "With these waypoints, ambient")
        yield from better_replicas(projection)
        yield from _in_mode(projection, AMBIENT_L4, "Without waypoints, ambient")
    else:
        yield from _in_mode(projection, AMBIENT_L4, "Even without waypoints, ambient")


def _in_mode(projection: Projection, mode: str, subject: str) -> Iterator[str]:
    for saving in projection.savings:
        if saving.mode == mode:
            basis = fmt.AS_BASIS[projection.basis]
            yield f"{subject} would {fmt.saving(saving.percent)} {basis}."


def _with_waypoints(projection: Projection) -> str:
    if projection.waypoint_placement == OBSERVED:
        return "With waypoints for HTTP"
    return "With waypoints where the scenario places them"


def _at_best(projection: Projection, decision: Decision) -> Iterator[str]:
    """Return what moving those that may save does, and what moving all with waypoints does."""
    best, settled = decision.at_best, is_settled(projection.waypoint_placement)
    waypoints = _with_waypoints(projection)
    is_all = best is None or best.namespace_count == len(decision.by_namespace)
    if best and not (settled and is_all):
        who = "ambient" if is_all else f"moving {fmt.counted(best.namespace_count, 'namespace')}"
        how, basis = waypoints if settled else "Without waypoints", fmt.AS_BASIS[decision.basis]
        yield f"{how}, {who} would {fmt.saving(best.percent)} {basis}."
    who = "ambient" if is_all else "moving all of them"
    yield from _in_mode(projection, AMBIENT_WAYPOINT, f"{waypoints}, {who}")


def _unknown(projection: Projection) -> Iterator[str]:
    """Return why the cost of ambient is not known."""
    # What was never asked for is no reason.
    known = [item for item in projection.refusals if item.reason != Reason.NOT_ASKED][:1]
    yield from (whole(item.detail) for item in known)


def _cannot_tell(projection: Projection, decision: Decision) -> Iterator[str]:
    if decision.why == Why.NOTHING_MEASURED:
        yield "No decision: these are published benchmarks for a hypothetical mesh."
        yield "Measure your own mesh first."
    elif decision.why == Why.AMBIENT_UNKNOWN:
        if NOTHING_TO_SAVE in projection.refusals:
            yield f"Nothing to decide on cost. {whole(NOTHING_TO_SAVE.detail)}"
            return
        yield "Cannot tell whether to move: the cost of ambient is not known."
        yield from _unknown(projection)
    elif decision.why == Why.WAYPOINT_DECIDES:
        yield "Cannot tell yet whether to move: it depends on which namespaces need a waypoint."
        yield from _in_mode(projection, AMBIENT_WAYPOINT, f"{_with_waypoints(projection)}, ambient")
        better = tuple(better_replicas(projection))
        yield from better
        if decision.without_waypoints:
            count = fmt.counted(decision.without_waypoints.namespace_count, "namespace")
            gain = _gain(decision, decision.without_waypoints)
            yield f"Moving {count} without waypoints saves {gain}."
        yield from () if better else break_even_line(projection)
        yield from _check(decision)
    elif decision.why == Why.CPU_UNKNOWN:
        dark = [item.namespace for item in decision.by_namespace if item.why == Why.CPU_UNKNOWN]
        yield f"Cannot tell whether to move: sidecar CPU was not measured in {fmt.named(dark)}."
        subject = "Compared with the measured sidecars, ambient with waypoints"
        yield from _in_mode(projection, AMBIENT_WAYPOINT, subject)
    else:
        yield "Cannot tell whether ambient would cost less: the ranges have both signs."
        yield from _at_best(projection, decision)
        yield from break_even_line(projection)
        if decision.decisive:
            value, unit = assumed(projection, decision.decisive)
            shown = f": {fmt.ranged(value)}{f' {unit}' if unit else ''}" if value else ""
            name = assumption_title(decision.decisive)
            how = "Measure it" if decision.decisive == UNSEEN_TIME else "Measure or state it"
            yield f"The figure that would narrow this most: {name}{shown}. {how}."
