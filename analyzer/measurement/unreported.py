"""Whether the report on a snapshot is still to be written: a mark in the folder of the snapshot.

A time that ends now is another question at the next step, so the snapshot alone does not show that
somebody waits for its report. The mark comes with the snapshot, in the same stroke, and goes once
all files of the report are written. A mark of its own is surer than the age of the files: copying a
folder changes that, and a report of another snapshot may lie beside it.
"""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from analyzer.errors import OutputError
from analyzer.files import write_file
from analyzer.window import TimeWindow

UNREPORTED: Final = "unreported.json"
MARK: Final = b'{"reported": false}\n'

_MOST_TIME: Final = timedelta(hours=20)
"""A run once a day must not answer with the snapshot of the day before."""


def mark(snapshot: Path) -> None:
    """Note that a report on a snapshot has begun; without a right to write there is no note."""
    with contextlib.suppress(OutputError):
        write_file(snapshot / UNREPORTED, MARK)


def unmark(snapshot: Path) -> None:
    """Note that a report on a snapshot is written, or that there cannot be one."""
    with contextlib.suppress(OSError):
        (snapshot / UNREPORTED).unlink()


def is_waited_for(snapshot: Path, window: TimeWindow, now: datetime) -> bool:
    """Return whether a report on a snapshot was begun, not finished, and is not too old."""
    return (snapshot / UNREPORTED).exists() and now - window.end < _MOST_TIME
