"""Decoders and commands that are given mutated answers, and what must not come of it."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.errors import AnalyzerError
from analyzer.measurement.frames import frame_of
from analyzer.prometheus.query import Query, load_queries
from analyzer.prometheus.response import Response, decode, types_asked
from tests.support.completing import completed
from tests.support.default import default_mesh
from tests.support.mesh import build_mesh
from tests.support.mutating import mutated
from tests.support.prometheus import PrometheusServer
from tests.support.replayed import Question, Replayed, promql_of

_ENDS: Final = frozenset({0, 1, 2, 3})
"""Statuses of an end that is an answer or a reason."""

_LONGEST_LINE: Final = 1500

_MESH = replace(default_mesh(pods=40, hours=1), node_prices=True)
"""It has every role, and so little of each that a command takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """How something ended that was given mutated answers.

    Attributes:
        seed: of the mutations.
        name: what was changed, and in the answers to which queries.
        status: exit status; of a decoder 0 or 1.
        faults: what must not be.
        seconds: how long it took.
        output: what a command printed on stdout.
        errors: what it printed on stderr; of a decoder, the reason.
    """

    seed: int
    name: str
    status: int
    faults: tuple[str, ...]
    seconds: float
    output: str = ""
    errors: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiler:
    """A small mesh whose real answers are mutated.

    Attributes:
        replayed: the answers.
        commands: arguments of commands that ask for them.
        questions: of each command.
    """

    replayed: Replayed
    commands: tuple[tuple[str, ...], ...]
    questions: tuple[tuple[Question, ...], ...]

    @classmethod
    @contextmanager
    def serving(cls, folder: Path) -> Iterator[Spoiler]:
        """Serve the mesh, of which a mutated answer may make a command ask more."""
        with PrometheusServer(folder) as server:
            server.fill(completed(build_mesh(_MESH)))
            times = ("--start", _MESH.start.isoformat(), "--end", _MESH.end.isoformat())
            common = ("-p", server.url, *times)
            analyze = ("analyze", *common, "--charts", "none")
            commands = (analyze, (*analyze, "--format", "json"), ("doctor", *common))
            replayed = Replayed()
            asked, of_doctor = (_asked(replayed, commands[place]) for place in (0, 2))
            yield cls(replayed=replayed, commands=commands, questions=(asked, asked, of_doctor))

    def decoded(self, seed: int) -> Spoilt:
        """Mutate an answer and read it, as a table too where it may be one."""
        each = sorted({question for questions in self.questions for question in questions})
        question = each[seed % len(each)]
        content, name = mutated(self.replayed.answers[question], Random(seed))
        begun = time.monotonic()
        status, faults, reason = _read(question, content)
        return Spoilt(
            seed=seed,
            name=f"{name} of {promql_of(question)[:60]}",
            status=status,
            faults=faults,
            seconds=time.monotonic() - begun,
            errors=reason,
        )

    def commanded(self, seed: int) -> Spoilt:
        """Run one of the commands with one to three mutated answers.

        Every fourth seed keeps their form, since another form mostly ends a command at once.
        """
        chance = Random(seed)
        place = chance.choice((0, 0, 1, 1, 2))
        chosen = chance.sample(self.questions[place], chance.choice((1, 1, 2, 3)))
        names: dict[Question, str] = {}

        def change(question: Question, body: bytes) -> bytes:
            if question not in chosen:
                return body
            own = Random(f"{seed} {chosen.index(question)}")
            changed, names[question] = mutated(body, own, keeps_form=seed % 4 == 1)
            return changed

        begun = time.monotonic()
        with warnings.catch_warnings(record=True) as warned, self.replayed.replaying(change):
            warnings.simplefilter("always")
            result = CliRunner().invoke(cli, self.commands[place])
        faults = [f"warning: {one.message} ({one.filename}:{one.lineno})" for one in warned]
        if result.exception and not isinstance(result.exception, SystemExit):
            faults.append("".join(traceback.format_exception(result.exception)))
        if result.exit_code not in _ENDS:
            faults.append(f"exit status {result.exit_code}")
        faults += _of_lines(result.stderr)
        return Spoilt(
            seed=seed,
            name="; ".join(f"{how} of {promql_of(one)[:60]}" for one, how in names.items()),
            status=result.exit_code,
            faults=tuple(faults),
            seconds=time.monotonic() - begun,
            output=result.stdout,
            errors=result.stderr,
        )


def _asked(replayed: Replayed, command: Sequence[str]) -> tuple[Question, ...]:
    """Run a command with real answers; return what it asked, sorted."""
    asked: set[Question] = set()

    def change(question: Question, body: bytes) -> bytes:
        asked.add(question)
        return body

    with replayed.replaying(change):
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return tuple(sorted(asked))


def _read(question: Question, content: bytes) -> tuple[int, tuple[str, ...], str]:
    """Return the status of reading an answer, what was wrong with it, and the reason."""
    faults: list[str] = []
    reason = ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            answer = decode(content, types_asked(dict(question)["path"], promql_of(question)))
            faults += _of_answer(answer)
            for query in _tables_of(question):
                frame_of(query, [answer])
        except AnalyzerError as error:
            reason = str(error)
            faults += _of_line(reason)
        except Exception:  # noqa: BLE001 - each is a fault
            faults.append(traceback.format_exc())
    faults += [f"warning: {one.message}" for one in warned]
    return int(bool(reason)), tuple(faults), reason


def _tables_of(question: Question) -> Iterable[Query]:
    """Return queries of whose tables this may be the answer; none for those of the survey."""
    promql = promql_of(question)
    measured = (one for one in load_queries().values() if one.exporter is not None)
    return [one for one in measured if one.reads in promql][:2]


def _of_answer(answer: Response) -> Iterator[str]:
    for one in answer.series:
        if not len(one.times) == len(one.samples) > 0:
            yield "a series without points"
        if not (np.isfinite(one.times).all() and (np.diff(one.times) > 0).all()):
            yield "times that are out of order"
        if {*map(type, one.labels), *map(type, one.labels.values())} - {str}:
            yield "labels that are no texts"
    if {*map(type, answer.warnings)} - {str}:
        yield "remarks that are no texts"


def _of_line(text: str) -> Iterator[str]:
    if "\n" in text.strip():
        yield f"more than one line: {text[:200]!r}"
    if len(text) > _LONGEST_LINE:
        yield f"{len(text):,} characters: {text[:200]!r}"


def _of_lines(stderr: str) -> Iterator[str]:
    """Yield what is wrong with notes and a message."""
    for line in stderr.splitlines():
        yield from _of_line(line)
        if not line.startswith("istio-usage: "):
            yield f"a line that is none of ours: {line[:200]!r}"
