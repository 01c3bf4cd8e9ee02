"""Whether a collection in a folder and a new one ask the same question.

The same question has the same server, tenant, scope and step, and the same times. A time that ends
"now" is a question of its own: its answer is good until the next step has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from analyzer.errors import InsufficientData
from analyzer.measurement.anonymise import HIDDEN_SOURCE, SALT_VARIABLE, Anonymiser
from analyzer.settings import Setting
from analyzer.units import moment
from analyzer.window import TimeWindow

if TYPE_CHECKING:
    from analyzer.measurement.manifest import Manifest
    from analyzer.measurement.plan import Ask

_ALIKE: Final = (
    "source", "namespaces", "cluster", "cluster_label", "replica_labels", "no_rules",
)  # fmt: skip
_SETTINGS: Final = {"source": Setting.URL, "step_seconds": Setting.STEP}


def question_of(manifest: Manifest) -> Mapping[str, Any]:
    """Return the question of a snapshot, as `Ask.to_json` writes it.

    Version 0.1 did not keep it: then only those parts that the manifest holds for other ends.
    """
    if manifest.question:
        return manifest.question
    return {
        "source": manifest.source,
        "scope": {"namespaces": manifest.scope.namespaces, "cluster": manifest.scope.cluster},
        "hide_names": manifest.source == HIDDEN_SOURCE,
    }


def is_current(window: TimeWindow, ask: Ask, now: datetime) -> bool:
    """Return whether a new collection would end where `window` does."""
    return ask.end is not None or now - window.end < timedelta(seconds=window.step_seconds)


def differences(
    there: Mapping[str, Any], window: TimeWindow, ask: Ask, anonymiser: Anonymiser, now: datetime
) -> tuple[str, ...]:
    """Return in what `ask` differs from the question of a folder; nothing if it does not.

    Args:
        there: as `question_of` returns it. Parts that it lacks are not compared.
        window: the time of the collection in the folder.
        ask: the new question.
        anonymiser: hides names as in the folder, if names are hidden there.
        now: where a time ends that has no end.
    """
    hidden = bool(there.get("hide_names"))
    if hidden != ask.hide_names:
        return (_differing(Setting.HIDE_NAMES, hidden, ask.hide_names),)
    if hidden and not anonymiser.salt:
        return (f"its names are hidden, and without {SALT_VARIABLE} cannot be compared",)
    new = _flat(ask.to_json(anonymiser))
    if hidden and there.get("source") != new["source"]:
        return (f"another {Setting.URL}, or names hidden with another {SALT_VARIABLE}",)
    return (*_others(_flat(there), window, new), *_times(there, window, ask, now))


def _flat(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question with its scope's parts beside the others."""
    scope = question.get("scope", {})
    parts = {"replica_labels": [], **question, "cluster": scope.get("cluster", "")}
    return {**parts, "namespaces": sorted(scope.get("namespaces", ()))}


def _others(there: Mapping[str, Any], window: TimeWindow, new: Mapping[str, Any]) -> Iterator[str]:
    for key in _ALIKE:
        if key in there and there[key] != new[key]:
            setting = _SETTINGS.get(key) or Setting(key)
            yield _differing(setting, there[key], new[key])
    if there.get("tenant", new["tenant"]) != new["tenant"]:
        yield f"another tenant or user ({Setting.HEADERS}, {Setting.USERNAME})"
    step, asked = there.get("step_seconds"), new["step_seconds"]
    # A step that is given may be the one that was chosen before.
    if (step if asked is None else window.step_seconds) != asked:
        yield _differing(Setting.STEP, f"{step or window.step_seconds}s", asked and f"{asked}s")
    if new["note"] and there.get("note", new["note"]) != new["note"]:
        yield "another note"


def _times(there: Mapping[str, Any], window: TimeWindow, ask: Ask, now: datetime) -> Iterator[str]:
    """Compare times: those that are fixed by the steps between them."""
    if ask.end is not None:
        if _window(ask, window, now) == window:
            return
        if _instant(there, "end") == ask.end and not ask.start and not there.get("start"):
            yield _differing(Setting.DAYS, f"{there['days']:g}", f"{ask.days:g}")
        else:
            yield _differing_times(window, ask, now)
        return
    if there.get("end"):
        yield _differing(Setting.END, there["end"], None)
        return
    if "days" not in there:
        if not _covers(window, ask, now):
            yield _differing_times(window, ask, now)
        return
    if ask.start != _instant(there, "start"):
        yield _differing(Setting.START, there["start"], ask.start and ask.start.isoformat())
    elif ask.start is None and there["days"] != ask.days:
        yield _differing(Setting.DAYS, f"{there['days']:g}", f"{ask.days:g}")


def _instant(there: Mapping[str, Any], key: str) -> datetime | None:
    return datetime.fromisoformat(there[key]) if there.get(key) else None


def _window(ask: Ask, there: TimeWindow, now: datetime) -> TimeWindow | None:
    """Return the window of `ask` on the same grid: that of version 0.1 was another."""
    try:
        return TimeWindow.within(*ask.times(now), there.step_seconds, there.offset_seconds)
    except InsufficientData:
        return None


def _covers(window: TimeWindow, ask: Ask, now: datetime) -> bool:
    """Return whether a window can be what `ask` was, asked at another time."""
    start, end = ask.times(now)
    # At both ends a part of a step is left out.
    step = timedelta(seconds=window.step_seconds)
    if ask.start is not None:
        return timedelta(0) <= window.start - start < step
    return abs((end - start) - (window.end - window.start)) < 2 * step


def _differing_times(window: TimeWindow, ask: Ask, now: datetime) -> str:
    there, new = (
        f"{moment(start)} to {moment(end)} UTC"
        for start, end in ((window.start, window.end), ask.times(now))
    )
    return f"{there} there, {new} now"


def _differing(setting: Setting, there: object, new: object) -> str:
    return f"{setting} {_shown(there)} there, {_shown(new)} now"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "not given"
    return str(value) if value else "not given"
