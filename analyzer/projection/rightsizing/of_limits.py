"""Warnings about LimitRanges that reject recommended requests, or add to them."""

from collections.abc import Iterable, Iterator, Sequence

from analyzer.measurement.findings import Finding, Severity
from analyzer.projection.rightsizing.limited import CPU, DEFAULT, MIN, RATIO, Limited
from analyzer.projection.rightsizing.naming import MOST_NAMED, names_of, some
from analyzer.units import MIB_PER_GIB, counted


def limits_that_reject(limits: Iterable[Limited]) -> Iterator[Finding]:
    """Yield the constraints that pods with the recommended requests would break."""
    groups: dict[tuple[str, str, str], list[Limited]] = {}
    for one in limits:
        if one.constraint != DEFAULT:
            groups.setdefault((one.namespace, one.resource, one.constraint), []).append(one)
    if not groups:
        return
    sentences = ["LimitRanges reject pods with the recommended requests and limits."]
    sentences += map(_broken, [*groups.values()][:MOST_NAMED])
    if len(groups) > MOST_NAMED:
        rest = counted(len(groups) - MOST_NAMED, "more constraint")
        sentences.append(f"They break {rest}.")
    yield Finding(
        name="limit_range_rejects",
        text=" ".join(sentences),
        affected=names_of(
            (one.namespace, one.workload) for ones in groups.values() for one in ones
        ),
        fix="Change the LimitRange first, or do not apply the recommendation in that namespace.",
    )


def _broken(ones: Sequence[Limited]) -> str:
    """Return one constraint of a namespace and the recommendation that is farthest from it."""
    is_least = ones[0].constraint == MIN
    chosen = min if is_least else max
    worst = chosen(ones, key=lambda one: float("inf") if one.amount is None else one.amount)
    most = f"the {'lowest' if is_least else 'highest'} of {len(ones):,}"
    whom = worst.workload if len(ones) == 1 else f"{worst.workload}, {most},"
    bound = f"{'at least' if is_least else 'at most'} {_shown(worst, worst.enforced)}"
    rule = f"{'request' if is_least else 'limit'} is {bound}"
    what = "CPU" if worst.resource == CPU else "memory"
    amount = "no limit" if worst.amount is None else _shown(worst, worst.amount)
    return f"In {worst.namespace} a {what} {rule}, and {whom} would have {amount}."


def default_limits(limits: Iterable[Limited]) -> Iterator[Finding]:
    """Yield the default limits that containers get for which no limit is recommended."""
    added = [one for one in limits if one.constraint == DEFAULT]
    if not added:
        return
    of_each = dict.fromkeys(f"{_shown(one, one.enforced)} in {one.namespace}" for one in added)
    yield Finding(
        name="limit_range_default",
        severity=Severity.INFO,
        text="LimitRanges give sidecars without a limit a default one: "
        f"{some(list(of_each))}. At it their CPU is throttled, or they are killed for memory.",
        affected=names_of((one.namespace, one.workload) for one in added),
        fix="Set a limit (rightsizing_cpu_limit in the scenario), or remove the default.",
    )


def _shown(one: Limited, amount: float) -> str:
    """Return an amount with its unit."""
    if one.constraint == RATIO:
        return f"{amount:.3g} times the request"
    if one.resource == CPU:
        return f"{amount:.3g} vCPU"
    mib = amount * MIB_PER_GIB
    return f"{mib:.3g} MiB" if mib < MIB_PER_GIB else f"{amount:.3g} GiB"
