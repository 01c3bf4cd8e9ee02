"""What several meshes cost together, in sentences."""

from collections.abc import Iterator

from analyzer.measurement.findings import Severity
from analyzer.projection.meshes import Meshes
from analyzer.report import format as fmt
from analyzer.report.answer import Answer


def outcome(found: Meshes) -> str:
    """Return what the sidecars of all meshes cost, and what ambient saves."""
    total = found.total
    claims = [
        f"{fmt.MODE_TITLES[item.mode]} would {fmt.saving(item.percent)}" for item in total.savings
    ]
    return (
        f"The sidecars of {fmt.counted(len(found.meshes), 'mesh', 'meshes')} cost "
        f"{fmt.usd(total.modes[0].usd_per_year)} a year {fmt.AS_BASIS[found.basis]}. For the same "
        f"traffic, {fmt.listed(claims)}."
    )


def size(found: Meshes) -> str:
    """Return how many sidecars, namespaces and nodes the meshes have together."""
    total = found.total
    nodes = "" if total.node_count is None else f" on {fmt.counted(total.node_count, 'node')}"
    return (
        f"Together: {fmt.counted(total.sidecar_count, 'sidecar')} in "
        f"{fmt.counted(total.namespace_count, 'namespace')}{nodes}."
    )


def legend(found: Meshes) -> str:
    """Return how to read the ranges, and the price."""
    prices = {fmt.price(mesh.price) for mesh in found.meshes if mesh.price}
    price = f"Dollars are at {prices.pop()}." if len(prices) == 1 else "Prices differ between them."
    return (
        "Ranges are 90 % intervals. That of the sum comes from shared draws: an assumption has one "
        f"value in all meshes. {price}"
    )


def gaps(name: str, answer: Answer) -> Iterator[str]:
    """Yield what makes the figures of one mesh less sure."""
    grave = [item for item in answer.findings if item.severity != Severity.INFO]
    for item in (*grave, *answer.warnings):
        yield f"{name}: {item}"
