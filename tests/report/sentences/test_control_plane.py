"""The sentence about istiod, and its table."""

from dataclasses import replace

from analyzer.measurement.istiod import Istiod
from analyzer.projection import Projection, project_usage
from analyzer.report.sentences.control_plane import control_plane_line
from analyzer.report.table import View, in_line
from analyzer.report.tables.control_plane import control_plane
from tests.projection.builders import as_published, shop_mesh
from tests.projection.fits import calibration
from tests.report.answers import constants_only


def projection() -> Projection:
    """Return the shop mesh with an istiod that uses 0.4 vCPU, all of it for the proxies."""
    usage = replace(shop_mesh(), istiod=Istiod(vcpu=0.4, memory_gib=1.0))
    assumed = as_published(istiod_fixed_share=0, istiod_ztunnel_to_sidecar_ratio=1)
    return project_usage(usage, calibration(), assumed)


def test_istiod_is_beside_the_totals() -> None:
    # Three sidecars and a gateway; a gateway and two ztunnels; two waypoints beside them.
    (line,) = control_plane_line(projection())

    assert line == (
        "Not in the totals: istiod, which serves 4 proxies in sidecar mode and would serve 3 in "
        "ambient L4 and 5 with waypoints. It uses 0.4 vCPU (measured), and would use 0.3 in "
        "ambient L4."
    )


def test_published_constants_have_no_sentence() -> None:
    found = constants_only().projection

    assert found is not None
    assert not [*control_plane_line(found)]
    assert not control_plane(found).rows


def test_its_table_has_a_row_a_mode() -> None:
    table = control_plane(projection())
    shown = [
        [
            in_line(cell, column.heads[View.TEXT])
            for column, cell in zip(table.columns, row, strict=True)
            if View.TEXT in column.heads
        ]
        for row in table.rows
    ]

    assert shown[:2] == [
        ["sidecar mode", "4", "0.4", "1", "$106", "measured"],
        ["ambient L4", "3", "0.3", "0.75", "$79", "derived"],
    ]
    assert len(shown) == 4
