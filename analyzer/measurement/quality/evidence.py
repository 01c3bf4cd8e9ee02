"""What the checks of the data's quality read."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.columns import where
from analyzer.measurement.filling import filled_in
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.impossible import Impossible
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.missing import Missing, missing_proxies
from analyzer.measurement.numbers import Numbers
from analyzer.measurement.sides import Completed
from analyzer.measurement.tables import Tables
from analyzer.units import Role, counted


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the checks read: as in `MeshUsage`, but `steps` also has those not observed.

    `impossible` has a row for each of `steps`. `missed_rps` has an element for each: the part of
    its requests that only the counters have, not their rates. `remote_share` is the share of the
    calls that clients report under another destination, `lacking_share` of those that lacked a
    workload.
    """

    manifest: Manifest
    tables: Tables
    proxies: pd.DataFrame
    steps: pd.DataFrame
    observed_points: Ints
    filling: pd.DataFrame
    impossible: Impossible
    doubtful: pd.DataFrame
    corrections: Floats
    nodes: pd.DataFrame
    missed_rps: Floats
    sides: Completed
    remote_share: float = 0.0
    lacking_share: float = 0.0

    @cached_property
    def filled(self) -> pd.DataFrame:
        """`steps` with the best estimates of what was not seen."""
        return filled_in(self.steps, self.filling)

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """What the survey counted and the measurement lacks, by exporter."""
        return tuple(missing_proxies(self.manifest, self.tables))

    @cached_property
    def is_observed(self) -> Bools:
        """Which of `steps` totals are over."""
        return self.steps["point"].isin(self.observed_points).to_numpy()

    def is_of(self, role: Role) -> Bools:
        """Which of `steps` are of proxies of a role."""
        is_theirs = (self.proxies["role"] == role).to_numpy()
        return np.asarray(is_theirs[self.steps["proxy"].to_numpy(np.int64)])

    @property
    def sidecars(self) -> pd.DataFrame:
        """The steps of sidecars."""
        return where(self.steps, self.is_of(Role.SIDECAR))

    @property
    def asked(self) -> frozenset[str]:
        """The names of the queries that were sent."""
        return frozenset(query.name for query in self.manifest.queries)

    def total_of(self, name: str) -> pd.Series:
        """Return the sum of one query's samples for each row of `proxies`; 0 where it has none."""
        pieces = self.tables.pieces(name)
        numbers = Numbers(self.proxies[["namespace", "pod"]]).of(pieces.labels)
        known, size = numbers >= 0, len(self.proxies)
        sums = np.bincount(numbers[known], pieces.sums()[known], minlength=size)
        return pd.Series(sums, index=self.proxies.index)

    def mean_cpu(self, numbers: Iterable[int]) -> float:
        """Return the vCPU of some proxies, averaged over the observed steps, filled."""
        theirs = self.steps["proxy"].isin(pd.Index(numbers)).to_numpy() & self.is_observed
        return float(self.filled.loc[theirs, "cpu_vcpu"].sum()) / max(len(self.observed_points), 1)

    def pods(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Return proxies by name."""
        rows = self.proxies.loc[pd.Index(numbers).unique()]
        return tuple(sorted(rows["namespace"] + "/" + rows["pod"]))

    def about(
        self, name: str, text: str, steps: pd.DataFrame, fix: str = "", *, bias: Bias | None = None
    ) -> Finding | None:
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
            severity=Severity.of_share(weight),
            text=text.format(
                sidecars=counted(len(affected), "sidecar"),
                proxies=counted(len(affected), "proxy", "proxies"),
            ),
            affected=affected,
            fix=fix,
            cpu_share=cpu,
            rps_share=rps,
            time_share=len(part) / len(whole) if len(whole) else None,
            bias=bias,
        )

    def about_values(  # noqa: PLR0913 - the parts of a finding
        self,
        name: str,
        text: str,
        flags: Bools,
        *,
        fix: str,
        bias: Bias,
        affected: tuple[str, ...] = (),
        least_share: float = 0.0,
    ) -> Finding:
        """Return a finding about single values: rows of `steps` that are observed.

        Shares are of the filled totals of the sidecars; the finding is serious from
        `SERIOUS_SHARE` of one of them, or if `least_share` reaches it.
        """
        whole = self.is_of(Role.SIDECAR) & self.is_observed
        cpu, rps = (
            _share(self.filled.loc[flags & whole, column], self.filled.loc[whole, column])
            for column in ("cpu_vcpu", "proxy_rps")
        )
        time = float((flags & whole).sum()) / max(int(whole.sum()), 1)
        weight = max(cpu or 0.0, rps or 0.0, time, least_share)
        return Finding(
            name=name,
            severity=Severity.of_share(weight),
            text=text,
            affected=affected or self.pods(self.steps.loc[flags, "proxy"]),
            fix=fix,
            cpu_share=cpu,
            rps_share=rps,
            time_share=time,
            bias=bias,
        )

    def _observed(self, steps: pd.DataFrame) -> pd.DataFrame:
        return steps[steps["point"].isin(self.observed_points)]


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total > 0 and part.notna().any() else None
