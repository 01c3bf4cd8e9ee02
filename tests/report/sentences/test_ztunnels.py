"""Sentences about what ztunnels need beside CPU."""

import pytest

from analyzer.projection import project_usage
from analyzer.projection.istio_cni import IstioCni, Origin
from analyzer.report.sentences.ztunnels import istio_cni_line, memory_line
from tests.projection.builders import scenario, shop_mesh
from tests.projection.fits import calibration


def test_the_memory_of_a_ztunnel_is_beside_what_was_observed() -> None:
    assumed = scenario(cluster_pods=15_000, cluster_services=2_000)
    (line,) = memory_line(project_usage(shop_mesh(), calibration(), assumed))

    # 64 + 15,000 x 0.008 + 2,000 x 0.004 MiB.
    assert line.startswith("Memory per ztunnel: 192 (")
    assert line.endswith(
        " MiB, by a padded formula of pods, services and connections. Observed in other meshes: "
        "11.4-38 MiB."
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            IstioCni(is_installed=True, origin=Origin.STATED),
            "The scenario states that istio-cni is installed, so ambient adds no request for it.",
        ),
        (
            IstioCni(is_installed=False, origin=Origin.STATED),
            (
                "The scenario states that istio-cni is not installed, so ambient adds its requests "
                "on every node."
            ),
        ),
        (
            IstioCni(is_installed=True, origin=Origin.DETECTED),
            "istio-cni was detected in this mesh, so ambient adds no request for it.",
        ),
        (
            IstioCni(is_installed=False, origin=Origin.DETECTED),
            "istio-cni was detected nowhere, so ambient adds its requests on every node.",
        ),
        (
            IstioCni(is_installed=False, origin=Origin.DETECTED, is_in_some=True),
            (
                "istio-cni was detected in some clusters only, so ambient adds its requests on "
                "every node."
            ),
        ),
        (
            IstioCni(is_installed=False, origin=Origin.UNKNOWN),
            (
                "Whether istio-cni is installed is not known from this snapshot, so ambient adds "
                "its requests on every node. If it is installed, set istio_cni_installed to true "
                "in the scenario."
            ),
        ),
    ],
)
def test_whether_istio_cni_is_installed_has_its_origin(found: IstioCni, expected: str) -> None:
    assert istio_cni_line(found) == expected
