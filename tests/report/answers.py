"""Answers made by hand, one of each kind that a report must be able to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pandas as pd

from analyzer.calibration.observations import Exclusion, Unusable
from analyzer.calibration.result import Backtest, Calibration, WorkloadCalibration
from analyzer.data import published_constants
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import project_usage
from analyzer.projection.demand import MeasuredLoad, mesh_load, stated_load
from analyzer.projection.published import project_constants
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.prometheus.promql import Scope
from analyzer.report.answer import Answer
from analyzer.units import Interval, Reason, Refusal
from tests.projection.builders import START, Proxy, as_published, mesh, shop_mesh
from tests.projection.fits import calibration, fit, no_fit
from tests.support.kept import Kept

NAUGHTY_NAMES = (
    "[red]x[/red]",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@sum",
    "a|b",
    "<img src=x onerror=alert(1)>",
    "two\nlines",
    "esc\x1b[2J\x1b]0;title\x07",
    "eight\x9b31mbit",
    "back\x08\x7fspace",
    "right\u202eleft",
    "tab\there",
    'quo"te, comma',
    "`code` *bold* _it_ [link](x)",
    "日本語",
)
"""What a label may hold when nobody was careful, or somebody was malicious."""


def warning(text: str) -> Finding:
    """Return a warning with this text."""
    return Finding(name="gaps", text=text)


def manifest(usage: MeshUsage, *, note: str = "", cluster: str = "east") -> Manifest:
    return Manifest(
        tool_version="0.1.0",
        source="http://prometheus.example:9090",
        note=note,
        window=usage.window,
        scope=Scope(namespaces=(), cluster=cluster),
        cpu_scrape_seconds=60.0,
        request_scrape_seconds=15.0,
        queries=(),
        warnings=(),
    )


def workload(name: str = "shop/front", *, fitted: bool = True) -> WorkloadCalibration:
    namespace, _, short = name.partition("/")
    return WorkloadCalibration(
        namespace=namespace,
        workload=short,
        vcpu_per_1000_rps=Interval(low=0.21, mid=0.25, high=0.29) if fitted else None,
        idle_vcpu_per_proxy=Interval(low=0.009, mid=0.01, high=0.011) if fitted else None,
        proxy_count=4,
        sample_count=576,
        mean_rps=120.5,
        mean_vcpu=0.0712,
        own_share=0.9 if fitted else 0.0,
        fitted_rps=(3.0, 480.0),
    )


def fitted_calibration(workloads: Sequence[WorkloadCalibration] = ()) -> Calibration:
    return replace(
        calibration(),
        workloads=tuple(workloads) or (workload(), workload("cache/redis", fitted=False)),
        exclusions=(Exclusion(reason=Unusable.NO_CPU, step_count=7, mean_vcpu=0.05),),
        timeline=timeline(40),
        sidecar=replace(fit(), backtest=foretold((workload(), workload("shop/back")))),
    )


def full(
    *,
    note: str = "",
    assumed: Scenario | None = None,
    fitted: Calibration | None = None,
    usage: MeshUsage | None = None,
) -> Answer:
    """Return an answer with every step taken; nobody may change what is in it."""
    if fitted is None and usage is None:
        return _ANSWERS.get((note, assumed), lambda: _answered(note, assumed, None, None))
    return _answered(note, assumed, fitted, usage)


_ANSWERS = Kept[tuple[str, Scenario | None], Answer](lambda one, other: one == other, most=32)
"""Of the same mesh and costs; many modules ask for an answer by the same assumptions."""


def _answered(
    note: str,
    assumed: Scenario | None,
    fitted: Calibration | None,
    usage: MeshUsage | None,
) -> Answer:
    usage = usage or _shop()
    fitted = fitted or fitted_calibration()
    projection = project_usage(usage, fitted, assumed or as_published())
    return Answer(
        manifest=manifest(usage, note=note),
        usage=usage,
        load=projection.load,
        calibration=fitted,
        projection=projection,
    )


@cache
def by_default() -> Answer:
    """Return the same with no assumption changed: as billed, where the shop mesh would lose."""
    return full(assumed=default_scenario())


@cache
def _shop() -> MeshUsage:
    return shop_mesh()


@cache
def _shop_load() -> MeasuredLoad:
    return mesh_load(_shop())


def calibration_only(fitted: Calibration | None = None) -> Answer:
    """Return an answer without a projection; nobody may change what is in it."""
    usage = _shop()
    return Answer(
        manifest=manifest(usage),
        usage=usage,
        load=_shop_load(),
        calibration=fitted or fitted_calibration(),
    )


def constants_only(
    name: str = "blog", *, proxy_rps: float = 0, assumed: Scenario | None = None
) -> Answer:
    """Return the post's mesh by published constants."""
    load = stated_load(pod_count=15_000, node_count=200, namespace_count=1000, proxy_rps=proxy_rps)
    projection = project_constants(published_constants()[name], load, assumed or as_published())
    return Answer(load=load, projection=projection)


@cache
def refused() -> Answer:
    """Return an answer that can say little: no fit, no nodes, no reservations, no memory."""
    usage = replace(
        mesh(Proxy(node=""), nodes=()),
        refusals=(Refusal(subject="role of a/b", reason=Reason.AMBIGUOUS, detail="no evidence"),),
        warnings=(warning("a step was missed"),),
    )
    fitted = replace(
        calibration(no_fit(), no_fit("cost of a request through a waypoint")),
        warnings=(warning("12 % is not explained"), warning("a step was missed")),
    )
    return Answer(
        manifest=manifest(usage, cluster=""),
        usage=usage,
        load=mesh_load(usage),
        calibration=fitted,
        projection=project_usage(usage, fitted, as_published()),
    )


def timeline(steps: int) -> pd.DataFrame:
    """Return 2 vCPU of which a tenth was throttled in every tenth step, and 1000 requests/s."""
    throttled = np.where(np.arange(steps) % 10 == 3, 0.2, 0.0)
    return pd.DataFrame(
        {
            "start": [START + timedelta(minutes=5 * step) for step in range(steps)],
            "measured_vcpu": 2.0,
            "predicted_vcpu": 1.9 - throttled,
            "fitted_vcpu": 1.8 - throttled,
            "unfitted_vcpu": 0.15,
            "throttled_vcpu": throttled,
            "filled_vcpu": 0.0,
            "left_out_vcpu": 0.05,
            "proxy_rps": np.linspace(900, 1100, steps),
        }
    )


def foretold(workloads: Sequence[WorkloadCalibration]) -> Backtest:
    """Return a backtest that put every workload a twentieth too high."""
    measured = np.array([item.mean_vcpu for item in workloads])
    table = pd.DataFrame(
        {
            "namespace": [item.namespace for item in workloads],
            "workload": [item.workload for item in workloads],
            "measured_vcpu": measured,
            "predicted_vcpu": 1.05 * measured,
            "predicted_low_vcpu": 0.9 * measured,
            "predicted_high_vcpu": 1.2 * measured,
        }
    )
    return Backtest(
        bias_share=0.05,
        error_share=0.05,
        covered_share=1.0,
        workload_count=len(table),
        workloads=table,
    )


@cache
def sized(pods: int) -> Answer:
    """Return an answer of a mesh with this many pods, three a workload, five workloads a namespace.

    Each has 0.05 vCPU at 100 requests per second and a namespace's rank more.
    """
    count = max(pods // 3, 1)
    nodes = [f"node-{number:04}" for number in range(max(pods // 75, 1))]
    workloads = [
        replace(
            workload(f"namespace-{number // 5:04}/workload-{number % 5}"),
            mean_vcpu=0.05 * (1 + number / count),
            proxy_count=min(pods, 3),
        )
        for number in range(count)
    ]
    usage = mesh(
        *(
            Proxy(
                workload=f"namespace-{number // 15:04}/workload-{number // 3 % 5}",
                node=nodes[number % len(nodes)],
                cpu_vcpu=(0.05 * (1 + number / pods),) * 2,
                proxy_rps=(100.0 * (1 + number % 7), 100.0),
            )
            for number in range(pods)
        ),
        nodes=nodes,
    )
    steps = np.linspace(10, 500, pods * 10)
    fitted = replace(
        fitted_calibration(workloads),
        sidecar=replace(
            fit(), proxy_count=pods, sample_count=len(steps), backtest=foretold(workloads)
        ),
        observations=observed(steps, noise=0.1),
        timeline=timeline(288),
    )
    return full(usage=usage, fitted=fitted)


@cache
def naughty() -> Answer:
    """Return an answer whose names, notes and remarks mean harm."""
    names = list(NAUGHTY_NAMES)
    usage = replace(
        mesh(*(Proxy(workload=f"space{number}/app") for number in range(len(names)))),
        refusals=tuple(
            Refusal(subject=name, reason=Reason.AMBIGUOUS, detail=name) for name in names[:6]
        ),
        warnings=tuple(map(warning, names[6:])),
    )
    usage.proxies["namespace"] = names
    usage.proxies["workload"] = names
    workloads = [replace(workload(), namespace=name, workload=name) for name in names]
    return full(note="".join(names), usage=usage, fitted=fitted_calibration(workloads))


def observed(rps: np.ndarray[tuple[int, ...], np.dtype[np.float64]], noise: float) -> pd.DataFrame:
    """Return steps along the line of `fit()`, 0.01 + 0.3 per 1000 rps, with alternating noise."""
    sign = np.where(np.arange(len(rps)) % 2, 1.0, -1.0)
    return pd.DataFrame({"rps": rps, "cpu_vcpu": (0.01 + 0.0003 * rps) * (1 + noise * sign)})


def scattered(proxies: int, steps: int) -> Answer:
    """Return an answer whose fit is of this many proxies, between 10 and 500 rps."""
    rps = np.linspace(10, 500, proxies * steps)
    fitted = replace(
        fitted_calibration(),
        sidecar=replace(
            # The deviations of an idle of +- 0.002 and a slope of +- 0.05 at 90 %.
            fit(covariance=np.diag([0.002, 0.05]) ** 2 / 1.645**2),
            proxy_count=proxies,
            sample_count=proxies * steps,
        ),
        observations=observed(rps, noise=0.1),
    )
    return calibration_only(fitted)
