"""What happens where the folder of a collection already holds one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from analyzer.errors import QueryFileError, SnapshotError, UsageError, sentences
from analyzer.files import is_temporary
from analyzer.measurement import question
from analyzer.measurement.anonymise import Anonymiser, given_salt
from analyzer.measurement.manifest import checked_question, window_of
from analyzer.measurement.plan import Ask, Plan
from analyzer.measurement.snapshot import MANIFEST, Snapshot, contents, open_snapshot
from analyzer.measurement.unreported import UNREPORTED, is_waited_for
from analyzer.measurement.working import CHUNKS, PLAN, Note, read_plan, require_ours
from analyzer.prometheus.query import load_queries
from analyzer.settings import Setting
from analyzer.typed import Part
from analyzer.units import moment
from analyzer.window import TimeWindow

_MANGLED = (OSError, ValueError, KeyError, TypeError, AttributeError, QueryFileError)
"""What reading a file that somebody changed may raise."""

_FORCE = f"Use another folder, or {Setting.FORCE} to replace it."


def answered(
    target: Path, ask: Ask, now: datetime, *, force: bool, is_for_report: bool, note: Note
) -> Snapshot | None:
    """Return the snapshot in a folder if it answers a question; None if it is to be collected.

    For a report it also answers one whose report was interrupted, a while later.

    Raises:
        UsageError: if it answers another question, or something else is there.
        SnapshotError: if it is damaged.
    """
    if not target.exists():
        return None
    if not target.is_dir():
        raise UsageError(f"{target} is a file. Choose another name.")
    names = {item.name for item in target.iterdir() if not is_temporary(item)}
    if names and MANIFEST not in names:
        raise UsageError(
            f"{target} is not a snapshot, and holds {contents(target)}. Choose another folder."
        )
    if names and not force:
        kept = _kept(target, ask, now, is_for_report=is_for_report, note=note)
        if kept is not None:
            return kept
    if others := sorted(
        names - {MANIFEST, UNREPORTED, *(f"{name}.parquet" for name in load_queries())}
    ):
        raise UsageError(
            f"{target} holds more than a snapshot: {', '.join(others[:3])}. "
            "Choose another folder, or move these files away."
        )
    return None


def _kept(
    target: Path, ask: Ask, now: datetime, *, is_for_report: bool, note: Note
) -> Snapshot | None:
    try:
        snapshot = open_snapshot(target)
        manifest = snapshot.manifest
        there = question.question_of(manifest)
        anonymiser = Anonymiser(salt=given_salt() if there.get("hide_names") else "")
        _require_same(target, there, manifest.window, ask, anonymiser, now)
    except SnapshotError as error:
        raise SnapshotError(sentences(str(error), _FORCE)) from error
    if question.is_current(manifest.window, ask, now):
        note(f"Using the snapshot in {target}: it answers the same question.")
        return snapshot
    if is_for_report and is_waited_for(target, manifest.window, now):
        note(
            f"Using the snapshot in {target}, which {_ended(manifest.window)}: its report was "
            f"interrupted. Use {Setting.FORCE} to collect again."
        )
        return snapshot
    note(f"Replacing the snapshot in {target}: it {_ended(manifest.window)}.")
    return None


def resumed(partial: Path, ask: Ask, now: datetime, *, force: bool, note: Note) -> Plan | None:
    """Return the plan of an interrupted collection if it can be finished; None if not.

    Raises:
        UsageError: if it was asked another question, or something else is there.
        SnapshotError: if it is damaged.
    """
    if not partial.exists():
        return None
    path = partial / PLAN
    if not path.is_file():
        require_ours(partial)
        if any((partial / CHUNKS).glob("*.parquet")):
            note(
                f"Collecting again: {partial} has chunks without a plan, so their question is lost."
            )
        return None
    try:
        document = Part.of_json(read_plan(partial))
        window, salt = window_of(document["window"]), document["salt"].read(str)
        there, anonymiser = checked_question(document["ask"]), Anonymiser(salt=salt)
        _require_same(partial, there, window, ask, anonymiser, now)
        plan = Plan.resumed(document, ask)
    except UsageError:
        if force:
            return None
        raise
    except (*_MANGLED, SnapshotError) as error:
        if force:
            return None
        raise SnapshotError(f"{partial} is damaged. Remove it, or use {Setting.FORCE}.") from error
    if question.is_current(window, ask, now):
        note(f"Resuming the interrupted collection in {partial}.")
        return plan
    note(f"Collecting again: the interrupted collection in {partial} {_ended(window)}.")
    return None


def times_begun(partial: Path) -> Mapping[Setting, str] | None:
    """Return which times finish an interrupted collection; None if nothing can be finished.

    None need be given where the collection has a fixed end.
    """
    try:
        document = Part.of_json(read_plan(partial))
        window, end = document["window"], document["ask"]["end"].value
        window_of(window)
    except _MANGLED:
        return None
    times = window.value
    return {} if end else {Setting.START: times["start"], Setting.END: times["end"]}


def _require_same(
    path: Path,
    there: Mapping[str, Any],
    window: TimeWindow,
    ask: Ask,
    anonymiser: Anonymiser,
    now: datetime,
) -> None:
    try:
        found = question.differences(there, window, ask, anonymiser, now)
    except _MANGLED as error:
        raise SnapshotError(f"{path} is damaged: its question cannot be read.") from error
    if found:
        raise UsageError(sentences(f"{path} answers another question: {'; '.join(found)}", _FORCE))


def _ended(window: TimeWindow) -> str:
    return f"ended at {moment(window.end)} UTC, more than a step ago"
