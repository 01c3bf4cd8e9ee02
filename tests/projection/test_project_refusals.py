"""What a projection cannot say, and that it says so."""

import math
from collections.abc import Sequence

import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.result import NOTHING_TO_SAVE, Mode
from analyzer.settings import Setting, settings_in
from analyzer.units import Refusal
from tests.projection.builders import MEBIBYTE, Node, Proxy, as_published, mesh, shop_mesh
from tests.projection.fits import calibration, no_fit


def mode_of(projection: Projection, name: str) -> Mode:
    return next(mode for mode in projection.modes if mode.name == name)


def subjects(refusals: Sequence[Refusal]) -> list[str]:
    return [refusal.subject for refusal in refusals]


def details(refusals: Sequence[Refusal]) -> dict[str, str]:
    return {refusal.subject: refusal.detail for refusal in refusals}


def test_without_reservations_the_dollars_are_of_usage_and_that_is_said() -> None:
    usage = mesh(Proxy())
    projection = project_usage(usage, calibration(), as_published(basis="billed"))

    assert projection.basis is Basis.USAGE
    assert set(mode_of(projection, "sidecar").bases) == {Basis.USAGE}
    told = details(projection.refusals)
    assert "not of billed as asked" in told["requested and billed"]
    assert "kube-state-metrics" in told["requested and billed"]


def test_without_nodes_only_sidecars_are_priced_and_the_cure_is_named() -> None:
    projection = project_usage(mesh(Proxy(node=""), nodes=()), calibration(), as_published())

    assert [mode.name for mode in projection.modes] == ["sidecar"]
    assert projection.savings == ()
    assert projection.sensitivity == ()
    told = details(projection.refusals)
    assert settings_in(told["ambient modes"]) == (Setting.NODE_COUNT,)
    assert "savings" not in told


def test_without_a_node_that_runs_daemonsets_there_is_no_ambient() -> None:
    nodes = (Node(name="a", runs_daemonsets=False),)
    projection = project_usage(mesh(Proxy(), nodes=nodes), calibration(), as_published())

    assert [mode.name for mode in projection.modes] == ["sidecar"]
    detail = details(projection.refusals)["ambient modes"]
    assert "no node runs DaemonSets" in detail
    assert not settings_in(detail)


def test_the_users_number_of_nodes_cures_that() -> None:
    projection = project_usage(
        mesh(Proxy(node=""), nodes=()), calibration(), as_published(), node_count=5
    )

    assert mode_of(projection, "ambient-l4").components[0].count == 5
    assert "ambient modes" not in subjects(projection.refusals)


def test_without_a_fit_only_sidecars_are_priced() -> None:
    refused = no_fit()
    fitted = calibration(refused, no_fit("a waypoint"))
    projection = project_usage(shop_mesh(), fitted, as_published())

    assert [mode.name for mode in projection.modes] == ["sidecar"]
    assert "a waypoint" in subjects(projection.refusals)
    assert list(projection.namespaces.columns) == [
        "namespace",
        "sidecar_count",
        "proxy_rps",
        "sidecar_vcpu",
    ]


def test_memory_that_was_not_measured_is_assumed_and_that_is_said() -> None:
    # Two sidecars of 0.5 GiB at 3 dollars; the CPU is free to leave only them.
    assumed = as_published(
        vcpu_month_usd=0, memory_gib_month_usd=3, sidecar_memory_gib_per_proxy=0.5
    )
    projection = project_usage(mesh(Proxy(), Proxy()), calibration(), assumed)

    used = mode_of(projection, "sidecar").bases[Basis.USAGE]
    assert used.usd_per_year.mid == pytest.approx(2 * 0.5 * 3 * 12)
    told = details(projection.refusals)
    assert told["memory of the sidecars"].endswith("taken as 0.5 GiB each")


def test_assumed_memory_has_the_range_of_its_sources() -> None:
    projection = project_usage(mesh(Proxy(), Proxy()), calibration(), as_published())

    memory_gib = mode_of(projection, "sidecar").bases[Basis.USAGE].memory_gib
    assert memory_gib is not None
    # Two sidecars of 45 to 105 MiB, whose geometric mean is 69.
    mebibytes = [1024 * end / 2 for end in (memory_gib.low, memory_gib.mid, memory_gib.high)]
    assert mebibytes == pytest.approx([45, 68.7, 105], rel=0.02)
    noted = details(projection.refusals)["memory of the sidecars"]
    assert noted.endswith("GiB each (0.0439 to 0.103)")


def test_memory_that_was_measured_needs_no_remark() -> None:
    usage = mesh(Proxy(memory_bytes=64 * MEBIBYTE))
    projection = project_usage(usage, calibration(), as_published())

    assert "memory of the sidecars" not in subjects(projection.refusals)


def test_without_any_cost_there_is_no_saving() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published(vcpu_month_usd=0))

    assert projection.savings == ()
    assert NOTHING_TO_SAVE in projection.refusals
    assert mode_of(projection, "ambient-l4").bases[Basis.USAGE].usd_per_year.mid == 0


def test_sidecars_that_reserve_nothing_have_nothing_to_save() -> None:
    usage = mesh(Proxy(reserved_vcpu=0.0))
    projection = project_usage(usage, calibration(), as_published(basis="reserved"))

    assert projection.basis is Basis.RESERVED
    assert projection.savings == ()
    assert NOTHING_TO_SAVE in projection.refusals


def test_a_price_that_may_be_nil_is_no_obstacle() -> None:
    # Its lower half is so wide that some draws end at zero.
    assumed = as_published(vcpu_month_usd={"low": 1, "mid": 10, "high": 12})
    saving = project_usage(shop_mesh(), calibration(), assumed).savings[0]

    assert math.isfinite(saving.percent.low)
    assert saving.percent.mid == pytest.approx(100 * (1 - 0.1872 / 0.44))


def test_a_waypoint_for_a_namespace_that_is_not_there_is_a_warning() -> None:
    misspelt = as_published(waypoint_placement=["shop", "dta", "bnak"])
    projection = project_usage(shop_mesh(), calibration(), misspelt)

    (warning,) = projection.warnings
    assert (warning.name, warning.code) == ("placement_unknown_namespace", "IU402")
    assert "waypoint_placement" in warning.text
    assert "bnak, dta" in warning.text
    assert warning.affected == ("bnak", "dta")
    assert warning.fix
    right = as_published(waypoint_placement=["shop", "data"])
    assert project_usage(shop_mesh(), calibration(), right).warnings == ()
