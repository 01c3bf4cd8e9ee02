"""A comparison in words, tables, JSON and CSV: complete, and nothing from labels obeyed."""

import csv
import io
import json
import re
from dataclasses import replace

import jsonschema
import pytest

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.result import Comparison
from analyzer.data import schema_path
from analyzer.measurement.findings import Finding
from analyzer.report.render.csv import render as as_csv
from analyzer.report.render.html import render as as_html
from analyzer.report.render.json import render as as_json
from analyzer.report.render.markdown import JOINER
from analyzer.report.render.markdown import render as as_markdown
from analyzer.report.render.terminal import Screen
from analyzer.report.render.terminal import render as as_table
from analyzer.report.sentences.comparison import outcome
from tests.comparison.costed import sized
from tests.comparison.migrations import Migrated
from tests.projection.builders import scenario
from tests.report.answers import NAUGHTY_NAMES
from tests.report.comparisons import compared, report_of

SCHEMA = json.loads(schema_path("comparison").read_text(encoding="utf-8"))
MIGRATIONS = [
    pytest.param(Migrated(), id="as predicted"),
    pytest.param(Migrated(moved=("pay",)), id="partly"),
    pytest.param(Migrated(steady=True), id="nothing fitted"),
    pytest.param(Migrated(replicas=dict.fromkeys(("shop", "pay", "web"), 0)), id="no waypoints"),
    pytest.param(Migrated(growth=2.0), id="more traffic"),
    pytest.param(Migrated(moved=()), id="nothing moved"),
]


def naughty(name: str) -> Comparison:
    """Return a comparison with this name for every namespace."""
    found = compared(Migrated(moved=("pay",)))
    spaces = tuple(replace(item, namespace=name) for item in found.namespaces)
    warning = Finding(name="waypoint_clients_unknown", text=f"Something of {name}.")
    return replace(found, namespaces=spaces, warnings=(warning,))


def costing(**assumed: object) -> Comparison:
    """Return a comparison of meshes with memory and requests."""
    migrated = Migrated(moved=("pay",))
    found = compare_usage(sized(migrated.before()), sized(migrated.after()), scenario(**assumed))
    assert isinstance(found, Comparison)
    return found


@pytest.mark.parametrize("migrated", MIGRATIONS)
def test_the_json_keeps_what_its_schema_promises(migrated: Migrated) -> None:
    text = as_json(report_of(compared(migrated)))
    document = json.loads(text)

    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert "null" not in text
    assert "NaN" not in text


def test_the_json_of_costs_keeps_what_its_schema_promises() -> None:
    price = {"low": 20, "mid": 22, "high": 30}
    found = costing(vcpu_month_usd=price, memory_gib_month_usd=3, basis="billed")
    document = json.loads(as_json(report_of(found)))

    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["prices"]["before"]["vcpu_month_usd_range"]["high"] == 30
    assert document["bases_with_memory"] == ["usage", "reserved", "billed"]
    for basis, saving in found.costs.savings.items():
        shown = document["savings"][basis]["realised_usd_per_year"]
        assert shown["mid"] == pytest.approx(saving.realised_usd_per_year.mid, abs=1e-6)
        assert shown["low"] < shown["mid"] < shown["high"] or shown["mid"] == 0
    total = document["total"]["bases"]["billed"]
    assert total["memory_gib"]["measured"]["mid"] > 0
    assert document["nodes"]["before"]["node_hours_per_month"] == 4 * 730
    of_role = [item["memory_gib_per_proxy"]["measured"] for item in document["components"]]
    assert of_role == pytest.approx([0.06, 0.03, 0.08])


def test_the_tables_of_costs_have_a_row_for_each_role_and_basis() -> None:
    found = costing(basis="billed")
    text = as_markdown(report_of(found))

    for role in ("sidecar", "ztunnel", "waypoint", "total"):
        for basis in ("used", "requested", "billed"):
            assert text.count(f"\n| {role} | {basis} |") == 1
    for basis in ("as used", "as requested", "as billed"):
        assert text.count(f"\n| {basis} |") == 2
    assert text.count("| 2,920 |") == 2
    assert max(map(len, as_table(report_of(found)).splitlines())) <= 80
    (row, *_) = csv.DictReader(io.StringIO(as_csv(report_of(found))))
    assert float(row["bases_billed_memory_gib_measured_mid"]) == pytest.approx(6 * 0.125)


def test_the_schema_of_a_calibration_is_that_of_the_answer() -> None:
    answer = json.loads(schema_path().read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    shared = SCHEMA["$defs"].keys() & answer["$defs"].keys()
    assert shared >= {"role_calibration", "interval", "count", "quantity"}
    for name in shared:
        assert SCHEMA["$defs"][name] == answer["$defs"][name]


def test_the_json_holds_what_was_found() -> None:
    found = compared(Migrated(moved=("pay",), growth=1.5))
    document = json.loads(as_json(report_of(found)))

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
    text = as_table(report_of(found))

    assert max(map(len, text.splitlines())) <= 80
    for item in (*found.components, found.total):
        assert f"\n{item.role} " in text
    assert " ".join(outcome(found).split()) in " ".join(text.split())


def test_the_markdown_has_a_row_for_each_component_and_namespace() -> None:
    found = compared(Migrated(moved=("pay",)))
    text = as_markdown(report_of(found))

    for start in ("| sidecar |", "| ztunnel |", "| waypoint |", "| total |"):
        assert text.count(f"\n{start}") == 5
    rows = [line.strip("| ").split(" | ")[:3] for line in text.splitlines() if line[:1] == "|"]
    assert ["pay", "moved", "waypoint"] in rows
    assert ["shop", "stayed", "sidecar"] in rows
    assert "## Measured in AFTER" in text


@pytest.mark.parametrize("name", NAUGHTY_NAMES)
def test_no_name_is_obeyed_by_a_terminal_a_wiki_or_a_spreadsheet(name: str) -> None:
    found = naughty(name)
    texts = [
        as_table(report_of(found), Screen(width=200)),
        as_markdown(report_of(found)).replace(JOINER, ""),
        as_csv(report_of(found)),
    ]

    for text in texts:
        assert all(character.isprintable() or character == "\n" for character in text)
    page = as_html(report_of(found))
    assert "<img" not in page
    assert "\u202e" not in page
    machine = as_json(report_of(found))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", machine)
    assert json.loads(machine)["namespaces"][0]["namespace"] == name
    widths = {
        line.replace("\\|", "").count("|") for line in texts[1].splitlines() if line[:1] == "|"
    }
    assert widths == {6, 7, 8, 9}
    for row in csv.reader(io.StringIO(texts[2])):
        assert not row[0].startswith(("=", "+", "-", "@"))


def test_the_csv_has_a_line_a_component_and_a_namespaces_component() -> None:
    found = compared(Migrated(moved=("pay",)))
    rows = list(csv.DictReader(io.StringIO(as_csv(report_of(found)))))

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
