"""A scenario as the text of a scenario file, with what each key means and may be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.data import Assumption
from analyzer.projection.choices import PERMITTED
from analyzer.projection.scenario import Scenario
from analyzer.units import Interval

__all__ = ["as_toml"]

_HEADER: Final = """\
# What a projection assumes. Keep the lines you want to change: `--scenario FILE` reads this file.
# Each number may be a range, { low = ..., mid = ..., high = ... }, of which 90 % is sure; replicas,
# limits, shares and growth may not. What is measured of ztunnels takes the place of a default.
"""

_EXAMPLES: Final[Mapping[str, str]] = {
    "waypoint_placement": 'waypoint_placement = ["shop", "data"]',
    "prices": (
        'prices = { "m5.xlarge" = { vcpu_hour_usd = 0.048, memory_gib_hour_usd = 0.0064 } }'
    ),
    "working_hours": (
        'working_hours = { days = ["mon", "tue", "wed", "thu", "fri"], start = "08:00", '
        'end = "18:00", time_zone = "Europe/Berlin" }'
    ),
}

_MEANINGS: Final[Mapping[str, str]] = {
    "basis": "which vCPUs the headline dollars are of",
    "waypoint_placement": "which namespaces get waypoints in the mode ambient-waypoint",
    "ingress_through_waypoint": "whether what comes from ingress gateways passes waypoints too",
    "istio_cni_installed": "whether istio-cni runs already, so that ambient need not bring it",
    "prices": "where prices come from; flat: vcpu_month_usd and memory_gib_month_usd of every node",
    "working_hours": "which part of the week counts; all of it where not set",
}

_MOST_DIGITS: Final = 1e15
"""Whole numbers below are written without a point and are the same number when read again."""


def as_toml(scenario: Scenario) -> str:
    """Return the scenario as a file that `load_scenario` reads into the same scenario."""
    parts = [_HEADER.rstrip()]
    parts += ["\n".join(_assumption(item)) for item in scenario.assumptions.values()]
    parts += ["\n".join(_choice(key, value)) for key, value in _choices(scenario).items()]
    return "\n\n".join(parts) + "\n"


def _assumption(item: Assumption) -> Iterator[str]:
    yield _comment(item.unit)
    yield _comment(f"source: {item.source}")
    yield f"{item.name} = {_interval(item.value)}"


def _choices(scenario: Scenario) -> dict[str, object]:
    hours = scenario.working_hours
    return {
        "basis": str(scenario.basis),
        "waypoint_placement": scenario.waypoint_placement.to_toml(),
        "ingress_through_waypoint": scenario.ingress_through_waypoint,
        "istio_cni_installed": scenario.istio_cni_installed,
        "prices": scenario.prices.to_toml(),
        "working_hours": None if hours is None else hours.to_toml(),
    }


def _choice(key: str, value: object) -> Iterator[str]:
    yield _comment(_MEANINGS[key])
    yield _comment(f"permitted: {PERMITTED[key]}")
    if key in _EXAMPLES and not isinstance(value, list | Mapping):
        yield _comment(_EXAMPLES[key])
    if value is not None:
        yield f"{key} = {_value(value)}"


def _interval(value: Interval) -> str:
    if value.low == value.high:
        return _number(value.mid)
    ends = {"low": value.low, "mid": value.mid, "high": value.high}
    return f"{{ {', '.join(f'{end} = {_number(number)}' for end, number in ends.items())} }}"


def _value(value: object) -> str:
    """Return a value as TOML, tables inline."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        pairs = [f"{_key(str(key))} = {_value(item)}" for key, item in value.items()]
        return f"{{ {', '.join(pairs)} }}"
    return _text(str(value))


def _number(value: float) -> str:
    value = float(value)
    is_whole = value.is_integer() and abs(value) < _MOST_DIGITS
    return str(int(value)) if is_whole else repr(value)


def _key(name: str) -> str:
    is_bare = name.isascii() and name.isidentifier()
    return name if is_bare else _text(name)


def _text(text: str) -> str:
    """Return a TOML basic string; what a terminal would obey is escaped, as TOML demands of some.

    JSON's escapes are TOML's, but for characters beyond the first plane, which stay as they are.
    """
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(item if item.isprintable() else f"\\U{ord(item):08x}" for item in quoted)


def _comment(text: str) -> str:
    line = " ".join(text.split())
    return f"# {''.join(item if item.isprintable() else '�' for item in line)}"
