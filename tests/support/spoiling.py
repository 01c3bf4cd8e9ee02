"""Decoders and commands that are given mutated answers, and what must not come of it."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.errors import AnalyzerError
from analyzer.measurement.chunks import answered_frame
from analyzer.measurement.plan import Ask, Plan, make_plan
from analyzer.prometheus.bounds import AnswerTooLarge, Budget
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.query import Query
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
        name: what was changed.
        about: the queries whose answers they were, cut.
        status: exit status; of a decoder 0 or 1.
        faults: what must not be.
        seconds: how long it took by the clock.
        cpu_seconds: how long it took by the clock of this process.
        output: what a command printed on stdout.
        errors: what it printed on stderr; of a decoder, the reason.
    """

    seed: int
    name: str
    about: str
    status: int
    faults: tuple[str, ...]
    seconds: float
    cpu_seconds: float
    output: str = ""
    errors: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiler:
    """A small mesh whose real answers are mutated.

    Attributes:
        replayed: the answers.
        commands: arguments of commands that ask for them.
        questions: of each command.
        plan: what a collection asks.
    """

    replayed: Replayed
    commands: tuple[tuple[str, ...], ...]
    questions: tuple[tuple[Question, ...], ...]
    plan: Plan

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
            yield cls(
                replayed=replayed,
                commands=commands,
                questions=(asked, asked, of_doctor),
                plan=_planned(replayed, server.url),
            )

    @property
    def each_question(self) -> tuple[Question, ...]:
        """What the commands ask together, sorted."""
        return tuple(sorted({one for questions in self.questions for one in questions}))

    def decoded(self, seed: int) -> Spoilt:
        """Mutate an answer and read it as a connection does, and as a table where it is one.

        Half of the seeds keep its form, since another form is mostly refused at once.
        """
        each = self.each_question
        question = each[seed % len(each)]
        chance = Random(seed)
        keeps_form = chance.random() < 0.5
        content, name = mutated(self.replayed.answers[question], chance, keeps_form=keeps_form)
        return replace(self.read(question, content), seed=seed, name=name)

    def read(self, question: Question, content: bytes) -> Spoilt:
        """Read an answer to a question, within the bounds of a connection."""
        promql = promql_of(question)
        planned = {one.promql: one.query for one in self.plan.queries.values()}
        begun, begun_cpu = time.monotonic(), time.process_time()
        reason, faults = _read(question, content, planned.get(promql), self.plan)
        return Spoilt(
            seed=0,
            name="",
            about=promql[:60],
            status=int(bool(reason)),
            faults=tuple(faults),
            seconds=time.monotonic() - begun,
            cpu_seconds=time.process_time() - begun_cpu,
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

        begun, begun_cpu = time.monotonic(), time.process_time()
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
            name="; ".join(names.values()),
            about="; ".join(promql_of(one)[:60] for one in names),
            status=result.exit_code,
            faults=tuple(faults),
            seconds=time.monotonic() - begun,
            cpu_seconds=time.process_time() - begun_cpu,
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


def _planned(replayed: Replayed, url: str) -> Plan:
    """Return what a collection asks, by the real answers to its survey."""
    ask = Ask(source=url, start=_MESH.start, end=_MESH.end)
    with replayed.replaying(lambda _, body: body), Connection(Access(url=url)) as connection:
        return make_plan(connection, ask, now=_MESH.end)


def _read(
    question: Question, content: bytes, query: Query | None, plan: Plan
) -> tuple[str, Sequence[str]]:
    """Return why an answer is refused, "" if it is read, and what was wrong on the way."""
    faults: list[str] = []
    reason = ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            answer = _decoded(content, types_asked(dict(question)["path"], promql_of(question)))
            faults += _of_answer(answer)
            if query is not None:
                answered_frame(plan, query, (answer,))
        except AnswerTooLarge as error:
            reason = str(error) or "larger than it may be"
        except AnalyzerError as error:
            reason = str(error)
            faults += _of_line(reason)
        except Exception:  # noqa: BLE001 - each is a fault
            faults.append(traceback.format_exc())
    faults += [f"warning: {one.message}" for one in warned]
    return reason, faults


def _decoded(content: bytes, types: frozenset[str]) -> Response:
    """Decode a body as a connection does, whose bounds are the default ones."""
    with Budget(Access(url="http://localhost")).allowed() as allowance:
        allowance.grown_to(len(content))
        allowance.weigh(content)
        return decode(content, types)


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
