"""The tables of recorded runs in README.md; `python -m tests.lab.table` renews them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from analyzer.report.render.markdown import markdown_table
from tests.lab.cut import QUANTITIES, Held, held, median_ratios
from tests.lab.recorded import RUNS, Recorded, read_run

__all__ = ["PAGE", "lab_table", "renewed", "runs_table"]

PAGE: Final = Path(__file__).with_name("README.md")

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


def runs_table(outcomes: Mapping[str, Held]) -> list[str]:
    """Return the table of all recorded runs, by their names."""
    header = [
        "run",
        "cost per request: held",
        "idle CPU: held",
        "largest miss, half-widths",
        "half-width of the mesh's cost per request over the jackknife's",
        "of its idle CPU",
        "of the workloads' cost per request (median)",
        "of their idle CPU (median)",
    ]
    return markdown_table(header, [*map(_of_run, outcomes.items()), _of_all(outcomes)])


def _of_run(item: tuple[str, Held]) -> list[str]:
    name, outcome = item
    return [
        name,
        *(_share(outcome.coefficients, quantity) for quantity in QUANTITIES),
        f"{outcome.coefficients['miss'].max():.1f}",
        *(f"{ratio:.2f}" for ratio in outcome.mesh_ratios),
        *_of_workloads(outcome.coefficients),
    ]


def _of_all(outcomes: Mapping[str, Held]) -> list[str]:
    table = pd.concat(outcome.coefficients for outcome in outcomes.values())
    ratios = median_ratios(outcomes.values())["mesh"]
    return [
        "all",
        *(_share(table, quantity) for quantity in QUANTITIES),
        f"{table['miss'].max():.1f}",
        *(f"{ratio:.2f} (median)" for ratio in ratios),
        *_of_workloads(table),
    ]


def _of_workloads(coefficients: pd.DataFrame) -> list[str]:
    ratios = coefficients.groupby("quantity")["ratio"].median()
    return [f"{ratios[quantity]:.2f}" for quantity in QUANTITIES]


def _share(table: pd.DataFrame, quantity: str) -> str:
    is_held = table.loc[table["quantity"] == quantity, "is_held"]
    return f"{is_held.sum()} of {len(is_held)}"


def renewed(page: str, tables: Iterable[Sequence[str]]) -> str:
    """Return a page with these tables in the place of those that have the same header."""
    for lines in tables:
        before, header, rest = page.partition(lines[0] + "\n")
        if not header:
            raise ValueError(f"the page has no table with the header {lines[0]}")
        page = "\n".join((before + lines[0], *lines[1:], "")) + "\n" + rest.partition("\n\n")[2]
    return page


def main() -> None:
    """Put the tables into the page."""
    outcomes = {name: held(read_run(name)) for name in RUNS}
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(renewed(page, [lab_table(), runs_table(outcomes)]), encoding="utf-8")


if __name__ == "__main__":
    main()
