"""What the other side of the calls reports of each workload's requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.columns import assigned
from analyzer.measurement.groups import Groups
from analyzer.measurement.numbers import Numbers, in_order, numbered
from analyzer.measurement.sums import summed_in_steps

SOURCE: Final = ["source_workload_namespace", "source_workload"]
DESTINATION: Final = ["destination_workload_namespace", "destination_workload"]
SERVICE: Final = ["destination_service_namespace", "destination_service_name"]
WORKLOAD: Final = ["namespace", "workload"]

CALLS: Final = "mesh_requests_rps"
INBOUND: Final = "inbound_requests_rps"
OUTBOUND: Final = "outbound_requests_rps"

OWN_WORKLOAD: Final = {INBOUND: DESTINATION, OUTBOUND: SOURCE}
"""Which of Istio's labels name the reporting proxy's own workload."""

RECEIVERS: Final = ("destination", "waypoint")
"""Reporters of calls that they received."""

OTHERS: Final[Mapping[str, tuple[str, ...]]] = {INBOUND: ("source",), OUTBOUND: RECEIVERS}
"""The reporters at the other side of the same calls."""

_STEP: Final = ["number", "point"]
"""A workload and a step."""

_REPORTED_AT: Final = {
    "inbound_rps": (DESTINATION, OTHERS[INBOUND]),
    "outbound_rps": (SOURCE, OTHERS[OUTBOUND]),
}
"""Which end of the other side's reports is the workload, and who makes them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """Requests of each workload in each step, by the other side of its calls.

    `reports` is as in `counted_once.count_calls_once`. `proxies` are those of the mesh.
    """

    reports: pd.DataFrame
    proxies: pd.DataFrame

    def of(self, rows: pd.DataFrame, name: str) -> Floats:
        """Return how many times its usual share of the other side's report a workload reports.

        One element a row of the step table; NaN where the other side does not report.
        """
        number = numbered(self.proxies[WORKLOAD])[rows["proxy"].to_numpy(np.int64)]
        groups = Groups.of(assigned(rows[["point"]], {"number": number}), _STEP)
        own = pd.Series(groups.sum(rows[name].to_numpy(float), min_count=1), index=groups.names)
        heard = self._by_number(name).reindex(own.index)
        # A burst at the border of two steps is in the one at this side, and in the other at that.
        around, here = (_with_neighbours(amounts) for amounts in (heard, own))
        ratio = here / around.where(around > 0)
        expected = around * ratio.groupby(level=_STEP[0]).transform("median")
        excess = own / expected.where(expected > 0)
        return excess.to_numpy(float)[groups.number]

    def _by_number(self, name: str) -> pd.Series:
        """Return `by_workload` by the number of the workload and the step."""
        heard = self._in_steps(name)
        number = Numbers(in_order(self.proxies[WORKLOAD])).of(heard[WORKLOAD])
        index = pd.MultiIndex.from_arrays([number, heard["point"]], names=_STEP)
        return heard[CALLS].set_axis(index)[number >= 0]

    def by_workload(self, name: str) -> pd.Series:
        """Return what the other side reports of a column, by namespace, workload and point."""
        return self._in_steps(name).set_index([*WORKLOAD, "point"])[CALLS]

    def _in_steps(self, name: str) -> pd.DataFrame:
        """Return `by_workload` as rows."""
        ends, reporters = _REPORTED_AT[name]
        found = self.reports[self.reports["reporter"].isin(reporters)]
        return summed_in_steps(found, ends, CALLS).set_axis([*WORKLOAD, "point", CALLS], axis=1)


def _with_neighbours(amounts: pd.Series) -> pd.Series:
    """Return the sum of each step and those before and after it, by workload."""
    groups = amounts.groupby(level=_STEP[0])
    return amounts.add(groups.shift(1), fill_value=0).add(groups.shift(-1), fill_value=0)
