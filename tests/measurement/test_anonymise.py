"""A hidden name is the same wherever it stands, no other's, and cannot be read back."""

import re
import string
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analyzer.calibration import calibrate_usage
from analyzer.calibration.result import RoleCalibration
from analyzer.measurement.anonymise import SALT_VARIABLE, Anonymiser, new_salt
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import (
    MANIFEST,
    Snapshot,
    load_snapshot,
    write_file,
    write_table,
)
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables, workload_of_creator
from analyzer.measurement.usage import measure
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_queries
from tests.measurement.attributed import BY_ADDRESS
from tests.measurement.snapshots import Rows, make_snapshot, record_of, steady

HIDER = Anonymiser(salt="pepper")
KINDS = st.sampled_from(["cluster", "namespace", "pod", "node", "workload", "address"])
NAMES = st.text(string.ascii_lowercase + string.digits + "-.", min_size=1, max_size=40)

NOT_NAMES = {
    "component",
    "constraint",
    "container",
    "covers",
    "created_by_kind",
    "fact",
    "gateway_istio_io_managed",
    "instance_type",
    "kind",
    "label_gateway_istio_io_managed",
    "label_node_kubernetes_io_instance_type",
    "label_security_istio_io_tls_mode",
    "node_provider",
    "owner_kind",
    "quantity",
    "reporter",
    "resource",
    "security_istio_io_tlsMode",
    "target_kind",
    "update_mode",
}
"""Labels whose values Istio, Kubernetes or a cloud choose."""


def hidden(column: str, *names: str, **constant: str) -> list[str]:
    """Return what a column of names becomes."""
    return list(HIDER.frame(pd.DataFrame({column: names, **constant}))[column])


# --- names ---


@given(KINDS, NAMES)
def test_a_name_has_one_hash_and_another_under_another_salt(kind: str, name: str) -> None:
    assume(name not in UNKNOWN_NAMES)

    assert HIDER.name(kind, name) == Anonymiser(salt="pepper").name(kind, name)
    assert HIDER.name(kind, name) != Anonymiser(salt="cumin").name(kind, name)
    assert re.fullmatch(rf"{kind}-[0-9a-f]{{12}}", HIDER.name(kind, name))


@given(KINDS, KINDS, NAMES, NAMES)
def test_no_two_names_meet_not_even_of_two_kinds(
    kind: str, other_kind: str, name: str, other: str
) -> None:
    assume((kind, name) != (other_kind, other) and not {name, other} & {*UNKNOWN_NAMES})

    assert HIDER.name(kind, name) != HIDER.name(other_kind, other)
    # Not only for their prefixes: one hash says nothing of a name of another kind.
    assert HIDER.name(kind, name)[-12:] != HIDER.name(other_kind, other)[-12:]


@pytest.mark.parametrize("name", UNKNOWN_NAMES)
@pytest.mark.parametrize("column", ["cluster", "pod", "source_workload", "created_by_name"])
def test_what_is_not_known_stays_so(column: str, name: str) -> None:
    for kind in ("ReplicaSet", "Job", "<none>"):
        assert hidden(column, name, created_by_kind=kind) == [name]


def test_without_a_salt_everything_stays_as_it_is() -> None:
    frame = pd.DataFrame({"pod": ["a"], "created_by_name": ["b"], "created_by_kind": ["Job"]})
    open_anonymiser = Anonymiser()

    assert open_anonymiser.frame(frame) is frame
    assert open_anonymiser.name("remark", "odd") == "odd"
    assert open_anonymiser.source("http://here") == "http://here"
    assert open_anonymiser.remarks(("odd",)) == ("odd",)


def test_a_salt_is_new_each_time_unless_it_is_given() -> None:
    assert new_salt({}) != new_salt({})
    assert len(new_salt({})) == 32
    assert new_salt({SALT_VARIABLE: "pepper"}) == "pepper"
    assert new_salt({SALT_VARIABLE: ""}) != ""


def test_every_label_of_every_query_is_hidden_or_no_name() -> None:
    labels = {
        label
        for query in load_queries().values()
        for label in query.labels
        if query.exporter is not None
    }
    frame = pd.DataFrame({label: ["acme"] for label in labels}).assign(created_by_kind="Job")
    shown = HIDER.frame(frame)
    open_labels = {label for label in labels if "acme" in str(shown[label][0])}

    assert open_labels == NOT_NAMES - {"created_by_kind"}


# --- what must still meet ---


@settings(max_examples=50, deadline=None)
@given(NAMES, st.text(string.ascii_lowercase + string.digits, max_size=10), st.booleans())
def test_the_deployment_of_a_hidden_replica_set_is_the_hidden_workload(
    name: str,
    suffix: str,
    dashed: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    """As Istio's labels name it, whatever the set is called: one made by hand has no hash."""
    set_name = f"{name}-{suffix}" if dashed else name
    placement = pd.DataFrame({"created_by_name": [set_name], "created_by_kind": ["ReplicaSet"]})
    workload = workload_of_creator(placement)[0]
    expected = HIDER.frame(pd.DataFrame({"source_workload": [workload]}))["source_workload"][0]
    assume(set_name not in UNKNOWN_NAMES)

    assert workload_of_creator(HIDER.frame(placement))[0] == expected


@pytest.mark.parametrize("kind", ["DaemonSet", "ReplicaSet", "Job"])
def test_a_ztunnel_stays_one_and_is_one_workload_however_it_is_told(kind: str) -> None:
    placement = pd.DataFrame({"created_by_name": ["ztunnel-x"], "created_by_kind": [kind]})
    told = workload_of_creator(placement)[0]
    creator = workload_of_creator(HIDER.frame(placement))[0]

    assert creator.startswith("ztunnel-workload-")
    assert [creator] == hidden("source_workload", told)


@pytest.mark.parametrize("name", ["payments-api", "payments", "payments-6c9f"])
def test_no_part_of_a_replica_set_is_left(name: str) -> None:
    (shown,) = hidden("created_by_name", name, created_by_kind="ReplicaSet")

    assert not set(name.split("-")) & set(shown.split("-"))


@pytest.mark.parametrize(
    ("instance", "address"),
    [
        ("10.0.0.7:15090", "10.0.0.7"),
        ("[fd00::7]:15020", "fd00::7"),
        ("[fd00:1:2:3:4:5:6:7]:15020", "fd00:1:2:3:4:5:6:7"),
    ],
)
def test_an_address_still_meets_its_pod(tmp_path: Path, instance: str, address: str) -> None:
    name = "inbound_requests_rps"
    tables: dict[str, Rows] = {
        name: [("", "", instance, "shop", "web", 0, 5.0)],
        "pod_placement": [("", "shop", "a", "n", address, "", "", 0, 1.0)],
    }
    told = make_snapshot(tmp_path / "open", tables, label_mapping=BY_ADDRESS)
    found = Tables(hidden_copy(told, tmp_path / "hidden"))[name]

    assert address not in str(found)
    assert list(found["pod"]) == hidden("pod", "a")
    assert list(found["namespace"]) == hidden("namespace", "shop")


def test_istios_gateway_classes_stay_and_others_stay_gateways() -> None:
    column = "label_gateway_networking_k8s_io_gateway_class_name"
    kept = ["", "istio", "istio-waypoint", "istio-agentgateway-waypoint"]

    assert hidden(column, *kept) == kept
    assert hidden(column, "acme-edge")[0].startswith("class-")


# --- what surrounds the tables ---


def test_remarks_are_counted_and_not_quoted() -> None:
    quoting = "store acme-1 is down"

    assert HIDER.remarks(()) == ()
    (counted,) = HIDER.remarks((quoting, "b"))
    assert counted.startswith("2 remarks")
    assert "acme" not in counted
    assert "acme" not in HIDER.name("remark", quoting)
    assert HIDER.source("http://acme:9090") == "hidden"


def test_a_question_is_written_without_names() -> None:
    scope = Scope(namespaces=("acme-.*", "shop"), cluster="acme")
    ask = Ask(source="http://acme:9090", scope=scope, hide_names=True)
    written = ask.to_json(HIDER)

    assert "acme" not in str(written)
    assert written["scope"]["namespaces"][1:] == hidden("namespace", "shop")
    assert written == ask.to_json(Anonymiser(salt="pepper"))
    assert written != ask.to_json(Anonymiser(salt="cumin"))


# --- a whole mesh ---


def hidden_copy(snapshot: Snapshot, path: Path) -> Snapshot:
    """Return a snapshot as it had been collected with its names hidden."""
    path.mkdir()
    records = []
    for record in snapshot.manifest.queries:
        frame = HIDER.frame(snapshot.frame(record.name))
        table = pa.Table.from_pandas(frame, preserve_index=False)
        sha256 = write_table(path / record.file, table)
        records.append(record_of(record.name, len(frame), sha256))
    told = snapshot.manifest
    manifest = Manifest(
        tool_version=told.tool_version,
        source=HIDER.source(told.source),
        note="",
        window=told.window,
        scope=HIDER.scope(told.scope),
        label_mapping=told.label_mapping,
        cpu_scrape_seconds=told.cpu_scrape_seconds,
        request_scrape_seconds=told.request_scrape_seconds,
        ranges=told.ranges,
        queries=tuple(records),
    )
    write_file(path / MANIFEST, manifest.to_json().encode())
    return load_snapshot(path)


@pytest.mark.live
def test_a_hidden_mesh_gives_the_same_figures(mixed_snapshot: Snapshot, tmp_path: Path) -> None:
    told = measure(mixed_snapshot)
    found = measure(hidden_copy(mixed_snapshot, tmp_path / "hidden"))

    roles = told.proxies["role"].value_counts().to_dict()
    assert found.proxies["role"].value_counts().to_dict() == roles
    assert set(roles) >= {"sidecar", "gateway", "waypoint", "ztunnel"}
    for column in ("namespace", "workload", "node"):
        counts, hidden_counts = (
            sorted(usage.proxies[column].value_counts()) for usage in (told, found)
        )
        assert hidden_counts == counts
    assert found.calls["rps"].sum() == pytest.approx(told.calls["rps"].sum())
    assert [(item.name, item.severity, len(item.affected)) for item in found.findings] == [
        (item.name, item.severity, len(item.affected)) for item in told.findings
    ]
    fits = [calibrate_usage(usage).sidecar for usage in (told, found)]
    assert all(isinstance(fit, RoleCalibration) for fit in fits)
    slopes = [fit.vcpu_per_1000_rps for fit in fits if isinstance(fit, RoleCalibration)]
    assert slopes[0].mid == pytest.approx(slopes[1].mid, rel=1e-9)
    assert slopes[0].low == pytest.approx(slopes[1].low, rel=1e-9)


def test_rows_of_two_pods_stay_two(tmp_path: Path) -> None:
    name = "proxy_cpu_vcpu"
    rows = [*steady(name, ("shop", "a"), 1.0), *steady(name, ("shop", "b"), 2.0)]
    told = make_snapshot(tmp_path / "open", {name: rows})
    found = hidden_copy(told, tmp_path / "hidden").frame(name)

    assert sorted(found.groupby(["namespace", "pod"])[name].sum()) == [4.0, 8.0]


def test_what_a_proxy_counts_stays_its_own(tmp_path: Path) -> None:
    """A table that kept its names would no longer meet the proxy, and everything would be 0."""
    told = {
        "proxy_cpu_vcpu": 0.1,
        "proxy_http_bytes_per_second": 500.0,
        "proxy_new_connections_per_second": 4.0,
        "proxy_configured_clusters": 90.0,
        "proxy_open_connections": 12.0,
        "proxy_configuration_updates_per_second": 0.02,
        "proxy_accepted_connections_per_second": 3.0,
        "proxy_failed_requests_rps": 0.5,
        "proxy_throttled_share": 0.25,
        "proxy_resets": 1.0,
    }
    rows = {name: steady(name, ("shop", "a"), value) for name, value in told.items()}
    build = {"proxy_build": steady("proxy_build", ("shop", "a", "proxy"), 10.0)}
    snapshot = make_snapshot(tmp_path / "open", {**rows, **build})
    usage = measure(hidden_copy(snapshot, tmp_path / "hidden"))

    assert "shop" not in set(usage.proxies["namespace"])
    pd.testing.assert_frame_equal(usage.steps, measure(snapshot).steps)
    assert usage.steps["http_bytes_per_second"].tolist() == [500.0] * 4


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("shop-ingressgateway", "ingressgateway-workload-"),
        ("istio-ingress", "ingressgateway-workload-"),
        ("echo-istio-waypoint", "waypoint-workload-"),
        ("api-gateway", "gateway-workload-"),
        ("models-istio-agentgateway", "workload-"),
        ("front", "workload-"),
    ],
)
def test_a_hidden_workload_keeps_the_word_that_shows_its_role(name: str, kept: str) -> None:
    (shown,) = hidden("source_workload", name)

    assert shown.startswith(kept)
    assert name not in shown
    assert shown.endswith("-istio-agentgateway") == name.endswith("-istio-agentgateway")
