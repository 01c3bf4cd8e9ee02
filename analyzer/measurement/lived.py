"""For how much of each step a proxy existed: its life begins within one step and ends in another.

Rates are means over whole steps, but a request for CPU is the same at each moment of a life. A pod
of twenty minutes would request three times as much in steps of an hour.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints, are_alike
from analyzer.measurement.columns import as_one, assigned
from analyzer.measurement.neighbours import after, follows

LIVED: Final = "lived_share"
"""The column of the step table with this share."""

FOR_LIFE: Final = ("reserved_vcpu", "reserved_memory_bytes", "limit_vcpu", "limit_memory_bytes")
"""What a pod is given at its creation and keeps."""

_MEMORY: Final = "memory_bytes"

PART_OF_A_STEP: Final = 0.5
"""Mean share of its first or last step in which a proxy exists."""

WHOLE: Final = 0.9
"""Share of a whole step's scrapes from which a proxy lived for all of it: one may come late."""


class Ends(NamedTuple):
    """The rows in which a life begins and ends, shape (rows,)."""

    begins: Bools
    ends: Bools

    @classmethod
    def of(cls, proxy: Ints, point: Ints, point_count: int) -> "Ends":
        """Return those of rows sorted by proxy and point. A window does not begin or end a life."""
        has_before = follows(proxy, point)
        has_after = after(has_before, proxy)
        return cls(begins=~has_before & (point > 0), ends=~has_after & (point < point_count - 1))

    @property
    def either(self) -> Bools:
        """The rows in which a life begins or ends."""
        return self.begins | self.ends


def scraped_shares(scrapes: Floats, workload: Ints, is_edge: Bools, expected: float) -> Floats:
    """Return each row's scrapes as a share of those of a whole step; NaN: not known.

    Args:
        scrapes: how often the proxy was scraped in the row; NaN: not known.
        workload: number of the row's workload, whose proxies are scraped at the same interval.
        is_edge: whether a life begins or ends in the row.
        expected: scrapes of a whole step where a workload has none: all its pods live briefly.
    """
    inner = pd.Series(np.where(is_edge, np.nan, scrapes) if is_edge.any() else scrapes)
    # A table of zeros, as an export may make of it, shows no scrape.
    usual = inner.where(inner > 0).groupby(workload).median().fillna(expected)
    of_all = np.full(int(workload.max(initial=-1)) + 1, expected)
    of_all[usual.index.to_numpy()] = usual.to_numpy(float)
    return np.asarray(scrapes / of_all[workload])


def lived_shares(
    ends: Ends, scraped: Floats, point: Ints, point_count: int, ranges_per_step: float
) -> Floats:
    """Return for what share of its step the proxy of each row existed, 0 to 1.

    Args:
        ends: the rows in which lives begin and end.
        scraped: of `scraped_shares`.
        point: number of the row's step.
        point_count: steps of the window.
        ranges_per_step: the range in which scrapes are counted, over the step. It begins before it.
    """
    in_first, in_last = (_few(scraped, point == step) for step in (0, point_count - 1))
    begins, stops = ends.begins | in_first, ends.ends | in_last
    lived = scraped * ranges_per_step
    # What lived into the step began before it, in the part of the range that is no part of it.
    lived -= np.where(stops & ~begins, ranges_per_step - 1, 0.0)
    lived = np.where(np.isnan(lived), PART_OF_A_STEP, np.clip(lived, 0.0, 1.0))
    return as_one(np.where(begins | stops, lived, 1.0))


def _few(scraped: Floats, is_there: Bools) -> Bools:
    """Return the rows of the window's first or last step with fewer scrapes than others.

    Only they show a life that begins or ends there. All have fewer if the server was not there.
    """
    most = min(np.nanmax(scraped, initial=0.0, where=is_there & ~np.isnan(scraped)), 1.0)
    return np.asarray(is_there & (scraped < WHOLE * most))


def over_steps(rows: pd.DataFrame, workload: Ints) -> pd.DataFrame:
    """Return rows with what a proxy holds at a moment averaged over each step, as rates are.

    That is memory, and what it is given for life. The memory of a proxy is known at the end of a
    step: one that ended in it has that of its step before, or of its workload.

    Args:
        rows: of the step table, with `LIVED`.
        workload: number of each row's workload.
    """
    lived = rows[LIVED].to_numpy(float)
    if (are_alike(lived) and lived[0] == 1) or (lived == 1).all():
        return rows
    columns = {name: rows[name].to_numpy(float) for name in (*FOR_LIFE, _MEMORY)}
    columns[_MEMORY] = _with_ended(columns[_MEMORY], rows["proxy"].to_numpy(), workload, lived < 1)
    known = {name: values for name, values in columns.items() if not np.isnan(values).all()}
    return assigned(rows, {name: values * lived for name, values in known.items()})


def _with_ended(memory: Floats, proxy: Ints, workload: Ints, is_part: Bools) -> Floats:
    """Return the memory of each row, filled where a proxy existed for a part of the step."""
    unknown = is_part & np.isnan(memory)
    if not unknown.any():
        return memory
    some = np.isin(workload, np.unique(workload[unknown]))
    values = pd.Series(memory[some])
    own = values.groupby(proxy[some]).ffill()
    own = own.groupby(proxy[some]).bfill()
    own = own.fillna(values.groupby(workload[some]).transform("mean"))
    found = memory.copy()
    found[some] = np.where(unknown[some], own.to_numpy(float), memory[some])
    return found
