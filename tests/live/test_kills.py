"""A collection that is killed before any of its steps on files, and what comes next."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.measurement.plan import Ask
from analyzer.prometheus.promql import Scope
from tests.live.kills import Reference, collected, collecting, files
from tests.support import SMALL_MESH, PrometheusServer

pytestmark = pytest.mark.live

LAST = 8
"""How many of the last steps are each the end of a run."""


@pytest.fixture(scope="module")
def reference(
    small_server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory
) -> Reference:
    """Return a question of two hours, and one of another namespace, time and tenant."""
    start, end = SMALL_MESH.start, SMALL_MESH.end
    ask = Ask(source=small_server.url, start=start, end=end)
    other = replace(
        ask, start=start + timedelta(hours=1), scope=Scope(namespaces=("shop",)), tenant="b" * 16
    )
    folder = tmp_path_factory.mktemp("reference")
    return Reference.of(small_server.url, SMALL_MESH.end, ask, other, folder)


@pytest.mark.parametrize("place", [0.02, 0.1, 0.4, 0.8, 0.9, *range(-LAST, 0)])
def test_a_kill_costs_nothing_and_gives_nothing_to_another_question(
    reference: Reference, place: float, tmp_path: Path
) -> None:
    """A share counts from the first step, a whole number from the last."""
    steps = reference.steps
    fatal = steps + 1 + int(place) if place < 0 else max(1, round(place * steps))
    folder = tmp_path / "work"
    folder.mkdir()
    arguments = (reference.url, reference.ask, folder / "snap", reference.now)
    assert collecting(*arguments, fatal=fatal).result() is None

    assert reference.faults_after(folder) == []


def test_a_kill_while_a_snapshot_is_replaced_costs_nothing(
    reference: Reference, tmp_path: Path
) -> None:
    """The old snapshot or the new one is there, and the same command ends with the new one."""
    hour = Ask(source=reference.url, days=1 / 24)
    later = reference.now + timedelta(minutes=11)
    collected(reference.url, hour, tmp_path / "new", later)
    (tmp_path / "work").mkdir()
    target = tmp_path / "work" / "snap"
    collected(reference.url, hour, target, reference.now)
    ended = collecting(reference.url, hour, target, later).result()
    assert ended is not None
    for fatal in range(ended.steps - LAST, ended.steps):
        collected(reference.url, hour, target, reference.now, force=True)
        assert collecting(reference.url, hour, target, later, fatal=fatal).result() is None
        collected(reference.url, hour, target, later)

        assert files(target) == files(tmp_path / "new")
        assert [path.name for path in target.parent.iterdir()] == ["snap"]
