"""What is evaluated only once is what it would be if it were evaluated again, to the last bit."""

from typing import Any

import pytest

from analyzer.projection.choices import Basis
from analyzer.projection.demand import mesh_load
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, SIDECAR, needs_of
from analyzer.projection.needs import Case
from analyzer.projection.saved import SavedWithOne
from analyzer.projection.uncertainty import drawn
from tests.projection.builders import scenario, shop_mesh
from tests.projection.fits import calibration


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"basis": "billed", "vcpu_month_usd": {"low": 22, "mid": 25, "high": 30}},
        {"waypoint_placement": "all", "waypoint_limit_vcpu_per_replica": 0.05},
    ],
)
def test_each_figure_moves_the_saving_as_an_evaluation_of_everything_does(
    changed: dict[str, Any],
) -> None:
    assumed = scenario(**changed)
    load = mesh_load(shop_mesh())
    case = Case(load=load, parameters=drawn(assumed, calibration(), load.ranges))
    found = SavedWithOne(case, assumed.basis)
    names = [*case.parameters.values, *case.parameters.fitted]
    moved = 0
    for name in names:
        for value in (0.5, 2.0):
            again = Case(load=load, parameters=case.parameters.with_one_at(name, value))
            for mode in (AMBIENT_L4, AMBIENT_WAYPOINT):
                before, after = (
                    needs_of(each, again).usd_per_year(assumed.basis, again.parameters)[0]
                    for each in (SIDECAR, mode)
                )
                saved_usd = found.usd_per_year(mode, name, value)
                assert saved_usd == before - after, (mode, name, value)
                moved += saved_usd != found.usd_per_year(mode, "", 0.0)

    # Else nothing would have been asked.
    assert moved > len(names) / 2


def test_every_basis_has_its_own_saving() -> None:
    assumed = scenario()
    load = mesh_load(shop_mesh())
    case = Case(load=load, parameters=drawn(assumed, calibration(), load.ranges))
    found = {
        basis: SavedWithOne(case, basis).usd_per_year(AMBIENT_WAYPOINT, "", 0.0)
        for basis in (Basis.USAGE, Basis.RESERVED)
    }

    assert found[Basis.USAGE] != found[Basis.RESERVED]
