"""What the checks of the data's quality read."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from analyzer.arrays import Ints
from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.impossible import Impossible
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.tables import Tables
from analyzer.units import Role, counted

SERIOUS_SHARE = 0.2
"""Share of the sidecars' CPU or requests from which a finding is serious."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the checks read: as in `MeshUsage`, but `steps` also has those not observed.

    `impossible` has a row for each of `steps`.
    """

    manifest: Manifest
    tables: Tables
    proxies: pd.DataFrame
    steps: pd.DataFrame
    observed_points: Ints
    filling: pd.DataFrame
    impossible: Impossible

    @property
    def sidecars(self) -> pd.DataFrame:
        """The steps of sidecars."""
        chosen = self.proxies.index[self.proxies["role"] == Role.SIDECAR]
        return self.steps[self.steps["proxy"].isin(chosen)]

    @property
    def asked(self) -> frozenset[str]:
        """The names of the queries that were sent."""
        return frozenset(query.name for query in self.manifest.queries)

    def total_of(self, name: str) -> pd.Series:
        """Return the sum of one query's samples for each row of `proxies`; 0 where it has none."""
        sums = self.tables[name].groupby(["namespace", "pod"])[name].sum()
        keys = pd.MultiIndex.from_frame(self.proxies[["namespace", "pod"]])
        return pd.Series(sums.reindex(keys).fillna(0.0).to_numpy(), index=self.proxies.index)

    def pods(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Return proxies by name."""
        rows = self.proxies.loc[pd.Index(numbers).unique()]
        return tuple(sorted(rows["namespace"] + "/" + rows["pod"]))

    def about(self, name: str, text: str, steps: pd.DataFrame, fix: str = "") -> Finding | None:
        """Return a finding about some proxies' steps; None if no total includes any of them.

        `{sidecars}` or `{proxies}` in the text becomes their number and noun.
        """
        affected = self.pods(self._observed(steps)["proxy"])
        if not affected:
            return None
        whole = self._observed(self.sidecars)
        part = whole[whole.index.isin(steps.index)]
        cpu = _share(part["cpu_vcpu"], whole["cpu_vcpu"])
        rps = _share(part["proxy_rps"], whole["proxy_rps"])
        weight = max(cpu or 0.0, rps or 0.0)
        return Finding(
            name=name,
            severity=Severity.SERIOUS if weight >= SERIOUS_SHARE else Severity.WARNING,
            text=text.format(
                sidecars=counted(len(affected), "sidecar"),
                proxies=counted(len(affected), "proxy", "proxies"),
            ),
            affected=affected,
            fix=fix,
            cpu_share=cpu,
            rps_share=rps,
        )

    def _observed(self, steps: pd.DataFrame) -> pd.DataFrame:
        return steps[steps["point"].isin(self.observed_points)]


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total > 0 and part.notna().any() else None
