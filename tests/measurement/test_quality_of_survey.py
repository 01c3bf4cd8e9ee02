"""What the survey counted and the measurement lacks is a finding that names the scrape job."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.proxy_counts import ProxyCounts, ProxyGroup
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.typed import Part
from tests.measurement.flawed import POINTS, A, B, Seen, found
from tests.measurement.snapshots import START

PART = 1200
"""Two steps."""
PARTS = POINTS // 2
NAMES = ("proxies_not_measured", "brief_proxies", "slow_scrapes", "copied_series", "alike_series")


def group(
    count: int, exporter: str = "cadvisor", cluster: str = "", job: str = "kubelet", brief: int = 0
) -> ProxyGroup:
    """Return a scrape job with as many proxies in each part."""
    return ProxyGroup(
        exporter=exporter,
        cluster=cluster,
        job=job,
        counts=(count,) * PARTS,
        brief_counts=(brief,) * PARTS,
        scrape_seconds=30.0,
    )


def counted(*groups: ProxyGroup) -> ProxyCounts:
    return ProxyCounts(
        start_seconds=int(START.timestamp()),
        part_seconds=PART,
        groups=groups,
        copied=(0,) * PARTS,
    )


def named(
    path: Path,
    proxies: Sequence[Seen],
    counts: ProxyCounts,
    label_mapping: LabelMapping | None = None,
    **proxy_numbers: int,
) -> list[Finding]:
    """Return the findings of the survey's checks."""
    findings = found(
        path, proxies, label_mapping=label_mapping, proxy_counts=counts, **proxy_numbers
    )
    return [findings[name] for name in NAMES if name in findings]


def test_what_was_all_measured_is_no_finding(tmp_path: Path) -> None:
    both = counted(group(2), group(2, "proxy", job="envoy"))

    assert named(tmp_path, [A, B], both) == []
    # More were measured than counted: two steps overlap a part.
    assert named(tmp_path / "fewer", [A, B], counted(group(1))) == []


def test_a_job_that_is_missing_is_named(tmp_path: Path) -> None:
    counts = counted(group(2), group(2, job="edge"), group(4, "proxy", job="envoy"))
    (finding,) = named(tmp_path, [A, B], counts)

    assert finding.name == "proxies_not_measured"
    assert finding.severity is Severity.SERIOUS
    assert finding.time_share == pytest.approx(0.5)
    assert finding.bias is Bias.TOO_LOW
    assert finding.affected in {("job edge",), ("job kubelet",), ("job envoy",)}
    assert "2 of 4 proxies" in finding.text


def test_a_job_of_another_cluster_is_told_by_its_cluster(tmp_path: Path) -> None:
    east, west = replace(A, cluster="east"), replace(B, cluster="west")
    counts = counted(group(1, cluster="east"), group(3, cluster="west", job="agent"))
    (finding,) = named(tmp_path, [east, west], counts)

    assert finding.affected == ("job agent of cluster west",)
    assert finding.time_share == pytest.approx(2 / 4)


def test_a_hundredth_is_no_finding_and_more_is(tmp_path: Path) -> None:
    many = [replace(A, pod=f"shop/a{number}") for number in range(99)]

    assert named(tmp_path, many, counted(group(100))) == []
    (finding,) = named(tmp_path / "more", many, counted(group(101)))
    assert finding.severity is Severity.WARNING


def test_a_part_of_the_time_counts_as_such(tmp_path: Path) -> None:
    away = replace(group(2), counts=(2,) + (0,) * (PARTS - 1), job="west")
    (finding,) = named(tmp_path, [A, B], counted(group(2), away))

    assert finding.time_share == pytest.approx(2 / (2 * PARTS + 2))
    assert finding.affected == ("job west",)


def test_proxies_that_were_too_brief_are_told_apart(tmp_path: Path) -> None:
    (finding,) = named(tmp_path, [A, B], counted(group(2, brief=1)))

    assert finding.name == "brief_proxies"
    assert finding.severity is Severity.INFO
    assert finding.bias is Bias.TOO_LOW


def test_where_scrapes_are_far_apart_few_samples_are_no_brief_life(tmp_path: Path) -> None:
    slow = replace(group(0, brief=4), scrape_seconds=600.0)
    first, *_ = named(tmp_path, [A, B], counted(slow))

    assert first.name == "proxies_not_measured"


def test_a_slow_job_that_did_not_decide_is_named(tmp_path: Path) -> None:
    slow = replace(group(1, job="tiny"), scrape_seconds=120.0)
    (finding,) = named(tmp_path, [A, B], counted(group(1), slow))

    assert finding.name == "slow_scrapes"
    assert finding.affected == ("job tiny",)
    assert finding.time_share == pytest.approx(0.5)


def test_copies_are_named_by_their_labels(tmp_path: Path) -> None:
    mapping = LabelMapping(replica_labels=("ha", "pod_of_it"))
    counts = counted(group(2))
    (finding,) = named(tmp_path, [A, B], counts, mapping, copied_proxies=2)

    assert finding.name == "copied_series"
    assert finding.affected == ("ha", "pod_of_it")
    assert finding.bias is Bias.NONE
    # The user named them: there is nothing to learn.
    assert named(tmp_path / "given", [A, B], counts, label_mapping=mapping) == []


def test_series_that_look_alike_may_be_too_many(tmp_path: Path) -> None:
    (finding,) = named(tmp_path, [A, B], counted(group(2)), alike_proxies=3)

    assert finding.name == "alike_series"
    assert finding.severity is Severity.WARNING
    assert finding.bias is Bias.TOO_HIGH


def test_counts_are_read_back_as_they_were() -> None:
    counts = counted(group(2), group(3, "proxy", brief=1))

    assert Part(json.loads(json.dumps(counts.to_json()))).read(ProxyCounts) == counts
