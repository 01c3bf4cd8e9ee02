"""A comparison in words, tables, JSON and CSV: complete, and nothing from labels obeyed."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.result import Cause, Compared, Comparison, Difference, Whole
from analyzer.data import schema_path
from analyzer.measurement.manifest import Manifest
from analyzer.projection.scenario import default_scenario
from analyzer.report.comparison import as_comparison_markdown, as_comparison_table
from analyzer.report.comparison_document import as_comparison_json, comparison_csv
from analyzer.report.outcome import outcome
from analyzer.units import Interval, Role
from analyzer.window import TimeWindow
from tests.comparison.migrations import Costs, Migrated
from tests.measurement.snapshots import make_snapshot, steady
from tests.report.answers import NAUGHTY_NAMES

SCHEMA = json.loads(schema_path("comparison").read_text(encoding="utf-8"))
WINDOW = TimeWindow(
    start=datetime(2024, 5, 14, tzinfo=UTC), end=datetime(2024, 5, 15, tzinfo=UTC), step_seconds=600
)
WINDOWS = (WINDOW, WINDOW)

MIGRATIONS = [
    pytest.param(Migrated(), id="as predicted"),
    pytest.param(Migrated(moved=("pay",)), id="partly"),
    pytest.param(Migrated(steady=True), id="nothing fitted"),
    pytest.param(Migrated(replicas=dict.fromkeys(("shop", "pay", "web"), 0)), id="no waypoints"),
    pytest.param(Migrated(growth=2.0), id="more traffic"),
    pytest.param(Migrated(moved=()), id="nothing moved"),
]


def compared(migrated: Migrated) -> Comparison:
    found = compare_usage(migrated.before(), migrated.after(), default_scenario())
    assert isinstance(found, Comparison)
    return found


def naughty(name: str) -> Comparison:
    """Return a comparison in which every namespace is called like that."""
    found = compared(Migrated(moved=("pay",)))
    spaces = tuple(replace(item, namespace=name) for item in found.namespaces)
    return replace(found, namespaces=spaces, warnings=(f"something of {name}",))


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    rows = steady("proxy_cpu_vcpu", ("shop", "cart-1"), 0.1)
    return make_snapshot(tmp_path / "snap", {"proxy_cpu_vcpu": rows}).manifest


@pytest.mark.parametrize("migrated", MIGRATIONS)
def test_the_json_keeps_what_its_schema_promises(migrated: Migrated, manifest: Manifest) -> None:
    text = as_comparison_json(compared(migrated), manifest, manifest)
    document = json.loads(text)

    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert "null" not in text
    assert "NaN" not in text


def test_the_schema_says_of_a_calibration_what_the_answers_does() -> None:
    answer = json.loads(schema_path().read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    shared = SCHEMA["$defs"].keys() & answer["$defs"].keys()
    assert shared >= {"role_calibration", "interval", "count", "quantity"}
    for name in shared:
        assert SCHEMA["$defs"][name] == answer["$defs"][name]


def test_the_json_holds_what_was_found(manifest: Manifest) -> None:
    found = compared(Migrated(moved=("pay",), growth=1.5))
    document = json.loads(as_comparison_json(found, manifest, manifest))

    assert document["outcome"] == outcome(found)
    assert document["largest"]["cause"] == "traffic"
    assert [item["role"] for item in document["components"]] == ["sidecar", "ztunnel", "waypoint"]
    for told, item in zip(document["components"], found.components, strict=True):
        assert told["measured_vcpu"] == pytest.approx(item.measured_vcpu)
        assert told["predicted_vcpu"]["mid"] == pytest.approx(item.predicted_vcpu.mid)
        assert sum(told["parts_vcpu"].values()) == pytest.approx(told["difference_vcpu"], abs=1e-8)


@pytest.mark.parametrize("migrated", MIGRATIONS)
def test_the_table_fits_its_width_and_names_everything(migrated: Migrated) -> None:
    found = compared(migrated)
    text = as_comparison_table(found, WINDOWS)

    assert max(map(len, text.splitlines())) <= 80
    for item in (*found.components, found.total):
        assert f"\n{item.role} " in text
    assert " ".join(outcome(found).split()) in " ".join(text.split())


def test_the_markdown_has_a_row_for_each_component_and_namespace() -> None:
    found = compared(Migrated(moved=("pay",)))
    text = as_comparison_markdown(found, WINDOWS)

    for start in ("| sidecar |", "| ztunnel |", "| waypoint |", "| total |"):
        assert text.count(f"\n{start}") == 2
    assert "| pay | moved | waypoint |" in text
    assert "| shop | stayed | sidecar |" in text
    assert "## What AFTER measured" in text


@pytest.mark.parametrize("name", NAUGHTY_NAMES)
def test_no_name_is_obeyed_by_a_terminal_a_wiki_or_a_spreadsheet(
    name: str, manifest: Manifest
) -> None:
    found = naughty(name)
    texts = [
        as_comparison_table(found, WINDOWS, width=200),
        as_comparison_markdown(found, WINDOWS),
        comparison_csv(found),
    ]

    for text in texts:
        assert all(character.isprintable() or character == "\n" for character in text)
    machine = as_comparison_json(found, manifest, manifest)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", machine)
    assert json.loads(machine)["namespaces"][0]["namespace"] == name
    widths = {
        line.replace("\\|", "").count("|") for line in texts[1].splitlines() if line[:1] == "|"
    }
    assert widths == {7, 8}
    for row in csv.reader(io.StringIO(texts[2])):
        assert not row[0].startswith(("=", "+", "-", "@"))


def test_the_csv_has_a_line_a_component_and_a_namespaces_component() -> None:
    found = compared(Migrated(moved=("pay",)))
    rows = list(csv.DictReader(io.StringIO(comparison_csv(found))))

    assert [(row["namespace"], row["role"]) for row in rows] == [
        ("", "sidecar"),
        ("", "ztunnel"),
        ("", "waypoint"),
        ("", "total"),
        ("pay", "waypoint"),
        ("shop", "sidecar"),
        ("web", "sidecar"),
    ]
    assert float(rows[2]["measured_vcpu"]) == pytest.approx(
        found.components[2].measured_vcpu, rel=1e-8
    )
    assert float(rows[0]["parts_vcpu_traffic"]) == pytest.approx(0)


def of(
    parts: dict[Cause, float], *, predicted: float = 1.0, role: Role = Role.WAYPOINT
) -> Comparison:
    """Return a comparison of one component with these parts."""
    exact = Interval.exactly
    item = Compared(
        role=role,
        predicted_vcpu=exact(predicted),
        predicted_at_after_vcpu=exact(predicted),
        measured_vcpu=predicted + sum(parts.values()),
        bias_percent=None,
        bias_at_after_percent=None,
        parts_vcpu=parts,
        predicted_count=2,
        measured_count=6,
        before_rps=800,
        after_rps=1200,
    )
    total = Difference(
        role=Whole.TOTAL,
        predicted_vcpu=item.predicted_vcpu,
        predicted_at_after_vcpu=item.predicted_at_after_vcpu,
        measured_vcpu=item.measured_vcpu,
        bias_percent=None,
        bias_at_after_percent=None,
        parts_vcpu=parts,
    )
    return replace(compared(Migrated()), components=(item,), total=total)


@pytest.mark.parametrize(
    ("parts", "predicted", "sentence"),
    [
        (
            {Cause.TRAFFIC: 0.5, Cause.COUNT: 0.1},
            1.0,
            (
                "Waypoints use 60 % more than predicted: 1,200 requests/s pass them, 800 before "
                "(+0.5 of +0.6 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.1, Cause.COUNT: 0.4},
            1.0,
            "Waypoints use 50 % more than predicted: there are 6, predicted 2 (+0.4 of +0.5 vCPU).",
        ),
        (
            {Cause.TRAFFIC: -0.5, Cause.COUNT: 0.2},
            1.0,
            (
                "Waypoints use 30 % less than predicted: 1,200 requests/s pass them, 800 before "
                "(-0.5 of -0.3 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.3, Cause.COUNT: -0.2, Cause.UNEXPLAINED: -0.2},
            1.0,
            (
                "Waypoints use 10 % less than predicted; the largest part of the difference points "
                "the other way: 1,200 requests/s pass them, 800 before (+0.3 of -0.1 vCPU)."
            ),
        ),
        (
            {Cause.COUNT: 0.4},
            0.0,
            (
                "Waypoints use 0.4 vCPU where none was predicted: there are 6, predicted 2 "
                "(+0.4 of +0.4 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.1, Cause.UNEXPLAINED: 0.9},
            1.0,
            (
                "Waypoints use 100 % more than predicted: neither traffic nor their number "
                "explains it, and AFTER tells no more of them (+0.9 of +1 vCPU)."
            ),
        ),
        (
            {Cause.TRAFFIC: 0.005},
            1.0,
            "The prediction holds: 1 vCPU predicted, 1 measured.",
        ),
    ],
)
def test_the_largest_part_is_named_in_a_sentence(
    parts: dict[Cause, float], predicted: float, sentence: str
) -> None:
    assert outcome(of(parts, predicted=predicted)) == sentence


def test_what_idle_and_slope_take_from_each_other_is_not_named() -> None:
    found = of({Cause.TRAFFIC: 0.05, Cause.IDLE: 0.3, Cause.UNIT_COST: -0.29})

    assert found.largest is not None
    assert found.largest[1] == Cause.TRAFFIC


def test_the_planted_waypoint_error_is_named_as_a_person_would() -> None:
    dear = Costs(waypoint_idle_vcpu=1.3 * 0.0125, waypoint_vcpu_per_1000_rps=1.3 * 0.4375)

    assert outcome(compared(Migrated(costs=dear))).startswith(
        "Waypoints use 30 % more than predicted: a request through one costs 0.57 vCPU per 1000 "
        "requests/s, predicted 0.437 ("
    )
