"""The assumptions of a projection, written as a file that is read into the same ones.

Most runs write none, so this and what writes TOML are imported by those that do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

import tomlkit
from tomlkit.items import Comment, Item

from analyzer.projection import choices
from analyzer.projection.choices import CHOICES
from analyzer.projection.scenario import ZONE_PRICE, Scenario
from analyzer.settings import Setting

_OF_ZONES: Final = "waypoint_traffic_distribution"
"""A choice that plays no part where no price of bytes between zones does."""

_HEADER: Final = f"""\
Assumptions of a projection. Keep only the lines that you change.
Give the file with {Setting.SCENARIO}.
A number may be a 90 % interval: {{ low = ..., mid = ..., high = ... }}.
Replicas, limits, the target of utilisation, growth and right-sizing have no interval.
Measured costs of ztunnels replace the defaults. Other costs of ztunnels
scale with the measured cost of a sidecar unless you change them."""

_MOST_DIGITS: Final = 1e15
"""Whole numbers below this are written without a decimal point, and are exact when read again."""


def as_toml(scenario: Scenario, spelled: Callable[[str], str] = str) -> str:
    """Return the scenario as a file that `load_scenario` reads into the same scenario.

    A comment above each key has its meaning and permitted values. `spelled` names settings in the
    first lines as the front end does.
    """
    document = tomlkit.document()
    for line in spelled(_HEADER).splitlines():
        document.add(tomlkit.comment(line))
    for item in scenario.assumptions.values():
        document.add(tomlkit.nl())
        document.add(_comment(item.unit))
        document.add(_comment(f"source: {item.source}"))
        ends = asdict(item.value)
        is_exact = item.value.low == item.value.high
        document.add(item.name, _written(item.value.mid if is_exact else ends))
    for key, choice in CHOICES.items():
        if key == _OF_ZONES and ZONE_PRICE not in scenario.assumptions:
            continue
        value = choices.toml_of(getattr(scenario, key))
        document.add(tomlkit.nl())
        document.add(_comment(choice.meaning))
        document.add(_comment(f"permitted: {choice.permitted}"))
        if choice.example and not isinstance(value, list | Mapping):
            document.add(_comment(choice.example))
        if value is not None:
            document.add(key, _written(value))
    # Control characters occur only in strings, where TOML has an escape for them.
    return "".join(
        letter if letter.isprintable() or letter == "\n" else f"\\U{ord(letter):08x}"
        for letter in document.as_string()
    )


def _written(value: object) -> Item:
    """Return a value as TOML: whole numbers without a decimal point, tables inline."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_DIGITS:
        return tomlkit.item(int(value))
    if not isinstance(value, Mapping):
        return tomlkit.item(value)
    table = tomlkit.inline_table()
    items = {str(key): _written(item) for key, item in value.items()}
    first, *_, last = [*items.values()] * 2
    first.trivia.indent = last.trivia.trail = " "
    for key, item in items.items():
        table.append(key, item)
    return table


def _comment(text: str) -> Comment:
    line = " ".join(text.split())
    return tomlkit.comment("".join(item if item.isprintable() else "\ufffd" for item in line))
