"""How far the calibration is off on simulated meshes, and how often its 90 % intervals hold.

Run it as a script; it takes a minute or two. Every mesh is a day at five-minute steps, with a law
drawn for each workload and noise of 10 % that lasts (correlation 0.6 from step to step).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.units import Interval
from tests.calibration.meshes import SimulatedMesh, simulate

MESHES = 200

MUCH_IDLE = 0.2
"""Share of the CPU from which the idle can be asked for in percent."""

KINDS: dict[str, Callable[[int], SimulatedMesh]] = {
    "10-25 workloads, 20-500 proxies": simulate,
    "the same, 0.5-10 rps a proxy": partial(simulate, mean_rps=(0.5, 10)),
    "1-4 workloads, 4-12 proxies": partial(simulate, workloads=(1, 4), proxies=(4, 12)),
    "2-3 proxies": partial(simulate, workloads=(1, 3), proxies=(2, 3)),
    "3-12 workloads, 4-19 proxies": partial(simulate, workloads=(3, 12), proxies=(4, 19)),
}

LINE = "{:<33}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one figure of one mesh came out."""

    error: float
    """As a share of the truth."""
    difference: float
    """In the figure's unit."""
    is_covered: bool
    half_width: float
    """Of the interval, as a share of the truth."""


def outcome(shown: Interval, truth: float) -> Outcome:
    """Compare a figure with its truth."""
    return Outcome(
        error=shown.mid / truth - 1,
        difference=shown.mid - truth,
        is_covered=shown.low <= truth <= shown.high,
        half_width=(shown.high - shown.low) / 2 / truth,
    )


def row(name: str, make: Callable[[int], SimulatedMesh]) -> str:
    """Calibrate meshes of one kind and return their line of the table."""
    slopes, idles, shares = [], [], []
    for seed in range(MESHES):
        mesh = make(seed)
        answer = calibrate_usage(mesh.usage).sidecar
        if isinstance(answer, RoleCalibration):
            slopes.append(outcome(answer.vcpu_per_1000_rps, mesh.vcpu_per_1000_rps))
            idles.append(outcome(answer.idle_vcpu_per_proxy, mesh.idle_vcpu_per_proxy))
            shares.append(mesh.idle_share)
    much = [idle.error for idle, share in zip(idles, shares, strict=True) if share >= MUCH_IDLE]
    little = [
        idle.difference for idle, share in zip(idles, shares, strict=True) if share < MUCH_IDLE
    ]
    return LINE.format(
        name,
        MESHES - len(slopes),
        f"{np.median(np.abs([item.error for item in slopes])):.2%}",
        f"{np.mean([item.error for item in slopes]):+.2%}",
        f"{np.median([item.half_width for item in slopes]):.2%}",
        f"{np.mean([item.is_covered for item in slopes]):.1%}",
        f"{np.median(np.abs(much)):.2%}" if much else "-",
        f"{np.median(np.abs(little)) * 1000:.2f}" if little else "-",
        f"{np.median([item.half_width for item in idles]):.2%}",
        f"{np.mean([item.is_covered for item in idles]):.1%}",
    )


def main() -> None:
    """Print the table."""
    started = time.monotonic()
    write = sys.stdout.write
    write(f"{MESHES} simulated meshes of each kind; median absolute errors; 90 % intervals\n")
    write(LINE.format("", "", *["slope"] * 4, *["idle"] * 4))
    write(
        LINE.format(
            "mesh", "refused", "error", "bias", "+-", "covered", "error", "mvcpu", "+-", "covered"
        )
    )
    for name, make in KINDS.items():
        write(row(name, make))
        sys.stdout.flush()
    write(
        f"idle error: where it is {MUCH_IDLE:.0%} of the CPU or more; mvcpu: where it is less, in "
        f"thousandths of a vCPU\n{time.monotonic() - started:.0f} s\n"
    )


if __name__ == "__main__":
    main()
