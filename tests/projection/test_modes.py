"""The modes put together: which there are, of what, and what they cost on each basis."""

from dataclasses import replace

import numpy as np
import pytest

from analyzer.projection.choices import Basis, Placement, Spread
from analyzer.projection.components import COMPONENTS
from analyzer.projection.modes import MODES, ModeNeeds, evaluate, needs_of
from analyzer.projection.needs import Case, Need
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters, best_estimates
from analyzer.units import Provenance, Role
from tests.projection.builders import case, exactly, footprint, load, scenario

ALL_MODES = ["sidecar", "ambient-l4", "ambient-waypoint", "ambient-waypoint-all"]


def parameters(assumed: Scenario | None = None) -> Parameters:
    return exactly(assumed or scenario(), waypoint_idle_vcpu=0.02, waypoint_vcpu_per_1000_rps=0.5)


def test_each_mode_is_made_of_its_components() -> None:
    modes = evaluate(case(load(), parameters(), 2.0))

    assert {name: [need.role for need in mode.needs] for name, mode in modes.items()} == {
        "sidecar": ["sidecar"],
        "ambient-l4": ["ztunnel"],
        "ambient-waypoint": ["ztunnel", "waypoint"],
        "ambient-waypoint-all": ["ztunnel", "waypoint"],
    }
    assert list(modes) == ALL_MODES


def test_every_component_of_a_mode_is_in_the_registry() -> None:
    roles = {part.role for kind in MODES.values() for part in kind.parts}

    assert roles == set(COMPONENTS)
    assert len({kind.colour for kind in COMPONENTS.values()}) == len(COMPONENTS)
    for kind in COMPONENTS.values():
        assert kind.memory in scenario().assumptions


def test_sidecars_need_what_was_measured_in_every_draw() -> None:
    three = replace(
        parameters(),
        waypoint_idle_vcpu=np.full(3, 0.02),
        waypoint_vcpu_per_1000_rps=np.full(3, 0.5),
    )
    carried = load(sidecars=footprint(2.0, reserved_vcpu=3.0, billed_vcpu=4.0))
    mode = needs_of("sidecar", Case(load=carried, parameters=three))

    assert mode.vcpu(Basis.USAGE).tolist() == [2, 2, 2]
    assert mode.vcpu(Basis.RESERVED).tolist() == [3, 3, 3]
    assert mode.vcpu(Basis.BILLED).tolist() == [4, 4, 4]
    assert mode.needs[0].provenance is Provenance.MEASURED
    assert mode.needs[0].count == 10


def test_without_the_cost_of_a_waypoint_there_are_only_sidecars() -> None:
    assert list(evaluate(case(load(), best_estimates(scenario())))) == ["sidecar"]


def test_without_the_nodes_there_are_only_sidecars() -> None:
    unknown = replace(load(), nodes=None)

    assert list(evaluate(case(unknown, parameters()))) == ["sidecar"]


def test_a_basis_that_is_not_known_of_the_sidecars_is_absent() -> None:
    modes = evaluate(case(load(), parameters(), 2.0))

    assert modes["sidecar"].bases == (Basis.USAGE,)
    assert modes["ambient-l4"].bases == (Basis.USAGE, Basis.RESERVED, Basis.BILLED)


def test_a_mode_costs_its_cpu_and_its_memory() -> None:
    assumed = scenario(vcpu_month_usd=20, memory_gib_month_usd=3)
    need = Need(
        role=Role.ZTUNNEL,
        count=1,
        provenance=Provenance.PUBLISHED,
        vcpu={Basis.USAGE: np.array([2.0])},
        memory_gib={Basis.USAGE: np.array([5.0])},
    )
    mode = ModeNeeds(name="ambient-l4", needs=(need, need))

    # 4 vCPU at 20 and 10 GiB at 3 dollars, for twelve months.
    assert mode.usd_per_year(Basis.USAGE, parameters(assumed)).tolist() == [(80 + 30) * 12]


def test_memory_that_one_component_does_not_know_is_not_known_of_the_mode() -> None:
    known = Need(
        role=Role.ZTUNNEL,
        count=1,
        provenance=Provenance.PUBLISHED,
        vcpu={Basis.USAGE: np.array([2.0])},
        memory_gib={Basis.USAGE: np.array([5.0])},
    )
    unknown = Need(
        role=Role.WAYPOINT,
        count=1,
        provenance=Provenance.DERIVED,
        vcpu={Basis.USAGE: np.array([1.0])},
        memory_gib={},
    )
    mode = ModeNeeds(name="ambient-waypoint", needs=(known, unknown))

    assert mode.memory_gib(Basis.USAGE) is None
    priced = parameters(scenario(vcpu_month_usd=10, memory_gib_month_usd=3))
    assert mode.usd_per_year(Basis.USAGE, priced).tolist() == pytest.approx([3 * 10 * 12])


def test_sidecars_whose_memory_was_not_measured_do_not_get_it_for_nothing() -> None:
    # Ten sidecars of 0.5 GiB at 4 dollars a month, beside 2 vCPU at 10.
    assumed = scenario(vcpu_month_usd=10, memory_gib_month_usd=4, sidecar_memory_gib_per_proxy=0.5)
    mode = evaluate(case(load(), parameters(assumed), 2.0))["sidecar"]

    assert mode.usd_per_year(Basis.USAGE, parameters(assumed)).tolist() == [(20 + 20) * 12]


def waypoint_count(placement: object) -> float:
    """Return how many waypoints `ambient-waypoint` has of three namespaces, two with HTTP."""
    mesh = load(waypoint_rps=[10, 0, 20], has_http=[True, False, True])
    placed = scenario(waypoint_placement=placement).waypoint_placement
    chosen = replace(parameters(), placement=placed)
    need = evaluate(case(mesh, chosen))["ambient-waypoint"].needs[1]
    return need.count


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("observed", 2),
        ("all", 3),
        ("none", 0),
        (["namespace-1"], 1),
        (["namespace-0", "namespace-1", "namespace-2"], 3),
        (0.25, 0.5),
    ],
    ids=str,
)
def test_waypoints_are_where_the_scenario_places_them(placement: object, expected: float) -> None:
    assert waypoint_count(placement) == expected


def test_the_placement_leaves_the_other_modes_alone() -> None:
    mesh = load(waypoint_rps=[10, 0], has_http=[True, False])
    placements: tuple[Placement, ...] = (Spread.OBSERVED, Spread.NONE)
    found = [evaluate(case(mesh, replace(parameters(), placement=placed))) for placed in placements]

    for name in ("sidecar", "ambient-l4", "ambient-waypoint-all"):
        assert found[0][name].vcpu(Basis.USAGE) == found[1][name].vcpu(Basis.USAGE)
    none = found[1]
    assert none["ambient-waypoint"].vcpu(Basis.BILLED) == none["ambient-l4"].vcpu(Basis.BILLED)


def test_each_component_is_paid_at_its_own_price_and_basis() -> None:
    free, dear = np.array([0.0]), np.array([100.0])
    need = Need(
        role=Role.ZTUNNEL,
        count=1,
        provenance=Provenance.PUBLISHED,
        vcpu={Basis.USAGE: np.array([2.0]), Basis.RESERVED: np.array([3.0])},
        memory_gib={Basis.USAGE: np.array([5.0]), Basis.RESERVED: np.array([7.0])},
        month_usd={Basis.USAGE: (dear, free), Basis.RESERVED: (free, dear)},
    )
    flat = replace(need, month_usd=None)
    mode = ModeNeeds(name="ambient-l4", needs=(need, flat))
    priced = parameters(scenario(vcpu_month_usd=10, memory_gib_month_usd=1))

    # The one at 100 dollars, the other at 10 and 1.
    assert mode.usd_per_year(Basis.USAGE, priced).tolist() == [(200 + 20 + 5) * 12]
    assert mode.usd_per_year(Basis.RESERVED, priced).tolist() == [(700 + 30 + 7) * 12]
