"""Tables as pieces: rows that follow each other and have the same labels, which are there once.

A table has each series in one piece, as a rule, with hundreds of rows. Written out in each row the
labels would take three quarters of the memory, and most of the time in which names are looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.frames import TIME, ascend, check_frame
from analyzer.measurement.numbers import are_distinct, changes, first_rows
from analyzer.measurement.parquet import frame_in, texts_of
from analyzer.measurement.possible import are_known, without_traces
from analyzer.prometheus.query import Query

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """The table of one query.

    Attributes:
        name: of the query.
        labels: one row a piece, with a column of texts for each label.
        lengths: how many rows each piece has, shape (pieces,).
        times: of all rows, in seconds since the epoch, shape (rows,).
        samples: of all rows, shape (rows,).
    """

    name: str
    labels: pd.DataFrame
    lengths: Ints
    times: Ints
    samples: Floats

    @classmethod
    def of(cls, name: str, frame: pd.DataFrame) -> Pieces:
        """Return a table that has its labels in each row."""
        labels = frame.drop(columns=[TIME, name])
        firsts = first_rows(labels) if labels.shape[1] else np.arange(min(len(frame), 1))
        return cls(
            name=name,
            labels=labels.iloc[firsts].reset_index(drop=True),
            lengths=np.diff(firsts, append=len(frame)),
            times=frame[TIME].to_numpy(np.int64),
            samples=frame[name].to_numpy(np.float64),
        )

    def __len__(self) -> int:
        """Return how many rows it has."""
        return len(self.times)

    def frame(self) -> pd.DataFrame:
        """Return the table with its labels in each row."""
        rows = self.spread(np.arange(len(self.labels)))
        labels = {label: column.array.take(rows) for label, column in self.labels.items()}
        columns = {**labels, TIME: self.times, self.name: self.samples}
        # `assign` on the labels would copy each column once more.
        return pd.DataFrame(columns, copy=False)

    def spread(self, values: npt.NDArray[_Kind]) -> npt.NDArray[_Kind]:
        """Return in each row the value of its piece, of shape (pieces,)."""
        return np.repeat(values, self.lengths)

    def sums(self) -> Floats:
        """Return the sum of the samples of each piece, shape (pieces,)."""
        return np.add.reduceat(self.samples, self._begins) if len(self.lengths) else np.empty(0)

    def latest(self) -> Ints:
        """Return the last time in each piece, shape (pieces,)."""
        none: Ints = np.empty(0, dtype=np.int64)
        return np.maximum.reduceat(self.times, self._begins) if len(self.lengths) else none

    @property
    def _begins(self) -> Ints:
        return np.cumsum(self.lengths) - self.lengths

    def where(self, chosen: Bools) -> Pieces:
        """Return the pieces that are chosen by flags of shape (pieces,)."""
        if chosen.all():
            return self
        rows = np.repeat(chosen, self.lengths)
        return replace(
            self,
            labels=self.labels[chosen].reset_index(drop=True),
            lengths=self.lengths[chosen],
            times=self.times[rows],
            samples=self.samples[rows],
        )


def checked_pieces(query: Query, table: pa.Table) -> Pieces:
    """Return what `parquet.read_table` read; raises as `check_frame`."""
    if {TIME, query.name, *query.labels} <= set(table.column_names):
        found = _in_order(query, table)
        if found is not None:
            return found
    # What is unusual is looked at row by row: it may be wrong, and then the row is named.
    return Pieces.of(query.name, check_frame(query, frame_in(table)))


def _in_order(query: Query, table: pa.Table) -> Pieces | None:
    """Return a table in which each series is one piece, in the order of time; None for others."""
    times, samples = table.column(TIME).to_numpy(), table.column(query.name).to_numpy()
    if not are_known(query, samples):
        return None
    texts = {label: texts_of(table.column(label)) for label in query.labels}
    firsts = np.flatnonzero(changes([codes for _, codes in texts.values()], len(times)))
    # A text has one number, so labels that differ have other numbers.
    numbers = [codes[firsts] for _, codes in texts.values()]
    # pandas would look up what "str" means for each column.
    kind = pd.StringDtype(na_value=np.nan)
    labels = pd.DataFrame(
        {
            label: pd.array(known[codes[firsts]], dtype=kind)
            for label, (known, codes) in texts.items()
        },
        columns=list(query.labels),
        copy=False,
    )
    lengths = np.diff(firsts, append=len(times))
    if not ascend(times, lengths) or not are_distinct(numbers, len(firsts)):
        return None
    return Pieces(
        name=query.name,
        labels=labels,
        lengths=lengths,
        times=times,
        samples=without_traces(samples),
    )
