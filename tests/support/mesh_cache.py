"""Servers filled once and served many times."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.mesh import build_mesh
from tests.support.prometheus import PrometheusServer
from tests.support.spec import MeshSpec
from tests.support.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledMesh:
    """A mesh whose samples lie in a folder, ready to be served."""

    spec: MeshSpec
    truth: Truth
    folder: Path

    def serve(self, folder: Path, *, flags: Sequence[str] = ()) -> PrometheusServer:
        """Return a server, to be used by `with`, on a copy of the samples in a new folder."""
        shutil.copytree(self.folder / "data", folder / "data")
        return PrometheusServer(folder, flags=flags)


class MeshCache:
    """Folders of filled meshes, each written once; meant to live as long as a test session."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._filled: dict[MeshSpec, FilledMesh] = {}

    def filled(self, spec: MeshSpec) -> FilledMesh:
        """Return the mesh of a spec, generated and written at the first asking."""
        if spec not in self._filled:
            folder = self._root / f"mesh-{len(self._filled)}"
            mesh = build_mesh(spec)
            with PrometheusServer(folder) as server:
                server.fill(mesh)
            self._filled[spec] = FilledMesh(spec=spec, truth=mesh.truth, folder=folder)
        return self._filled[spec]
