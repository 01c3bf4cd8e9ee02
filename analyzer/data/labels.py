"""What installations call the labels of a container, by families of names that occur together."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PATH = Path(__file__).parent / "labels.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Names that one kind of installation gives to the labels of a container.

    Attributes:
        before_target: whether a scrape gives such names to an exporter's labels, which are right
            where the usual ones are those of the target.
        source: where the names are documented.
    """

    pod: str
    namespace: str
    container: str
    node: str
    before_target: bool
    source: str


@cache
def label_families() -> tuple[Family, ...]:
    """Return all families, the more usual first."""
    with _PATH.open("rb") as file:
        entries = tomllib.load(file)["family"]
    usual = {**entries[0], "before_target": False}
    return tuple(Family(**{**usual, **entry}) for entry in entries)
