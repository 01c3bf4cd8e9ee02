"""Where a figure comes from: a query of this Prometheus, the fit, a page, or the user."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.calibration.result import RoleCalibration
from analyzer.data import assumptions
from analyzer.measurement.manifest import Manifest
from analyzer.projection.scenario import Scenario
from analyzer.report import format as fmt
from analyzer.report.explain.lines import spread
from analyzer.units import Provenance


def assumed(scenario: Scenario, *names: str) -> Iterator[str]:
    """Return each assumption with its range and where it comes from."""
    for name in names:
        item = scenario.assumptions[name]
        if item == assumptions()[name]:
            origin = f"{Provenance.PUBLISHED}: {item.source}"
        elif item.is_measured:
            origin = str(Provenance.MEASURED)
        else:
            origin = f"stated in {item.source}"
        yield f"  {name} is {spread(item.value)} {item.unit} ({fmt.inert(origin)})"


def fitted(role: RoleCalibration) -> Iterator[str]:
    """Return what the fit found of a role, with its range."""
    yield (
        f"  {role.role}, by the fit: {spread(role.idle_vcpu_per_proxy)} vCPU at rest and "
        f"{spread(role.vcpu_per_1000_rps)} for 1000 requests/s more "
        f"({role.provenance}; {fmt.inert(role.model)})"
    )


def query_file(name: str) -> str:
    """Return the file of a query."""
    return f"queries/{name}.promql"


def cpu_query(manifest: Manifest | None) -> str:
    """Return the file of the query that the CPU comes from: the counter, or the rule of it."""
    is_recorded = manifest is not None and manifest.label_mapping.is_recorded
    return query_file("proxy_recorded_cpu_vcpu" if is_recorded else "proxy_cpu_vcpu")
