"""Kind F: prices of nodes that are zero, absent or impossible."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.support.bent.edit import Random, label
from tests.support.bent.scene import Kind, Scene
from tests.support.sampling import with_value
from tests.support.series import Series

FROM_OPENCOST = 'prices = "opencost"\n'


def is_price(series: Series) -> bool:
    """Whether OpenCost exposes it."""
    return series.name.endswith("_hourly_cost")


def asked_with_prices(scene: Scene, folder: Path) -> Scene:
    """Return the question with the prices that OpenCost has."""
    path = folder / "opencost.toml"
    path.write_text(FROM_OPENCOST)
    return replace(scene, flags=(*scene.flags, "--scenario", str(path)))


def _priced(scene: Scene, change: Callable[[Series, int], Series | None]) -> Scene:
    """Return a scene with other prices; the second argument is the node's number."""
    nodes = sorted({label(one, "node") for one in scene.mesh.series if is_price(one)})

    def found() -> Iterator[Series]:
        for one in scene.mesh.series:
            edited = change(one, nodes.index(label(one, "node"))) if is_price(one) else one
            if edited is not None:
                yield edited

    return scene.storing(found(), Kind.PRICES)


def zero_prices(scene: Scene, _: Random) -> Scene:
    """Let two nodes cost nothing, and let one have no price."""

    def change(one: Series, node: int) -> Series | None:
        if node == 0:
            return None
        return with_value(one, 0.0) if node in {1, 2} else one

    return _priced(scene, change)


def missing_prices(scene: Scene, _: Random) -> Scene:
    """Let every other node have no price."""
    return _priced(scene, lambda one, node: one if node % 2 else None)


def negative_prices(scene: Scene, _: Random) -> Scene:
    """Let one node have a price below zero, as after a credit."""
    return _priced(scene, lambda one, node: with_value(one, -0.02) if node == 1 else one)


def not_a_number(scene: Scene, _: Random) -> Scene:
    """Let the price of two nodes be NaN."""

    def change(one: Series, node: int) -> Series:
        return replace(one, values=np.full_like(one.values, np.nan)) if node < 2 else one

    return _priced(scene, change)


def zero_at_times(scene: Scene, _: Random) -> Scene:
    """Let the price of one node be 0 for the first half of the time."""

    def change(one: Series, node: int) -> Series:
        values = one.values.copy()
        if node == 0:
            values[: len(values) // 2] = 0.0
        return replace(one, values=values)

    return _priced(scene, change)
