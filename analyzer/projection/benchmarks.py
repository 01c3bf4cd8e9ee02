"""The ratio of a pass through a ztunnel to a request through a sidecar, by published runs.

A run's figures hold the bytes and the new connections of its requests, which are costs of their own
here. The ratio is net of them, so that nothing is priced twice:

    (ztunnel - bytes - share x connection) / (sidecar without its bytes)

each in vCPU per 1000 requests/s, the costs of bytes and connections on the hardware of the run. A
waypoint's ratio is not net: its curve is that of a sidecar, which holds bytes and connections too.
"""

from collections.abc import Mapping

from analyzer.data import PublishedConstants, assumptions, published_constants
from analyzer.projection.hardware import (
    BYTES_COST,
    NEW_CONNECTIONS_COST,
    hardware_vcpu,
    published_request_vcpu,
)


def net_ratios() -> Mapping[str, tuple[float, float]]:
    """Return the lowest and highest ratio of each published run that has both proxies, by name."""
    return {
        name: ends for name, item in published_constants().items() for ends in [_net(item)] if ends
    }


def _net(item: PublishedConstants) -> tuple[float, float] | None:
    ztunnel, request = item.ztunnel_vcpu_per_1000_rps, published_request_vcpu(item)
    if ztunnel is None or request is None:
        return None
    least, most = item.new_connection_share or (0.0, 1.0)

    def on_its_hardware(name: str) -> float:
        assumed = assumptions()[name]
        return assumed.value.mid * request / (hardware_vcpu(assumed) or request)

    def ratio(share: float) -> float:
        apart = item.gbit_per_1000_rps * on_its_hardware(BYTES_COST) + share * on_its_hardware(
            NEW_CONNECTIONS_COST
        )
        return max(ztunnel - apart, 0.0) / request

    return ratio(most), ratio(least)
