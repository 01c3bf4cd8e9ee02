"""A collection that is killed before any of its steps on files, and what comes next."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.measurement.plan import Ask
from analyzer.prometheus.promql import Scope
from tests.live.command import run
from tests.live.kills import Reference, collected, collecting, files
from tests.support import SMALL_MESH, Answer, FaultyHttp, PrometheusServer, Received

pytestmark = pytest.mark.live

MOMENTS: dict[str, Callable[[Sequence[str]], int]] = {
    "nothing": lambda _: 1,
    "no plan": lambda steps: steps.index("os.rename"),
    "a plan": lambda steps: steps.index("os.rename") + 2,
    "some chunks": lambda steps: len(steps) // 4,
    "the tables": lambda steps: len(steps) * 2 // 3,
    "all": lambda steps: _renames(steps)[-2],
    "all, set aside": lambda steps: _renames(steps)[-1],
    "all, at its place": lambda steps: _renames(steps)[-1] + 1,
    "less and less": lambda steps: (_renames(steps)[-1] + len(steps)) // 2,
    "an empty folder": lambda steps: len(steps) - 1,
    "the lock": len,
}
"""Before which step a run ends, by what it leaves behind."""


def _renames(steps: Sequence[str]) -> list[int]:
    return [place for place, step in enumerate(steps, 1) if step == "os.rename"]


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


@pytest.mark.parametrize("left", MOMENTS)
def test_a_kill_costs_nothing_and_gives_nothing_to_another_question(
    reference: Reference, left: str, tmp_path: Path
) -> None:
    fatal = MOMENTS[left](reference.steps)
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
    first = _renames(ended.steps)[-3]
    for fatal in (first, first + 1, first + 2, first + 3, len(ended.steps) - 1):
        collected(reference.url, hour, target, reference.now, force=True)
        assert collecting(reference.url, hour, target, later, fatal=fatal).result() is None
        collected(reference.url, hour, target, later)

        assert files(target) == files(tmp_path / "new")
        assert [path.name for path in target.parent.iterdir()] == ["snap"]


def test_of_two_collections_at_once_one_wins_whole(reference: Reference, tmp_path: Path) -> None:
    target = tmp_path / "snap"
    pair = [
        collecting(reference.url, ask, target, reference.now)
        for ask in (reference.ask, reference.other)
    ]
    ended = [one.result() for one in pair]

    failures = [one.failure for one in ended if one is not None]
    assert sorted(map(bool, failures)) == [False, True]
    winner = failures.index("")
    assert files(target) == (reference.whole, reference.whole_of_other)[winner]
    # On a busy machine the second may begin when the first has ended.
    line = failures[1 - winner]
    assert f"process {pair[winner].process.pid}." in line or "another question" in line
    assert [path.name for path in tmp_path.iterdir()] == ["snap"]


def test_a_collection_that_holds_the_folder_is_named_until_it_is_killed(
    reference: Reference, small_server: PrometheusServer, tmp_path: Path
) -> None:
    silence = Answer(status=503, delay_seconds=60)
    with FaultyHttp(
        [None] * 8 + [silence] * 4, upstream=small_server.url, counts=_is_range
    ) as slow:
        asking = collecting(slow.url, reference.ask, tmp_path / "snap", reference.now)
        deadline = time.monotonic() + 60
        while not any(tmp_path.glob("snap.partial/chunks/*.parquet")):
            assert time.monotonic() < deadline, "no chunk was finished"
            time.sleep(0.02)
        second = run("collect", "-p", small_server.url, "-o", tmp_path / "snap")
        asking.kill()

    assert second.status == 1
    (line,) = second.stderr.splitlines()
    assert f"process {asking.process.pid}." in line
    collected(reference.url, reference.ask, tmp_path / "snap", reference.now)
    assert files(tmp_path / "snap") == reference.whole


def _is_range(request: Received) -> bool:
    return request.path.endswith("query_range")
