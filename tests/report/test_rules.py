"""Files of rules: promtool accepts them, and each alert fires where it must, and only there."""

import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from analyzer.data.alerts import derived_records
from analyzer.measurement.recorded import VERSION_LABEL, recorded_name
from analyzer.measurement.rules import Recording
from analyzer.prometheus.label_mapping import LabelMapping, Names
from analyzer.prometheus.promql import Scope
from analyzer.report.rules import RulesFormat, as_text, groups
from tests.support.binaries import find_binary

_STEP = 3600
_DAY = 86_400 // _STEP
_RECORDING = Recording(step_seconds=_STEP)
_PLACES = Recording(
    label_mapping=LabelMapping(cadvisor=Names(namespace="ns", pod="pod_name"), cluster="site"),
    scope=Scope(namespaces=('a"b', "{{ $value }}"), cluster="x\n- alert: y"),
)


def _promtool(*arguments: str) -> str:
    done = subprocess.run(
        [str(find_binary("promtool")), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("recording", [_RECORDING, _PLACES])
def test_promtool_accepts_the_rules(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(as_text(recording, RulesFormat.YAML))

    count = len(recording.rules()) + len(recording.alerts())
    assert f"{count} rules found" in _promtool("check", "rules", str(path))


@pytest.mark.parametrize("recording", [_RECORDING, _PLACES])
def test_every_format_has_the_same_rules_and_no_text_leaves_its_place(recording: Recording) -> None:
    plain, custom = (
        yaml.safe_load(as_text(recording, style))
        for style in (RulesFormat.YAML, RulesFormat.KUBERNETES)
    )

    assert plain == custom["spec"] == json.loads(json.dumps(groups(recording)))
    assert (custom["kind"], custom["metadata"]["name"]) == ("PrometheusRule", "istio-usage")
    (group,) = plain["groups"]
    assert group["interval"] == f"{recording.step_seconds}s"
    assert [rule.get("record") or rule["alert"] for rule in group["rules"]] == [
        *(rule.name for rule in recording.rules()),
        *(rule.alert.name for rule in recording.alerts()),
    ]


@dataclass(frozen=True, kw_only=True)
class _Mesh:
    """Recorded series of a mesh, by point of time.

    Attributes:
        cost: vCPU for a request per second, by day.
        traffic: the highest requests per second of a pod, by day.
        lost_from: by pod, the day from which its CPU is missing.
        gone_from: the day from which nothing is seen.
        ztunnel_vcpu: CPU of each ztunnel.
    """

    days: int = 1
    pods: int = 4
    cost: Mapping[int, float] = field(default_factory=dict)
    traffic: Mapping[int, float] = field(default_factory=dict)
    lost_from: Mapping[int, float] = field(default_factory=dict)
    gone_from: float = math.inf
    swing: float = 0.5
    ztunnel_vcpu: tuple[float, ...] = ()
    ztunnel_request: float = 0.2

    def series(self) -> list[dict[str, str]]:
        points = range(self.days * _DAY + 1)
        found = []
        for pod in range(self.pods):
            rps, cpu = zip(*(self._used(point) for point in points), strict=True)
            lost = min(self.lost_from.get(pod, math.inf), self.gone_from)
            found += [
                _series("inbound_requests_rps", rps, self.gone_from, pod=f"p{pod}"),
                _series("proxy_cpu_vcpu", cpu, lost, pod=f"p{pod}", container="istio-proxy"),
                _series("proxy_build", [20] * len(points), self.gone_from, pod=f"p{pod}"),
            ]
        for number, vcpu in enumerate(self.ztunnel_vcpu):
            place = {"pod": f"z{number}", "node": f"n{number}"}
            owner = {"created_by_kind": "DaemonSet", "created_by_name": "ztunnel"}
            for name, value, labels in (
                ("proxy_cpu_vcpu", vcpu, {"pod": f"z{number}", "container": "istio-proxy"}),
                ("proxy_build", 20, {"pod": f"z{number}", "component": "ztunnel"}),
                ("proxy_reserved_vcpu", self.ztunnel_request, {"pod": f"z{number}"}),
                ("pod_placement", 1, {**place, **owner}),
            ):
                found.append(_series(name, [value] * len(points), math.inf, **labels))
        return found

    def _used(self, point: int) -> tuple[float, float]:
        day = point // _DAY
        level = 1 + self.swing * math.sin(2 * math.pi * point / _DAY)
        rps = self.traffic.get(day, 100) * level
        return rps, 0.05 + self.cost.get(day, 0.0004) * rps


def _series(name: str, values: Sequence[float], until: float, **labels: str) -> dict[str, str]:
    version = {VERSION_LABEL: _RECORDING.rule_set.version}
    matchers = ",".join(f'{key}="{value}"' for key, value in {**version, **labels}.items())
    known = [f"{value:.6f}" if point / _DAY < until else "_" for point, value in enumerate(values)]
    return {
        "series": f'{recorded_name(name)}{{namespace="shop",{matchers}}}',
        "values": " ".join(known),
    }


def _evaluated(
    mesh: _Mesh, tmp_path: Path, at_days: float, promql: str, expected: float | None
) -> None:
    """Let promtool evaluate what is derived of a mesh, and the alerts."""
    (group,) = json.loads(json.dumps(groups(_RECORDING)))["groups"]
    derived = {recorded_name(record.name) for record in derived_records()}
    kept = [rule for rule in group["rules"] if "alert" in rule or rule["record"] in derived]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{**group, "rules": kept}]}))
    samples = [] if expected is None else [{"labels": "{}", "value": expected}]
    test = {
        "interval": f"{_STEP}s",
        "input_series": mesh.series(),
        "promql_expr_test": [
            {"expr": promql, "eval_time": f"{round(at_days * 1440)}m", "exp_samples": samples}
        ],
    }
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{_STEP}s",
        "tests": [test],
    }
    (tmp_path / "test.yml").write_text(json.dumps(document))
    _promtool("test", "rules", str(tmp_path / "test.yml"))


def _firing(alert: str) -> str:
    return f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'


_WEEKS = _Mesh(days=9, pods=2)
_SECOND_WEEK = range(7, 9)


@pytest.mark.parametrize(
    ("mesh", "count"),
    [
        pytest.param(replace(_WEEKS, cost=dict.fromkeys(_SECOND_WEEK, 0.0006)), 1, id="50% up"),
        pytest.param(replace(_WEEKS, cost=dict.fromkeys(_SECOND_WEEK, 0.0005)), None, id="25% up"),
        # CPU per request rises by more than half, since idle CPU is the same.
        pytest.param(
            replace(_WEEKS, traffic=dict.fromkeys(_SECOND_WEEK, 40)), None, id="less traffic"
        ),
        pytest.param(
            replace(_WEEKS, cost=dict.fromkeys(_SECOND_WEEK, 0.0006), swing=0.0),
            None,
            id="no rhythm",
        ),
        pytest.param(
            replace(_WEEKS, cost=dict.fromkeys(_SECOND_WEEK, 0.0006), lost_from={1: 8.5}),
            None,
            id="half of the CPU is missing",
        ),
    ],
)
def test_a_higher_cost_per_request_raises_an_alert(
    mesh: _Mesh, count: int | None, tmp_path: Path
) -> None:
    _evaluated(mesh, tmp_path, 8.875, _firing("IstioUsageCostPerRequestUp"), count)


def test_cost_per_request_is_the_slope_and_not_the_ratio(tmp_path: Path) -> None:
    promql = "round(max(istio_usage:mesh_cost_vcpu_per_1000_rps), 0.001)"

    _evaluated(_Mesh(days=2, pods=3), tmp_path, 1.875, promql, 0.4)


@pytest.mark.parametrize(
    ("mesh", "count"),
    [
        pytest.param(_Mesh(lost_from={0: 0.5}), 1, id="CPU of one of four"),
        pytest.param(_Mesh(lost_from=dict.fromkeys(range(4), 0.5)), 1, id="all CPU"),
        pytest.param(_Mesh(days=2, gone_from=1.0), 1, id="everything"),
        pytest.param(_Mesh(), None, id="nothing"),
        pytest.param(_Mesh(pods=20, lost_from={0: 0.5}), None, id="CPU of one of twenty"),
    ],
)
def test_lost_data_raise_an_alert(mesh: _Mesh, count: int | None, tmp_path: Path) -> None:
    _evaluated(mesh, tmp_path, mesh.days - 0.25, _firing("IstioUsageCoverageLost"), count)


@pytest.mark.parametrize(
    ("mesh", "count"),
    [
        pytest.param(_Mesh(ztunnel_vcpu=(0.1, 0.1, 0.1, 0.9)), 1, id="one of four"),
        pytest.param(_Mesh(ztunnel_vcpu=(0.9, 0.9, 0.9)), None, id="all alike"),
        pytest.param(
            _Mesh(ztunnel_vcpu=(0.1, 0.1, 0.1, 0.9), ztunnel_request=1.0), None, id="within request"
        ),
        pytest.param(_Mesh(), None, id="no ztunnels"),
    ],
)
def test_a_hot_ztunnel_raises_an_alert(mesh: _Mesh, count: int | None, tmp_path: Path) -> None:
    _evaluated(mesh, tmp_path, 0.5, _firing("IstioUsageZtunnelHotNode"), count)
