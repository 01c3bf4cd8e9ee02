"""Many bent meshes in one server, each on days of its own, and the answers about them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.command import run
from tests.support import PrometheusServer
from tests.support.bent import Scene
from tests.support.bent.judge import wrong

DAYS_APART = 12
"""Days between two meshes, so that a question about a week meets one of them only."""


class Store:
    """A server that stores several scenes."""

    def __init__(self, url: str, scenes: Mapping[str, Scene]) -> None:
        self.url = url
        self.scenes = scenes
        self._answers: dict[str, dict[str, Any]] = {}

    def answer(self, name: str) -> dict[str, Any]:
        """Return what the installed command answers about a scene, asked once."""
        if name not in self._answers:
            scene = self.scenes[name]
            times = ("--start", scene.start.isoformat(), "--end", scene.end.isoformat())
            outcome = run("analyze", "-p", self.url, *times, "--format", "json", "-q", *scene.flags)
            assert outcome.status == 0, outcome.stderr
            self._answers[name] = outcome.document
        return self._answers[name]

    def wrong(self, name: str) -> list[str]:
        """Return the figures that are off in the answer about a scene."""
        return [str(figure) for figure in wrong(self.scenes[name], self.answer(name))]


@contextmanager
def stored(folder: Path, scenes: Mapping[str, Scene]) -> Iterator[Store]:
    """Fill a server with scenes, which must be in the order of their times."""
    with PrometheusServer(folder / "server") as server:
        for scene in scenes.values():
            server.fill(scene.mesh)
        yield Store(server.url, scenes)
