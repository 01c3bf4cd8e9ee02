"""Running a function in a fork of this process, which has everything imported, and measuring it."""

import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

Result = TypeVar("Result")

_KILL_SECONDS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Forked(Generic[Result]):
    """What came of a function in a process of its own.

    Attributes:
        result: what it returned; None if the process ended before.
        status: of the process; the number of its signal below zero.
        seconds: by the clock.
        cpu_seconds: of all its threads. A loaded machine does not change them.
        peak_mib: the most memory of the process, what it has from this one included.
    """

    result: Result | None
    status: int
    seconds: float
    cpu_seconds: float
    peak_mib: float

    @property
    def whole(self) -> Result:
        """The result; raises AssertionError if there is none."""
        assert self.result is not None, f"a process ended with status {self.status}"
        return self.result


def forked(function: Callable[[], Result]) -> Forked[Result]:
    """Run a function in a fork of this process, which is killed after three minutes."""
    began = time.perf_counter()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _run_and_exit(function, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        pickled = pipe.read()
    _, status, usage = os.wait4(child, 0)
    return Forked(
        result=pickle.loads(pickled) if pickled and not status else None,
        status=os.waitstatus_to_exitcode(status),
        seconds=time.perf_counter() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
    )


def _run_and_exit(function: Callable[[], object], writing: int) -> NoReturn:
    status = 1
    try:
        signal.alarm(_KILL_SECONDS)
        pickled = pickle.dumps(function())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickled)
        status = 0
    except BaseException:  # noqa: BLE001 - the parent shows that there is no result
        traceback.print_exc()
    finally:
        os._exit(status)
