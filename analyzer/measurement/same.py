"""Whether two snapshots hold the same data."""

from collections.abc import Mapping

from analyzer.errors import UsageError
from analyzer.measurement.manifest import Manifest


def refuse_same(manifests: Mapping[str, Manifest]) -> None:
    """Refuse to count one snapshot twice, also where it was copied.

    Raises:
        UsageError: if the manifests of two, by name, have the same answers from the same server.
    """
    seen: dict[object, str] = {}
    for name, manifest in manifests.items():
        answers = tuple(record.sha256 for record in manifest.queries)
        earlier = seen.setdefault((manifest.source, manifest.window, answers), name)
        if earlier != name:
            raise UsageError(
                f"The snapshots {earlier!r} and {name!r} hold the same data. The sum would count "
                "it twice. Leave one of them out."
            )
