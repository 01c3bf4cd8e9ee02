"""A scenario printed and read again is the same scenario."""

import tomllib
from dataclasses import replace
from datetime import time
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.cli import cli
from analyzer.cli.flags import FLAGS
from analyzer.projection.choices import (
    CHOICES,
    LARGEST,
    LEAST,
    Basis,
    LimitPolicy,
    Named,
    NodePrice,
    Placement,
    PriceList,
    Prices,
    PriceSource,
    Scaling,
    Share,
    Shared,
    Spread,
    TrafficDistribution,
    WorkingHours,
)
from analyzer.projection.scenario import Scenario, default_scenario, load_scenario
from analyzer.projection.scenario_file import as_toml
from analyzer.settings import spelled
from analyzer.units import Interval
from tests.report.answers import NAUGHTY_NAMES

DEFAULTS = default_scenario()
HOSTILE = (
    '"',
    "\\",
    "'''",
    '"""',
    "\x00",
    "\x1b[2J",
    "\x7f",
    "\x9b",
    "\r\n",
    "\u2028",
    "🦊",
    "# a",
)

RIGHTSIZING_WITHIN = {"rightsizing_percentile": (50, 100), "rightsizing_limit_factor": (1, 1000)}

names = st.one_of(st.sampled_from(HOSTILE + NAUGHTY_NAMES), st.text(min_size=1))


def floats(least: float, most: float) -> st.SearchStrategy[float]:
    """Return numbers in `BOUNDS`."""
    above = st.floats(max(least, LEAST), most)
    return above if least else st.just(0.0) | above


amounts = floats(0, LARGEST)
shares = st.floats(0, 1)
clocks = st.times()


@st.composite
def intervals(draw: st.DrawFn, least: float = 0.0, most: float = LARGEST) -> Interval:
    low, mid, high = sorted(draw(st.tuples(*[floats(least, most)] * 3)))
    return Interval(low=low, mid=mid, high=high)


@st.composite
def numbers(draw: st.DrawFn, key: str) -> Interval:
    if key in ("waypoint_replicas", "waypoint_spare_replicas"):
        return Interval.exactly(1.0 * draw(st.integers(key == "waypoint_replicas", 10**6)))
    if key in ("http_new_connection_share", "istiod_fixed_share"):
        return draw(intervals(most=1.0))
    if key == "waypoint_target_utilisation_share":
        return Interval.exactly(draw(st.floats(1e-9, 1)))
    if key in ("waypoint_limit_vcpu_per_replica", "traffic_growth_factor"):
        return Interval.exactly(draw(st.floats(1e-9, 1e9)))
    if key.startswith("rightsizing_"):
        return Interval.exactly(draw(floats(*RIGHTSIZING_WITHIN.get(key, (0, LARGEST)))))
    return draw(intervals(1e-9 if key.endswith("_to_sidecar_ratio") else 0.0))


@st.composite
def hours(draw: st.DrawFn) -> WorkingHours:
    start, end = sorted(draw(st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1])))
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"]))
    return WorkingHours(days=tuple(sorted(days)), start=start, end=end, time_zone=zone)


node_prices = st.builds(NodePrice, vcpu_hour_usd=amounts, memory_gib_hour_usd=amounts)
placements: st.SearchStrategy[Placement] = st.one_of(
    st.sampled_from([Spread.OBSERVED, Spread.ALL, Spread.NONE]),
    st.lists(names, max_size=5).map(lambda found: Named(tuple(found))),
    st.lists(names, unique=True, min_size=2, max_size=6).map(
        lambda found: Shared((tuple(found[:1]), tuple(found[1:])))
    ),
    shares.map(Share),
)
prices: st.SearchStrategy[Prices] = st.one_of(
    st.sampled_from([PriceSource.FLAT, PriceSource.OPENCOST]),
    st.dictionaries(st.one_of(names, st.just("")), node_prices, min_size=1, max_size=4).map(
        PriceList
    ),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    changed = {
        key: replace(DEFAULTS.assumptions[key], value=draw(numbers(key)), source=draw(st.text()))
        for key in draw(st.sets(st.sampled_from(sorted(DEFAULTS.assumptions)), max_size=6))
    }
    return Scenario(
        assumptions={**DEFAULTS.assumptions, **changed},
        basis=draw(st.sampled_from(Basis)),
        waypoint_placement=draw(placements),
        waypoint_scaling=draw(st.sampled_from(Scaling)),
        waypoint_traffic_distribution=draw(st.sampled_from(TrafficDistribution)),
        ingress_through_waypoint=draw(st.booleans()),
        istio_cni_installed=draw(st.none() | st.booleans()),
        rightsizing_cpu_limit=draw(st.sampled_from(LimitPolicy)),
        prices=draw(prices),
        working_hours=draw(st.none() | hours()),
    )


def without_sources(assumed: Scenario) -> Scenario:
    bare = {name: replace(item, source="") for name, item in assumed.assumptions.items()}
    return replace(assumed, assumptions=bare)


@given(scenarios())
@example(replace(DEFAULTS, waypoint_placement=Named(HOSTILE)))
def test_what_is_printed_reads_as_the_same_scenario(assumed: Scenario) -> None:
    text = as_toml(assumed)
    read = DEFAULTS.changed("again", tomllib.loads(text))

    assert without_sources(read) == without_sources(assumed)
    assert all(line.isprintable() for line in text.splitlines())


def test_printed_defaults_are_still_defaults_when_read() -> None:
    """So that what is measured of ztunnels goes on taking their place."""
    assert DEFAULTS.changed("again", tomllib.loads(as_toml(DEFAULTS))) == DEFAULTS


def test_each_key_is_below_its_unit_and_its_source() -> None:
    lines = as_toml(DEFAULTS).splitlines()

    for name, item in DEFAULTS.assumptions.items():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{name} = "))
        assert lines[at - 2 : at] == [f"# {item.unit}", f"# source: {item.source}"]


def test_a_range_is_a_table_and_an_exact_value_a_plain_number() -> None:
    text = as_toml(DEFAULTS)

    written = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    assert written["ztunnel_vcpu_per_1000_rps"].startswith("{ low = 0.048, ")
    assert tomllib.loads(text)["ztunnel_vcpu_per_1000_rps"] == {
        "low": 0.048,
        "mid": 0.06,
        "high": 0.07,
    }
    assert (written["vcpu_month_usd"], written["waypoint_replicas"]) == ("22", "2")


def test_each_choice_is_written_with_what_is_permitted() -> None:
    text = as_toml(DEFAULTS)

    for choice in CHOICES.values():
        assert f"# permitted: {choice.permitted}\n" in text
    for line in ('basis = "billed"', 'waypoint_placement = "observed"', 'prices = "flat"'):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("key", ["waypoint_placement", "prices", "working_hours"])
def test_each_commented_example_is_a_value_that_may_be(key: str) -> None:
    (line,) = (line for line in as_toml(DEFAULTS).splitlines() if line.startswith(f"# {key} = "))

    assert DEFAULTS.changed("example", tomllib.loads(line.removeprefix("# "))) != DEFAULTS


def test_hours_with_seconds_keep_them() -> None:
    odd = WorkingHours(days=(0,), start=time(8, 0, 30), end=time(18), time_zone="UTC")

    assert odd.to_toml() == {
        "days": ["mon"],
        "start": "08:00:30",
        "end": "18:00",
        "time_zone": "UTC",
    }


def test_a_source_of_several_lines_stays_in_its_comment() -> None:
    assumed = DEFAULTS.changed("a\nvcpu_month_usd = 1\x1b[2J", {"vcpu_month_usd": 31.5})

    above, value, *_ = as_toml(assumed).split("# source: a ")[1].splitlines()
    assert above == "vcpu_month_usd = 1\ufffd[2J"
    assert value == "vcpu_month_usd = 31.5"


# --- through the command line ---


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["project", "--show-scenario", *arguments])
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_it_needs_no_snapshot() -> None:
    assert shown() == as_toml(DEFAULTS, partial(spelled, spelling=FLAGS))
    assert "--scenario" in shown()
    assert "--" not in as_toml(DEFAULTS).splitlines()[0]


def test_it_shows_what_the_file_and_the_options_change(tmp_path: Path) -> None:
    ours, again = tmp_path / "ours.toml", tmp_path / "again.toml"
    ours.write_text('vcpu_month_usd = 31.5\nbasis = "billed"\nwaypoint_placement = ["shop"]\n')
    again.write_text(shown("--scenario", str(ours), "--waypoint-replicas", "3"))

    assert f"# source: {ours}\nvcpu_month_usd = 31.5\n" in again.read_text()
    assert without_sources(load_scenario(again)) == without_sources(
        DEFAULTS.changed(
            "a test",
            {"vcpu_month_usd": 31.5, "basis": "billed", "waypoint_placement": ["shop"]}
            | {"waypoint_replicas": 3},
        )
    )


def test_a_mistake_in_the_file_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text("waypoint_replicas = 0\n")
    result = CliRunner().invoke(cli, ["project", "--show-scenario", "--scenario", str(file)])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "waypoint_replicas is 0. Permitted: " in result.stderr
