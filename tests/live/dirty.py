"""Many bent meshes in one server, each on days of its own, and the answers about them."""

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from analyzer.cli import cli
from tests.live.command import Outcome
from tests.support import PrometheusServer, ServerProcess
from tests.support.bent import Scene, healthy
from tests.support.bent.bends import Bend, bent
from tests.support.bent.judge import finding_names, wrong

DAYS_APART = 12
"""Days between two meshes, so that a question about a week meets one of them only."""


def each_bent(
    shapes: Mapping[str, tuple[Bend, ...]], first_seed: int, wanted: Collection[str]
) -> dict[str, Scene]:
    """Return a healthy mesh bent in each of the wanted ways, on days of its own."""
    return {
        name: bent(healthy(first_seed + number, day=number * DAYS_APART), bends, seed=number)
        for number, (name, bends) in enumerate(shapes.items())
        if name in wanted
    }


def question(url: str, scene: Scene) -> tuple[str, ...]:
    """Return the arguments of the command that asks about a scene."""
    return ("analyze", *_asking(url, scene), "--format", "json")


def _asking(url: str, scene: Scene) -> tuple[str, ...]:
    times = ("--start", scene.start.isoformat(), "--end", scene.end.isoformat())
    return ("-p", url, *times, "-q", *scene.flags)


def asked_within(url: str, scene: Scene) -> Outcome:
    """Ask the command within this process, which saves its imports where many are asked."""
    return _within(*question(url, scene))


def calibrated_within(url: str, scene: Scene) -> Outcome:
    """Collect and calibrate within this process: all but the projection, which takes a third."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = str(Path(folder) / "snapshot")
        collected = _within("collect", *_asking(url, scene), "-o", snapshot)
        return collected if collected.status else _within("calibrate", snapshot, "--format", "json")


def _within(*arguments: str) -> Outcome:
    done = CliRunner().invoke(cli, arguments)
    return Outcome(status=done.exit_code, stdout=done.stdout, stderr=done.stderr)


class Store:
    """A server that stores several scenes."""

    def __init__(self, url: str, scenes: Mapping[str, Scene], *, projects: bool = False) -> None:
        self.url = url
        self._projects = projects
        self.scenes = scenes
        self._answers: dict[str, dict[str, Any]] = {}

    def answer(self, name: str) -> dict[str, Any]:
        """Return what is measured and fitted of a scene, and projected if that is asked for."""
        if name not in self._answers:
            ask = asked_within if self._projects else calibrated_within
            self._answers[name] = _answered(ask(self.url, self.scenes[name]))
        return self._answers[name]

    def projected(self, name: str) -> dict[str, Any]:
        """Return what `analyze` answers about a scene."""
        return _answered(asked_within(self.url, self.scenes[name]))

    def wrong(self, name: str) -> list[str]:
        """Return the figures that are off in the answer about a scene."""
        return [str(figure) for figure in wrong(self.scenes[name], self.answer(name))]

    def names(self, name: str) -> frozenset[str]:
        """Return the names of the findings in the answer about a scene."""
        return finding_names(self.answer(name))


def _answered(outcome: Outcome) -> dict[str, Any]:
    assert outcome.status == 0, outcome.stderr or outcome.stdout
    return outcome.document


@contextmanager
def stored(
    folder: Path,
    scenes: Mapping[str, Scene],
    engine: type[ServerProcess] = PrometheusServer,
    *,
    projects: bool = False,
) -> Iterator[Store]:
    """Fill a server with scenes, which must be in the order of their times.

    Where the store `projects`, its answers are those of `analyze`.
    """
    with engine(folder / "server") as server:
        for scene in scenes.values():
            server.fill(scene.mesh)
        yield Store(server.url, scenes, projects=projects)
