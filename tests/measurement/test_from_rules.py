"""A collection is answered from recording rules where they hold the answer, and only there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.frames import frame_of
from analyzer.measurement.plan import Ask, make_plan
from analyzer.measurement.recorded import INFO, SETTINGS_LABEL, VERSION_LABEL, answers
from analyzer.measurement.rules import Recording
from analyzer.measurement.rules_for import recording_for
from analyzer.measurement.snapshot import Snapshot, open_snapshot
from analyzer.measurement.usage import measure
from analyzer.prometheus.connection import Connection, Source
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response
from analyzer.report.rules import RulesFormat, as_text
from analyzer.settings import Setting, settings_in
from analyzer.window import Chunk, TimeWindow
from tests.measurement.conftest import MIXED
from tests.support import FilledMesh, PrometheusServer
from tests.support.ruled import ADMIN, recorded_beside

pytestmark = pytest.mark.live


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """A server with rules, and how they were made."""

    server: PrometheusServer
    recording: Recording
    ask: Ask


@pytest.fixture(scope="module")
def ruled(mixed_mesh: FilledMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    """Return a server with the series of rules over all of the time."""
    folder = tmp_path_factory.mktemp("ruled")
    with mixed_mesh.serve(folder / "raw", flags=ADMIN) as raw:
        ask = Ask(source=raw.url, start=MIXED.start, end=MIXED.end)
        with Connection(Access(url=raw.url)) as source:
            recording = recording_for(source, ask, now=MIXED.end)
        server = recorded_beside(raw, recording, MIXED.start, MIXED.end, folder / "ruled")
    with server:
        yield Ruled(server=server, recording=recording, ask=replace(ask, source=server.url))


@pytest.fixture(scope="module")
def snapshots(ruled: Ruled, tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Snapshot]:
    """Return what is collected from raw samples, and from rules."""
    folder = tmp_path_factory.mktemp("both")
    collected = []
    for no_rules in (True, False):
        ask = replace(ruled.ask, no_rules=no_rules)
        with Connection(Access(url=ruled.server.url)) as source:
            path = folder / f"no_rules_{no_rules}"
            collected.append(collect_snapshot(source, ask, path, now=MIXED.end))
    return collected[0], collected[1]


def test_the_rules_answer_in_place_of_every_query(
    ruled: Ruled, snapshots: tuple[Snapshot, Snapshot]
) -> None:
    raw, recorded = (snapshot.manifest for snapshot in snapshots)

    assert (raw.rules_version, recorded.rules_version) == ("", ruled.recording.rule_set.version)
    assert [one.name for one in recorded.queries] == [one.name for one in raw.queries]
    for one in recorded.queries:
        assert one.promql.startswith(f"last_over_time(istio_usage:{one.name}{{")
    assert recorded.window.step_seconds == raw.window.step_seconds
    assert recorded.label_mapping == raw.label_mapping
    assert recorded.ranges == raw.ranges


_QUANTITIES = (
    "proxy_cpu_vcpu",
    "inbound_requests_rps",
    "outbound_requests_rps",
    "mesh_requests_rps",
    "proxy_memory_bytes",
    "proxy_reserved_vcpu",
    "pod_placement",
    "node_allocatable_vcpu",
)


@pytest.mark.parametrize("name", _QUANTITIES)
def test_totals_are_those_of_raw_samples(name: str, snapshots: tuple[Snapshot, Snapshot]) -> None:
    means = []
    for snapshot in snapshots:
        frame = pd.read_parquet(snapshot.path / f"{name}.parquet")
        means.append(frame[name].sum() / snapshot.manifest.window.point_count)

    # Evaluations have a phase of their own: the steps of three hours begin minutes later.
    assert means[1] == pytest.approx(means[0], rel=0.01)


@pytest.mark.parametrize("name", _QUANTITIES)
def test_a_recorded_sample_is_the_answer_at_the_moment_of_its_evaluation(
    name: str, ruled: Ruled
) -> None:
    recording, query = ruled.recording, load_query(name)
    seconds = recording.ranges.sent(query.exporter, recording.step_seconds)
    mapping = recording.label_mapping
    promql = query.render(Scope(), mapping, window_seconds=seconds if query.is_ranged else None)
    middle = MIXED.start + timedelta(hours=2)
    with Connection(Access(url=ruled.server.url)) as source:
        (mark,) = source.instant(recording.rule_set.latest(INFO), middle).series
        at = datetime.fromtimestamp(mark.samples[0], UTC)
        there = source.instant(promql, at)
        (kept,) = answers(query, mapping, [source.instant(recording.rule_set.promql(query), at)])

    raw, recorded = (
        frame_of(query, [found], mapping, may_have_more=found is kept) for found in (there, kept)
    )
    keys = [*query.labels]
    both = raw.merge(recorded, on=keys, how="outer", suffixes=("_raw", ""))
    assert len(both) == len(raw) == len(recorded) > 0
    # An evaluation is at a fraction of a millisecond, where a range may have one sample less.
    assert both[name].tolist() == pytest.approx(both[f"{name}_raw"].tolist(), rel=1e-4)


def test_steps_end_with_an_evaluation(ruled: Ruled, snapshots: tuple[Snapshot, Snapshot]) -> None:
    window = snapshots[1].manifest.window
    with Connection(Access(url=ruled.server.url)) as source:
        at = window.evaluated_at(3)
        (mark,) = source.instant(ruled.recording.rule_set.latest(INFO), at).series

    assert mark.samples[0] == pytest.approx(window.time_of(3).timestamp(), abs=1)
    assert 0 <= window.offset_seconds < window.step_seconds


def test_the_answer_is_the_same(snapshots: tuple[Snapshot, Snapshot]) -> None:
    raw, recorded = (measure(snapshot) for snapshot in snapshots)

    assert len(recorded.proxies) == len(raw.proxies)
    assert {one.name for one in recorded.findings} == {one.name for one in raw.findings}


def test_an_interrupted_collection_goes_on_from_the_same_rules(
    ruled: Ruled, tmp_path: Path, snapshots: tuple[Snapshot, Snapshot]
) -> None:
    class _GoesAwayError(Exception):
        pass

    @dataclass
    class Leaving:
        """A server that goes away after some answers."""

        source: Source
        left: int = 5

        def instant(self, promql: str, at: datetime) -> Response:
            return self.source.instant(promql, at)

        def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
            if "istio_usage:proxy" in promql:
                self.left -= 1
                if self.left < 0:
                    raise _GoesAwayError
            return self.source.points(promql, window, chunk)

    target = tmp_path / "snap"
    with Connection(Access(url=ruled.server.url)) as source:
        with pytest.raises(_GoesAwayError):
            collect_snapshot(Leaving(source), ruled.ask, target, now=MIXED.end)
        snapshot = collect_snapshot(source, ruled.ask, target, now=MIXED.end)

    assert snapshot.manifest == snapshots[1].manifest


# --- rules that are not read ---


def _reason(ruled: Ruled, ask: Ask, server: PrometheusServer | None = None) -> str:
    """Return the one note about rules that are not read."""
    notes: list[str] = []
    with Connection(Access(url=(server or ruled.server).url)) as source:
        plan = make_plan(source, ask, now=MIXED.end, note=notes.append)
    assert plan.survey.rules is None
    assert not any("istio_usage:" in job.promql for job in plan.jobs)
    (note,) = notes
    return note


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"scope": Scope(namespaces=(".*",))}, (Setting.NAMESPACES, Setting.CLUSTER)),
        ({"step_seconds": 900}, (Setting.STEP,)),
    ],
)
def test_rules_for_another_question_are_not_read(
    change: dict[str, Any], settings: tuple[Setting, ...], ruled: Ruled
) -> None:
    assert settings_in(_reason(ruled, replace(ruled.ask, **change))) == settings


def test_rules_that_begin_later_are_not_read_and_the_time_is_named(ruled: Ruled) -> None:
    ask = replace(ruled.ask, start=MIXED.start - timedelta(hours=5))

    assert settings_in(_reason(ruled, ask)) == (Setting.START,)


@dataclass(frozen=True)
class Changed:
    """A server whose marks of rules somebody changed."""

    source: Source
    labels: Callable[[dict[str, str]], dict[str, str]]

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        return self.source.points(promql, window, chunk)

    def instant(self, promql: str, at: datetime) -> Response:
        found = self.source.instant(promql, at)
        if not promql.startswith("last_over_time(istio_usage:rules_info"):
            return found
        series = tuple(replace(one, labels=self.labels(dict(one.labels))) for one in found.series)
        return replace(found, series=series)


def _with_settings(labels: dict[str, str], **more: object) -> dict[str, str]:
    settings = {**json.loads(labels[SETTINGS_LABEL]), **more}
    return {**labels, SETTINGS_LABEL: json.dumps(settings)}


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(lambda labels: {**labels, VERSION_LABEL: "0" * 12}, id="version"),
        pytest.param(lambda labels: {**labels, SETTINGS_LABEL: "{"}, id="no JSON"),
        pytest.param(lambda labels: {VERSION_LABEL: labels[VERSION_LABEL]}, id="no settings"),
        pytest.param(lambda labels: _with_settings(labels, step_seconds=300), id="step"),
        pytest.param(lambda labels: _with_settings(labels, scope={"cluster": "x"}), id="scope"),
        pytest.param(lambda labels: _with_settings(labels, is_surveyed=False), id="no survey"),
    ],
)
def test_rules_that_this_version_would_not_make_are_not_read(
    labels: Callable[[dict[str, str]], dict[str, str]], ruled: Ruled
) -> None:
    notes: list[str] = []
    with Connection(Access(url=ruled.server.url)) as source:
        plan = make_plan(Changed(source, labels), ruled.ask, now=MIXED.end, note=notes.append)

    assert plan.survey.rules is None
    assert len(notes) == 1


def test_rules_of_a_part_of_the_proxies_are_not_read(
    ruled: Ruled, tmp_path: Path, mixed_mesh: FilledMesh
) -> None:
    # As where the rules are evaluated in one of two clusters.
    document = yaml.safe_load(as_text(ruled.recording, RulesFormat.YAML))
    (group,) = document["groups"]
    needed = ("rules_info", "survey_series_count", "proxy_build")
    group["rules"] = [rule for rule in group["rules"] if rule.get("record", "").endswith(needed)]
    build = group["rules"][-1]
    build["expr"] = build["expr"].replace("istio_build{", 'istio_build{pod=~".*[0-9a-f]", ')
    text = json.dumps(document)
    with mixed_mesh.serve(tmp_path / "raw", flags=ADMIN) as raw:
        part = recorded_beside(
            raw, ruled.recording, MIXED.start, MIXED.end, tmp_path / "part", text=text
        )
    with part:
        assert "proxies" in _reason(ruled, ruled.ask, part)


# --- what is shown ---


def test_the_commands_show_that_rules_answer(ruled: Ruled, tmp_path: Path) -> None:
    version = ruled.recording.rule_set.version
    times = ("--start", MIXED.start.isoformat(), "--end", MIXED.end.isoformat())
    runner = CliRunner()

    def shown(*words: str) -> tuple[str, str]:
        done = runner.invoke(cli, [*words, "-p", ruled.server.url, *times])
        assert done.exit_code == 0, done.stderr
        return done.stdout, done.stderr

    assert version in shown("rules")[0]
    queries, notes = shown("queries", "proxy_cpu_vcpu")
    assert f'istio_usage:proxy_cpu_vcpu{{{VERSION_LABEL}="{version}"}}' in queries
    assert version in notes
    assert VERSION_LABEL not in shown("queries", "proxy_cpu_vcpu", "--no-rules")[0]
    target = tmp_path / "snap"
    assert version in shown("collect", "-o", str(target))[1]
    assert open_snapshot(target).manifest.rules_version == version
