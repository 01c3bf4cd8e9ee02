"""What a scenario chooses where it is not a number, and how a wrong choice is told."""

from datetime import time
from pathlib import Path

import pandas as pd
import pytest

from analyzer.errors import UsageError
from analyzer.projection.choices import (
    NodePrice,
    PriceList,
    PriceSource,
    Spread,
    WorkingHours,
    toml_of,
    waypoint_weights,
)
from analyzer.projection.scenario import Scenario, load_scenario
from tests.projection.builders import scenario

HOURS = 'days = ["mon"], start = "08:00", end = "18:00", time_zone = "UTC"'

NO_BASIS = "usage, reserved, billed"
NO_FLAG = "true, false"
NO_PLACEMENT = "observed, all, none, a list of namespaces, a share from 0 to 1, or"
NO_PRICES = "flat, opencost, or a table of prices by instance type"
NO_NODE_PRICE = "{ vcpu_hour_usd = number, memory_gib_hour_usd = number }, each 0, or from 1e-12"
NO_HOURS = "a table like { days = "
NO_NUMBER = "a number, or { low = number, mid = number, high = number }"
NO_COUNT = "a whole number from 0 up"
NO_SHARE = "a number above 0, up to 1"
POSITIVE = "numbers above 0"

WRONG = [
    # basis and the two flags
    ("basis = true", "basis", NO_BASIS),
    ("basis = { usage = 1 }", "basis", NO_BASIS),
    ("ingress_through_waypoint = 1", "ingress_through_waypoint", NO_FLAG),
    ('ingress_through_waypoint = "true"', "ingress_through_waypoint", NO_FLAG),
    ("istio_cni_installed = 0.0", "istio_cni_installed", NO_FLAG),
    ("istio_cni_installed = [true]", "istio_cni_installed", NO_FLAG),
    # where waypoints are
    ("waypoint_placement = 1.2", "waypoint_placement", NO_PLACEMENT),
    ("waypoint_placement = -0.1", "waypoint_placement", NO_PLACEMENT),
    ("waypoint_placement = nan", "waypoint_placement", NO_PLACEMENT),
    ("waypoint_placement = inf", "waypoint_placement", NO_PLACEMENT),
    ("waypoint_placement = true", "waypoint_placement", NO_PLACEMENT),
    ('waypoint_placement = "some"', "waypoint_placement", NO_PLACEMENT),
    ('waypoint_placement = "shop"', "waypoint_placement", NO_PLACEMENT),
    ("waypoint_placement = [3]", "waypoint_placement", NO_PLACEMENT),
    ('waypoint_placement = ["shop", ""]', "waypoint_placement", NO_PLACEMENT),
    ('waypoint_placement = [["shop"]]', "waypoint_placement", NO_PLACEMENT),
    ("waypoint_placement = { shop = true }", "waypoint_placement", NO_PLACEMENT),
    # prices
    ('prices = "aws"', "prices", NO_PRICES),
    ("prices = 22", "prices", NO_PRICES),
    ("prices = true", "prices", NO_PRICES),
    ("prices = {}", "prices", NO_PRICES),
    ("prices = [{ vcpu_hour_usd = 1 }]", "prices", NO_PRICES),
    ("prices.big = 1", "prices.big", NO_NODE_PRICE),
    ("prices.big = { vcpu_hour_usd = 1 }", "prices.big", NO_NODE_PRICE),
    (
        "prices.big = { vcpu_hour_usd = 1, memory_gib_hour_usd = 1, gpu = 1 }",
        "prices.big",
        NO_NODE_PRICE,
    ),
    ("prices.big = { vcpu_hour_usd = -1, memory_gib_hour_usd = 1 }", "prices.big", NO_NODE_PRICE),
    ("prices.big = { vcpu_hour_usd = nan, memory_gib_hour_usd = 1 }", "prices.big", NO_NODE_PRICE),
    ("prices.big = { vcpu_hour_usd = 1, memory_gib_hour_usd = inf }", "prices.big", NO_NODE_PRICE),
    ("prices.big = { vcpu_hour_usd = true, memory_gib_hour_usd = 1 }", "prices.big", NO_NODE_PRICE),
    ('prices.big = { vcpu_hour_usd = "1", memory_gib_hour_usd = 1 }', "prices.big", NO_NODE_PRICE),
    (
        f"prices.big = {{ vcpu_hour_usd = 1{'0' * 400}, memory_gib_hour_usd = 1 }}",
        "prices.big",
        NO_NODE_PRICE,
    ),
    (
        "prices.big = { vcpu_hour_usd = 1e-300, memory_gib_hour_usd = 0 }",
        "prices.big",
        NO_NODE_PRICE,
    ),
    # A name with a dot in it that was not quoted.
    (
        "prices.m5.large = { vcpu_hour_usd = 1, memory_gib_hour_usd = 1 }",
        "prices.m5",
        NO_NODE_PRICE,
    ),
    # working hours
    ('working_hours = "nine to five"', "working_hours", NO_HOURS),
    ("working_hours = {}", "working_hours", NO_HOURS),
    ("working_hours = [8, 18]", "working_hours", NO_HOURS),
    (f"working_hours = {{ {HOURS}, pause = 1 }}", "working_hours", NO_HOURS),
    *(
        (f"working_hours = {{ {HOURS.replace(right, wrong)} }}", "working_hours", NO_HOURS)
        for right, wrong in [
            ('["mon"]', "[]"),
            ('["mon"]', '["monday"]'),
            ('["mon"]', "[1]"),
            ('["mon"]', '"mon"'),
            ('["mon"]', "3"),
            ('["mon"]', "{ mon = true }"),
            ('"08:00"', '"19:00"'),
            ('"08:00"', '"18:00"'),
            ('"08:00"', "8"),
            ('"08:00"', '"8 o clock"'),
            ('"08:00"', '"08:00+01:00"'),
            ('"18:00"', '"25:00"'),
            ('"18:00"', "true"),
            ('"UTC"', '"Mars/Olympus"'),
            ('"UTC"', '""'),
            ('"UTC"', '"Europe"'),
            ('"UTC"', '"../../etc/passwd"'),
            ('"UTC"', "1"),
        ]
    ),
    # numbers of the new keys
    ("waypoint_spare_replicas = -1", "waypoint_spare_replicas", NO_COUNT),
    ("waypoint_spare_replicas = 0.5", "waypoint_spare_replicas", NO_COUNT),
    ("waypoint_spare_replicas = true", "waypoint_spare_replicas", NO_NUMBER),
    ("waypoint_target_utilisation_share = 1.2", "waypoint_target_utilisation_share", NO_SHARE),
    ("waypoint_target_utilisation_share = 0", "waypoint_target_utilisation_share", NO_SHARE),
    (
        "waypoint_target_utilisation_share = { low = 0.5, mid = 0.6, high = 0.7 }",
        "waypoint_target_utilisation_share",
        NO_SHARE,
    ),
    ("waypoint_limit_vcpu_per_replica = 0", "waypoint_limit_vcpu_per_replica", POSITIVE),
    ("traffic_growth_factor = 0", "traffic_growth_factor", POSITIVE),
    ("traffic_growth_factor = -2", "traffic_growth_factor", POSITIVE),
    ("traffic_growth_factor = nan", "traffic_growth_factor", "finite numbers"),
    (
        "traffic_growth_factor = { low = 1, mid = 2, high = 3 }",
        "traffic_growth_factor",
        "a number without a range",
    ),
    ("vcpu_month_usd = { mid = { mid = 1 } }", "vcpu_month_usd", NO_NUMBER),
    ("vcpu_month_usd = { mid = true }", "vcpu_month_usd", NO_NUMBER),
    ("vcpu_month_usd = {}", "vcpu_month_usd", NO_NUMBER),
]


@pytest.mark.parametrize(
    ("text", "key", "permitted"), [pytest.param(*case, id=case[0][:90]) for case in WRONG]
)
def test_a_wrong_value_is_one_line_with_file_key_and_what_is_permitted(
    tmp_path: Path, text: str, key: str, permitted: str
) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_scenario(file)

    message = str(caught.value)
    assert message.startswith(f"{file}: {key} is ")
    assert permitted in message.split("Permitted: ")[1]
    assert "\n" not in message


def test_a_name_with_a_line_break_in_it_is_shown_in_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        scenario(prices={"big\nnode": 1})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "choices",
    [
        {"basis": "billed"},
        {"waypoint_placement": "observed"},
        {"waypoint_placement": "all"},
        {"waypoint_placement": "none"},
        {"waypoint_placement": ["shop", "data"]},
        {"waypoint_placement": 0.25},
        {"waypoint_placement": 0},
        {"ingress_through_waypoint": True, "istio_cni_installed": True},
        {"prices": "opencost"},
        {"prices": {"m5.large": {"vcpu_hour_usd": 0.03, "memory_gib_hour_usd": 0}}},
        {
            "working_hours": {
                "days": ["FRI", "mon", "mon"],
                "start": "07:30:15",
                "end": "18:00",
                "time_zone": "Europe/Berlin",
            }
        },
        {
            "working_hours": {
                "days": ["sat"],
                "start": "00:00",
                "end": "23:59:59.5",
                "time_zone": "Asia/Kolkata",
            }
        },
    ],
    ids=str,
)
def test_a_written_choice_is_read_as_the_same_choice(choices: dict[str, object]) -> None:
    chosen = scenario(**choices)
    told: dict[str, object] = {
        "basis": str(chosen.basis),
        "waypoint_placement": toml_of(chosen.waypoint_placement),
        "ingress_through_waypoint": chosen.ingress_through_waypoint,
        "prices": toml_of(chosen.prices),
    }
    if chosen.istio_cni_installed is not None:
        told["istio_cni_installed"] = chosen.istio_cni_installed
    if chosen.working_hours:
        told["working_hours"] = chosen.working_hours.to_toml()

    assert scenario(**told) == chosen
    assert chosen != scenario() or choices == {"waypoint_placement": "observed"}


def test_the_defaults_choose_what_the_readme_has() -> None:
    default = scenario()

    assert default.waypoint_placement == Spread.OBSERVED
    assert default.prices == PriceSource.FLAT
    assert not default.ingress_through_waypoint
    assert default.istio_cni_installed is None
    assert default.working_hours is None


def test_a_table_of_prices_is_read_by_instance_type(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('[prices."m5.large"]\nvcpu_hour_usd = 0.03\nmemory_gib_hour_usd = 0\n')

    assert load_scenario(file).prices == PriceList(
        {"m5.large": NodePrice(vcpu_hour_usd=0.03, memory_gib_hour_usd=0.0)}
    )


def test_days_are_read_in_any_order_and_times_as_toml_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(
        'working_hours = { days = ["Sun", "tue"], start = 08:00:00, end = "17:30", '
        'time_zone = "Europe/Berlin" }'
    )

    assert load_scenario(file).working_hours == WorkingHours(
        days=(1, 6), start=time(8), end=time(17, 30), time_zone="Europe/Berlin"
    )


def weights(chosen: Scenario) -> list[float]:
    """Return how much of a waypoint a, b and c get, of which a and c carry HTTP."""
    namespaces = pd.DataFrame({"namespace": ["a", "b", "c"], "has_http": [True, False, True]})
    return [float(weight) for weight in waypoint_weights(chosen.waypoint_placement, namespaces)]


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("observed", [1, 0, 1]),
        ("all", [1, 1, 1]),
        ("none", [0, 0, 0]),
        (["b", "c"], [0, 1, 1]),
        ([], [0, 0, 0]),
        (0.3, [0.3, 0, 0.3]),
        (0, [0, 0, 0]),
        (1, [1, 0, 1]),
    ],
    ids=str,
)
def test_each_placement_gives_each_namespace_its_part_of_a_waypoint(
    placement: object, expected: list[float]
) -> None:
    assert weights(scenario(waypoint_placement=placement)) == expected
