"""Right-sizing of a measured mesh: its sidecars' samples in, recommendations and reasons out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.columns import where
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import Growth, grown, within
from analyzer.projection.modes import RIGHTSIZED
from analyzer.projection.rightsizing.applied import with_savings
from analyzer.projection.rightsizing.default import default_of
from analyzer.projection.rightsizing.policy import policy_of
from analyzer.projection.rightsizing.recommend import recommend
from analyzer.projection.rightsizing.result import Recommendation, Rightsizing
from analyzer.projection.scenario import Scenario
from analyzer.units import Reason, Refusal, Role

_NAME: Final = ["namespace", "workload"]

_SAMPLES_AT_ONCE: Final = 500_000
"""Some 50 MB of what is worked out from them; a namespace with more is not divided."""


def recommended(
    usage: MeshUsage, scenario: Scenario, growth: Growth, *, force_short: bool
) -> Rightsizing:
    """Return recommended requests for the sidecars of a mesh, from all that was seen of them.

    What they save is of the scenario's working hours, as every bill is.
    """
    policy = policy_of(scenario, usage, force_short=force_short)
    killed = {*usage.memory_kills[_NAME].itertuples(index=False, name=None)}
    parts = (
        recommend(grown(rows, growth), usage.observed_points, policy, killed).workloads
        for rows in _some_at_once(usage.of_role(Role.SIDECAR))
    )
    found = Rightsizing(policy=policy, workloads=tuple(chain.from_iterable(parts)))
    billed = within(usage, scenario.working_hours)
    sidecars = grown(billed.of_role(Role.SIDECAR, filled=True), growth)
    found = with_savings(found, sidecars, len(billed.observed_points))
    owners = {
        (namespace, workload): (kind, name)
        for namespace, workload, kind, name in usage.owners[[*_NAME, "kind", "name"]].itertuples(
            index=False, name=None
        )
    }
    workloads = tuple(_owned(item, owners) for item in found.workloads)
    return replace(found, default=default_of(workloads), workloads=workloads)


def _some_at_once(samples: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the samples of some whole namespaces, of which what is worked out takes little."""
    codes = samples["namespace"].cat.codes.to_numpy()
    batch = np.cumsum(np.bincount(codes)) // _SAMPLES_AT_ONCE
    for number in np.unique(batch):
        yield where(samples, (batch == number)[codes])


def _owned(
    item: Recommendation, owners: Mapping[tuple[str, str], tuple[str, str]]
) -> Recommendation:
    kind, owner = owners.get((item.namespace, item.workload), ("", ""))
    return replace(item, kind=kind, owner=owner)


def unanswered(found: Rightsizing, *, has_requests: bool) -> Iterator[Refusal]:
    """Yield why right-sized sidecars cannot be compared, or which workloads have no part in that.

    `has_requests`: whether the CPU request of any sidecar is known.
    """
    lacking = [item.refusal for item in found.workloads if item.refusal]
    if not found.workloads:
        return
    if not has_requests:
        detail = "Today's CPU requests are not known, so nothing can be compared with them."
        yield Refusal(subject=RIGHTSIZED, reason=Reason.NO_DATA, detail=detail)
    elif len(lacking) == len(found.workloads) and len({item.detail for item in lacking}) == 1:
        first = lacking[0]
        yield Refusal(subject=RIGHTSIZED, reason=first.reason, detail=first.detail)
    else:
        yield from lacking
