"""Recommended requests in every format: complete, exact, and no name is obeyed."""

import csv
import io
import json
import math
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from analyzer.data import schema_path
from analyzer.measurement.findings import Finding
from analyzer.projection.rightsizing.result import Resources, Rightsizing, ScopedConfiguration
from analyzer.report.patches.choosing import Style
from analyzer.report.patches.files import KustomizeApi, Layout
from analyzer.report.render.csv import render as as_csv
from analyzer.report.render.html import render as as_html
from analyzer.report.render.json import render as as_json
from analyzer.report.render.markdown import render as as_markdown
from analyzer.report.render.terminal import Screen
from analyzer.report.render.terminal import render as as_table
from analyzer.report.table import View
from analyzer.report.tables.rightsizing import recommendations
from analyzer.units import Interval
from tests.reading import long_sentences, markdown_sentences
from tests.report.answers import NAUGHTY_NAMES
from tests.report.patches.advice import POLICY, advice, rightsizing
from tests.report.rightsizings import report_of

SCHEMA = json.loads(schema_path("rightsizing").read_text(encoding="utf-8"))

RANGE = Interval(low=1, mid=2, high=3)

FULL = replace(
    rightsizing(
        advice(),
        advice("young", recommended=None),
        advice("", ""),
        advice("nightly", "CronJob", "east/batch"),
        advice("once", "Job"),
    ),
    scope=ScopedConfiguration(
        sidecar_count=12,
        left_out_count=3,
        configured_clusters=250,
        needed_clusters=RANGE,
        saved_memory_gib=RANGE,
        saved_vcpu=RANGE,
    ),
    warnings=(Finding(name="gaps", text="An autoscaler counts it.", fix="Check <it>."),),
)

UNKNOWN = replace(
    advice("", "", recommended=None), used_vcpu=None, high_vcpu=None, peak_memory_gib=None,
    today=Resources(), bursts=None,
)  # fmt: skip

NAUGHTY = rightsizing(
    *(advice(name, "Deployment", f"{name}/{name}", workload=name) for name in NAUGHTY_NAMES),
    *(advice(name, name, name, workload=name) for name in NAUGHTY_NAMES),
)

FOUND = [
    pytest.param(FULL, id="full"),
    pytest.param(rightsizing(UNKNOWN, default=None), id="nothing is known"),
    pytest.param(rightsizing(default=None), id="no workload"),
    pytest.param(NAUGHTY, id="naughty names"),
    pytest.param(rightsizing(advice(), policy=replace(POLICY, is_short=True)), id="short"),
]

STYLES = pytest.mark.parametrize("style", Style)


def document_of(found: Rightsizing, style: Style = Style.ANNOTATIONS) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(as_json(report_of(found, style=style)))
    return document


def test_the_schema_is_itself_valid_and_refuses_other_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = document_of(FULL)
    document["workloads"][0]["surprise"] = 1

    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(document, SCHEMA)


@STYLES
@pytest.mark.parametrize("found", FOUND)
def test_every_answer_keeps_the_schema(found: Rightsizing, style: Style) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document_of(found, style))


@STYLES
@pytest.mark.parametrize("found", FOUND)
def test_the_same_report_gives_the_same_bytes(found: Rightsizing, style: Style) -> None:
    report = report_of(found, style=style)

    for render in (as_json, as_csv, as_markdown, as_table, as_html):
        assert render(report) == render(report) == render(report_of(found, style=style))


def test_every_key_of_the_schema_is_there_when_all_is_known() -> None:
    document = document_of(FULL)

    for name, item in (
        ("workload", document["workloads"][0]),
        ("policy", document["policy"]),
        ("resources", document["default"]),
        ("patch", document["patches"][0]),
        ("scoped_configuration", document["scope"]),
    ):
        assert item.keys() == SCHEMA["$defs"][name]["properties"].keys()
    assert document.keys() == SCHEMA["properties"].keys()


def test_what_has_no_recommendation_or_no_patch_has_its_reason() -> None:
    document = document_of(FULL)
    refused = {item["subject"]: item["reason"] for item in document["refusals"]}

    assert refused == {
        "requests of shop/young": "too_few_samples",
        "patch of shop/alone": "no_data",
    }
    assert [item["owner"] for item in document["patches"]] == ["cart", "nightly", "once"]
    assert document["patches"][1]["file"] == "patches/east/batch_nightly_cronjob.yaml"


def test_the_figures_of_the_table_are_those_of_the_recommendation() -> None:
    (table, *_) = list(recommendations(FULL).texts_in(View.TEXT))
    heads = [head.title for head in recommendations(FULL).heads(View.TEXT)]
    row = dict(zip(heads, table, strict=True))

    assert (row["workload"], row["owner"], row["sidecars"]) == ("shop/cart", "Deployment/cart", "3")
    assert (row["vCPU requested"], row["vCPU recommended"]) == ("0.1", "0.015 (0.012-0.0225)")
    assert (row["MiB requested"], row["MiB recommended"]) == ("128", "64")
    assert (row["MiB limit"], row["MiB limit recommended"]) == ("1,024", "1,024")
    assert row["billed vCPU saved"] == "0.255"
    assert next(text for head, text in row.items() if "backtest" in head) == "1.3 %"
    assert next(text for head, text in row.items() if "percentile 95" in head) == "0.012"


def test_a_figure_that_is_not_known_is_no_zero() -> None:
    table = recommendations(rightsizing(UNKNOWN, default=None))

    for view in View:
        for row in table.texts_in(view):
            assert not {"0", "nan", "None"} & set(row[3:])


def test_the_csv_has_a_row_a_workload_and_its_reason() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(report_of(FULL)))))

    assert [row["workload"] for row in rows] == ["cart", "young", "alone", "nightly", "once"]
    assert [row["reason"] for row in rows[:2]] == ["", "too_few_samples"]
    assert (rows[0]["request_vcpu_mid"], rows[0]["recommended_request_vcpu"]) == ("0.015", "0.015")
    assert (rows[0]["today_limit_vcpu"], rows[1]["recommended_request_vcpu"]) == ("2.0", "")
    assert math.isclose(float(rows[0]["saved_vcpu"]), 0.255)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_obeys_no_name_and_is_not_overrun(width: int) -> None:
    text = as_table(report_of(NAUGHTY), Screen(width=width))

    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert max(map(len, text.splitlines())) <= width


def test_markdown_and_csv_obey_no_name() -> None:
    report = report_of(NAUGHTY, note="<img src=x>")
    text = as_markdown(report)

    assert "<img" not in text.replace("\\<img", "")
    assert "\x1b" not in text
    for row in csv.reader(io.StringIO(as_csv(report))):
        assert not [cell for cell in row if cell.startswith(("=", "+", "@"))]


@STYLES
@pytest.mark.parametrize("api", KustomizeApi)
@pytest.mark.parametrize("found", FOUND[:1] + FOUND[4:])
def test_no_sentence_must_be_read_twice(
    found: Rightsizing, style: Style, api: KustomizeApi
) -> None:
    text = as_markdown(report_of(found, style=style, layout=Layout(api=api)))

    assert long_sentences(markdown_sentences(text)) == []


def test_markdown_has_the_note_and_the_patches_of_each_cluster() -> None:
    text = as_markdown(report_of(FULL, note="before the sale"))

    assert "**before the sale**" in text
    assert "patches/east" in text or "2 folders" in text


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("workload", "recommendation"),
        ("policy", "rightsizing_policy"),
        ("resources", "resources"),
        ("scoped_configuration", "scoped_configuration"),
    ],
)
def test_the_answer_of_a_report_has_the_same_keys(here: str, there: str) -> None:
    other = json.loads(schema_path().read_text(encoding="utf-8"))["$defs"]

    assert other[there]["properties"] == SCHEMA["$defs"][here]["properties"]


def test_warnings_are_in_the_answer_and_in_the_document() -> None:
    report = report_of(FULL)

    assert document_of(FULL)["warnings"] == [str(item) for item in FULL.warnings]
    for text in (as_markdown(report), as_table(report, Screen(width=200))):
        assert "An autoscaler counts it." in text
