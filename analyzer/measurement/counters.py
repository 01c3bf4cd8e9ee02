"""Counters at the ends of steps, beside the rates that the server made of them.

A counter grows by what its rate counts. Two things make a difference. rate() takes every fall for
a restart from zero: a counter that is 10 ms lower for one sample adds the CPU of its whole life to
the step. And rate() needs two samples: it lacks what a new series has in its first one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.numbers import Numbers, distinct, numbered
from analyzer.measurement.other_side import INBOUND, OUTBOUND
from analyzer.measurement.pieces import Pieces
from analyzer.measurement.placed import steps_of
from analyzer.measurement.rows import CPU, with_points
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import Tables
from analyzer.prometheus.label_mapping import Exporter
from analyzer.window import TimeWindow

if TYPE_CHECKING:
    from pandas.api.typing import DataFrameGroupBy

CPU_COUNTER: Final = "proxy_cpu_counter_seconds"
REQUEST_COUNTER: Final = "proxy_request_counters"

REPORTERS: Final[Mapping[str, str]] = {
    "destination": INBOUND,
    "source": OUTBOUND,
    "waypoint": "waypoint_requests_rps",
}
"""The table with the rates of each reporter's counters."""

_RESTARTED: Final = 0.5
"""A counter below this share of what it was is one that restarted."""

_ADDED_SHARE: Final = 0.25
"""Share of a CPU counter from which an excess of its rate is the counter itself, added."""

_NOISE_SHARE: Final = 0.05
"""Relative difference between rate and growth that a proxy's resets need to be doubted."""

_OLD: Final = 10
"""A counter of more than so many usual steps did not restart lately."""

_LEAST_REQUESTS: Final = 5
"""Requests of a step that are too few to look at."""

_MISSED_SHARE: Final = 0.03
_MISSED_SHARE_OF_GAPS: Final = 0.25
"""Share of a step's requests from which its rate lacks some: the second where a scrape may be
missing, which moves requests from one step to the next."""

_USUAL_MULTIPLE: Final = 10
_LEAST_RPS: Final = 100.0
"""A counter that seems to begin with more than so many times the proxy's highest rate, or this
rate, was there before, and was not scraped."""

_TOO_HIGH: Final = 0.98
_TOO_LOW: Final = 1.02
"""Growth of a counter over its rates below which the rates count some increases twice, and above
which they lack some."""
_MOST: Final = 2.0
"""Times by which they may differ: beyond, something else is wrong."""

_ODD_SCRAPES: Final = 1
"""Scrapes by which a step may have more than promised, because single ones come early."""

_MIN_STEPS: Final = 8
_MOST_FALLS: Final = 0.1
"""Steps that such a proxy must have, and the share of them in which its counter may fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the counters show about the rates.

    Attributes:
        cpu_fell, requests_fell: steps in which a counter fell without a restart, so that its rate
            is far too high. Columns namespace, pod, point.
        missed: requests that rates lack, because they are in the first sample of a series. Columns
            namespace, pod, point, reporter, rps, and is_evicted: whether series of the proxy end.
        cpu, requests: rates by the growth of counters, of proxies whose rates are wrong over all
            steps. Columns namespace, pod, point, (reporter,) rate.
    """

    cpu_fell: pd.DataFrame
    requests_fell: pd.DataFrame
    missed: pd.DataFrame
    cpu: pd.DataFrame
    requests: pd.DataFrame


def counted(tables: Tables, manifest: Manifest) -> Counted:
    """Compare counters with rates; nothing is found where the counters were not asked for."""
    window = manifest.window
    requests = _requests(tables, window)
    fell = _request_falls(requests)
    cpu, cpu_fell = _cpu(tables, window)
    return Counted(
        cpu=_recounted(cpu[~cpu_fell], [*KEY, "container"], window, most=_MOST),
        # Growth lacks what ended series had: where it is higher than the rate, `missed` has it.
        requests=_recounted(
            requests[~fell & _is_faster(requests, manifest)], [*KEY, "reporter"], window, most=1.0
        ),
        cpu_fell=cpu.loc[cpu_fell, [*KEY, "point"]].drop_duplicates(),
        requests_fell=requests.loc[fell, [*KEY, "point"]].drop_duplicates(),
        missed=_missed(requests[~fell], window),
    )


def _beside(counters: pd.DataFrame, keys: list[str], step_seconds: int) -> pd.DataFrame:
    """Return rows of `keys`, `point`, `value` and `rate` with what the counter did in each step.

    Adds `series` (the number of a counter, in the order of its keys), `before` and `earlier` (the
    counter one and two steps back; NaN where not known), `added` (by the rate), `growth`, and
    `usual` (the median of the growth; NaN where none is known).
    """
    # Groups of numbers are found in a fraction of the time that those of texts take.
    rows = counters.assign(series=numbered(counters[keys]))
    rows = rows.sort_values(["series", "point"], ignore_index=True)
    groups = rows.groupby("series", sort=False)
    for name, steps in (("before", 1), ("earlier", 2)):
        is_there = groups["point"].shift(steps) == rows["point"] - steps
        rows[name] = groups["value"].shift(steps).where(is_there)
    rows["added"] = rows["rate"] * step_seconds
    rows["growth"] = rows["value"] - rows["before"]
    rows["usual"] = rows["growth"].where(rows["growth"] >= 0)
    rows["usual"] = rows.groupby("series", sort=False)["usual"].transform("median")
    return rows


def _excess(rows: pd.DataFrame) -> tuple[Floats, Bools]:
    """Return by how much the rate exceeds the growth, and where the counter did not restart.

    In the first step the growth is unknown: the usual one takes its place, if the counter is old.
    A value that jumped up for a moment at a step's end is no height to compare with, but the one
    before it is.
    """
    first = rows["before"].isna()
    is_old = rows["value"] > _OLD * rows["usual"]
    lowest = rows[["before", "earlier"]].min(axis=1)
    is_same = np.where(first, is_old, rows["value"] > _RESTARTED * lowest)
    growth = rows["growth"].fillna(rows["usual"])
    return (rows["added"] - growth).fillna(0.0).to_numpy(float), np.asarray(is_same, dtype=bool)


def _cpu(tables: Tables, window: TimeWindow) -> tuple[pd.DataFrame, Bools]:
    """Return the CPU counter of each container beside its rate, and where it fell."""
    keys = [*KEY, "container"]
    counters = with_points(tables[CPU_COUNTER], window).rename(columns={CPU_COUNTER: "value"})
    numbers = Numbers(distinct(counters[keys]))
    rates = _numbered(tables.pieces(CPU), numbers, window).rename(columns={CPU: "rate"})
    rates = rates[["number", "point", "rate"]]
    counters = counters.assign(number=numbers.of(counters[keys]))
    both = counters.merge(rates, on=["number", "point"])
    rows = _beside(both, keys, window.step_seconds)
    excess, is_same = _excess(rows)
    return rows, np.asarray(is_same & (excess > _ADDED_SHARE * rows["value"].to_numpy(float)))


def _recounted(
    rows: pd.DataFrame, keys: list[str], window: TimeWindow, *, most: float
) -> pd.DataFrame:
    """Return rates by growth, of counters whose rates are too high over all steps.

    Ranges are one scrape longer than a step, by the usual scrape interval. In those of faster
    targets, increases at the border of two steps are in both, and of slower ones in neither. Even
    load makes up for that, and bursts that always come there do not.
    """
    known = rows["growth"] >= 0
    sums = rows.assign(
        grown=rows["growth"].where(known),
        rated=rows["added"].where(known),
        fell=rows["growth"] < 0,
        known=known,
    ).groupby("series")[["grown", "rated", "fell", "known"]]
    of_each = sums.sum()
    share = of_each["grown"] / of_each["rated"].where(of_each["rated"] > 0)
    is_wrong = ~share.between(_TOO_HIGH, _TOO_LOW) & share.between(1 / _MOST, most)
    is_wrong &= of_each["fell"] <= _MOST_FALLS * of_each["known"]
    is_wrong &= of_each["known"] >= _MIN_STEPS
    found = rows.join(share[is_wrong].rename("share"), on="series", how="inner")
    by_growth = (found["growth"] / window.step_seconds).where(found["growth"] >= 0)
    found["rate"] = by_growth.fillna(found["rate"] * found["share"])
    return found[[*keys, "point", "rate"]]


def _is_faster(rows: pd.DataFrame, manifest: Manifest) -> Bools:
    """Return the rows of proxies that are scraped more often than the ranges are made for.

    Only they can have increases in two steps. Others' counters grow by less than their rates where
    series end.
    """
    seconds = manifest.rate_window_seconds(Exporter.PROXY)
    promised = round(seconds / manifest.request_scrape_seconds)
    usual = rows.groupby("number", sort=False)["scrapes"].transform("median")
    return np.asarray(usual > promised + _ODD_SCRAPES)


def _requests(tables: Tables, window: TimeWindow) -> pd.DataFrame:
    """Return the request counters of each proxy and reporter beside their rates.

    Columns as `_beside`, `number` (of the proxy), `resets` and `scrapes` of the proxy in the step
    (NaN: not known), and `was_scraped`: whether it was in the step before.
    """
    counters = with_points(tables[REQUEST_COUNTER], window)
    counters = counters.rename(columns={REQUEST_COUNTER: "value"})
    numbers = Numbers(distinct(counters[KEY]))
    counters["number"] = numbers.of(counters[KEY])
    of_each = []
    for reporter, name in REPORTERS.items():
        sums = _by_number(tables.pieces(name), numbers, window)[name].sum()
        of_each.append(sums.rename("rate").reset_index().assign(reporter=reporter))
    both = counters.merge(pd.concat(of_each), on=["number", "reporter", "point"], how="left")
    rows = _beside(both.fillna({"rate": 0.0}), [*KEY, "reporter"], window.step_seconds)
    resets, scrapes = (
        _by_number(tables.pieces(name), numbers, window)[name].max()
        for name in ("proxy_resets", "proxy_build")
    )
    steps = pd.MultiIndex.from_arrays([rows["number"], rows["point"]])
    earlier = pd.MultiIndex.from_arrays([rows["number"], rows["point"] - 1])
    return rows.assign(
        resets=resets.reindex(steps).to_numpy(float),
        scrapes=scrapes.reindex(steps).to_numpy(float),
        was_scraped=scrapes.index.get_indexer(earlier) >= 0,
    )


def _by_number(
    pieces: Pieces, numbers: Numbers, window: TimeWindow
) -> "DataFrameGroupBy[Any, Any]":
    """Return the rows of numbered proxies in groups of proxy and step."""
    return _numbered(pieces, numbers, window).groupby(["number", "point"])


def _numbered(pieces: Pieces, numbers: Numbers, window: TimeWindow) -> pd.DataFrame:
    """Return the rows whose names have a number, with it and the step."""
    number = numbers.of(pieces.labels)
    # Many meshes have no counters, or a few: the labels of all rows would be written out for none.
    theirs = pieces.where(number >= 0)
    return pd.DataFrame(
        {
            "number": theirs.spread(number[number >= 0]),
            "point": steps_of(theirs.times, window),
            pieces.name: theirs.samples,
        }
    )


def _request_falls(rows: pd.DataFrame) -> Bools:
    """Return where a counter fell that did not restart: only a fall is counted as a reset."""
    excess, is_same = _excess(rows)
    least = np.maximum(_NOISE_SHARE * rows["added"].to_numpy(float), _LEAST_REQUESTS)
    return np.asarray(is_same & (excess > least) & (rows["resets"] > 0).to_numpy())


def _missed(rows: pd.DataFrame, window: TimeWindow) -> pd.DataFrame:
    """Return requests that only the counters have, where no counter fell."""
    groups = rows.groupby("series", sort=False)
    known_before = groups["value"].cummax().groupby(rows["series"]).shift(1)
    scrapes = rows.groupby("number", sort=False)["scrapes"]
    # A counter that a scraped proxy did not have began at zero, unless it goes on from its height.
    began = rows["before"].isna() & rows["was_scraped"] & ~(rows["value"] >= known_before)
    growth = rows["growth"].where(~began, rows["value"])
    missed = growth - rows["added"]
    has_gap = ~(rows["scrapes"] >= scrapes.transform("median"))
    least = growth * np.where(has_gap, _MISSED_SHARE_OF_GAPS, _MISSED_SHARE)
    highest_rps = groups["rate"].transform("max")
    possible = np.maximum(_USUAL_MULTIPLE * highest_rps, _LEAST_RPS) * window.step_seconds
    is_missed = (missed > np.maximum(least, _LEAST_REQUESTS)) & (growth <= possible)
    is_missed &= ~(rows["resets"] > 0)
    # Where a series ends, the sum of the counters grows by less than the rates.
    ended = began | (rows["growth"] < rows["added"] - np.maximum(least.abs(), _LEAST_REQUESTS))
    is_evicted = ended.groupby(rows["series"]).transform("any")
    found = rows.loc[is_missed, [*KEY, "point", "reporter"]]
    rps = missed[is_missed] / window.step_seconds
    return found.assign(rps=rps, is_evicted=is_evicted[is_missed])
