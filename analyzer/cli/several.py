"""Several meshes in one table: from snapshots, or from a file that states them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.cli.answering import answered, note_files, print_report
from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.cli.options import ProjectionOptions
    from analyzer.report.several import MeshesReport


def of_snapshots(paths: Sequence[Path], projected: ProjectionOptions) -> MeshesReport:
    """Price each snapshot by what was measured; one that cannot be priced has its reason.

    Raises:
        UsageError: if a snapshot is given twice, or two have the same name.
        AnalyzerError: as `load_snapshot`.
    """
    from analyzer.measurement.same import refuse_same
    from analyzer.measurement.snapshot import load_snapshot
    from analyzer.report.several import of_measured

    named: dict[str, Path] = {}
    for path in paths:
        name = _name(path)
        if name in named:
            is_same = named[name].resolve() == path.resolve()
            raise UsageError(
                f"The snapshot {path} is given twice. Leave one out."
                if is_same
                else f"{named[name]} and {path} have the same name {name!r}. Rename one of them."
            )
        named[name] = path
    snapshots = {name: load_snapshot(path) for name, path in named.items()}
    refuse_same({name: snapshot.manifest for name, snapshot in snapshots.items()})
    return of_measured(snapshots, lambda name: answered(snapshots[name], projected))


def of_file(path: Path, projected: ProjectionOptions) -> MeshesReport:
    """Price each mesh of a file by published benchmarks; raises UsageError as `load_meshes`."""
    from analyzer.cli.flags import front_end
    from analyzer.projection.stated import load_meshes
    from analyzer.report.several import of_stated

    return of_stated(load_meshes(path), projected.assumed(is_hypothetical=True), front_end())


def show(report: MeshesReport, output_format: str, folder: Path | None, *, quiet: bool) -> None:
    """Write the files, if there is a folder for them, and print the table."""
    if folder is not None:
        from analyzer.report.write import write_meshes

        paths = write_meshes(report, folder)
        if not quiet:
            note_files(paths, folder)
    print_report(report, output_format)


def _name(path: Path) -> str:
    """Return the name of a snapshot's mesh: that of its folder, or of the report it is in."""
    from analyzer.measurement.snapshot import MANIFEST, SUBFOLDER

    folder = path.resolve()
    folder = folder.parent if folder.name == MANIFEST else folder
    folder = folder.parent if folder.name == SUBFOLDER else folder
    return folder.name.removesuffix(".snapshot") or str(folder)
