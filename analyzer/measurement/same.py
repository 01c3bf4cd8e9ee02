"""Whether two snapshots hold the same data."""

from collections.abc import Mapping

from analyzer.errors import UsageError
from analyzer.measurement.snapshot import Snapshot


def refuse_same(snapshots: Mapping[str, Snapshot]) -> None:
    """Refuse to count one snapshot twice, also where it was copied.

    Raises:
        UsageError: if two of these, by name, have the same answers from the same server.
    """
    seen: dict[object, str] = {}
    for name, snapshot in snapshots.items():
        manifest = snapshot.manifest
        answers = tuple(record.sha256 for record in manifest.queries)
        earlier = seen.setdefault((manifest.source, manifest.window, answers), name)
        if earlier != name:
            raise UsageError(
                f"The snapshots {earlier!r} and {name!r} hold the same data. The sum would count "
                "it twice. Leave one of them out."
            )
