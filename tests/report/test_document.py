"""The JSON answer: it keeps its schema, it is complete, and nothing in it is null or NaN."""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

import analyzer
from analyzer.calibration.events import EVENTS
from analyzer.calibration.models import Knee, Power
from analyzer.calibration.result import (
    Calibration,
    Candidate,
    MemoryCalibration,
    TcpCalibration,
)
from analyzer.data import sample_path, schema_path
from analyzer.measurement.snapshot import load_snapshot
from analyzer.projection.decision import Action, Verdict, Why
from analyzer.report.answer import Answer
from analyzer.report.document import members, plain
from analyzer.report.sections import AnswerReport
from analyzer.units import Interval, Refusal
from tests.projection.builders import Proxy, mesh, partly_seen, scenario, shop_mesh
from tests.projection.fits import fit
from tests.projection.zoned import spread_mesh
from tests.report.answers import (
    NAUGHTY_NAMES,
    by_default,
    calibration_only,
    constants_only,
    fitted_calibration,
    full,
    naughty,
    refused,
)
from tests.report.rendered import as_document, as_json
from tests.report.several import POSTS_PRICE

SCHEMA = json.loads(schema_path().read_text(encoding="utf-8"))


def told_in_full() -> Calibration:
    """Return a calibration in which everything that may be absent is there."""
    share, cost = Interval(low=-0.01, mid=0.01, high=0.03), Interval(low=0.1, mid=0.2, high=0.3)
    sidecar = replace(
        fit(),
        curve=Power(idle_vcpu=0.01, vcpu_per_rps_power=0.002, exponent=0.75),
        candidates=(Candidate(model="power 0.75", error=1.0, standard_error=0.1),),
        operating_rps=123.0,
        cost_of_each={
            "vcpu_per_1000_inbound_rps": cost,
            "vcpu_per_1000_outbound_rps": cost,
            "vcpu_per_gbit_per_second": cost,
            **{event.cost: cost for event in EVENTS},
        },
        cpu_of_node_kinds={"fast": cost, "slow": cost},
        remarks=("bytes follow requests",),
        straight_line_idle_vcpu_per_proxy=0.04,
        attenuation_share=share,
        residual_correlation=0.1,
    )
    ztunnel = replace(
        fitted_calibration().ztunnel,
        vcpu_per_gbit_per_second=cost,
        vcpu_per_1000_new_connections_per_second=cost,
    )
    memory = MemoryCalibration(
        gib_per_proxy=cost,
        idle_gib_per_proxy=cost,
        gib_per_1000_clusters=cost,
        cluster_count=250.0,
        proxy_count=3,
    )
    events = {event.name: cost for event in EVENTS if not event.is_request}
    tcp = TcpCalibration(
        idle_vcpu_per_proxy=cost,
        vcpu_per_gbit_per_second=cost,
        vcpu_per_1000_new_connections_per_second=cost,
        gbit_per_second=0.1,
        new_connections_per_second=3.0,
        remarks=("connections follow bytes",),
        r_squared=0.9,
        sample_count=9,
        proxy_count=3,
        workload_count=2,
        covariance=np.eye(3),
        draws=np.ones((2, 3)),
    )
    return replace(
        fitted_calibration(),
        tcp=tcp,
        sidecar=sidecar,
        ztunnel=ztunnel,
        memory=memory,
        decomposition=replace(
            fitted_calibration().decomposition, events_vcpu=events, tcp_vcpu=cost
        ),
    )


def bent_in_full() -> Calibration:
    """Return the same with a knee."""
    found = told_in_full()
    assert not isinstance(found.sidecar, Refusal)
    curve = Knee(
        idle_vcpu=0.01,
        vcpu_per_rps=0.001,
        rise_share=1.2,
        knee_rps=80.0,
        knee_share=0.6,
        mean_share=1.2,
        marginal_share=1.3,
    )
    return replace(found, sidecar=replace(found.sidecar, curve=curve, model="knee at 60 %"))


ANSWERS = [
    pytest.param(full, id="full"),
    pytest.param(lambda: full(assumed=scenario(basis="billed")), id="billed"),
    pytest.param(by_default, id="by default"),
    pytest.param(calibration_only, id="calibration only"),
    pytest.param(constants_only, id="constants only"),
    pytest.param(lambda: constants_only("istio-1.1", proxy_rps=1e6), id="older release"),
    pytest.param(refused, id="refused"),
    pytest.param(lambda: full(assumed=scenario(vcpu_month_usd=0)), id="free"),
    pytest.param(
        lambda: full(
            assumed=scenario(waypoint_scaling="hpa", waypoint_limit_vcpu_per_replica=0.02)
        ),
        id="replicas that follow the load",
    ),
    pytest.param(lambda: full(assumed=scenario(vcpu_month_usd=POSTS_PRICE)), id="price range"),
    pytest.param(naughty, id="naughty names"),
    pytest.param(Answer, id="nothing"),
    pytest.param(lambda: calibration_only(told_in_full()), id="a calibration told in full"),
    pytest.param(lambda: calibration_only(bent_in_full()), id="a knee"),
]


def parts(value: object) -> Iterator[object]:
    """Yield everything in a JSON document."""
    yield value
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from parts(child)


def test_the_schema_is_itself_valid() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_knows_every_key_and_refuses_others() -> None:
    document = as_document(full())
    document["projection"]["surprise"] = 1

    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize("make", ANSWERS)
def test_every_answer_keeps_the_schema(make: Callable[[], Answer]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(as_json(make())))


@pytest.mark.parametrize("make", ANSWERS)
def test_nothing_is_null_and_every_number_is_finite(make: Callable[[], Answer]) -> None:
    for part in parts(json.loads(as_json(make()))):
        assert part is not None
        assert not isinstance(part, float) or math.isfinite(part)


@pytest.mark.parametrize("make", ANSWERS)
def test_the_same_answer_gives_the_same_bytes(make: Callable[[], Answer]) -> None:
    assert as_json(make()).encode() == as_json(make()).encode()


def test_a_comparison_knows_the_same_keys_of_a_fit() -> None:
    other = json.loads(schema_path("comparison").read_text(encoding="utf-8"))

    keys, known = (part["$defs"]["role_calibration"]["properties"] for part in (SCHEMA, other))
    assert keys == known


def test_a_knee_has_its_place_and_its_rise() -> None:
    sidecar = as_document(calibration_only(bent_in_full()))["calibration"]["sidecar"]

    assert sidecar["knee"] == {"rate_share": 0.6, "rps": 80.0, "rise_share": 1.2}
    assert "exponent" not in sidecar


def test_the_keys_of_the_design_are_there() -> None:
    document = as_document(full())

    assert {"schema_version", "tool_version", "window", "mesh", "measured"} <= document.keys()
    assert {"calibration", "decision", "projection", "reference"} <= document.keys()
    assert {"quality", "refusals", "warnings"} <= document.keys()
    assert document["schema_version"] == 1
    assert document["tool_version"] == analyzer.__version__
    assert {"sidecar", "waypoint", "ztunnel", "workloads", "decomposition"} <= document[
        "calibration"
    ].keys()
    assert {"price", "basis", "modes", "savings", "namespaces", "sensitivity"} <= document[
        "projection"
    ].keys()


@pytest.mark.parametrize("name", ["decision", "outcome", "saving", "namespace"])
def test_every_key_of_the_decision_and_of_what_it_rests_on_is_described(name: str) -> None:
    for key, schema in SCHEMA["$defs"][name]["properties"].items():
        referred = SCHEMA["$defs"].get(schema.get("$ref", "").rpartition("/")[2], {})
        assert schema.get("description") or referred.get("description"), key
    assert all("description" in schema for schema in finding_properties().values())


def finding_properties() -> dict[str, dict[str, object]]:
    """Return the schema of each key of a finding."""
    properties: dict[str, dict[str, object]] = SCHEMA["properties"]["quality"]["items"][
        "properties"
    ]
    return properties


def test_every_key_in_the_schema_of_the_decision_is_there() -> None:
    document = as_document(full())
    decision, projection = document["decision"], document["projection"]

    # What all that may save would do together is only there where the ranges cannot tell, and
    # right-sizing only where there is a day of data.
    of_a_day = {"rightsizing", "against_rightsized"}
    assert decision.keys() == properties_of("decision") - {"at_best"} - of_a_day
    assert document_of_both_signs()["decision"]["at_best"].keys() == properties_of("outcome")
    assert decision["outcome"].keys() == properties_of("outcome")
    assert projection["savings"][0].keys() == properties_of("saving") - of_a_day
    assert projection["savings"][0]["bases"].keys() == {"usage", "reserved", "billed"}
    assert projection["namespaces"][0].keys() == properties_of("namespace")


def test_every_key_of_right_sizing_is_in_the_schema() -> None:
    snapshot = load_snapshot(sample_path("fleet"))
    document = as_document(analyzer.project(snapshot).answer)
    decision, projection = document["decision"], document["projection"]
    savings = {item["mode"]: item for item in projection["savings"]}
    one = projection["rightsizing"]["workloads"][0]

    assert decision["rightsizing"].keys() == properties_of("outcome")
    assert decision["against_rightsized"].keys() == properties_of("outcome")
    assert savings["ambient-l4"].keys() == properties_of("saving")
    assert "against_rightsized" not in savings["sidecar-rightsized"]
    # A limit that Prometheus does not have is absent.
    assert one.keys() <= properties_of("recommendation")
    assert {"request_vcpu", "recommended", "exceeded_share"} <= one.keys()
    assert projection["rightsizing"]["policy"].keys() == properties_of("rightsizing_policy")


def test_recommendations_have_one_schema_in_both_answers() -> None:
    whole, alone = (
        json.loads(schema_path(name).read_text(encoding="utf-8"))["$defs"]
        for name in ("result", "rightsizing")
    )

    assert whole["rightsizing_policy"] == alone["policy"]
    assert whole["resources"] == alone["resources"]
    assert whole["recommendation"] == alone["workload"]


def document_of_both_signs() -> dict[str, Any]:
    """Return the answer of one sidecar that may save more or less than its ztunnel costs."""
    idle = Proxy(cpu_vcpu=(0.004, 0.004), proxy_rps=(0, 0))
    return as_document(full(usage=mesh(idle)))


def properties_of(name: str) -> set[str]:
    return set(SCHEMA["$defs"][name]["properties"])


def test_the_decision_in_the_json_is_that_of_the_namespaces() -> None:
    document = as_document(by_default())
    decision, namespaces = document["decision"], document["projection"]["namespaces"]

    # As billed: 100 mCPU requested by each of two ztunnels and two istio-cni, 22 dollars a month.
    assert (decision["action"], decision["why"]) == ("stay", "too_little")
    assert decision["basis"] == document["projection"]["basis"] == "billed"
    assert decision["sidecar_usd_per_year"]["mid"] == pytest.approx(0.54 * 264)
    assert not {"outcome", "by_namespace"} & decision.keys()
    assert {item["verdict"] for item in namespaces} == {"stay"}
    assert decision["text"] == list(AnswerReport(answer=by_default()).decision)


def test_the_saving_is_there_on_every_basis_and_the_headline_is_one_of_them() -> None:
    for basis in ("usage", "reserved", "billed"):
        for saving in as_document(full(assumed=scenario(basis=basis)))["projection"]["savings"]:
            headline = {name: saving[name] for name in ("usd_per_year", "percent")}
            assert saving["bases"][basis] == headline


@pytest.mark.parametrize("enum", [Action, Verdict, Why], ids=lambda enum: enum.__name__)
def test_the_schema_has_every_kind_of_decision(enum: type[StrEnum]) -> None:
    defs = SCHEMA["$defs"]
    schema = {
        Action: defs["decision"]["properties"]["action"],
        Verdict: defs["namespace"]["properties"]["verdict"],
        Why: defs["why"],
    }[enum]

    assert schema["enum"] == list(enum)


def test_the_figures_are_those_of_the_mesh() -> None:
    document = as_document(full())

    # The sums of the shop mesh, as its load is tested.
    assert document["mesh"] == {
        "sidecar_count": 3,
        "gateway_count": 1,
        "waypoint_count": 0,
        "ztunnel_count": 0,
        "node_count": 2,
        "namespace_count": 2,
        "mesh_rps": 175,
        "proxy_rps": 270,
        "mesh_rps_range": as_one(175),
        "proxy_rps_range": as_one(270),
    }
    assert document["measured"] == {
        "sidecar_vcpu": 0.44,
        "sidecar_memory_gib": 0.28125,
        "sidecar_reserved_vcpu": 0.3,
        "sidecar_reserved_memory_gib": 0.25,
        "sidecar_billed_vcpu": 0.54,
        "cpu_with_requests_share": 1.0,
        "requests_with_cpu_share": 1.0,
        "sidecar_vcpu_range": as_one(0.44),
        "sidecar_memory_gib_range": as_one(0.28125),
        "sidecar_reserved_vcpu_range": as_one(0.3),
        "sidecar_reserved_memory_gib_range": as_one(0.25),
        "sidecar_billed_vcpu_range": as_one(0.54),
        "filled_cpu_share": 0.0,
        "filled_rps_share": 0.0,
    }


def as_one(value: float) -> dict[str, float]:
    """Return the range of an exact figure."""
    return dict.fromkeys(("low", "mid", "high"), value)


def test_measured_totals_have_the_range_of_unseen_time() -> None:
    usage = partly_seen(
        shop_mesh(),
        {"cpu_vcpu": 0.125, "proxy_rps": 0.25},
        cpu_vcpu=(0.9, 1.2),
        memory_bytes=(0.5, 1.0),
        reserved_vcpu=(1.0, 1.5),
        proxy_rps=(0.8, 1.4),
    )
    document = as_document(full(usage=usage))
    measured, mesh = document["measured"], document["mesh"]

    assert (measured["sidecar_vcpu"], mesh["proxy_rps"], mesh["mesh_rps"]) == (0.44, 270, 175)
    assert (measured["filled_cpu_share"], measured["filled_rps_share"]) == (0.125, 0.25)
    for found, ends in (
        (measured["sidecar_vcpu_range"], (0.396, 0.44, 0.528)),
        (measured["sidecar_memory_gib_range"], (0.140625, 0.28125, 0.28125)),
        (measured["sidecar_reserved_vcpu_range"], (0.3, 0.3, 0.45)),
        (mesh["proxy_rps_range"], (216, 270, 378)),
        (mesh["mesh_rps_range"], (140, 175, 245)),
        (document["projection"]["modes"][0]["vcpu"], (0.396, 0.44, 0.528)),
    ):
        assert tuple(found.values()) == pytest.approx(ends, rel=1e-8)


def test_every_key_of_a_role_in_the_schema_is_told_when_there_is_something_to_tell() -> None:
    told: set[str] = set()
    for found in (told_in_full(), bent_in_full()):
        roles = as_document(calibration_only(found))["calibration"]
        told |= roles["sidecar"].keys() | roles["waypoint"].keys() | roles["ztunnel"].keys()

    assert told == SCHEMA["$defs"]["role_calibration"]["properties"].keys()
    assert (
        as_document(calibration_only(told_in_full()))["calibration"]["sidecar"]["exponent"] == 0.75
    )
    assert roles["sidecar"]["backtest_error"] == roles["sidecar"]["backtest"]["bias_share"] == -0.01
    assert roles["memory"]["cluster_count"] == 250
    assert roles["decomposition"]["idle_vcpu_range"] == {"low": 0.09, "mid": 0.1, "high": 0.11}


def test_the_headline_of_a_mode_is_of_the_chosen_basis() -> None:
    projection = as_document(full(assumed=scenario(basis="billed")))["projection"]

    assert projection["basis"] == "billed"
    for mode in projection["modes"]:
        assert mode["vcpu"] == mode["bases"]["billed"]["vcpu"]
        assert mode["usd_per_year"] == mode["bases"]["billed"]["usd_per_year"]
        assert mode["components"][0]["provenance"] in {"measured", "published", "derived"}


def test_the_post_is_in_the_json_to_the_dollar() -> None:
    projection = as_document(constants_only())["projection"]

    costs = {mode["name"]: mode["usd_per_year"]["mid"] for mode in projection["modes"]}
    assert costs["sidecar"] == 2_376_000
    assert costs["ambient-waypoint-all"] == 174_240
    assert projection["savings"][1]["usd_per_year"] == {
        "low": 2_201_760,
        "mid": 2_201_760,
        "high": 2_201_760,
    }


def test_what_is_not_known_is_absent_and_has_a_refusal() -> None:
    document = as_document(refused())

    assert "node_count" not in document["mesh"]
    assert document["measured"] == {
        "sidecar_vcpu": 0.1,
        "cpu_with_requests_share": 1.0,
        "requests_with_cpu_share": 1.0,
        "sidecar_vcpu_range": as_one(0.1),
        "filled_cpu_share": 0.0,
        "filled_rps_share": 0.0,
    }
    assert not {"sidecar", "waypoint"} & document["calibration"].keys()
    assert "ztunnel" in document["calibration"]
    subjects = {refusal["subject"] for refusal in document["refusals"]}
    assert {"ambient modes", "requested and billed"} <= subjects
    assert all(set(item) == {"subject", "reason", "detail"} for item in document["refusals"])


def test_a_refused_workload_has_no_slope_and_no_idle() -> None:
    _, redis = as_document(calibration_only())["calibration"]["workloads"]

    assert redis["workload"] == "redis"
    assert not {"vcpu_per_1000_rps", "idle_vcpu_per_proxy"} & redis.keys()


def test_the_decomposition_adds_up() -> None:
    where = as_document(calibration_only())["calibration"]["decomposition"]

    # 0.5 measured, less 0.1, 0.3 and 0.05.
    assert where["unexplained_vcpu"] == pytest.approx(0.05)


def test_a_step_that_was_not_taken_is_not_in_the_document() -> None:
    assert "projection" not in as_document(calibration_only())
    assert "calibration" not in as_document(constants_only())
    assert "window" not in as_document(constants_only())


def test_times_are_in_utc() -> None:
    window = as_document(full())["window"]

    assert window["start"] == "2024-05-14T00:00:00Z"
    end = datetime.fromisoformat(window["end"])
    assert (end - datetime.fromisoformat(window["start"])).total_seconds() == 600
    assert window["step_seconds"] == 300


def test_numbers_have_the_digits_that_every_machine_agrees_on() -> None:
    answer = full()
    assert answer.sidecar is not None
    assert answer.calibration is not None
    third = replace(answer.sidecar, vcpu_per_1000_rps=Interval.exactly(1 / 3))
    fitted = replace(answer.calibration, sidecar=third)

    found = as_document(replace(answer, calibration=fitted))["calibration"]["sidecar"]
    assert found["vcpu_per_1000_rps"]["mid"] == 0.333333333


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_a_mistake_of_ours(bad: float) -> None:
    answer = full()
    assert answer.sidecar is not None
    assert answer.calibration is not None
    fitted = replace(answer.calibration, sidecar=replace(answer.sidecar, r_squared=bad))

    with pytest.raises(ValueError, match="must be a refusal"):
        as_json(replace(answer, calibration=fitted))


def test_names_survive_and_no_control_character_reaches_a_terminal() -> None:
    text = as_json(naughty())

    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) == []
    workloads = json.loads(text)["calibration"]["workloads"]
    assert [item["workload"] for item in workloads] == list(NAUGHTY_NAMES)


def test_a_range_in_three_columns_is_one_value_and_what_is_not_known_is_absent() -> None:
    table = pd.DataFrame(
        {"name": ["a"], "cpu_low_vcpu": [1.0], "cpu_vcpu": [2.0], "cpu_high_vcpu": [3.0]}
    ).assign(dark=math.nan)

    assert plain(table) == [{"name": "a", "cpu_vcpu": {"low": 1.0, "mid": 2.0, "high": 3.0}}]


def test_what_a_result_keeps_for_itself_and_what_was_refused_is_not_told() -> None:
    answer = refused()
    found = plain(answer.calibration)

    assert isinstance(found, dict)
    assert not {"observations", "timeline", "refusals", "sidecar"} & found.keys()
    assert {"ztunnel", "decomposition"} <= found.keys()


def test_what_is_no_result_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="int"):
        members(3)


def test_traffic_between_zones_is_the_last_component_of_modes_with_waypoints() -> None:
    document = as_document(full(usage=spread_mesh()))
    jsonschema.validate(document, SCHEMA)
    modes = {mode["name"]: mode["components"] for mode in document["projection"]["modes"]}
    *_, added = modes["ambient-waypoint"]
    first, *_ = document["projection"]["zone_transfer"]["choices"]

    assert (added["role"], added["provenance"]) == ("zone-transfer", "derived")
    assert added["vcpu"] == {"low": 0, "mid": 0, "high": 0}
    assert added["gb_per_month"] == first["gb_per_month"]
    assert added["usd_per_year"] == first["transfer_usd_per_year"]
    assert [item["role"] for item in modes["ambient-l4"]] == ["ztunnel"]
    assert "zone_transfer" not in as_document(full())["projection"]
