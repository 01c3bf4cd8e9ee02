"""What is asked about labels, and how a server reads names that have dots."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import promql_parser
import pytest

from analyzer.errors import PrometheusError, QueryRejected
from analyzer.measurement.detect import CGROUPS, NODES, Sample, Samples
from analyzer.measurement.label_evidence import (
    by_evidence,
    containers_promql,
    is_open,
    rows_of_pods,
    spelling_of,
)
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Spelling
from analyzer.prometheus.response import Response, Series
from analyzer.window import Chunk, TimeWindow

AT = datetime(2024, 5, 14, tzinfo=UTC)
DOTTED = "app.kubernetes.io/name"

Labels = dict[str, str]


@dataclass
class Answering:
    """A server that answers or refuses what is asked once."""

    answer: Callable[[str], tuple[Labels, ...]]
    asked: list[str] = field(default_factory=list)

    def instant(self, promql: str, at: datetime) -> Response:
        self.asked.append(promql)
        one = np.array([at.timestamp()])
        return Response(
            series=tuple(Series(labels=row, times=one, samples=one) for row in self.answer(promql))
        )

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        raise NotImplementedError


def samples(
    proxy: Labels | None = None, cadvisor: Labels | None = None, cgroups: Labels | None = None
) -> Samples:
    given = {Exporter.PROXY: proxy, Exporter.CADVISOR: cadvisor, CGROUPS: cgroups}
    found: dict[str, list[Sample]] = {name: [] for name in (*Exporter, CGROUPS, NODES)}
    for name, labels in given.items():
        if labels:
            found[name] = [Sample(labels=labels, seen_at_seconds=AT.timestamp())]
    return found


def knowing(spelled: str) -> Answering:
    def answer(promql: str) -> tuple[Labels, ...]:
        if spelled not in promql:
            raise QueryRejected("parse error")
        return ()

    return Answering(answer)


@pytest.mark.parametrize(
    ("server", "spelling", "requests"),
    [
        (knowing(f'{{"{DOTTED}"='), Spelling.QUOTED, 1),
        (knowing(r"{app\.kubernetes\.io\/name="), Spelling.ESCAPED, 2),
        (knowing("nothing of the kind"), Spelling.LEFT_OUT, 2),
    ],
    ids=["Prometheus 3", "VictoriaMetrics", "Prometheus 2"],
)
def test_a_server_shows_how_it_reads_dots(
    server: Answering, spelling: Spelling, requests: int
) -> None:
    assert spelling_of(server, samples({"pod": "a", DOTTED: "shop"}), AT) == spelling
    assert len(server.asked) == requests


def test_without_dots_nothing_is_asked() -> None:
    server = knowing("nothing")

    assert spelling_of(server, samples({"pod": "a"}), AT) == Spelling.LEFT_OUT
    assert server.asked == []


def test_a_server_that_fails_is_asked_once() -> None:
    def failing(_: str) -> tuple[Labels, ...]:
        raise PrometheusError("down")

    server = Answering(failing)
    assert spelling_of(server, samples({DOTTED: "shop"}), AT) == Spelling.LEFT_OUT
    assert len(server.asked) == 1
    open_names = samples({"pod": "a"}, {"pod": "b", "container": "istio-proxy"})
    assert rows_of_pods(server, open_names, LabelMapping()) == {}


def test_the_rows_of_each_exporter_are_read_in_one_request() -> None:
    rows: tuple[Labels, ...] = (
        {
            "exporter": "proxy",
            "exported_pod": "a",
            "pod": "prometheus-0",
            "exported_namespace": "n",
        },
        {"exporter": "cadvisor", "pod": "a", "namespace": "n", "container": "istio-proxy"},
    )
    server = Answering(lambda _: rows)
    own = samples(
        {**rows[0], "reporter": "source", "instance": "10.0.0.1:9090"},
        {**rows[1], "__name__": "container_cpu_usage_seconds_total"},
    )

    assert is_open(own)
    found = rows_of_pods(server, own, LabelMapping())
    mapping = by_evidence(LabelMapping(attribution=Attribution.ADDRESS), own, found)
    assert (mapping.proxy.pod, mapping.cadvisor.pod) == ("exported_pod", "pod")
    assert mapping.attribution == Attribution.POD
    (promql,) = server.asked
    assert promql_parser.parse(promql) is not None
    assert "instance" not in promql


def test_nothing_is_asked_where_cpu_or_requests_are_missing() -> None:
    server = knowing("nothing")

    assert rows_of_pods(server, samples({"pod": "a"}), LabelMapping()) == {}
    assert server.asked == []


def test_containers_are_looked_for_by_each_label_that_may_name_them() -> None:
    row = {"id": "/kubepods", "k8s.container.name": "", "my_container": "app"}
    own = samples(cgroups=row)

    left_out = containers_promql(own, Spelling.LEFT_OUT)
    assert left_out.count("topk") == 1
    assert "my_container=~" in left_out
    assert r"k8s\.container\.name=~" in containers_promql(own, Spelling.ESCAPED)
    assert containers_promql(samples(cgroups={"id": "/"}), Spelling.QUOTED) == ""
