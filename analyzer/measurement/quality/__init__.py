"""What is wrong or thin in the data: one small check for each kind of finding."""

from analyzer.measurement.findings import Finding
from analyzer.measurement.quality.evidence import Evidence
from analyzer.measurement.quality.of_bursts import BURST_CHECKS
from analyzer.measurement.quality.of_data import DATA_CHECKS
from analyzer.measurement.quality.of_labels import LABEL_CHECKS
from analyzer.measurement.quality.of_nodes import NODE_CHECKS
from analyzer.measurement.quality.of_partial import PARTIAL_CHECKS
from analyzer.measurement.quality.of_proxies import PROXY_CHECKS
from analyzer.measurement.quality.of_survey import SURVEY_CHECKS
from analyzer.measurement.quality.of_time import TIME_CHECKS
from analyzer.measurement.quality.of_unseen import UNSEEN_CHECKS
from analyzer.measurement.verdict import weight

__all__ = ["Evidence", "find_quality"]


def find_quality(evidence: Evidence) -> tuple[Finding, ...]:
    """Return everything found: what makes totals wrong first, and the most severe of it."""
    checks = (
        *UNSEEN_CHECKS,
        *BURST_CHECKS,
        *LABEL_CHECKS,
        *PROXY_CHECKS,
        *TIME_CHECKS,
        *DATA_CHECKS,
        *SURVEY_CHECKS,
        *NODE_CHECKS,
        *PARTIAL_CHECKS,
    )
    found = [finding for check in checks if (finding := check(evidence)) is not None]
    return tuple(sorted(found, key=weight))
