"""The content of an explanation, and the options that ask for it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from analyzer.calibration.models import Power
from analyzer.cli import cli
from analyzer.data import sample_path
from analyzer.report.explain import explain
from analyzer.report.explain.lines import component_lines, figure, sum_lines
from tests.projection.test_curves import curved
from tests.report.answers import constants_only, naughty, refused
from tests.report.explained import (
    ANSWERS,
    MODES,
    demo_text,
    explained,
    shop,
    the,
)
from tests.report.redoing import lines_of


def test_the_sidecars_name_their_queries_steps_and_values() -> None:
    text = demo_text()

    for name in ("proxy_cpu_vcpu", "proxy_reserved_vcpu", "proxy_memory_bytes"):
        assert f"queries/{name}.promql" in text
        assert (sample_path("fleet").parents[3] / "queries" / f"{name}.promql").is_file()
    assert "144 intervals, 157 sidecars" in text


def test_each_query_that_is_named_is_a_file() -> None:
    named = set(
        re.findall(r"queries/(\w+)\.promql", "".join(explained(name)[1] for name in ANSWERS))
    )

    assert named
    for name in named:
        assert (sample_path("fleet").parents[3] / "queries" / f"{name}.promql").is_file()


def test_each_assumption_has_its_range_and_its_source() -> None:
    _, text = explained("measured ztunnels")

    assert "ztunnel_idle_vcpu_per_node is 0.02 (0.018" in text
    assert re.search(r"ztunnel_idle_vcpu_per_node is .* Source: measured\.", text)
    assert re.search(r"ztunnel_to_sidecar_ratio is 0\.15 .*\(derived\)\.", text)
    assert re.search(r"ztunnel_vcpu_per_1000_rps is 0\.045 .*\(derived\)\.", text)


def test_what_follows_the_sidecars_is_scaled_line_by_line() -> None:
    _, text = explained("gateways, lacking requests")

    # Sidecars of 0.3 for 1000 requests/s; 0.26 and the gateway's 0.23 at the sources.
    for line in (
        "ztunnel_idle_vcpu_per_node: 0.003 x 0.3 / 0.26 = 0.00346154 vCPU",
        "ztunnel_vcpu_per_1000_rps: 0.3 x 0.3 = 0.09 vCPU",
        "ztunnel_vcpu_per_gbit_per_second: 0.165 x 0.3 / 0.23 = 0.215217 vCPU",
        "ztunnel_vcpu_per_1000_new_connections_per_second: 0.45 x 0.3 / 0.23 = 0.586957 vCPU",
    ):
        assert f"  {line}\n" in text
    assert re.search(r"a gateway there costs 0\.23", text)


def test_stated_costs_of_ztunnels_are_not_scaled() -> None:
    _, text = explained("stated ztunnels")

    assert "ztunnel_idle_vcpu_per_node: " not in text
    assert "ztunnel_vcpu_per_1000_rps: 0.3 x " in text


def test_an_assumption_of_the_user_is_marked_as_stated() -> None:
    _, text = explained("as billed, with memory")

    assert re.search(r"memory_gib_month_usd is 2\.7\b.*Source: stated", text)


def test_more_replicas_than_the_least_are_shown_with_the_load_of_fewer() -> None:
    found, text = explained("curve, many replicas")
    most = the(lines_of(text), "a replica may use")
    assert most == pytest.approx(0.08)

    tried = [line for line in lines_of(text) if line.label.startswith("shop, each of ")]
    assert len(tried) == 2
    assert tried[0].result > most >= tried[1].result
    assert "replicas: the fewest" in text
    assert found.projection is not None


def test_a_fractional_waypoint_is_shown_as_a_share() -> None:
    _, text = explained("a share needs L7")

    assert the(lines_of(text), "part needed of shop") == pytest.approx(1.05)
    assert ": 0.35 x 3 = " in text


def test_waypoints_that_were_measured_are_explained_as_measured() -> None:
    for name, provenance in (
        ("busy, measured waypoints, many replicas", "measured"),
        ("shop", "derived"),
    ):
        assert f"Waypoints ({provenance})" in explained(name)[1].splitlines()


def test_a_component_without_formulas_of_its_own_is_explained_by_what_it_adds_up_to() -> None:
    projection = explained("shop")[0].projection
    assert projection is not None
    need = projection.modes[1].components[0].need

    lines = list(component_lines(need))

    assert lines[0] == f"Ztunnels ({need.provenance})"
    assert lines[2:] == list(sum_lines(need))


def test_the_range_has_its_number_of_draws() -> None:
    _, text = explained("shop")

    assert "drawn together, 2000 times" in text
    assert "costs less than today in " in text


def test_working_hours_are_shown() -> None:
    hours = {"days": ["tue"], "start": "00:00", "end": "01:00", "time_zone": "UTC"}
    text = explain(shop(working_hours=hours), MODES)

    assert "within tue 00:00 to 01:00" in text
    assert all(line.holds() for line in lines_of(text))


def test_a_recorded_rule_is_named_where_the_cpu_comes_from_one() -> None:
    found, _ = explained("shop")
    assert found.manifest is not None
    recorded = replace(found.manifest.label_mapping, cpu="node_namespace_pod_container:rule")
    text = explain(replace(found, manifest=replace(found.manifest, label_mapping=recorded)), MODES)

    assert "CPU used is from queries/proxy_recorded_cpu_vcpu.promql" in text


def test_only_the_mode_that_was_asked_for_is_explained() -> None:
    found, _ = explained("shop")
    text = explain(found, ("ambient-l4",))

    assert re.findall(r"^Mode ([\w-]+),", text, re.MULTILINE) == ["ambient-l4"]
    assert "\nZtunnels" in text
    assert "\nWaypoints" not in text
    assert "\nSidecars" not in text


def test_a_refused_mode_is_shown_with_the_reason() -> None:
    text = explain(refused(), MODES)

    assert "Cannot tell: ambient-l4" in text
    answer = refused()
    assert answer.projection is not None
    for refusal in answer.projection.refusals:
        assert answer.worded(refusal).detail in text


def test_published_constants_alone_have_nothing_to_explain() -> None:
    assert explain(constants_only(), MODES).strip() == ""


def test_labels_that_mean_harm_are_shown_and_not_obeyed() -> None:
    text = explain(naughty(), MODES)

    assert all(line.isprintable() for line in text.splitlines())
    assert "esc�[2J" in text


def test_a_curve_is_shown_by_its_power() -> None:
    role = curved(0.731)
    assert isinstance(role.curve, Power)
    _, text = explained("curve of waypoints")

    assert f"x ({figure(50)} / 1)^0.731 = " in text


# --- through the command line ---


def test_the_explanation_is_after_the_answer() -> None:
    plain = CliRunner().invoke(cli, ["demo", "--sample", "fleet"]).stdout

    assert demo_text().startswith(f"{plain}\nHow these figures are calculated\n")


def test_a_snapshot_is_explained_one_mode_at_a_time() -> None:
    arguments = ["project", str(sample_path("fleet")), "--explain", "sidecar"]
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 0
    assert re.findall(r"^Mode ([\w-]+),", result.stdout, re.MULTILINE) == ["sidecar"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--explain", "--format", "json"], "it needs --format table"),
        (["demo", "--explain", "everything"], "is not one of 'all', 'sidecar'"),
        (["project", "--explain"], "--explain needs a SNAPSHOT"),
    ],
)
def test_what_cannot_be_explained_is_wrong_usage(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
