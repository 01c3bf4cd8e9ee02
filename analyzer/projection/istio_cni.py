"""Whether istio-cni is installed already: as the scenario states, or as its containers show."""

from dataclasses import dataclass, field
from enum import StrEnum

from analyzer.measurement.usage import MeshUsage
from analyzer.projection.scenario import Scenario


class Origin(StrEnum):
    """Where it is known from."""

    STATED = "stated"
    """By the scenario."""
    DETECTED = "detected"
    """By the containers that the kubelets report."""
    UNKNOWN = "unknown"
    """An older version collected the snapshot, or no label separates the clusters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IstioCni:
    """Whether istio-cni is installed, so that ambient adds no request for it.

    Attributes:
        is_installed: in every cluster. Not installed where that is not known.
        is_in_some: whether it was detected in some clusters, but not in all.
    """

    is_installed: bool
    origin: Origin
    is_in_some: bool = field(default=False, metadata={"json": False})


def istio_cni(scenario: Scenario, usage: MeshUsage) -> IstioCni:
    """Return what is stated, else what was detected, else that it is not installed."""
    if scenario.istio_cni_installed is not None:
        return IstioCni(is_installed=scenario.istio_cni_installed, origin=Origin.STATED)
    if usage.istio_cni_share is None:
        return IstioCni(is_installed=False, origin=Origin.UNKNOWN)
    # One request for all ztunnels: where only some clusters have it, the others need it.
    return IstioCni(
        is_installed=usage.istio_cni_share == 1,
        origin=Origin.DETECTED,
        is_in_some=0 < usage.istio_cni_share < 1,
    )
