"""VictoriaMetrics words its limits otherwise; what is asked in halves comes out whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analyzer.errors import QueryTooHeavy
from analyzer.measurement.frames import frame_of, sorted_frame
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.fetch import Job, fetch
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.window import Chunk, TimeWindow
from tests.support import SMALL_MESH, VictoriaServer, build_mesh
from tests.support.small import BACK, FRONT

pytestmark = pytest.mark.live

FINE_MESH = replace(
    SMALL_MESH,
    hours=6,
    envoy_scrape_seconds=1.0,
    workloads=(replace(FRONT, calls=("data/back",)), replace(BACK, namespace="data")),
)
"""VictoriaMetrics counts samples in blocks of up to 8192: less time means less of longer series."""

QUERY = load_query("inbound_requests_rps")
PROMQL = QUERY.render(Scope(), LabelMapping(), window_seconds=600)
WINDOW = TimeWindow(start=FINE_MESH.start, end=FINE_MESH.end, step_seconds=600)
WHOLE = Chunk(first_point=0, point_count=WINDOW.point_count)
TIGHT = (
    # Ten series of 21,600 samples; one step alone may lie across two blocks of each.
    ("-search.maxSamplesPerQuery=180000", "select more than -search.maxSamplesPerQuery=180000"),
    ("-search.maxSamplesPerSeries=12000", "cannot process more than 12000 samples per series"),
    ("-search.maxPointsPerTimeseries=10", "cannot exceed -search.maxPointsPerTimeseries=10"),
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a server that was given the mesh."""
    folder = tmp_path_factory.mktemp("victoria")
    with VictoriaServer(folder) as server:
        server.fill(build_mesh(FINE_MESH))
    return folder


@contextmanager
def limited(filled: Path, folder: Path, *flags: str) -> Iterator[Connection]:
    """Give a connection to a server of the mesh with these limits."""
    shutil.copytree(filled / "data", folder / "data")
    with VictoriaServer(folder, flags=flags) as server, Connection(Access(url=server.url)) as asked:
        yield asked


def table(source: Connection, notes: list[str]) -> pd.DataFrame:
    job = Job(query=QUERY, promql=PROMQL, chunk=WHOLE)
    fetched = fetch(source, WINDOW, [job], note=notes.append)
    return sorted_frame(QUERY, [frame_of(QUERY, one.responses) for one in fetched])


@pytest.fixture(scope="module")
def unlimited(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    notes: list[str] = []
    with limited(filled, tmp_path_factory.mktemp("unlimited")) as source:
        found = table(source, notes)
    assert notes == []
    assert found["pod"].nunique() == 10
    return found


@pytest.mark.parametrize(("flag", "words"), TIGHT)
def test_what_a_limit_on_time_refuses_is_asked_for_in_halves(
    flag: str, words: str, unlimited: pd.DataFrame, filled: Path, tmp_path: Path
) -> None:
    notes: list[str] = []
    with limited(filled, tmp_path, flag) as source:
        with pytest.raises(QueryTooHeavy, match=words):
            source.points(PROMQL, WINDOW, WHOLE)
        found = table(source, notes)

    assert "half of its 36 points" in notes[0]
    pd.testing.assert_frame_equal(found, unlimited)


def test_what_a_limit_on_series_refuses_is_asked_for_by_namespace(
    unlimited: pd.DataFrame, filled: Path, tmp_path: Path
) -> None:
    notes: list[str] = []
    # Four series in one namespace, six in the other; the namespaces come from the label.
    with limited(filled, tmp_path, "-search.maxUniqueTimeseries=7") as source:
        found = table(source, notes)

    assert len(notes) == 1
    assert "matching timeseries exceeds 7" in notes[0]
    pd.testing.assert_frame_equal(found, unlimited)


def test_a_namespace_over_a_limit_on_series_is_a_failure(filled: Path, tmp_path: Path) -> None:
    with (
        limited(filled, tmp_path, "-search.maxUniqueTimeseries=3") as source,
        pytest.raises(QueryTooHeavy, match="matching timeseries exceeds 3"),
    ):
        table(source, [])
