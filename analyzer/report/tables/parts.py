"""Tables of the mesh's parts: workloads, namespaces, nodes, proxies, and findings on them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, Final

from analyzer.calibration.result import WorkloadCalibration
from analyzer.measurement.findings import BIASED, Finding
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.decision import NamespaceDecision
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.sentences.decision import VERDICTS, namespaces_note, why
from analyzer.report.table import Cell, Folded, Head, Listing, Table, Unit, Value, View, Words
from analyzer.units import Role

_SAVINGS: Final[Mapping[str, str]] = {
    # By column: its title in the page.
    "saving_l4_vcpu": "CPU use saved, vCPU, L4 only",
    "saving_waypoint_vcpu": "CPU use saved, vCPU, with a waypoint",
    "cumulative_saving_vcpu": "CPU use saved in this order, running total",
}

_REMARKS: Final = {
    "waypoint_costs_more": "a waypoint uses more CPU than L4 saves",
    "waypoint_extrapolated": "waypoint cost extrapolated",
}

_AFFECTED: Final[Mapping[str, str]] = {
    # By field of a finding: its title in the page.
    "cpu_share": "share of CPU",
    "rps_share": "share of requests",
    "time_share": "share of time",
}

_ALL: Final = ("terminal", "narrow", "text", "page")

_Row = Mapping[Hashable, Any]

_MOST_AFFECTED: Final = 20  # names shown for one finding; all of them are in result.json


def workloads(items: Sequence[WorkloadCalibration]) -> Table:
    """Return what the sidecars of each workload cost."""

    def of_fit(item: WorkloadCalibration, text: str) -> str:
        return text if item.vcpu_per_1000_rps or item.has_tcp_cost else ""

    listing = Listing(items)
    listing.column(lambda item: f"{item.namespace}/{item.workload}", everywhere="workload")
    listing.column(lambda item: item.proxy_count, Unit.COUNT, everywhere="proxies", page="sidecars")
    listing.column(lambda item: item.mean_vcpu, page="vCPU used")
    listing.column(_mean_rps, everywhere="requests/s")
    listing.column(
        lambda item: Words("TCP only") if item.has_tcp_cost else item.vcpu_per_1000_rps,
        Unit.NUMBER,
        "cannot tell",
        everywhere="vCPU per 1000 RPS",
        terminal="vCPU/1000 RPS",
        narrow=Head("vCPU per\n1000 RPS", best_only=True),
        page="vCPU per 1000 requests/s",
    )
    listing.column(
        lambda item: item.idle_vcpu_per_proxy,
        Unit.NUMBER,
        "cannot tell",
        everywhere="idle vCPU each",
        terminal=Head("idle vCPU", best_only=True),
        narrow=Head("idle\nvCPU", best_only=True),
    )
    _tcp_columns(listing, items)
    listing.column(
        lambda item: of_fit(item, fmt.share(100 * item.own_share)),
        text="share from its own data",
        page="share from its own data",
    )
    listing.text_column(lambda item: of_fit(item, str(item.provenance)), page="figures are")
    captions = {
        View.PAGE: "Cost of the sidecars of each workload, those that use most CPU first",
        View.NOTEBOOK: "Cost of the sidecars of each workload, the most CPU first",
    }
    file = "workloads.csv"
    return Table("workloads", *listing.filled, captions=captions, file=file, is_named=True)


def _tcp_columns(
    listing: Listing[WorkloadCalibration], items: Sequence[WorkloadCalibration]
) -> None:
    """Add the costs of TCP that any workload has."""
    of_bytes = attrgetter("vcpu_per_gbit_per_second")
    of_connections = attrgetter("vcpu_per_1000_new_connections_per_second")
    if any(map(of_bytes, items)):
        title = "vCPU per Gbit/s of TCP"
        listing.column(of_bytes, Unit.NUMBER, "", text=title, page=title, notebook=title)
    if any(map(of_connections, items)):
        title = "vCPU per 1000 new TCP connections/s"
        listing.column(of_connections, Unit.NUMBER, "", text=title, page=title, notebook=title)


def _mean_rps(item: WorkloadCalibration) -> Value:
    # Istio does not count the requests of TCP, and a workload at rest has its own idle cost.
    is_counted = item.mean_rps or item.vcpu_per_1000_rps is not None
    return item.mean_rps if is_counted else Words("not counted")


def namespaces(projection: Projection) -> Table:
    """Return what moving each namespace saves, and what to do with it."""
    frame, decision = projection.namespaces, projection.decision
    decided = {item.namespace: item for item in decision.by_namespace}
    listing = Listing(frame.to_dict("records"))

    def name(row: _Row) -> Cell:
        remarks = (text for column, text in _REMARKS.items() if row.get(column))
        return Words(str(row["namespace"]), detail="; ".join(remarks))

    def of(
        field: Callable[[NamespaceDecision], Value],
    ) -> Callable[[Mapping[Hashable, Any]], Value]:
        return lambda row: field(decided[row["namespace"]])

    listing.column(name, **dict.fromkeys(_ALL, "namespace"))
    if decided:
        saved, l4 = attrgetter("saving_usd_per_year"), attrgetter("saving_l4_usd_per_year")
        best = Head("saved\na year", best_only=True)
        long = "saved a year, USD"
        listing.column(of(lambda item: VERDICTS[item.verdict]), **dict.fromkeys(_ALL, "decision"))
        listing.column(
            of(saved), Unit.USD, terminal="saved a year", narrow=best, text=long, page=long
        )
        l4_only = Head("L4 only", best_only=True)
        listing.column(
            of(l4), Unit.USD, terminal=l4_only, text=f"{long}, L4 only", page=f"{long}, L4 only"
        )
        listing.text_column(
            of(lambda item: why(item, decision.check_first)), **dict.fromkeys(_ALL, "why")
        )
    listing.column(itemgetter("sidecar_count"), Unit.COUNT, page="sidecars")
    listing.column(itemgetter("proxy_rps"), page="requests/s")
    listing.column(itemgetter("sidecar_vcpu"), text="sidecar vCPU used", page="vCPU of sidecars")
    for column in (column for column in _SAVINGS if column in frame):
        listing.column(itemgetter(column), page=_SAVINGS[column])
    order = ", those that save most first" if decided else ""
    notes = dict.fromkeys((View.TERMINAL, View.TEXT, View.PAGE), namespaces_note(decision))
    return Table(
        "namespaces",
        *listing.filled,
        captions={View.PAGE: f"Namespaces{order}"},
        notes=notes if decided else {},
        limits={View.TEXT: 20, View.TERMINAL: 10},
        file="namespaces.csv",
        is_named=True,
    )


def ztunnels(projection: Projection) -> Table:
    """Return what the ztunnel of each node would use, the busiest first."""
    listing = Listing(projection.nodes)
    listing.column(lambda node: node.node, page="node")
    listing.column(lambda node: node.ztunnel_vcpu, page="vCPU")
    listing.column(lambda node: node.passes_rps, page="requests/s")
    listing.column(lambda node: node.gbit_per_second, page="Gbit/s of TCP")
    if any(node.present_share < 1 for node in projection.nodes):
        listing.column(lambda node: node.present_share, page="share of time")
    captions = {View.PAGE: "Projected ztunnel CPU per node, busiest first"}
    return Table("ztunnels", *listing.filled, captions=captions, file="nodes.csv")


def proxies(usage: MeshUsage) -> Table:
    """Return how many proxies of each role were seen, and what they use together."""
    absent = (Unit.NUMBER, "unknown")
    listing = Listing([role for role in Role if not usage.of_role(role).empty])
    listing.column(lambda role: role, notebook="role")
    listing.column(usage.count, Unit.COUNT, notebook="proxies")
    listing.column(lambda role: usage.total(role, "cpu_vcpu"), *absent, notebook="vCPU used")
    listing.column(lambda role: usage.total(role, "proxy_rps"), *absent, notebook="requests/s")
    caption = "Proxies by role, averaged over the time range"
    return Table("proxies", *listing.filled, captions={View.NOTEBOOK: caption})


def findings(items: Sequence[Finding]) -> Table:
    """Return what is wrong or thin in the data, its code, what it affects, and the fix.

    A column that would be empty in all rows is left out.
    """
    known = {name for name in _AFFECTED for item in items if getattr(item, name) is not None}

    def share(name: str, item: Finding) -> str:
        value = getattr(item, name)
        return "" if value is None else fmt.share(100 * value)

    listing = Listing(items)
    listing.column(lambda item: Words(item.severity, severity=item.severity), page="severity")
    listing.column(lambda item: item.code, page="code")
    listing.text_column(lambda item: Words(item.text, folded=_affected(item)), page="finding")
    for name in (name for name in _AFFECTED if name in known):
        listing.column(partial(share, name), page=_AFFECTED[name])
    if any(item.bias for item in items):
        listing.text_column(lambda item: BIASED[item.bias] if item.bias else "", page="totals")
    if any(item.fix for item in items):
        listing.text_column(lambda item: item.fix, page="fix")
    caption = "Findings, most severe first"
    return Table("findings", *listing.filled, captions={View.PAGE: caption})


def _affected(finding: Finding) -> Folded | None:
    names = finding.affected
    surplus = len(names) - _MOST_AFFECTED
    note = f"And {surplus} more: see result.json." if surplus > 0 else ""
    return Folded(fmt.counted(len(names), "name"), names[:_MOST_AFFECTED], note) if names else None
