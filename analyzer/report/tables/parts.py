"""Tables of the mesh's parts: workloads, namespaces, nodes, proxies, and findings on them."""

from collections.abc import Hashable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from analyzer.calibration.result import WorkloadCalibration
from analyzer.measurement.findings import Finding
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.table import Cell, Folded, Head, Listing, Table, Unit, View, Words
from analyzer.units import Role, percent_of

_SAVINGS: Final[Mapping[str, tuple[str, str]]] = {
    # By column: its title in text, and in the page.
    "saving_l4_vcpu": ("saved, L4 only", "vCPU saved, L4 only"),
    "saving_waypoint_vcpu": ("saved with a waypoint", "vCPU saved with a waypoint"),
    "cumulative_saving_vcpu": ("saved so far", "vCPU saved so far"),
}

_REMARKS: Final = {
    "waypoint_costs_more": "a waypoint costs more than its sidecars",
    "waypoint_extrapolated": "waypoint at a rate no proxy was seen at",
}

_MOST_AFFECTED: Final = 20  # names shown for one finding; all of them are in result.json


def workloads(items: Sequence[WorkloadCalibration]) -> Table:
    """Return what the sidecars of each workload cost."""

    def of_fit(item: WorkloadCalibration, text: str) -> str:
        return "" if item.vcpu_per_1000_rps is None else text

    listing = Listing(items)
    listing.column(lambda item: f"{item.namespace}/{item.workload}", everywhere="workload")
    listing.column(lambda item: item.proxy_count, Unit.COUNT, everywhere="proxies", page="sidecars")
    listing.column(lambda item: item.mean_vcpu, page="vCPU used")
    listing.column(lambda item: item.mean_rps, everywhere="requests/s")
    listing.column(
        lambda item: item.vcpu_per_1000_rps,
        Unit.NUMBER,
        "refused",
        everywhere="vCPU per 1000 rps",
        terminal="vCPU/1000 rps",
        narrow=Head("vCPU per\n1000 rps", best_only=True),
        page="vCPU per 1000 requests/s",
    )
    listing.column(
        lambda item: item.idle_vcpu_per_proxy,
        Unit.NUMBER,
        "refused",
        everywhere="idle vCPU each",
        terminal=Head("idle vCPU", best_only=True),
        narrow=Head("idle\nvCPU", best_only=True),
    )
    listing.column(lambda item: f"{item.own_share:.0%}", text="own")
    listing.column(
        # Adding 0 takes the sign off a zero.
        lambda item: of_fit(item, f"{round(100 * item.own_share) + 0} %"),
        page="rests on its own data",
    )
    listing.text_column(lambda item: of_fit(item, str(item.provenance)), page="figures are")
    captions = {
        View.PAGE: "What the sidecars of each workload cost, those that use most first",
        View.NOTEBOOK: "Workloads, those with the most CPU first",
    }
    file = "workloads.csv"
    return Table("workloads", *listing.filled, captions=captions, file=file, is_named=True)


def namespaces(projection: Projection) -> Table:
    """Return what moving each namespace saves, in the order in which moving saves most."""
    frame = projection.namespaces
    savings = [column for column in _SAVINGS if column in frame]
    listing = Listing(frame.to_dict("records"))

    def name(row: Mapping[Hashable, Any]) -> Cell:
        remarks = (text for column, text in _REMARKS.items() if row.get(column))
        return Words(str(row["namespace"]), detail="; ".join(remarks))

    listing.column(name, text="namespace, in order of what moving it saves", page="namespace")
    listing.column(itemgetter("sidecar_count"), Unit.COUNT, page="sidecars")
    listing.column(itemgetter("proxy_rps"), page="requests/s")
    listing.column(itemgetter("sidecar_vcpu"), text="sidecars vCPU", page="vCPU of sidecars")
    for column in savings:
        text, page = _SAVINGS[column]
        listing.column(itemgetter(column), text=text, page=page)
    order = ", in the order in which moving saves most" if savings else ""
    captions, limits = {View.PAGE: f"The namespaces{order}"}, {View.TEXT: 20}
    file = "namespaces.csv"
    return Table("namespaces", *listing.filled, captions=captions, limits=limits, file=file)


def ztunnels(projection: Projection) -> Table:
    """Return what the ztunnel of each node would use, the busiest first."""
    listing = Listing(projection.nodes)
    listing.column(lambda node: node.node, page="node")
    listing.column(lambda node: node.ztunnel_vcpu, page="vCPU")
    listing.column(lambda node: node.passes_rps, page="requests/s")
    listing.column(lambda node: node.gbit_per_second, page="Gbit/s of TCP")
    captions = {View.PAGE: "What the ztunnel of each node would use, the busiest first"}
    return Table("ztunnels", *listing.filled, captions=captions, file="nodes.csv")


def proxies(usage: MeshUsage) -> Table:
    """Return how many proxies of each role were seen, and what they use together."""
    absent = (Unit.NUMBER, "unknown")
    listing = Listing([role for role in Role if not usage.of_role(role).empty])
    listing.column(lambda role: role, notebook="role")
    listing.column(usage.count, Unit.COUNT, notebook="proxies")
    listing.column(lambda role: usage.mean_total(role, "cpu_vcpu"), *absent, notebook="vCPU used")
    listing.column(lambda role: usage.mean_total(role, "proxy_rps"), *absent, notebook="requests/s")
    caption = "Proxies, means over the window"
    return Table("proxies", *listing.filled, captions={View.NOTEBOOK: caption})


def findings(items: Sequence[Finding]) -> Table:
    """Return what is wrong or thin in the data, its code, the shares it affects, and the fix."""

    def share(value: float | None) -> str:
        return "" if value is None else percent_of(value)

    listing = Listing(items)
    listing.column(lambda item: Words(item.severity, severity=item.severity), page="severity")
    listing.column(lambda item: item.code, page="code")
    listing.text_column(
        lambda item: Words(item.text, folded=_affected(item)), page="what was found"
    )
    listing.column(lambda item: share(item.cpu_share), page="of the CPU")
    listing.column(lambda item: share(item.rps_share), page="of the requests")
    listing.text_column(lambda item: item.fix, page="fix")
    caption = "What is wrong or thin in the data, the most severe first"
    return Table("findings", *listing.filled, captions={View.PAGE: caption})


def _affected(finding: Finding) -> Folded | None:
    names = finding.affected
    surplus = len(names) - _MOST_AFFECTED
    note = f"And {surplus} more: see result.json." if surplus > 0 else ""
    return Folded(fmt.counted(len(names), "name"), names[:_MOST_AFFECTED], note) if names else None
