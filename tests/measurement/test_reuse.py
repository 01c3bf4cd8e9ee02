"""One folder holds one question: reused, replaced, finished or refused, and never lost."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from analyzer.errors import InsufficientData, PrometheusError, SnapshotError, UsageError
from analyzer.measurement import reuse
from analyzer.measurement.collect import Progress, collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import MANIFEST, Snapshot, load_snapshot, partial_path
from analyzer.measurement.unreported import UNREPORTED, unmark
from analyzer.notebook.api import collect
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.fetch import MAX_IN_FLIGHT
from analyzer.settings import Setting
from tests.support import SMALL_MESH, FaultyHttp, PrometheusServer, Received, prometheus_error

pytestmark = pytest.mark.live

NOW = SMALL_MESH.end
LATER = NOW + timedelta(minutes=11)
"""More than a step of 600 s."""
BROKEN = prometheus_error(500, "internal", "it broke")
SURVEYS, PASSED = 3, 4


@pytest.fixture
def hour(small_server: PrometheusServer) -> Ask:
    """Return a question about the last hour, whenever it is asked."""
    return Ask(source=small_server.url, days=1 / 24)


def collected(
    url: str,
    ask: Ask,
    target: Path,
    now: datetime = NOW,
    *,
    force: bool = False,
    is_for_report: bool = False,
) -> tuple[Snapshot, list[str]]:
    notes: list[str] = []
    with Connection(Access(url=url), sleep=lambda _: None) as source:
        made = collect_snapshot(
            source,
            ask,
            target,
            now=now,
            force=force,
            is_for_report=is_for_report,
            note=notes.append,
        )
    return made, notes


def is_range(request: Received) -> bool:
    return request.path.endswith("query_range")


def fails(url: str, ask: Ask, target: Path, now: datetime = NOW, *, force: bool = False) -> None:
    """Collect until the server breaks in the middle."""
    script = [None] * (SURVEYS + PASSED) + [BROKEN] * 20
    with (
        FaultyHttp(script, upstream=url, counts=is_range) as faulty,
        pytest.raises(PrometheusError, match="it broke"),
    ):
        collected(faulty.url, ask, target, now, force=force)


@contextmanager
def no_server() -> Iterator[str]:
    """Give an address at which asking is a failure of the test."""
    with FaultyHttp([BROKEN]) as broken:
        yield broken.url
        assert broken.received == ()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def left(small_server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what collections of the last hour have left, each made once; copy it."""
    folder, ask = tmp_path_factory.mktemp("left"), Ask(source=small_server.url, days=1 / 24)
    collected(small_server.url, ask, folder / "whole" / "snap")
    collected(small_server.url, ask, folder / "unreported" / "snap", is_for_report=True)
    fails(small_server.url, ask, folder / "interrupted" / "snap")
    return folder


@pytest.fixture
def target(left: Path, tmp_path: Path) -> Path:
    """Return the folder of a snapshot of the last hour."""
    shutil.copytree(left / "whole", tmp_path, dirs_exist_ok=True)
    return tmp_path / "snap"


def test_the_same_question_is_answered_without_asking(target: Path, hour: Ask) -> None:
    with no_server() as url:
        snapshot, notes = collected(url, hour, target, NOW + timedelta(minutes=9))

    assert snapshot == load_snapshot(target)
    (note,) = notes
    assert str(target) in note
    assert "same question" in note


def test_a_fixed_time_is_answered_without_asking_for_ever(
    small_server: PrometheusServer, hour: Ask, tmp_path: Path
) -> None:
    fixed = replace(hour, end=NOW)
    first, _ = collected(small_server.url, fixed, tmp_path / "snap")
    with no_server() as url:
        again, _ = collected(url, fixed, tmp_path / "snap", NOW + timedelta(days=400))

    assert again == first


def test_a_time_that_ended_a_step_ago_is_collected_again(
    small_server: PrometheusServer, hour: Ask, target: Path
) -> None:
    snapshot, notes = collected(small_server.url, hour, target, LATER)

    assert snapshot.manifest.window.end == NOW + timedelta(minutes=10)
    assert [path.name for path in target.parent.iterdir()] == ["snap"]
    (note,) = notes
    assert note.startswith(f"Replacing the snapshot in {target}: ")
    assert "2024-05-14 11:57:30 UTC" in note


def test_the_old_snapshot_stays_until_the_new_one_is_complete(
    small_server: PrometheusServer, hour: Ask, target: Path
) -> None:
    before = contents(target)
    fails(small_server.url, hour, target, LATER)

    assert contents(target) == before
    snapshot, notes = collected(small_server.url, hour, target, LATER)
    assert snapshot.manifest.window.end == NOW + timedelta(minutes=10)
    assert [note.split()[0] for note in notes] == ["Replacing", "Resuming"]
    assert not partial_path(target).exists()


def test_the_old_snapshot_is_put_back_if_the_new_one_cannot_be_moved(
    small_server: PrometheusServer, hour: Ask, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = contents(target), Path.rename

    def fail_for_whole(path: Path, to: Path) -> Path:
        if path.name == "whole":
            raise OSError(28, "No space left on device")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail_for_whole)
    with pytest.raises(SnapshotError, match="No space left"):
        collected(small_server.url, hour, target, LATER)

    assert contents(target) == before


def test_a_run_that_was_killed_between_two_moves_loses_nothing(
    small_server: PrometheusServer, hour: Ask, target: Path
) -> None:
    before = contents(target)
    fails(small_server.url, hour, target, LATER)
    target.rename(partial_path(target) / "replaced")

    with no_server() as url, pytest.raises(UsageError, match="another question"):
        collected(url, replace(hour, days=1), target, LATER)
    assert contents(target) == before


def test_another_question_is_refused_and_named(target: Path, hour: Ask) -> None:
    before = contents(target)
    with no_server() as url, pytest.raises(UsageError) as caught:
        collected(url, replace(hour, days=2 / 24), target)

    assert caught.value.settings == (Setting.DAYS, Setting.FORCE)
    assert caught.value.exit_code == 2
    assert "0.0416667 there, 0.0833333 now" in str(caught.value)
    assert contents(target) == before


def test_force_replaces_what_answers_another_question(
    small_server: PrometheusServer, hour: Ask, target: Path
) -> None:
    longer = replace(hour, days=2 / 24)
    snapshot, notes = collected(small_server.url, longer, target, force=True)

    assert snapshot.manifest.window.point_count == 12
    assert notes == []
    assert [path.name for path in target.parent.iterdir()] == ["snap"]


def test_force_collects_the_same_question_again(
    small_server: PrometheusServer, hour: Ask, target: Path
) -> None:
    with FaultyHttp(upstream=small_server.url) as counting:
        collected(counting.url, hour, target, force=True)

    assert len(counting.received) > 10


def test_a_damaged_snapshot_is_refused_and_can_be_replaced(
    small_server: PrometheusServer, hour: Ask, target: Path
) -> None:
    (target / "proxy_cpu_vcpu.parquet").write_bytes(b"")
    with no_server() as url, pytest.raises(SnapshotError, match="is damaged") as caught:
        collected(url, hour, target)
    assert Setting.FORCE in caught.value.settings

    assert collected(small_server.url, hour, target, force=True)[0] == load_snapshot(target)


def test_a_question_that_was_mangled_is_damage(target: Path, hour: Ask) -> None:
    document = json.loads((target / MANIFEST).read_text())
    document["question"]["scope"] = "all"
    (target / MANIFEST).write_text(json.dumps(document))

    with no_server() as url, pytest.raises(SnapshotError, match=r"question\.scope"):
        collected(url, hour, target)


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_snapshot_is_never_replaced(
    hour: Ask,
    tmp_path: Path,
    force: bool,  # noqa: FBT001 - a parameter of pytest's
) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.tex").write_text("years")
    (tmp_path / "file").write_text("")
    with no_server() as url:
        for name, words in (("papers", "thesis.tex"), ("file", "is a file")):
            with pytest.raises(UsageError, match=words):
                collected(url, hour, tmp_path / name, force=force)

    assert (tmp_path / "papers" / "thesis.tex").read_text() == "years"


def test_a_snapshot_with_other_files_is_read_and_not_replaced(target: Path, hour: Ask) -> None:
    (target / "report.md").write_text("")
    with no_server() as url:
        assert collected(url, hour, target)[0].path == target
        for now, force in ((LATER, False), (NOW, True)):
            with pytest.raises(UsageError, match=r"report\.md"):
                collected(url, hour, target, now, force=force)

    assert (target / "report.md").exists()


def test_an_empty_folder_is_as_good_as_none(
    small_server: PrometheusServer, hour: Ask, tmp_path: Path
) -> None:
    (tmp_path / "snap").mkdir()

    assert collected(small_server.url, hour, tmp_path / "snap")[0].path == tmp_path / "snap"


@pytest.mark.parametrize("name", [".", "..", "../there"])
def test_the_folder_that_a_run_is_in_can_be_the_target(
    name: str,
    small_server: PrometheusServer,
    hour: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = tmp_path / "there"
    here.mkdir()
    monkeypatch.chdir(here)
    if name == "..":
        with no_server() as url, pytest.raises(UsageError, match="not a snapshot"):
            collected(url, hour, Path(name))
    else:
        collected(small_server.url, hour, Path(name))
        assert load_snapshot(here).manifest.window.end == NOW

    assert [path.name for path in tmp_path.iterdir()] == ["there"]


# --- an interrupted report ---


@pytest.fixture
def unreported(left: Path, tmp_path: Path) -> Path:
    """Return the folder of a snapshot whose report was interrupted."""
    shutil.copytree(left / "unreported", tmp_path, dirs_exist_ok=True)
    assert (tmp_path / "snap" / UNREPORTED).exists()
    return tmp_path / "snap"


def test_an_interrupted_report_is_finished_from_its_snapshot(unreported: Path, hour: Ask) -> None:
    with no_server() as url:
        for later in (LATER, NOW + timedelta(hours=19)):
            snapshot, (note,) = collected(url, hour, unreported, later, is_for_report=True)
            assert snapshot.manifest.window.end == NOW
            assert "its report was interrupted" in note
            assert str(Setting.FORCE) in note
        with pytest.raises(UsageError, match="another question"):
            collected(url, replace(hour, days=2 / 24), unreported, LATER, is_for_report=True)


@pytest.mark.parametrize(
    ("later", "force", "is_for_report"),
    [(LATER, True, True), (LATER, False, False), (NOW + timedelta(hours=20), False, True)],
    ids=["by force", "by collect", "a day later"],
)
def test_an_interrupted_report_is_not_finished(
    later: datetime,
    force: bool,  # noqa: FBT001 - a parameter of pytest's
    is_for_report: bool,  # noqa: FBT001 - a parameter of pytest's
    small_server: PrometheusServer,
    unreported: Path,
    hour: Ask,
) -> None:
    asked = {"force": force, "is_for_report": is_for_report}
    with (
        FaultyHttp(upstream=small_server.url) as counting,
        # Twenty hours later there are no samples.
        suppress(InsufficientData),
    ):
        collected(counting.url, hour, unreported, later, **asked)

    assert len(counting.received) > 3
    if not is_for_report:
        assert not (unreported / UNREPORTED).exists()


def test_a_report_on_a_snapshot_that_was_there_is_finished_too(target: Path, hour: Ask) -> None:
    with no_server() as url:
        collected(url, hour, target, is_for_report=True)
        assert collected(url, hour, target, LATER, is_for_report=True)[0].path == target
    unmark(target)
    assert not (target / UNREPORTED).exists()
    unmark(target)


def test_a_mark_needs_no_right_to_write(target: Path, hour: Ask) -> None:
    target.chmod(0o555)
    try:
        with no_server() as url, pytest.MonkeyPatch.context() as patch:
            patch.setattr("analyzer.files._temporary", denied)
            assert collected(url, hour, target, is_for_report=True)[0].path == target
    finally:
        target.chmod(0o755)


def denied(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


# --- an interrupted collection ---


@pytest.fixture
def interrupted(left: Path, tmp_path: Path) -> Path:
    shutil.copytree(left / "interrupted", tmp_path, dirs_exist_ok=True)
    return tmp_path / "snap"


def test_an_interrupted_collection_is_finished_as_its_window_was_fixed(
    small_server: PrometheusServer, hour: Ask, interrupted: Path
) -> None:
    snapshot, notes = collected(small_server.url, hour, interrupted, NOW + timedelta(minutes=9))

    assert snapshot.manifest.window.end == NOW
    assert [note.split()[0] for note in notes] == ["Resuming"]


def test_an_interrupted_collection_that_is_too_old_is_begun_again(
    small_server: PrometheusServer, hour: Ask, interrupted: Path
) -> None:
    snapshot, notes = collected(small_server.url, hour, interrupted, LATER)

    assert snapshot.manifest.window.end == NOW + timedelta(minutes=10)
    assert [" ".join(note.split()[:2]) for note in notes] == ["Collecting again:"]
    assert not partial_path(interrupted).exists()


def test_the_times_that_are_named_finish_it_however_old(
    small_server: PrometheusServer, hour: Ask, interrupted: Path
) -> None:
    times = reuse.times_begun(partial_path(interrupted))
    assert times is not None
    start, end = (datetime.fromisoformat(times[name]) for name in (Setting.START, Setting.END))
    fixed = replace(hour, start=start, end=end)
    snapshot, notes = collected(small_server.url, fixed, interrupted, NOW + timedelta(days=9))

    assert (snapshot.manifest.window.start, snapshot.manifest.window.end) == (start, end)
    assert [note.split()[0] for note in notes] == ["Resuming"]


def test_a_fixed_end_needs_no_times_to_finish_it(
    small_server: PrometheusServer, hour: Ask, tmp_path: Path
) -> None:
    fails(small_server.url, replace(hour, end=NOW), tmp_path / "snap")

    assert reuse.times_begun(tmp_path / "snap.partial") == {}
    assert reuse.times_begun(tmp_path / "absent.partial") is None


def test_a_server_that_is_gone_leaves_an_old_interrupted_collection_alone(
    hour: Ask, interrupted: Path
) -> None:
    chunks = sorted((partial_path(interrupted) / "chunks").iterdir())
    with FaultyHttp([BROKEN]) as broken, pytest.raises(PrometheusError):
        collected(broken.url, hour, interrupted, LATER)

    assert sorted((partial_path(interrupted) / "chunks").iterdir()) == chunks


def test_another_question_does_not_touch_an_interrupted_collection(
    small_server: PrometheusServer, hour: Ask, interrupted: Path
) -> None:
    longer = replace(hour, days=2 / 24)
    with no_server() as url, pytest.raises(UsageError, match=r"snap\.partial answers") as caught:
        collected(url, longer, interrupted)
    assert caught.value.settings == (Setting.DAYS, Setting.FORCE)

    snapshot, _ = collected(small_server.url, longer, interrupted, force=True)
    assert snapshot.manifest.window.point_count == 12


def test_a_damaged_interrupted_collection_is_replaced_by_force(
    small_server: PrometheusServer, hour: Ask, interrupted: Path
) -> None:
    (partial_path(interrupted) / "plan.json").write_text("{")

    assert collected(small_server.url, hour, interrupted, force=True)[0].path == interrupted


def test_a_folder_of_something_else_in_the_way_is_left_alone(hour: Ask, tmp_path: Path) -> None:
    (tmp_path / "snap.partial").mkdir()
    (tmp_path / "snap.partial" / "thesis.tex").write_text("years")
    with no_server() as url, pytest.raises(UsageError, match=r"thesis\.tex"):
        collected(url, hour, tmp_path / "snap", force=True)

    assert (tmp_path / "snap.partial" / "thesis.tex").exists()


# --- chunks and the collection that they belong to ---


def test_chunks_without_a_plan_are_taken_by_no_question(
    small_server: PrometheusServer, hour: Ask, interrupted: Path, tmp_path: Path
) -> None:
    """A kill while the folder is removed left them, in versions up to 0.2."""
    (partial_path(interrupted) / "plan.json").unlink()
    other = replace(hour, end=NOW - timedelta(hours=1), tenant="b" * 16)
    snapshot, notes = collected(small_server.url, other, interrupted)

    (note,) = notes
    assert "without a plan" in note
    collected(small_server.url, other, tmp_path / "whole")
    assert contents(snapshot.path) == contents(tmp_path / "whole")


def test_chunks_of_another_collection_are_asked_for_again(
    small_server: PrometheusServer, hour: Ask, interrupted: Path, tmp_path: Path
) -> None:
    """Somebody has copied them, or two machines write where no locks work."""
    other = replace(hour, end=NOW - timedelta(hours=1))
    fails(small_server.url, other, tmp_path / "other")
    foreign = partial_path(tmp_path / "other") / "chunks"
    for chunk in foreign.iterdir():
        shutil.copy(chunk, partial_path(interrupted) / "chunks")
    snapshot, notes = collected(small_server.url, hour, interrupted)

    assert [note.split()[0] for note in notes] == ["Resuming", "Asking"]
    collected(small_server.url, hour, tmp_path / "whole")
    assert contents(snapshot.path) == contents(tmp_path / "whole")


def test_a_plan_that_was_edited_takes_no_chunk(
    small_server: PrometheusServer, hour: Ask, interrupted: Path, tmp_path: Path
) -> None:
    plan = partial_path(interrupted) / "plan.json"
    document = json.loads(plan.read_text())
    document["note"] = "edited"
    plan.write_text(json.dumps(document))
    snapshot, notes = collected(small_server.url, hour, interrupted)

    assert [note.split()[0] for note in notes] == ["Resuming", "Asking"]
    collected(small_server.url, hour, tmp_path / "whole")
    assert contents(snapshot.path) == contents(tmp_path / "whole")


# --- two at once ---


def test_a_second_collection_at_the_same_time_is_refused(
    small_server: PrometheusServer, hour: Ask, tmp_path: Path
) -> None:
    """It changes nothing: neither the same question nor another, by force or not."""
    lines: list[str] = []

    def second(_: Progress) -> None:
        if not lines:
            for ask, force in ((hour, False), (replace(hour, days=2 / 24), True)):
                with no_server() as url, pytest.raises(SnapshotError) as caught:
                    collected(url, ask, tmp_path / "snap", force=force)
                lines.append(str(caught.value))

    with Connection(Access(url=small_server.url)) as source:
        first = collect_snapshot(source, hour, tmp_path / "snap", now=NOW, on_progress=second)

    assert [f"process {os.getpid()}." in line for line in lines] == [True, True]
    collected(small_server.url, hour, tmp_path / "whole")
    assert contents(first.path) == contents(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snap", "whole"]


def test_a_snapshot_that_is_there_needs_neither_a_lock_nor_a_right_to_write(
    target: Path, hour: Ask
) -> None:
    target.parent.chmod(0o555)
    try:
        with no_server() as url, pytest.MonkeyPatch.context() as patch:
            patch.setattr("analyzer.measurement.collect.locked", None)
            assert collected(url, hour, target)[0].path == target
    finally:
        target.parent.chmod(0o755)


# --- whose data they are ---


def as_tenant(url: str, target: Path, *headers: str) -> Snapshot:
    return collect(url, days=1 / 24, end=NOW, path=target, headers=headers).snapshot


@contextmanager
def breaking(url: str) -> Iterator[FaultyHttp]:
    """Serve what another does, but for a few answers in the middle of the first collection."""
    # Each of the queries at once is asked twice.
    script = [None] * (SURVEYS + PASSED) + [BROKEN] * (2 * MAX_IN_FLIGHT)
    with FaultyHttp(script, upstream=url, counts=is_range) as server:
        yield server


def finished(url: str, target: Path, *headers: str) -> Snapshot:
    """Collect until nothing breaks any more."""
    for _ in range(4):
        with suppress(PrometheusError):
            return as_tenant(url, target, *headers)
    return as_tenant(url, target, *headers)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("X-Scope-OrgID: a",), ("X-Scope-OrgID: b",)),
        (("X-Scope-OrgID: a",), ()),
        ((), ("THANOS-TENANT: a",)),
        (("X-Team: a",), ("X-Team: b",)),
    ],
)
def test_one_tenant_never_goes_on_from_another(
    first: tuple[str, ...], second: tuple[str, ...], small_server: PrometheusServer, tmp_path: Path
) -> None:
    with breaking(small_server.url) as server:
        with pytest.raises(PrometheusError, match="it broke"):
            as_tenant(server.url, tmp_path / "snap", *first)
        asked = len(server.received)
        with pytest.raises(UsageError, match="another tenant") as caught:
            as_tenant(server.url, tmp_path / "snap", *second)
        assert len(server.received) == asked
        made = finished(server.url, tmp_path / "snap", *first)
        with pytest.raises(UsageError, match="another tenant"):
            as_tenant(server.url, made.path, *second)
        names = [header.partition(":")[0].lower() for header in first]
        assert all(name in one.headers for one in server.received for name in names)

    assert Setting.HEADERS in caught.value.settings


def test_renewed_secrets_are_the_same_question(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    with breaking(small_server.url) as server:
        with pytest.raises(PrometheusError, match="it broke"):
            as_tenant(server.url, tmp_path / "snap", "Authorization: Bearer 1", "Cookie: a=1")
        plan = (partial_path(tmp_path / "snap") / "plan.json").read_bytes()
        with suppress(PrometheusError):
            as_tenant(server.url, tmp_path / "snap", "Authorization: Bearer 2", "Cookie: a=2")
        partial = partial_path(tmp_path / "snap")
        assert not partial.exists() or (partial / "plan.json").read_bytes() == plan
        asked = len(server.received)
        finished(server.url, tmp_path / "snap", "Authorization: Bearer 3")

    surveys = [one for one in server.received[asked:] if not is_range(one)]
    assert surveys == []


def test_the_name_of_a_tenant_is_in_no_file(small_server: PrometheusServer, tmp_path: Path) -> None:
    made = as_tenant(small_server.url, tmp_path / "snap", "X-Scope-OrgID: team-a")
    written = (made.path / MANIFEST).read_text()

    assert "team-a" not in written
    assert hashlib.sha256(b"x-scope-orgid: team-a").hexdigest()[:12] not in written


# --- hidden names ---


def test_another_tenant_or_hidden_names_is_another_question(target: Path, hour: Ask) -> None:
    with no_server() as url:
        for change in ({"tenant": "0123456789ab"}, {"hide_names": True}):
            with pytest.raises(UsageError, match="another question"):
                collected(url, replace(hour, **change), target)


def test_hidden_names_are_compared_with_the_users_salt_only(
    small_server: PrometheusServer, hour: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = replace(hour, hide_names=True, tenant="0123456789ab")
    target = tmp_path / "snap"
    monkeypatch.setenv("ISTIO_USAGE_SALT", "pepper")
    collected(small_server.url, hidden, target)
    written = (target / MANIFEST).read_text()
    assert small_server.url not in written
    assert hidden.tenant not in written
    with no_server() as url:
        assert collected(url, hidden, target)[0].path == target
        for salt in ("", "cumin"):
            monkeypatch.setenv("ISTIO_USAGE_SALT", salt)
            with pytest.raises(UsageError, match="ISTIO_USAGE_SALT"):
                collected(url, hidden, target)


def test_a_snapshot_of_version_0_1_is_compared_by_what_it_holds(
    small_ask: Ask, small_snapshot: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_snapshot, tmp_path / "old")
    document = json.loads((tmp_path / "old" / MANIFEST).read_text())
    del document["question"]
    (tmp_path / "old" / MANIFEST).write_text(json.dumps(document))

    with no_server() as url:
        assert collected(url, small_ask, tmp_path / "old")[0].path == tmp_path / "old"
        with pytest.raises(UsageError, match="another question"):
            collected(url, replace(small_ask, start=NOW - timedelta(hours=1)), tmp_path / "old")


def test_python_has_the_same_rule(small_server: PrometheusServer, tmp_path: Path) -> None:
    def again(days: float, *, force: bool = False) -> Snapshot:
        path = tmp_path / "snap"
        return collect(small_server.url, days=days, end=NOW, path=path, force=force).snapshot

    assert again(1 / 24) == again(1 / 24)
    with pytest.raises(UsageError) as caught:
        again(2 / 24)
    assert "`force`" in str(caught.value)
    assert again(2 / 24, force=True).manifest.window.point_count == 12
