"""Each line of an explanation is redone from the figures in it, by code that knows only sums."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from click.testing import CliRunner

from analyzer.calibration.models import Power
from analyzer.calibration.result import Calibration
from analyzer.cli import cli
from analyzer.data import sample_path
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.scenario import Basis, Scenario
from analyzer.report.answer import Answer
from analyzer.report.explain import explain
from analyzer.report.explain.lines import figure
from analyzer.units import Interval, Role
from tests.projection.builders import Call, Proxy, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, fit
from tests.projection.test_curves import curved, ztunnel
from tests.projection.test_project_by_hand import BUSY, EDGE, SHOP, Case
from tests.report.answers import constants_only, full, naughty, refused
from tests.report.redoing import Line, lines_of

MODES = ("sidecar", "ambient-l4", "ambient-waypoint", "ambient-waypoint-all")

NODE_PRICES = {
    "big": {"vcpu_hour_usd": 0.04, "memory_gib_hour_usd": 0.005},
    "small": {"vcpu_hour_usd": 0.03, "memory_gib_hour_usd": 0.004},
}


def answer(usage: MeshUsage, fitted: Calibration, assumed: Scenario) -> Answer:
    return full(usage=usage, fitted=fitted, assumed=assumed)


def of_case(case: Case) -> Answer:
    usage = mesh(
        *case.proxies, calls=case.calls, nodes=case.nodes, steps=len(case.proxies[0].cpu_vcpu)
    )
    return answer(usage, case.fitted, case.assumed)


def shop(fitted: Calibration | None = None, **changes: object) -> Answer:
    return answer(shop_mesh(), fitted or calibration(), scenario(**changes))


def priced_shop(rule: object) -> Answer:
    """Return the shop on two nodes of known price, and one of unknown price."""
    usage = shop_mesh()
    nodes = usage.nodes.reindex(range(3)).assign(
        node=["a", "b", "c"],
        instance_type=["big", "small", "unheard of"],
        vcpu_usd_per_hour=[0.04, 0.03, math.nan],
        memory_usd_per_gib_hour=[0.005, 0.004, math.nan],
    )
    return answer(replace(usage, nodes=nodes), calibration(), scenario(prices=rule))


def half_scraped() -> Answer:
    """Return a mesh with a proxy whose CPU, one whose requests and one whose memory is unknown."""
    unknown = math.nan
    usage = mesh(
        Proxy(cpu_vcpu=(unknown, 0.2), reserved_vcpu=0.1, memory_bytes=1e8),
        Proxy(node="b", proxy_rps=(unknown, 40.0), reserved_memory_bytes=3e8),
        Proxy(node="b", cpu_vcpu=(0.3, 0.5), memory_bytes=2e8, reserved_memory_bytes=1e8),
        calls=(Call(source="shop/front", destination="shop/front", rps=(30.0, 50.0)),),
        nodes=("a", "b"),
    )
    return answer(usage, calibration(), scenario(traffic_growth_factor=1.75))


def crowded() -> Answer:
    """Return a mesh of 120 namespaces on 30 nodes: its sums do not fit a line."""
    names = [f"space-{number:03d}" for number in range(120)]
    proxies = [
        Proxy(
            workload=f"{name}/app",
            node=f"node-{number % 30}",
            cpu_vcpu=(0.01 * number, 0.02 * number),
            proxy_rps=(3.7 * number, 9.1 * number),
            reserved_vcpu=0.1,
        )
        for number, name in enumerate(names)
    ]
    calls = [
        Call(source="space-001/app", destination=f"{name}/app", rps=(3.3 * number, 71.7 * number))
        for number, name in enumerate(names)
    ]
    usage = mesh(*proxies, calls=calls, nodes=[f"node-{number}" for number in range(30)])
    return answer(usage, calibration(), scenario(ztunnel_idle_vcpu_per_node=0.25))


ANSWERS: dict[str, Callable[[], Answer]] = {
    "shop": lambda: of_case(SHOP),
    "edge, three replicas": lambda: of_case(EDGE),
    "busy, measured waypoints, many replicas": lambda: of_case(BUSY),
    "gateways, lacking requests": shop,
    "opencost": lambda: priced_shop("opencost"),
    "price list": lambda: priced_shop(NODE_PRICES),
    "growth": lambda: shop(traffic_growth_factor=2.5),
    "shrinking": lambda: shop(traffic_growth_factor=0.2),
    "shrinking to less than nothing": lambda: shop(
        calibration(fit(slope=Interval.exactly(4.0))), traffic_growth_factor=0.1
    ),
    "curve": lambda: shop(calibration(curved())),
    "curve of waypoints": lambda: shop(
        calibration(waypoint=replace(curved(0.731), role=Role.WAYPOINT))
    ),
    "curve, many replicas": lambda: shop(
        calibration(curved()), waypoint_limit_vcpu_per_replica=0.1, waypoint_spare_replicas=2
    ),
    "replicas that idle above the target": lambda: shop(waypoint_limit_vcpu_per_replica=0.001),
    "measured ztunnels": lambda: shop(
        replace(calibration(), ztunnel=ztunnel(per_gbit=Interval.exactly(0.5)))
    ),
    "a share needs L7": lambda: shop(waypoint_placement=0.35, waypoint_replicas=3),
    "a named namespace needs L7": lambda: shop(waypoint_placement=["data"]),
    "none needs L7": lambda: shop(waypoint_placement="none"),
    "ingress through waypoints, istio-cni there": lambda: shop(
        ingress_through_waypoint=True, istio_cni_installed=True
    ),
    "as billed, with memory": lambda: shop(basis="billed", memory_gib_month_usd=2.7),
    "no reservations": lambda: answer(mesh(Proxy()), calibration(), scenario()),
    "no memory, paid for": lambda: answer(
        mesh(Proxy(reserved_vcpu=0.2)), calibration(), scenario(memory_gib_month_usd=3)
    ),
    "no nodes": lambda: answer(mesh(Proxy(node=""), nodes=()), calibration(), scenario()),
    "half scraped, and growing": half_scraped,
    "for nothing": lambda: shop(vcpu_month_usd=0),
    "crowded": crowded,
}


@cache
def explained(name: str) -> tuple[Answer, str]:
    found = ANSWERS[name]()
    return found, explain(found, MODES)


@cache
def demo_text() -> str:
    result = CliRunner().invoke(cli, ["demo", "--explain"])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def redone(text: str) -> list[Line]:
    """Return every line with a sum, having redone it."""
    found = lines_of(text)
    assert len(found) == sum(" = " in line for line in text.splitlines())
    for line in found:
        assert line.holds(), line
    return found


def the(lines: list[Line], label: str) -> float:
    (found,) = (line.result for line in lines if line.label == label)
    return found


def section(text: str, title: str) -> list[Line]:
    """Return the lines of one paragraph."""
    (found,) = (part for part in text.split("\n\n") if part.startswith(title))
    return lines_of(found)


def to_six_digits(value: float) -> object:
    return pytest.approx(value, rel=1e-5, abs=1e-12)


# --- the reader himself ---


@pytest.mark.parametrize(
    "line",
    [
        "  used: 2 x 3 + 1 = 7 vCPU",
        "  shop, one: 0.01 + 1.25 x 0.02 x (50 / 4)^0.5 = 0.0983883 vCPU",
        "  billed: 17 x max(0.0558794, 0.125) = 2.125 GiB",
        "  saved: 100 x -12.5 / 50 = -25 %",
        "  third: 1 / 3 = 0.333333 of it",
    ],
)
def test_the_reader_can_do_sums(line: str) -> None:
    (found,) = lines_of(line)

    assert found.holds()


@pytest.mark.parametrize(
    "line",
    [
        "  used: 2 x 3 + 1 = 8 vCPU",
        "  used: 2 x 3 + 1 = 7.0001 vCPU",
        "  shop, one: 0.01 + 1.25 x 0.02 x (50 / 4)^0.5 = 0.0983903 vCPU",
        "  billed: 17 x max(0.0558794, 0.125) = 0.94995 GiB",
        "  third: 1 / 3 = 0.33334 of it",
    ],
)
def test_the_reader_notices_a_wrong_figure(line: str) -> None:
    (found,) = lines_of(line)

    assert not found.holds()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (22.0, "22"),
        (1628384.0, "1628384"),
        (1628384.25, "1628380"),
        (0.0000123456789, "0.0000123457"),
        (-1194.5512, "-1194.55"),
        (1e20, "100000000000000000000"),
    ],
)
def test_a_figure_has_six_digits_and_no_power_of_ten(value: float, shown: str) -> None:
    assert figure(value) == shown


# --- every line, on every kind of mesh ---


@pytest.mark.parametrize("name", ANSWERS)
def test_every_line_can_be_redone_by_hand(name: str) -> None:
    _, text = explained(name)

    assert len(redone(text)) >= 4


def test_every_line_of_the_demo_can_be_redone_by_hand() -> None:
    text = demo_text()

    assert len(redone(text[text.index("How these figures") :])) > 100


@pytest.mark.parametrize("name", ANSWERS)
def test_the_last_figures_are_the_answers_own(name: str) -> None:
    found, text = explained(name)
    projection = found.projection
    assert projection is not None

    for mode in projection.modes:
        lines = section(text, f"Mode {mode.name},")
        for basis, label in (
            (Basis.USAGE, "as used"),
            (Basis.RESERVED, "as reserved"),
            (Basis.BILLED, "as billed"),
        ):
            if basis in mode.bases:
                expected = to_six_digits(mode.bases[basis].usd_per_year.mid)
                assert the(lines, label) == expected
            else:
                assert label not in {line.label for line in lines}
    for saving in projection.savings:
        lines = section(text, f"Mode {saving.mode},")
        assert the(lines, "saved") == to_six_digits(saving.vcpu.mid)
        assert the(lines, "saved, part of what the sidecars cost") == to_six_digits(
            saving.percent.mid
        )


@pytest.mark.parametrize("case", [SHOP, EDGE, BUSY], ids=["shop", "edge", "busy"])
def test_the_dollars_are_what_plain_loops_give(case: Case) -> None:
    text = explain(of_case(case), MODES)

    for (mode, basis), bill in case.expected().items():
        label = {"usage": "as used", "reserved": "as reserved", "billed": "as billed"}[basis]
        assert the(section(text, f"Mode {mode},"), label) == to_six_digits(bill.usd_per_year)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_result_follows_from_lines_above_it(name: str) -> None:
    """A reader who starts at the top never meets a total of CPU that came from nowhere."""
    _, text = explained(name)
    seen: set[str] = set()
    for line in text.splitlines():
        at = re.match(r"  as (used|reserved|billed): \((.*)\) x 12 = ", line)
        for amount in re.findall(r"([\d.]+) x [\d.]+", at[2]) if at else ():
            assert amount in seen, line
        seen |= set(re.findall(r"= ([\d.]+) ", line))


# --- what is said beside the figures ---


def test_the_sidecars_name_their_queries_steps_and_values() -> None:
    text = demo_text()

    for name in ("proxy_cpu_vcpu", "proxy_reserved_vcpu", "proxy_memory_bytes"):
        assert f"queries/{name}.promql" in text
        assert (sample_path().parents[3] / "queries" / f"{name}.promql").is_file()
    assert "in 144 steps of 157 sidecars" in text


def test_each_query_that_is_named_is_a_file() -> None:
    named = set(
        re.findall(r"queries/(\w+)\.promql", "".join(explained(name)[1] for name in ANSWERS))
    )

    assert named
    for name in named:
        assert (sample_path().parents[3] / "queries" / f"{name}.promql").is_file()


def test_each_assumption_is_told_with_its_range_and_its_source() -> None:
    _, text = explained("measured ztunnels")

    assert "ztunnel_idle_vcpu_per_node is 0.02 [0.018 to 0.022] vCPU per node" in text
    assert re.search(r"ztunnel_idle_vcpu_per_node is .*\(measured\)", text)
    assert re.search(r"ztunnel_vcpu_per_1000_rps is .*\(published: istio\.io", text)


def test_what_the_user_stated_is_told_as_stated() -> None:
    _, text = explained("as billed, with memory")

    assert "memory_gib_month_usd is 2.7 USD per GiB and month (stated in a test)" in text


def test_more_replicas_than_the_least_are_told_with_why_fewer_would_not_do() -> None:
    found, text = explained("curve, many replicas")
    most = the(lines_of(text), "a replica may use")
    assert most == pytest.approx(0.08)

    tried = [line for line in lines_of(text) if line.label.startswith("shop, each of ")]
    assert len(tried) == 2
    assert tried[0].result > most >= tried[1].result
    assert "as few as stay below that" in text
    assert found.projection is not None


def test_a_fractional_waypoint_is_told_as_the_share_it_is() -> None:
    _, text = explained("a share needs L7")

    assert "part needed of shop: 0.35 x 3 = 1.05 replicas" in text


def test_the_range_tells_how_many_draws_it_is_of() -> None:
    _, text = explained("shop")

    assert "drawn 2000 times, together" in text
    assert "ambient is cheaper in " in text


def test_working_hours_are_told() -> None:
    hours = {"days": ["tue"], "start": "00:00", "end": "01:00", "time_zone": "UTC"}
    text = explain(shop(working_hours=hours), MODES)

    assert "Only steps within tue 00:00 to 01:00 UTC count" in text
    assert all(line.holds() for line in lines_of(text))


def test_a_recorded_rule_is_named_where_the_cpu_comes_from_one() -> None:
    found, _ = explained("shop")
    assert found.manifest is not None
    recorded = replace(found.manifest.dialect, cpu="node_namespace_pod_container:rule")
    text = explain(replace(found, manifest=replace(found.manifest, dialect=recorded)), MODES)

    assert "CPU used is from queries/proxy_recorded_cpu_vcpu.promql" in text


def test_only_the_mode_that_was_asked_for_is_explained() -> None:
    found, _ = explained("shop")
    text = explain(found, ("ambient-l4",))

    assert re.findall(r"^Mode ([\w-]+),", text, re.MULTILINE) == ["ambient-l4"]
    assert "\nZtunnels" in text
    assert "\nWaypoints" not in text
    assert "\nSidecars" not in text


def test_a_mode_that_cannot_be_said_is_told_with_the_reason() -> None:
    text = explain(refused(), MODES)

    assert "ambient-l4 cannot be said" in text
    assert "the number of nodes is not known" in text
    assert "no CPU request of any sidecar is known" in text


def test_published_constants_alone_have_nothing_to_explain() -> None:
    assert explain(constants_only(), MODES).strip() == ""


def test_labels_that_mean_harm_are_shown_and_not_obeyed() -> None:
    text = explain(naughty(), MODES)

    assert all(line.isprintable() for line in text.splitlines())
    assert "esc�[2J" in text


def test_a_curve_is_told_by_its_power() -> None:
    role = curved(0.731)
    assert isinstance(role.curve, Power)
    _, text = explained("curve of waypoints")

    assert f"x ({figure(50)} / 1)^0.731 = " in text


# --- through the command line ---


def test_the_explanation_stands_after_the_answer() -> None:
    plain = CliRunner().invoke(cli, ["demo"]).stdout

    assert demo_text().startswith(f"{plain}\nHow these figures come about\n")


def test_a_snapshot_is_explained_one_mode_at_a_time() -> None:
    arguments = ["project", str(sample_path()), "--explain", "sidecar"]
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


def test_the_lines_in_the_readme_are_the_demos() -> None:
    readme = (sample_path().parents[3] / "README.md").read_text(encoding="utf-8")
    _, after = readme.split("--explain ambient-l4\n```\n\n```\n")
    shown = after.split("\n```")[0]

    for part in re.split(r"\n| \.\.\. ", shown):
        assert part in demo_text()
