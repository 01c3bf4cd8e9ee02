"""A finding reads as one sentence, and the worst comes first."""

from pathlib import Path

import pytest

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.usage import measure
from tests.measurement.flawed import A, Seen, snapshot_of


@pytest.mark.parametrize(
    ("cpu", "rps", "fix", "sentence"),
    [
        (None, None, "", "it is thin"),
        (None, None, "feed it", "it is thin: feed it"),
        (0.25, None, "", "it is thin (25.0% of the sidecars' CPU)"),
        (None, 0.5, "", "it is thin (50.0% of the sidecars' requests)"),
        (
            0.25,
            0.5,
            "feed it",
            "it is thin (25.0% of the sidecars' CPU and 50.0% of the sidecars' requests): feed it",
        ),
        # What would read 0.0 % is left out.
        (0.0004, 0.0006, "", "it is thin (0.1% of the sidecars' requests)"),
        (0.0, 0.0, "", "it is thin"),
    ],
)
def test_a_finding_is_a_sentence_with_its_shares_and_what_mends_it(
    cpu: float | None, rps: float | None, fix: str, sentence: str
) -> None:
    finding = Finding(
        name="thin",
        severity=Severity.INFO,
        text="it is thin",
        affected=("shop/a",),
        fix=fix,
        cpu_share=cpu,
        rps_share=rps,
    )

    assert str(finding) == sentence


def test_the_worst_finding_comes_first(tmp_path: Path) -> None:
    proxies = [
        A,
        Seen(pod="shop/again", resets=1.0),
        Seen(pod="shop/dark", rps=None),
        Seen(pod="shop/x", role="unknown", rps=0.0),
    ]
    findings = measure(snapshot_of(tmp_path, proxies, cpu_scrape_seconds=60.0)).findings

    assert [(finding.severity, finding.name) for finding in findings] == [
        (Severity.SERIOUS, "cpu_without_requests"),
        (Severity.WARNING, "ambiguous_roles"),
        (Severity.INFO, "counter_resets"),
        (Severity.INFO, "coarse_scrapes"),
    ]
