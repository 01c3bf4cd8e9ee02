"""Snapshots written by hand, so that a test knows every number in them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa

from analyzer.measurement.frames import TIME
from analyzer.measurement.manifest import Manifest, QueryRecord
from analyzer.measurement.ranges import Ranges
from analyzer.measurement.snapshot import (
    MANIFEST,
    Snapshot,
    load_snapshot,
    write_file,
    write_table,
)
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.window import TimeWindow

START = datetime(2024, 5, 14, 10, tzinfo=UTC)
STEP_SECONDS = 600

Rows = Sequence[tuple[str | float, ...]]


def window_of(points: int) -> TimeWindow:
    """Return a window of ten-minute steps."""
    end = START + timedelta(seconds=points * STEP_SECONDS)
    return TimeWindow(start=START, end=end, step_seconds=STEP_SECONDS)


def frame_of_rows(name: str, rows: Rows) -> pd.DataFrame:
    """Return the table of a query from rows of (its labels..., point, value).

    The last labels may be left out.
    """
    labels = load_query(name).labels
    lacking = [("",) * (len(labels) + 2 - len(row)) for row in rows]
    whole = [(*row[:-2], *more, *row[-2:]) for row, more in zip(rows, lacking, strict=True)]
    frame = pd.DataFrame(whole, columns=[*labels, TIME, name])
    first = int(START.timestamp())
    frame[TIME] = (first + (frame[TIME].astype(int) + 1) * STEP_SECONDS).astype("int64")
    return frame.astype({**dict.fromkeys(labels, "str"), name: float})


def steady(
    name: str, labels: Sequence[str], value: float, *, points: int = 4, cluster: str = ""
) -> Rows:
    """Return rows of one series that is the same at every point.

    Args:
        name: of the query.
        labels: their values in the order of the query file, without the cluster, and without the
            container where it is Istio's usual one.
        value: at every point.
        points: how many.
        cluster: the series' cluster; none, if "".
    """
    wanted = load_query(name).labels
    whole = (cluster, *labels)
    if wanted[-1] == "container" and len(whole) < len(wanted):
        whole = (*whole, "istio-proxy")
    assert len(whole) <= len(wanted)
    return [(*whole, point, value) for point in range(points)]


def make_snapshot(  # noqa: PLR0913 - what may be given
    path: Path,
    tables: Mapping[str, Rows],
    *,
    points: int = 4,
    scope: Scope | None = None,
    label_mapping: LabelMapping | None = None,
    remarks: tuple[str, ...] = (),
    ranges: Ranges | None = None,
) -> Snapshot:
    """Write a snapshot that holds these rows and open it."""
    path.mkdir(parents=True)
    records = []
    for name, rows in tables.items():
        table = pa.Table.from_pandas(frame_of_rows(name, rows), preserve_index=False)
        sha256 = write_table(path / f"{name}.parquet", table)
        records.append(record_of(name, len(rows), sha256))
    manifest = Manifest(
        tool_version="0.0.0",
        source="http://prometheus:9090",
        note="",
        window=window_of(points),
        scope=scope or Scope(),
        label_mapping=label_mapping or LabelMapping(),
        cpu_scrape_seconds=60.0,
        request_scrape_seconds=60.0,
        queries=tuple(records),
        duplicate_scrapes={},
        warnings=(),
        remarks=remarks,
        ranges=ranges,
    )
    write_file(path / MANIFEST, manifest.to_json().encode())
    return load_snapshot(path)


def record_of(name: str, sample_count: int, sha256: str) -> QueryRecord:
    """Return what a manifest says of one query."""
    return QueryRecord(
        name=name,
        unit=load_query(name).unit,
        promql="up",
        series_count=sample_count,
        sample_count=sample_count,
        file=f"{name}.parquet",
        sha256=sha256,
    )
