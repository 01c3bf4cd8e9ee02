"""What the other side of the calls reports of each workload's requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from analyzer.arrays import Floats

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
        keys = self.proxies.loc[rows["proxy"], WORKLOAD].reset_index(drop=True)
        keys = keys.assign(point=rows["point"].to_numpy(), own=rows[name].to_numpy(float))
        own = keys.groupby([*WORKLOAD, "point"])["own"].sum(min_count=1)
        heard = self.by_workload(name).reindex(own.index)
        # A burst at the border of two steps is in the one at this side, and in the other at that.
        around, here = (_with_neighbours(amounts) for amounts in (heard, own))
        ratio = here / around.where(around > 0)
        expected = around * ratio.groupby(level=WORKLOAD).transform("median")
        excess = (own / expected.where(expected > 0)).rename("excess")
        index = pd.MultiIndex.from_frame(keys[[*WORKLOAD, "point"]])
        return excess.reindex(index).to_numpy(float)

    def by_workload(self, name: str) -> pd.Series:
        """Return what the other side reports of a column, by namespace, workload and point."""
        ends, reporters = _REPORTED_AT[name]
        found = self.reports[self.reports["reporter"].isin(reporters)]
        return found.groupby([*ends, "point"])[CALLS].sum().rename_axis([*WORKLOAD, "point"])


def _with_neighbours(amounts: pd.Series) -> pd.Series:
    """Return the sum of each step and those before and after it, by workload."""
    groups = amounts.groupby(level=WORKLOAD)
    return amounts.add(groups.shift(1), fill_value=0).add(groups.shift(-1), fill_value=0)
