"""The ratio of a pass through a ztunnel to a request through a sidecar, by published runs.

A run's figures hold the bytes and the new connections of its requests, which are costs of their own
here. The ratio is net of them, so that nothing is priced twice:

    (ztunnel - bytes - share x connection) / (sidecar - bytes)

each in vCPU per 1000 requests/s, the costs of bytes and connections on the hardware of the run. A
waypoint's ratio is not net: its curve is that of a sidecar, which holds bytes and connections too.
"""

from collections.abc import Mapping
from typing import Final

from analyzer.data import PublishedConstants, assumptions, published_constants
from analyzer.projection.hardware import hardware_vcpu
from analyzer.units import BITS_PER_GBIT

_BYTES: Final = "ztunnel_vcpu_per_gbit_per_second"
_CONNECTIONS: Final = "ztunnel_vcpu_per_1000_new_connections_per_second"


def net_ratios() -> Mapping[str, tuple[float, float]]:
    """Return the lowest and highest ratio of each published run that has both proxies, by name."""
    return {
        name: ends for name, item in published_constants().items() for ends in [_net(item)] if ends
    }


def _net(item: PublishedConstants) -> tuple[float, float] | None:
    ztunnel, sidecar = item.ztunnel_vcpu_per_1000_rps, item.hardware_vcpu_per_1000_rps
    if ztunnel is None or sidecar is None:
        return None
    bytes_assumed, connection = assumptions()[_BYTES], assumptions()[_CONNECTIONS]
    times = sidecar / (hardware_vcpu(bytes_assumed) or sidecar)
    # A payload that is not stated is left in: it is small beside a request.
    gbit = 1000 * (item.payload_bytes or 0.0) * 8 / BITS_PER_GBIT
    least, most = item.new_connection_share or (0.0, 1.0)
    # No source has the bytes of a sidecar: a gateway's are the stand-in.
    of_bytes = published_constants()[bytes_assumed.hardware].gateway_vcpu_per_gbit_per_second
    of_request = sidecar - gbit * (of_bytes or 0.0) * times

    def ratio(share: float) -> float:
        apart = gbit * bytes_assumed.value.mid + share * connection.value.mid
        return max(ztunnel - apart * times, 0.0) / of_request

    return ratio(most), ratio(least)
