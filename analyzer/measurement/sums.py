"""Sums of reports over the same names and steps, for a million reports."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzer.measurement.groups import packed
from analyzer.measurement.numbers import first_rows


def summed_in_steps(rows: pd.DataFrame, names: Sequence[str], column: str) -> pd.DataFrame:
    """Return the sums of `column` over the rows of the same names and `point`, sorted by these.

    Columns: `names`, which are texts, point and `column`, of which unknown values add nothing. The
    steps of a series follow each other, so its names are looked up once: pandas looks at each row.
    """
    keys = [*names]
    firsts = first_rows(rows[keys])
    series = rows[keys].iloc[firsts]
    number = series.groupby(keys, dropna=False).ngroup().to_numpy(np.int64)
    number = np.repeat(number, np.diff(firsts, append=len(rows)))
    points = rows["point"].to_numpy(np.int64)
    least = points.min(initial=0)
    width = int(points.max(initial=0)) - least + 1
    found, place = packed(number * width + points - least)
    values = rows[column].to_numpy(np.float64)
    known = np.where(np.isnan(values), 0.0, values)
    # Without any row, NumPy returns whole numbers.
    sums = np.bincount(place, known, len(found)).astype(np.float64)
    number, points = np.divmod(found, width)
    named = series.drop_duplicates().sort_values(keys).take(number).reset_index(drop=True)
    return named.assign(**{"point": points + least, column: sums})
