"""A finding reads as whole sentences after its code, and the worst comes first."""

import ast
from pathlib import Path

import pytest

from analyzer import measurement
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.usage import measure
from tests.measurement.flawed import A, Seen, snapshot_of


@pytest.mark.parametrize(
    ("cpu", "rps", "fix", "rest"),
    [
        (None, None, "", ""),
        (None, None, "Feed it.", " Feed it."),
        (0.25, None, "", " Affected: 25 % of the sidecars' CPU."),
        (None, 0.5, "", " Affected: 50 % of the sidecars' requests."),
        (
            0.25,
            0.5,
            "Feed it.",
            " Affected: 25 % of the sidecars' CPU and 50 % of the sidecars' requests. Feed it.",
        ),
        # What would read 0 % is left out.
        (0.0004, 0.0006, "", " Affected: 0.1 % of the sidecars' requests."),
        (0.0, 0.0, "", ""),
    ],
)
def test_a_finding_is_its_code_its_text_its_shares_and_its_fix(
    cpu: float | None, rps: float | None, fix: str, rest: str
) -> None:
    finding = Finding(
        name="tcp_only",
        severity=Severity.INFO,
        text="It is thin.",
        affected=("shop/a",),
        fix=fix,
        cpu_share=cpu,
        rps_share=rps,
    )

    assert str(finding) == f"[IU204] It is thin.{rest}"


@pytest.mark.parametrize(
    ("bias", "rest"),
    [
        (Bias.TOO_LOW, " Totals are too low."),
        (Bias.TOO_HIGH, " Totals are too high."),
        (Bias.EITHER, " Totals may be too low or too high."),
        # Nothing is wrong with the totals, or nothing is known of that.
        (Bias.NONE, ""),
        (None, ""),
    ],
)
def test_a_finding_has_the_share_of_time_and_the_way_that_totals_are_wrong(
    bias: Bias | None, rest: str
) -> None:
    finding = Finding(name="gaps", text="It is thin.", time_share=0.125, bias=bias)

    text = str(finding)
    assert text.startswith("[IU102] It is thin.")
    assert text.endswith(f" the sidecars' time.{rest}")
    assert "Affected: 12 % of " in text


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
        (Severity.SERIOUS, "ambiguous_roles"),
        (Severity.WARNING, "short_window"),
        (Severity.INFO, "counter_resets"),
        (Severity.INFO, "coarse_scrapes"),
    ]


def test_one_proxy_is_singular_and_two_are_plural(tmp_path: Path) -> None:
    for pods, words in ((("dark",), "1 sidecar."), (("dark", "dim"), "2 sidecars.")):
        dark = [Seen(pod=f"shop/{pod}", rps=None) for pod in pods]
        findings = measure(snapshot_of(tmp_path / pods[-1], [A, *dark])).findings
        assert words in findings[0].text


def test_a_missing_metric_has_its_effect_and_its_fix(tmp_path: Path) -> None:
    """A snapshot of version 0.1 recorded a text in its place: it stays."""
    old = "no istio_build: keep it"
    warnings = measure(snapshot_of(tmp_path, [A], warnings=("kube_pod_info", old))).warnings
    named, kept = warnings

    assert {warning.code for warning in warnings} == {"IU104"}
    assert named.affected == ("kube_pod_info",)
    assert named.text.startswith("kube_pod_info is missing. ")
    assert "kube-state-metrics" in named.fix
    assert (kept.text, kept.fix) == (old, "")


def test_every_finding_about_the_data_has_its_bias() -> None:
    """A total that is wrong without a word of the direction helps no reader."""
    without = []
    for path in (Path(measurement.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            keywords = {keyword.arg for keyword in node.keywords}
            if name in {"Finding", "about", "about_values"} and "bias" not in keywords:
                without.append((path.name, node.lineno))

    assert without == []
