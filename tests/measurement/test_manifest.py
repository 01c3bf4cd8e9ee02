"""A manifest is read back as it was written, or refused in one line."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analyzer.errors import SnapshotError
from analyzer.measurement.manifest import SCHEMA_VERSION, Manifest
from analyzer.prometheus.label_mapping import CPU_RULES, Attribution, LabelMapping, Names
from analyzer.prometheus.promql import Scope
from analyzer.window import TimeWindow
from tests.measurement.snapshots import record_of

START = datetime(2024, 5, 14, 10, tzinfo=UTC)
MANIFEST = Manifest(
    tool_version="0.1.0",
    source="http://prometheus:9090",
    note="vom Dienstag, früh",
    window=TimeWindow(start=START, end=START + timedelta(hours=1), step_seconds=600),
    scope=Scope(namespaces=("shop", "pay.*"), cluster="eu-1"),
    label_mapping=LabelMapping(
        proxy=Names(namespace="kubernetes_namespace", pod="pod_name"),
        state=Names(namespace="exported_namespace", pod="exported_pod", container="c"),
        cluster="region",
        cpu=CPU_RULES[1],
        attribution=Attribution.ADDRESS,
    ),
    cpu_scrape_seconds=15.0,
    request_scrape_seconds=60.0,
    queries=(record_of("proxy_cpu_vcpu", 12, "0" * 64),),
    duplicate_scrapes={"proxy": 7},
    warnings=("no istio_build: keep it",),
    remarks=("a store is down",),
    question={"source": "http://prometheus:9090", "days": 7.0, "end": None},
)

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> str:
    document = json.loads(MANIFEST.to_json())
    change(document)
    return json.dumps(document)


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.to_json(), "it") == MANIFEST


def test_a_manifest_of_version_0_1_has_no_question() -> None:
    read = Manifest.from_json(changed(lambda document: document.pop("question")), "it")

    assert read == replace(MANIFEST, question={})


def test_a_manifest_is_readable() -> None:
    text = MANIFEST.to_json()
    document = json.loads(text)

    assert "früh" in text
    assert text.endswith("}\n")
    # An older version reads what was asked at each step.
    assert document["schema_version"] == 1
    assert "stride" not in document["queries"][0]
    assert document["window"] == {
        "start": "2024-05-14T10:00:00Z",
        "end": "2024-05-14T11:00:00Z",
        "step_seconds": 600,
    }


def test_a_newer_schema_asks_for_a_newer_tool() -> None:
    text = changed(lambda document: document.update(schema_version=SCHEMA_VERSION + 1))

    with pytest.raises(SnapshotError) as caught:
        Manifest.from_json(text, "out/snap")
    assert str(caught.value).startswith("out/snap has schema version 3")
    assert str(caught.value).endswith("Upgrade istio-usage.")


def test_what_was_not_asked_at_each_step_is_of_a_newer_schema() -> None:
    coarse = replace(MANIFEST, queries=(replace(MANIFEST.queries[0], stride=6),))

    assert json.loads(coarse.to_json())["schema_version"] == SCHEMA_VERSION
    assert Manifest.from_json(coarse.to_json(), "it") == coarse
    assert (coarse.stride_of("proxy_cpu_vcpu"), coarse.stride_of("proxy_build")) == (6, 1)


def test_what_a_later_version_adds_is_passed_over() -> None:
    text = changed(lambda document: document.update(more=1))

    assert Manifest.from_json(text, "it") == MANIFEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        changed(lambda document: document.update(schema_version="1")),
        changed(lambda document: document.pop("note")),
        changed(lambda document: document.update(window={"start": "yesterday"})),
        changed(lambda document: document["window"].update(start="2024-05-14T10:00:00")),
        changed(lambda document: document["window"].update(step_seconds=7)),
        changed(lambda document: document["window"].update(step_seconds="600")),
        changed(lambda document: document["queries"][0].pop("sha256")),
        changed(lambda document: document["queries"][0].update(extra=1)),
        changed(lambda document: document["queries"][0].update(stride=0)),
        changed(lambda document: document["queries"][0].update(stride=25)),
        changed(lambda document: document.update(queries=None)),
        changed(lambda document: document["scope"].update(namespaces=["shop("])),
        changed(lambda document: document["scrape_seconds"].update(cpu="often")),
        changed(lambda document: document.pop("dialect")),
        changed(lambda document: document["dialect"].update(attribution="luck")),
        changed(lambda document: document["dialect"]["proxy"].update(more="label")),
        changed(lambda document: document["dialect"].pop("cpu")),
        changed(lambda document: document.pop("remarks")),
        changed(lambda document: document.update(question=7)),
    ],
    ids=[
        "empty", "cut", "list", "null", "no keys", "version", "no note", "window", "naive",
        "step", "step text", "no hash", "more in a query", "no stride", "long stride",
        "no queries", "regex", "scrape", "no dialect", "attribution", "names", "no cpu",
        "no remarks", "question",
    ],
)  # fmt: skip
def test_a_damaged_manifest_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SnapshotError, match=r"^out/snap is damaged: manifest\.json") as caught:
        Manifest.from_json(text, "out/snap")

    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Collect it again.")
