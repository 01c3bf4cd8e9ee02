"""The table of a recorded run in README.md: `python -m tests.lab.table` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from analyzer.report.render.markdown import markdown_table
from tests.lab.recorded import Recorded, read_run

__all__ = ["lab_table"]

_WHAT: Final = {
    "shop/front": "sends 0.1 KB GETs over mutual TLS",
    "shop/cart": "receives them, and 1 KB POSTs from the gateway",
    "media/web": "sends the same; 16 KB responses",
    "media/images": "receives them",
    "pay/api": "sends the same; access log",
    "pay/ledger": "receives them; access log",
    "legacy/job": "sends the same; no TLS",
    "legacy/store": "receives them; no TLS",
}


def lab_table(folder: Path | None = None) -> list[str]:
    """Return the table of the bundled recorded run, or of another one."""
    run = read_run("sample", folder)
    header = [
        "workload",
        "traffic",
        "vCPU per 1000 RPS: truth",
        "fit (90 % interval)",
        "dashboard, mean",
        "idle vCPU: truth",
        "fit (90 % interval)",
    ]
    return markdown_table(header, _rows(run))


def _rows(run: Recorded) -> Iterator[list[str]]:
    ratios = run.record["dashboard"]["workloads"]
    for row in run.side_by_side.to_dict("records"):
        name = f"{row['namespace']}/{row['workload']}"
        slope, idle = "vcpu_per_1000_rps", "idle_vcpu"
        yield [
            name,
            _WHAT[name],
            f"{row[f'truth_{slope}']:.3f}",
            f"{row[slope]:.3f} ({row[f'low_{slope}']:.3f} to {row[f'high_{slope}']:.3f})",
            f"{ratios[name]:.3f}",
            f"{row[f'truth_{idle}']:.4f}",
            f"{row[idle]:.4f} ({row['idle_low_vcpu']:.4f} to {row['idle_high_vcpu']:.4f})",
        ]


if __name__ == "__main__":
    print("\n".join(lab_table()))
