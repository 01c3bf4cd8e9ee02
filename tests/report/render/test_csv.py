"""CSV: whole, and harmless whatever a label holds."""

import csv
import io
import re
from dataclasses import replace

import pytest

from analyzer.report.answer import Answer
from analyzer.report.escapes import inert
from tests.report.answers import (
    NAUGHTY_NAMES,
    calibration_only,
    constants_only,
    fitted_calibration,
    full,
    naughty,
    workload,
)
from tests.report.rendered import as_csv, as_markdown, namespaces_csv, proxies_csv


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_is_a_mode_on_a_basis() -> None:
    found = {(row["mode"], row["basis"]): row for row in rows(as_csv(full()))}

    assert len(found) == 4 * 3
    assert float(found["sidecar", "usage"]["vcpu_mid"]) == pytest.approx(0.44)
    assert float(found["sidecar", "billed"]["vcpu_high"]) == pytest.approx(0.54)
    assert float(found["sidecar", "usage"]["usd_per_year_low"]) == pytest.approx(0.44 * 264)
    assert float(found["sidecar", "usage"]["memory_gib_mid"]) == pytest.approx(0.28125)


def test_the_post_is_in_the_csv_to_the_dollar() -> None:
    costs = {row["mode"]: float(row["usd_per_year_mid"]) for row in rows(as_csv(constants_only()))}

    assert costs["sidecar"] == 2_376_000
    assert costs["ambient-waypoint-all"] == 174_240


def test_without_a_projection_a_row_is_a_workload() -> None:
    front, redis = rows(as_csv(calibration_only()))

    assert (front["namespace"], front["workload"]) == ("shop", "front")
    assert float(front["vcpu_per_1000_rps_mid"]) == 0.25
    assert float(front["fitted_rps_max"]) == 480
    # A refused figure is an empty cell here: CSV has no other way, the JSON has the reason.
    assert redis["vcpu_per_1000_rps_mid"] == ""


def test_a_row_is_a_namespace() -> None:
    # Shop saves more by moving than data does.
    shop, data = rows(namespaces_csv(full()))

    assert (shop["namespace"], data["namespace"]) == ("shop", "data")
    assert float(shop["sidecar_vcpu"]) == pytest.approx(0.4)
    assert float(shop["proxy_rps"]) == pytest.approx(250)


@pytest.mark.parametrize("answer", [Answer(), constants_only()])
def test_a_mesh_without_namespaces_has_no_rows(answer: Answer) -> None:
    assert rows(namespaces_csv(answer)) == []


def test_names_come_back_from_the_csv() -> None:
    harmless = ['quo"te, comma', "a|b", "<img src=x>", "[red]x[/red]", "日本語"]
    fitted = fitted_calibration([replace(workload(), namespace=name) for name in harmless])
    found = rows(as_csv(calibration_only(fitted)))

    assert [row["namespace"] for row in found] == harmless


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_name_is_a_formula_in_a_spreadsheet(start: str) -> None:
    name = f"{start}cmd('calc')!A0"
    (row,) = rows(as_csv(calibration_only(fitted_calibration([workload(f"{name}/{name}")]))))

    assert row["namespace"] == f"'{name}"
    assert row["workload"] == f"'{name}"


@pytest.mark.parametrize("start", ["\t=", "\r=", "\n=", " ="])
def test_blanks_before_a_formula_do_not_hide_it(start: str) -> None:
    (row,) = rows(as_csv(calibration_only(fitted_calibration([workload(f"{start}1+1/w")]))))

    assert row["namespace"] == "'=1+1"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
@pytest.mark.parametrize("before", ["a;", "a; ", ";", "a|", 'a;"', "a;b;\t"])
def test_no_part_of_a_name_is_a_formula_where_another_sign_divides_cells(
    before: str, start: str
) -> None:
    name = f"{before}{start}cmd()"
    (row,) = rows(as_csv(calibration_only(fitted_calibration([workload(f"{name}/w")]))))

    assert row["namespace"] == f"{inert(before + '.')[:-1]}'{start}cmd()"


@pytest.mark.parametrize("name", ['"=1+1"', '" @x'])
def test_a_quotation_mark_does_not_hide_a_formula(name: str) -> None:
    (row,) = rows(as_csv(calibration_only(fitted_calibration([workload(f"{name}/w")]))))

    assert row["namespace"] == f"'{name}"


def test_each_proxy_stands_with_its_role_and_the_evidence_for_it() -> None:
    answer = full()
    assert answer.usage is not None
    proxies = answer.usage.proxies
    found = rows(proxies_csv(answer))

    assert [(row["namespace"], row["pod"], row["role"], row["evidence"]) for row in found] == list(
        zip(proxies["namespace"], proxies["pod"], proxies["role"], proxies["evidence"], strict=True)
    )
    assert rows(proxies_csv(replace(answer, usage=None))) == []


@pytest.mark.parametrize("make", [as_csv, namespaces_csv, as_markdown])
def test_no_control_character_reaches_a_terminal(make: object) -> None:
    assert callable(make)

    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", make(naughty())) == []


def test_every_naughty_namespace_is_one_row() -> None:
    found = [row["namespace"].removeprefix("'") for row in rows(namespaces_csv(naughty()))]

    assert sorted(found) == sorted(inert(name) for name in NAUGHTY_NAMES)


def test_a_text_ends_with_one_newline() -> None:
    for text in (as_csv(full()), namespaces_csv(full()), as_markdown(full())):
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
