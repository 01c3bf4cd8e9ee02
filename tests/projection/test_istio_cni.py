"""Whether istio-cni is installed: stated, detected, or not known; and what follows."""

from dataclasses import replace

import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.istio_cni import IstioCni, Origin
from tests.projection.builders import as_published, shop_mesh
from tests.projection.fits import calibration

_KEY = "istio_cni_installed"


def projected(share: float | None, **changes: object) -> Projection:
    """Return the shop mesh with istio-cni in this share of its clusters."""
    usage = replace(shop_mesh(), istio_cni_share=share)
    return project_usage(usage, calibration(), as_published(**changes))


@pytest.mark.parametrize(
    ("share", "stated", "expected"),
    [
        (None, {}, IstioCni(is_installed=False, origin=Origin.UNKNOWN)),
        (0.0, {}, IstioCni(is_installed=False, origin=Origin.DETECTED)),
        (0.5, {}, IstioCni(is_installed=False, origin=Origin.DETECTED, is_in_some=True)),
        (1.0, {}, IstioCni(is_installed=True, origin=Origin.DETECTED)),
        (1.0, {_KEY: False}, IstioCni(is_installed=False, origin=Origin.STATED)),
        (None, {_KEY: True}, IstioCni(is_installed=True, origin=Origin.STATED)),
    ],
)
def test_what_is_stated_wins_then_what_was_detected(
    share: float | None, stated: dict[str, object], expected: IstioCni
) -> None:
    projection = projected(share, **stated)

    assert projection.istio_cni == expected
    # Two nodes: 0.2 vCPU for each ztunnel, and 0.1 for istio-cni unless it is there.
    l4 = next(mode for mode in projection.modes if mode.name == "ambient-l4")
    each = 0.2 if expected.is_installed else 0.3
    assert l4.bases[Basis.RESERVED].vcpu.mid == pytest.approx(2 * each)


def test_without_ambient_the_question_does_not_arise() -> None:
    usage = replace(shop_mesh(), nodes=shop_mesh().nodes.iloc[:0])
    usage = replace(usage, proxies=usage.proxies.assign(node=""))

    assert project_usage(usage, calibration(), as_published()).istio_cni is None
