"""Values that no counter can show are zeros: none of them makes an infinity, a NaN or a warning."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analyzer.arrays import Floats
from analyzer.calibration import calibrate_usage
from analyzer.data import sample_path
from analyzer.measurement import snapshot
from analyzer.measurement.frames import TIME, check_frame, frame_of
from analyzer.measurement.parquet import read_table
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import measure
from analyzer.projection import default_scenario, project_usage
from analyzer.prometheus.query import Query, measured_queries
from analyzer.prometheus.response import Response, Series
from analyzer.report.answer import Answer
from analyzer.report.render import json as renderer
from analyzer.report.sections import AnswerReport
from analyzer.units import Refusal

_TINY = [0.0, 5e-324, 1e-308, 1e-300, 1e-200, 1e-50, 1e-18, 9e-13]

Change = Callable[[Floats], Floats]


def _read(query: Query, values: list[float]) -> Floats:
    """Return values as they are after they were read from a snapshot."""
    labels = dict.fromkeys(query.labels, "a")
    frame = pd.DataFrame({**labels, TIME: np.arange(len(values)), query.name: values})
    return check_frame(query, frame)[query.name].to_numpy()


def _asked(query: Query, values: list[float]) -> Floats:
    """Return values as they are after a server has sent them."""
    times, samples = np.arange(len(values), dtype=float), np.array(values)
    series = Series(labels=dict.fromkeys(query.labels, "a"), times=times, samples=samples)
    return frame_of(query, [Response(series=(series,))])[query.name].to_numpy()


@pytest.mark.parametrize("query", measured_queries().values(), ids=lambda query: query.name)
def test_a_quantity_is_zero_where_no_counter_can_show_it(query: Query) -> None:
    for values in (_read(query, [*_TINY, 1e-11, 0.5]), _asked(query, [*_TINY, 1e-11, 0.5])):
        assert values.tolist() == [*([0.0] * len(_TINY)), 1e-11, 0.5]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Change]:
    """Change the values of these tables as they are read."""
    changes: dict[str, Change] = {}

    def read_changed(path: Path, query: Query, count: int) -> pa.Table:
        table = read_table(path, query, count)
        values = table[query.name].to_numpy().astype(float)
        column = table.column_names.index(query.name)
        if query.name in changes:
            values = changes[query.name](values)
        return table.set_column(column, query.name, pa.array(values))

    monkeypatch.setattr(snapshot, "read_table", read_changed)
    return changes


def _figures(path: Path) -> str:
    """Return the whole answer as JSON; a refusal is an answer too."""
    loaded = load_snapshot(path)
    usage = measure(loaded)
    calibration = calibrate_usage(usage)
    if isinstance(calibration.sidecar, Refusal):
        return json.dumps(str(calibration.sidecar))
    projection = project_usage(usage, calibration, default_scenario())
    answer = Answer(
        manifest=loaded.manifest,
        usage=usage,
        load=projection.load,
        calibration=calibration,
        projection=projection,
    )
    return renderer.render(AnswerReport(answer=answer))


def _constant(value: float) -> Change:
    return lambda values: np.full(len(values), value)


def _some(value: float, chance: Random) -> Change:
    return lambda values: np.where([chance.random() < 0.3 for _ in values], value, values)


def _no_number(text: str) -> list[str]:
    found: list[str] = []
    json.loads(text, parse_constant=found.append)
    return found


@pytest.mark.live
@pytest.mark.parametrize("seed", [0, 1])
def test_no_quantity_of_tiny_values_spoils_an_answer(
    seed: int, changed: dict[str, Change], small_snapshot: Path
) -> None:
    """`pytest` makes an error of each warning."""
    chance = Random(seed)
    for name in measured_queries():
        value = chance.choice((5e-324, 1e-300, 1e-200, 1.1e-12))
        if seed == 0 or chance.random() < 1 / 2:
            changed[name] = chance.choice((_constant(value), _some(value, chance)))
    assert _no_number(_figures(small_snapshot)) == []


@pytest.mark.live
def test_quantities_of_tiny_values_are_as_those_of_zeros(
    changed: dict[str, Change], small_snapshot: Path
) -> None:
    answers = []
    for value in (0.0, 1e-300):
        for name in ("inbound_requests_rps", "node_allocatable_memory_bytes"):
            changed[name] = _constant(value)
        answers.append(_figures(small_snapshot))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_scrapes_that_are_zero_are_no_scrapes_and_no_warning(
    share: float, changed: dict[str, Change]
) -> None:
    chance = Random(1)
    changed["proxy_build"] = lambda values: np.where(
        [chance.random() < share for _ in values], 0.0, values
    )
    assert _no_number(_figures(sample_path("lab"))) == []
