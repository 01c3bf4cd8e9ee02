"""Load that comes and goes so fast that samples lack a part of it."""

from typing import Final

import numpy as np

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.quality.evidence import Evidence
from analyzer.units import Role, counted, in_percent

LEAST_FIRST_SHARE: Final = 0.01
"""Share of the sidecars' requests in first samples from which they are a finding."""


def _evicted_series(evidence: Evidence) -> Finding | None:
    flags = (evidence.missed_rps > 0) & evidence.is_observed
    sidecars = flags & evidence.is_of(Role.SIDECAR)
    whole = float(np.nansum(evidence.sidecars["proxy_rps"]))
    share = float(evidence.missed_rps[sidecars].sum()) / whole if whole > 0 else 0.0
    if share < LEAST_FIRST_SHARE:
        return None
    proxies = evidence.pods(evidence.steps.loc[sidecars, "proxy"])
    return Finding(
        name="evicted_series",
        severity=Severity.WARNING,
        text=f"{in_percent(share)} of the requests are in the first sample of a series, at "
        f"{counted(len(proxies), 'sidecar')}. Envoy evicts idle series and counts from zero again. "
        "No rate has these requests: they are added to it.",
        affected=proxies,
        fix="Remove the annotation sidecar.istio.io/statsEvictionInterval, or make it longer.",
        rps_share=share,
        time_share=float(sidecars.sum()) / max(int(evidence.is_of(Role.SIDECAR).sum()), 1),
        bias=Bias.NONE,
    )


BURST_CHECKS: Final = (_evicted_series,)
