"""What a projection assumes, and how a mistake in a scenario file is told."""

import os
from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.projection.choices import Basis
from analyzer.projection.scenario import default_scenario, load_scenario
from analyzer.units import Interval


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ours.toml"


def refusal_of(file: Path, text: str) -> str:
    """Return what is said of a file with this text, having checked that it is one line."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_scenario(file)
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    return message


def test_an_empty_file_changes_nothing(file: Path) -> None:
    file.write_text("")

    assert load_scenario(file) == default_scenario()


def test_a_number_replaces_a_default_and_is_exact(file: Path) -> None:
    file.write_text("ztunnel_vcpu_per_1000_rps = 0.05\n")

    assert load_scenario(file)["ztunnel_vcpu_per_1000_rps"] == Interval.exactly(0.05)


def test_a_table_replaces_a_default_with_a_range(file: Path) -> None:
    file.write_text("[vcpu_month_usd]\nlow = 20\nmid = 25.5\nhigh = 30\n")

    assert load_scenario(file)["vcpu_month_usd"] == Interval(low=20, mid=25.5, high=30)


def test_an_end_that_is_left_out_is_the_middle(file: Path) -> None:
    file.write_text("vcpu_month_usd = { mid = 25, high = 30 }\n")

    assert load_scenario(file)["vcpu_month_usd"] == Interval(low=25, mid=25, high=30)


def test_a_changed_value_names_the_file_as_its_source(file: Path) -> None:
    file.write_text("vcpu_month_usd = 30\n")
    changed = load_scenario(file).assumptions["vcpu_month_usd"]

    assert changed.source == str(file)
    assert changed.unit == default_scenario().assumptions["vcpu_month_usd"].unit


def test_what_the_file_does_not_name_keeps_its_default(file: Path) -> None:
    file.write_text("vcpu_month_usd = 30\n")
    others = dict(load_scenario(file).assumptions)
    defaults = dict(default_scenario().assumptions)

    del others["vcpu_month_usd"], defaults["vcpu_month_usd"]
    assert others == defaults


def test_the_defaults_cannot_be_changed_by_a_scenario_made_from_them() -> None:
    default_scenario().changed("a test", {"vcpu_month_usd": 99})

    assert default_scenario()["vcpu_month_usd"] == Interval.exactly(22)


@pytest.mark.parametrize("basis", list(Basis))
def test_the_basis_of_the_dollars_can_be_chosen(file: Path, basis: Basis) -> None:
    file.write_text(f'basis = "{basis}"\n')

    assert load_scenario(file).basis is basis


def test_dollars_are_as_billed_unless_the_scenario_has_another_basis() -> None:
    assert default_scenario().basis is Basis.BILLED


def test_whole_replicas_are_taken(file: Path) -> None:
    file.write_text("waypoint_replicas = 3\n")

    assert load_scenario(file).waypoint_replicas == 3


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("vcpu_month_us", "vcpu_month_usd"),
        ("waypoint_replica", "waypoint_replicas"),
        ("Basis", "basis"),
        ("ztunnel_idle_vcpu", "ztunnel_idle_vcpu_per_node"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    file: Path, key: str, nearest: str
) -> None:
    message = refusal_of(file, f"{key} = 1\n")

    assert f"unknown key {key!r}" in message
    assert f"nearest known key is {nearest!r}." in message


@pytest.mark.parametrize(
    ("text", "permitted"),
    [
        ('vcpu_month_usd = "22"', "a number, or { low = number"),
        ("vcpu_month_usd = true", "a number, or { low = number"),
        ("vcpu_month_usd = [22, 30]", "a number, or { low = number"),
        ("vcpu_month_usd = 2025-07-10", "a number, or { low = number"),
        ("vcpu_month_usd = { low = 20, high = 30 }", "a number, or { low = number"),
        ("vcpu_month_usd = { mid = 22, hihg = 30 }", "a number, or { low = number"),
        ('vcpu_month_usd = { mid = 22, high = "30" }', "a number, or { low = number"),
        ("vcpu_month_usd = -1", "numbers from 0 up"),
        ("vcpu_month_usd = { low = -1, mid = 22 }", "numbers from 0 up"),
        ("vcpu_month_usd = { low = 30, mid = 22, high = 20 }", "low <= mid <= high"),
        ("vcpu_month_usd = { low = 23, mid = 22 }", "low <= mid <= high"),
        ("vcpu_month_usd = inf", "finite numbers"),
        ("vcpu_month_usd = nan", "finite numbers"),
        (f"vcpu_month_usd = 1{'0' * 400}", "finite numbers"),
        ("vcpu_month_usd = 1e308", "from 1e-12 to 1e+12"),
        ("vcpu_month_usd = { low = 22, mid = 26, high = 1e13 }", "from 1e-12 to 1e+12"),
        ("vcpu_month_usd = { low = 1e-300, mid = 26 }", "0, or from 1e-12"),
        ("waypoint_replicas = 0", "a whole number from 1 up"),
        ("waypoint_replicas = 1.5", "a whole number from 1 up"),
        ("waypoint_replicas = -2", "a whole number from 1 up"),
        ("waypoint_replicas = { low = 1, mid = 2, high = 3 }", "a whole number from 1 up"),
        ("waypoint_to_sidecar_ratio = 0", "numbers above 0"),
        ('basis = "wages"', "usage, reserved, billed"),
        ("basis = 3", "usage, reserved, billed"),
        ('basis = ["usage"]', "usage, reserved, billed"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_the_permitted_values(
    file: Path, text: str, permitted: str
) -> None:
    message = refusal_of(file, text)

    assert text.split(" = ", maxsplit=1)[0] in message
    assert permitted in message.split("Permitted: ")[1]


@pytest.mark.parametrize(
    "text", ["vcpu_month_usd: 22\n", "vcpu_month_usd =", "= 3", f"vcpu_month_usd = 1{'0' * 5000}"]
)
def test_what_is_not_toml_is_refused(file: Path, text: str) -> None:
    assert "is not valid TOML" in refusal_of(file, text)


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.write_bytes(b"vcpu_month_usd = \xff\xfe")

    with pytest.raises(UsageError, match="not text in UTF-8"):
        load_scenario(file)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_scenario(file)

    assert str(caught.value) == f"Cannot read scenario {file}: {os.strerror(2)}."


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read scenario") as caught:
        load_scenario(tmp_path)

    assert str(tmp_path) in str(caught.value)


def test_a_mistake_on_the_command_line_names_the_option() -> None:
    with pytest.raises(UsageError, match=r"^--waypoint-replicas: waypoint_replicas is 0"):
        default_scenario().changed("--waypoint-replicas", {"waypoint_replicas": 0})
