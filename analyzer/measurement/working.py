"""The working folder of a collection, and the moves that make a snapshot of it.

SNAPSHOT.partial       a collection that is not whole: plan.json, chunks/, and whole/ in the making
SNAPSHOT.partial.done  its end: whole/ is complete and has only to be moved, the rest to be removed

Every move is one rename, so a run that is killed leaves the state before it or the state after it.
`settle` brings what it left to an end. All of this needs the lock of `lock.locked`.
"""

import contextlib
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.errors import SnapshotError, UsageError
from analyzer.files import is_temporary, read_file
from analyzer.measurement.plan import Plan
from analyzer.measurement.snapshot import (
    MOST_MANIFEST_BYTES,
    contents,
    done_path,
    partial_path,
    write_file,
)

PLAN: Final = "plan.json"
CHUNKS: Final = "chunks"
WHOLE: Final = "whole"
REPLACED: Final = "replaced"
"""Where the old snapshot waits until the new one is at its place."""

_OURS: Final = frozenset({PLAN, f".{PLAN}.tmp", CHUNKS, WHOLE, REPLACED})
"""The second is what earlier versions left when they were killed."""
_OUR_ENDINGS: Final = frozenset({".parquet", ".json", ".tmp"})

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A working folder with the plan in it.

    Attributes:
        mark: a hash of that plan, which no other collection shares.
    """

    path: Path
    plan: Plan
    mark: str

    @classmethod
    def of(cls, target: Path, plan: Plan) -> "Working":
        """Return the working folder of `target`, in which `plan` was read."""
        path = partial_path(target)
        # Earlier versions let others read it.
        with contextlib.suppress(OSError):
            path.chmod(0o700)
            (path / PLAN).chmod(0o600)
        try:
            mark = hashlib.sha256(read_plan(path)).hexdigest()
        except OSError as error:
            raise SnapshotError(f"{path} cannot be read: {error.strerror}.") from error
        return cls(path=path, plan=plan, mark=mark)

    @classmethod
    def begin(cls, target: Path, plan: Plan) -> "Working":
        """Make the working folder; one that cannot be used any more goes now, and not before."""
        path = partial_path(target)
        try:
            if path.exists():
                _discard(path, done_path(target))
            # The plan holds the salt of hidden names, or names: no other user reads them.
            path.mkdir(mode=0o700, parents=True)
            (path / CHUNKS).mkdir()
        except OSError as error:
            raise SnapshotError(f"{path} cannot be made: {error.strerror}.") from error
        # Two collections that ask the same at two times must not share chunks either.
        document = {"id": secrets.token_hex(16), **plan.to_json()}
        write_file(path / PLAN, json.dumps(document, indent=2).encode(), is_private=True)
        return cls.of(target, plan)


def read_plan(partial: Path) -> bytes:
    """Return the plan in a working folder; raises OSError if it cannot be read."""
    return read_file(partial / PLAN, MOST_MANIFEST_BYTES)


def is_ours(folder: Path) -> bool:
    """Return whether a folder holds nothing but what a collection writes."""
    return folder.is_dir() and all(
        (item.name in _OURS or is_temporary(item)) and (item.is_file() or _holds_tables(item))
        for item in folder.iterdir()
    )


def require_ours(folder: Path) -> None:
    """Refuse a folder that holds something else; raises UsageError."""
    if not is_ours(folder):
        held = f"It holds {contents(folder)}." if folder.is_dir() else "It is a file."
        raise UsageError(f"{folder} is in the way. {held} Remove it.")


def settle(target: Path, note: Note) -> None:
    """Finish what a run was about to do at `target` when it was killed.

    Raises:
        UsageError: if something else lies where a collection works.
        SnapshotError: if the folders cannot be moved.
    """
    done, waiting = done_path(target), partial_path(target) / REPLACED
    try:
        if done.exists():
            require_ours(done)
            if (done / WHOLE).exists():
                _put(done / WHOLE, target)
                note(f"{target} is the collection that was interrupted before its last step.")
            shutil.rmtree(done)
        # Earlier versions moved the old snapshot away first.
        if waiting.exists() and not target.exists():
            waiting.rename(target)
    except OSError as error:
        raise SnapshotError(f"{target} cannot be finished: {error.strerror}.") from error


def finish(target: Path, note: Note) -> None:
    """Put the complete `whole/` of the working folder at `target`, and remove the rest.

    Raises:
        SnapshotError: if it cannot be moved; then an old snapshot is there as before.
    """
    partial, done = partial_path(target), done_path(target)
    try:
        # The step that counts. Whichever run comes next completes what follows.
        partial.rename(done)
        _put(done / WHOLE, target)
    except OSError as error:
        raise SnapshotError(f"{target} cannot be finished: {error.strerror}.") from error
    try:
        shutil.rmtree(done)
    except OSError as error:
        note(f"{target} is complete, but {done} cannot be removed: {error.strerror}. Remove it.")


def _put(whole: Path, target: Path) -> None:
    waiting = whole.with_name(REPLACED)
    if target.exists():
        target.rename(waiting)
    try:
        whole.rename(target)
    except OSError:
        if waiting.exists():
            waiting.rename(target)
        raise


def _discard(partial: Path, done: Path) -> None:
    # In the other folder it would count as complete.
    if (partial / WHOLE).exists():
        shutil.rmtree(partial / WHOLE)
    partial.rename(done)
    shutil.rmtree(done)


def _holds_tables(folder: Path) -> bool:
    return folder.is_dir() and all(item.suffix in _OUR_ENDINGS for item in folder.iterdir())
