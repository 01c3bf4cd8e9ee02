"""What cannot be compared is refused with the reason, and with what mends it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.comparison.compare import compare, compare_usage, incomparable, salts_differ
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.scenario import default_scenario
from analyzer.prometheus.promql import Scope
from analyzer.settings import Setting, settings_in
from analyzer.units import Reason, Refusal, Role
from tests.comparison.migrations import Migrated
from tests.measurement.snapshots import STEP_SECONDS, make_snapshot, steady


def renamed(usage: MeshUsage) -> MeshUsage:
    """Return a mesh in which nothing is called as it was."""
    calls = usage.calls.assign(
        source_workload_namespace="elsewhere", destination_workload_namespace="elsewhere"
    )
    return replace(
        usage,
        proxies=usage.proxies.assign(namespace="elsewhere", node="other"),
        nodes=usage.nodes.assign(node="other"),
        calls=calls,
    )


def without(usage: MeshUsage, role: Role) -> MeshUsage:
    """Return a mesh without the proxies of a role."""
    kept = usage.proxies.index[usage.proxies["role"] != role]
    return replace(
        usage,
        proxies=usage.proxies.loc[kept],
        steps=usage.steps[usage.steps["proxy"].isin(kept)],
    )


def steady_sidecars(usage: MeshUsage) -> MeshUsage:
    """Return a mesh in which no rate ever changes."""
    return replace(usage, steps=usage.steps.assign(proxy_rps=50.0))


def dead_ztunnels(usage: MeshUsage) -> MeshUsage:
    """Return a mesh with ztunnels of unknown CPU."""
    is_ztunnel = usage.steps["proxy"].map(usage.proxies["role"]) == Role.ZTUNNEL
    return replace(
        usage, steps=usage.steps.assign(cpu_vcpu=usage.steps["cpu_vcpu"].mask(is_ztunnel))
    )


Change = Callable[[MeshUsage], MeshUsage]


def same(usage: MeshUsage) -> MeshUsage:
    return usage


@pytest.mark.parametrize(
    ("change_before", "change_after", "moved", "words"),
    [
        (same, renamed, ("pay",), "share no namespace"),
        (
            lambda usage: replace(usage, clusters=("north",)),
            lambda usage: replace(usage, clusters=("south",)),
            ("pay",),
            "north, and AFTER has south",
        ),
        (same, lambda usage: without(usage, Role.ZTUNNEL), (), "no workload has moved"),
        (
            same,
            lambda usage: without(usage, Role.ZTUNNEL),
            ("pay",),
            "2 workloads have lost all sidecars",
        ),
        (same, dead_ztunnels, ("pay",), "ztunnels without CPU samples"),
        (steady_sidecars, same, ("pay",), "BEFORE has no fit"),
    ],
    ids=["other mesh", "other cluster", "no ztunnel", "ztunnels not seen", "no CPU", "no fit"],
)
def test_what_cannot_be_compared_is_refused(
    change_before: Change, change_after: Change, moved: tuple[str, ...], words: str
) -> None:
    migrated = Migrated(moved=moved)

    found = compare_usage(
        change_before(migrated.before()), change_after(migrated.after()), default_scenario()
    )

    assert isinstance(found, Refusal)
    assert words in str(found)
    assert "\n" not in str(found)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    rows = steady("proxy_cpu_vcpu", ("shop", "cart-1"), 0.1)
    return make_snapshot(tmp_path / "snap", {"proxy_cpu_vcpu": rows}).manifest


def a_day_later(manifest: Manifest) -> Manifest:
    """Return the manifest of the same hours a day later."""
    window, day = manifest.window, timedelta(days=1)
    later = replace(window, start=window.start + day, end=window.end + day)
    return replace(manifest, window=later)


def test_the_same_question_a_day_later_can_be_compared(manifest: Manifest) -> None:
    assert incomparable(manifest, a_day_later(manifest)) is None


def test_snapshots_the_wrong_way_round_or_overlapping_are_refused(manifest: Manifest) -> None:
    for before, after in ((a_day_later(manifest), manifest), (manifest, manifest)):
        refusal = incomparable(before, after)
        assert refusal is not None
        assert refusal.reason == Reason.AMBIGUOUS
        for moment in (after.window.start, before.window.end):
            assert f"{moment:%Y-%m-%d %H:%M}" in refusal.detail


def test_other_parts_of_a_mesh_are_refused(manifest: Manifest) -> None:
    scoped = replace(a_day_later(manifest), scope=Scope(namespaces=("shop",), cluster=""))

    refusal = incomparable(manifest, scoped)

    assert refusal is not None
    assert settings_in(refusal.detail) == (Setting.NAMESPACES, Setting.CLUSTER)


def test_names_hidden_in_one_of_two_are_refused(manifest: Manifest) -> None:
    hidden = replace(a_day_later(manifest), source="hidden")

    refusal = incomparable(manifest, hidden)

    assert refusal is not None
    assert settings_in(refusal.detail) == (Setting.HIDE_NAMES,)
    assert "ISTIO_USAGE_SALT" in refusal.detail


def test_names_hidden_by_two_salts_are_refused_with_the_cure(manifest: Manifest) -> None:
    assert salts_differ(manifest) is None
    refusal = salts_differ(replace(manifest, source="hidden"))

    assert refusal is not None
    assert refusal.reason == Reason.AMBIGUOUS
    assert "ISTIO_USAGE_SALT" in refusal.detail


def test_two_snapshots_are_read_and_compared(tmp_path: Path) -> None:
    """Of a mesh too small to say anything, the first reason is told."""
    tables = {
        "proxy_cpu_vcpu": steady("proxy_cpu_vcpu", ("shop", "cart-1"), 0.1),
        "inbound_requests_rps": steady(
            "inbound_requests_rps", ("shop", "cart-1", "shop", "cart"), 5.0
        ),
    }
    before = make_snapshot(tmp_path / "before", tables)
    day = 86_400 // STEP_SECONDS
    later = {
        name: [(*labels, int(point) + day, value) for *labels, point, value in rows]
        for name, rows in tables.items()
    }
    after = make_snapshot(tmp_path / "after", later, points=day + 4)
    after = replace(after, manifest=a_day_later(after.manifest))

    assert isinstance(compare(before, after), Refusal)
