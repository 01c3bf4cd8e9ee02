"""A working folder is a collection in the making, or the end of one, or something else's."""

import json
from pathlib import Path

import pytest

from analyzer.errors import SnapshotError, UsageError
from analyzer.measurement import working
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import done_path, partial_path
from analyzer.measurement.working import CHUNKS, PLAN, REPLACED, WHOLE, Working
from tests.measurement.test_plan import plan_of


def no_note(text: str) -> None:
    raise AssertionError(text)


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "snap"


def test_two_collections_of_one_question_have_two_marks(target: Path) -> None:
    plan = plan_of(ask=Ask(source="http://prometheus:9090"))
    first, second = (Working.begin(target, plan) for _ in range(2))

    assert first.mark != second.mark
    assert Working.of(target, plan) == second
    document = json.loads((second.path / PLAN).read_text())
    assert {"id", "ask", "window"} <= document.keys()


def test_a_collection_that_begins_keeps_nothing_of_another(target: Path) -> None:
    partial = filled(partial_path(target), PLAN, "chunks/a.parquet", "whole/manifest.json")
    Working.begin(target, plan_of())

    assert names(partial) == [CHUNKS, PLAN]
    assert names(partial / CHUNKS) == []
    assert names(target.parent) == ["snap.partial"]


def test_what_is_complete_is_put_at_its_place(target: Path) -> None:
    filled(done_path(target), PLAN, "chunks/a.parquet", "whole/manifest.json")
    filled(target, "old")
    notes: list[str] = []
    working.settle(target, notes.append)

    assert names(target.parent) == ["snap"]
    assert names(target) == ["manifest.json"]
    (note,) = notes
    assert str(target) in note


def test_the_rest_of_what_is_at_its_place_goes_without_a_word(target: Path) -> None:
    filled(target, "new")
    filled(done_path(target), "chunks/a.parquet", "replaced/manifest.json")
    working.settle(target, no_note)

    assert names(target.parent) == ["snap"]
    assert names(target) == ["new"]


def test_a_snapshot_that_waits_where_version_0_2_put_it_is_put_back(target: Path) -> None:
    partial = filled(partial_path(target), PLAN, "replaced/manifest.json")
    working.settle(target, no_note)

    assert names(target) == ["manifest.json"]
    assert names(partial) == [PLAN]


@pytest.mark.parametrize("held", ["thesis.tex", "chunks/thesis.tex", "whole/a/b.parquet"])
def test_a_folder_of_something_else_is_never_removed(held: str, target: Path) -> None:
    for folder in (done_path(target), partial_path(target)):
        filled(folder, held)
        with pytest.raises(UsageError, match=r"in the way\. It holds "):
            working.require_ours(folder)
    with pytest.raises(UsageError, match="in the way"):
        working.settle(target, no_note)

    assert (done_path(target) / held).exists()


def test_a_file_is_in_the_way(target: Path) -> None:
    partial_path(target).write_text("")
    with pytest.raises(UsageError, match="is a file"):
        working.require_ours(partial_path(target))


@pytest.mark.parametrize(
    "held", [(), (".plan.json.tmp",), (".istio-usage-0.tmp",), ("chunks/a.parquet",)]
)
def test_what_a_kill_leaves_is_ours(held: tuple[str, ...], target: Path) -> None:
    partial = partial_path(target)
    partial.mkdir()
    assert working.is_ours(filled(partial, *held))


def test_a_move_that_fails_is_made_by_the_next_run(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(target, "old")
    filled(partial_path(target), PLAN, "whole/manifest.json")
    rename = Path.rename

    def fail_for_whole(path: Path, to: Path) -> Path:
        if path.name == WHOLE:
            raise OSError(28, "No space left on device")
        return rename(path, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail_for_whole)
        with pytest.raises(SnapshotError, match="No space left"):
            working.finish(target, no_note)
    assert names(target) == ["old"]
    assert not (done_path(target) / REPLACED).exists()
    working.settle(target, lambda _: None)

    assert names(target.parent) == ["snap"]
    assert names(target) == ["manifest.json"]
