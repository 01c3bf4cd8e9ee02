"""Patches applied by kustomize of two releases: the result is valid, and has what was meant."""

from collections.abc import Mapping
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from analyzer.projection.rightsizing.result import Resources, Rightsizing
from analyzer.report.patches.choosing import Style, patches_of
from analyzer.report.patches.files import KustomizeApi, Layout, patch_files
from analyzer.report.patches.quantities import CPU, CPU_LIMIT, MEMORY, MEMORY_LIMIT
from tests.report.patches.advice import RECOMMENDED, TODAY, advice, of_owners, rightsizing
from tests.report.patches.kubectl import (
    API_VERSIONS,
    Object,
    annotations_in,
    built,
    key_of,
    manifest,
    tried,
    without_annotations,
    write_base,
)

APIS = pytest.mark.parametrize("api", KustomizeApi, ids=lambda api: f"kustomize {api}")

MEANT = {CPU: "15m", CPU_LIMIT: "2000m", MEMORY: "64Mi", MEMORY_LIMIT: "1024Mi"}

OTHERS = {"prometheus.io/scrape": "true", "sidecar.istio.io/inject": "true", "on": "1e3"}

ODD_NAMES = ("on", "off", "y", "null", "true", "1e3", "0x1f", "1.0", "2026-11-26", "a.b", "axb")
"""Names that Kubernetes accepts, and that YAML or a regular expression may take for others."""


def write_patches(
    found: Rightsizing, folder: Path, layout: Layout, style: Style = Style.ANNOTATIONS
) -> None:
    for name, content in patch_files(patches_of(found, style), layout).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def patched(
    found: Rightsizing,
    objects: list[Object],
    folder: Path,
    api: KustomizeApi,
    style: Style = Style.ANNOTATIONS,
) -> Mapping[tuple[str, str, str], Object]:
    """Return what kustomize makes of objects, which but for annotations is what they were."""
    write_patches(found, folder, Layout(api=api), style)
    if api == KustomizeApi.CURRENT:
        write_base(folder / "base", objects)
        made = built(folder / "patches", api)
    else:
        made = []
        for namespace in {key_of(item)[1] for item in objects}:
            theirs = [item for item in objects if key_of(item)[1] == namespace]
            write_base(folder / "base" / namespace, theirs)
            has_patches = (folder / "patches" / namespace).is_dir()
            made += built(folder / ("patches" if has_patches else "base") / namespace, api)
    results = {key_of(item): item for item in made}
    assert results.keys() == {key_of(item) for item in objects}
    for item in objects:
        assert without_annotations(results[key_of(item)]) == without_annotations(item)
    return results


@APIS
def test_every_kind_gets_exactly_its_annotations_and_stays_valid(
    api: KustomizeApi, tmp_path: Path
) -> None:
    owners = [(kind, "shop", f"the-{kind.lower()}") for kind in API_VERSIONS]
    objects = [manifest(*owner, OTHERS) for owner in owners]
    bare = [manifest(kind, "bare", name) for kind, _, name in owners]
    found = of_owners([*owners, *map(key_of, bare)])
    results = patched(found, [*objects, *bare], tmp_path, api)

    for key, item in results.items():
        others = OTHERS if key[1] == "shop" else {}
        assert annotations_in(item) == {**others, **MEANT}, key
        if key[0] != "Rollout":  # A custom resource has no schema among those of Kubernetes.
            kubernetes_validate.validate(item, "1.35", strict=True)


def test_the_schemas_refuse_an_annotation_that_is_no_text() -> None:
    """Known to fail: otherwise a valid result would prove nothing."""
    wrong = manifest("Deployment", "shop", "cart", {CPU: "15m"})
    wrong["spec"]["template"]["metadata"]["annotations"][CPU] = 15

    with pytest.raises(kubernetes_validate.ValidationError, match="15"):
        kubernetes_validate.validate(wrong, "1.35", strict=True)


@APIS
def test_odd_names_are_exactly_themselves(api: KustomizeApi, tmp_path: Path) -> None:
    owners = [("Deployment", "on", name) for name in ODD_NAMES if name != "axb"]
    objects = [manifest("Deployment", "on", name) for name in ODD_NAMES]
    results = patched(of_owners(owners), objects, tmp_path, api)

    have = {name for (_, _, name), item in results.items() if annotations_in(item) == MEANT}
    assert have == set(ODD_NAMES) - {"axb"}
    assert annotations_in(results["Deployment", "on", "axb"]) == {}


@APIS
def test_the_same_name_in_another_namespace_or_kind_is_another_object(
    api: KustomizeApi, tmp_path: Path
) -> None:
    objects = [
        manifest("Deployment", "shop", "cart"),
        manifest("Deployment", "shop-canary", "cart"),
        manifest("StatefulSet", "shop", "cart"),
    ]
    results = patched(of_owners([("Deployment", "shop", "cart")]), objects, tmp_path, api)

    assert {key[:2] for key, item in results.items() if annotations_in(item)} == {
        ("Deployment", "shop")
    }


@APIS
def test_annotations_that_the_base_has_are_replaced(api: KustomizeApi, tmp_path: Path) -> None:
    earlier = {**OTHERS, CPU: "1", MEMORY: "1Gi", CPU_LIMIT: "3", MEMORY_LIMIT: "2Gi"}
    objects = [manifest("Deployment", "shop", "cart", earlier)]
    results = patched(of_owners([("Deployment", "shop", "cart")]), objects, tmp_path, api)

    assert annotations_in(results["Deployment", "shop", "cart"]) == {**OTHERS, **MEANT}


@APIS
@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "Rollout"])
@pytest.mark.parametrize("annotations", [None, OTHERS])
def test_without_a_cpu_limit_there_is_no_annotation_of_one(
    api: KustomizeApi, kind: str, annotations: Mapping[str, str] | None, tmp_path: Path
) -> None:
    unlimited = Resources(request_vcpu=0.015, request_memory_gib=0.0625, limit_memory_gib=1)
    found = rightsizing(advice("cart", kind, recommended=unlimited))
    objects = [manifest(kind, "shop", "cart", annotations)]
    results = patched(found, objects, tmp_path, api)
    meant = {name: value for name, value in MEANT.items() if name != CPU_LIMIT}

    assert annotations_in(results[kind, "shop", "cart"]) == {**(annotations or {}), **meant}


@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "Rollout"])
def test_a_current_kustomize_removes_a_cpu_limit_of_the_base(kind: str, tmp_path: Path) -> None:
    unlimited = Resources(request_vcpu=0.015, request_memory_gib=0.0625)
    found = rightsizing(advice("cart", kind, recommended=unlimited))
    objects = [manifest(kind, "shop", "cart", {**OTHERS, CPU_LIMIT: "2"})]
    results = patched(found, objects, tmp_path, KustomizeApi.CURRENT)

    assert annotations_in(results[kind, "shop", "cart"]) == {**OTHERS, CPU: "15m", MEMORY: "64Mi"}


@APIS
def test_a_cpu_limit_of_the_base_stays_where_no_limit_was_measured(
    api: KustomizeApi, tmp_path: Path
) -> None:
    unlimited = Resources(request_vcpu=0.015, request_memory_gib=0.0625, limit_memory_gib=1)
    today = Resources(request_vcpu=0.1, request_memory_gib=0.125)
    found = rightsizing(advice(recommended=unlimited, today=today))
    objects = [manifest("Deployment", "shop", "cart", {CPU_LIMIT: "2"})]
    results = patched(found, objects, tmp_path, api)

    assert annotations_in(results["Deployment", "shop", "cart"]) == {**MEANT, CPU_LIMIT: "2"}


@APIS
def test_only_exceptions_to_the_default_have_patches(api: KustomizeApi, tmp_path: Path) -> None:
    larger = Resources(request_vcpu=0.2, limit_vcpu=2, request_memory_gib=0.25, limit_memory_gib=1)
    found = rightsizing(
        advice("usual"),
        advice("busy", recommended=larger),
        advice("young", recommended=None, today=TODAY),
    )
    objects = [manifest("Deployment", "shop", name) for name in ("usual", "busy", "young")]
    results = patched(found, objects, tmp_path, api, Style.DEFAULTS)
    by_name = {name: annotations_in(item) for (_, _, name), item in results.items()}

    assert by_name["usual"] == {}
    assert (by_name["busy"][CPU], by_name["busy"][MEMORY]) == ("200m", "256Mi")
    # Today's stays: no recommendation is no licence to give it the default.
    assert (by_name["young"][CPU], by_name["young"][MEMORY]) == ("100m", "128Mi")
    values = yaml.safe_load((tmp_path / "values.yaml").read_text(encoding="utf-8"))
    assert values == {
        "global": {
            "proxy": {
                "resources": {
                    "requests": {"cpu": "15m", "memory": "64Mi"},
                    "limits": {"cpu": "2000m", "memory": "1024Mi"},
                }
            }
        }
    }


@APIS
def test_each_cluster_has_its_own_folder(api: KustomizeApi, tmp_path: Path) -> None:
    names = ("east", "arn:aws:eks:eu:1:cluster/west", "..")
    found = of_owners([("Deployment", f"{cluster}/shop", "cart") for cluster in names])
    write_patches(found, tmp_path, Layout(api=api))
    of_namespace = "shop" if api == KustomizeApi.OLD else ""
    write_base(tmp_path / "base" / of_namespace, [manifest("Deployment", "shop", "cart")])
    folders = sorted((tmp_path / "patches").iterdir())

    assert len(folders) == len(names)
    for folder in folders:
        (item,) = built(folder / of_namespace, api)
        assert annotations_in(item) == MEANT


@APIS
def test_a_base_may_be_of_each_cluster_and_namespace(api: KustomizeApi) -> None:
    found = of_owners([("Deployment", "east/shop", "cart"), ("Deployment", "west/shop", "cart")])
    layout = Layout(api=api, base="/manifests/{cluster}/of-{namespace}")
    bases = set(map(layout.base_of, patches_of(found).items))

    assert bases == {"/manifests/east/of-shop", "/manifests/west/of-shop"}


def test_a_patch_without_its_object_is_skipped_or_an_error(tmp_path: Path) -> None:
    found = of_owners([("Deployment", "shop", "cart"), ("Deployment", "shop", "gone")])
    write_base(tmp_path / "base", [manifest("Deployment", "shop", "cart")])
    write_patches(found, tmp_path, Layout())
    (item,) = built(tmp_path / "patches", KustomizeApi.CURRENT)

    assert annotations_in(item) == MEANT
    write_patches(found, tmp_path, Layout(api=KustomizeApi.OLD, base="../../base"))
    failed = tried(tmp_path / "patches/shop", KustomizeApi.OLD)
    assert failed.returncode
    assert "gone" in failed.stderr


def test_an_old_kustomize_moves_no_object_to_another_namespace(tmp_path: Path) -> None:
    """It looks at the name only: a patch with a namespace would take the object there."""
    write_base(tmp_path / "base", [manifest("Deployment", "canary", "cart")])
    found = of_owners([("Deployment", "shop", "cart")])
    write_patches(found, tmp_path, Layout(api=KustomizeApi.OLD, base="../../base"))
    (item,) = built(tmp_path / "patches/shop", KustomizeApi.OLD)

    assert key_of(item) == ("Deployment", "canary", "cart")


def test_an_old_kustomize_needs_the_version_of_a_cron_job(tmp_path: Path) -> None:
    older = {**manifest("CronJob", "shop", "nightly"), "apiVersion": "batch/v1beta1"}
    found = of_owners([("CronJob", "shop", "nightly")])
    write_base(tmp_path / "base", [older])
    write_patches(found, tmp_path, Layout())
    (item,) = built(tmp_path / "patches", KustomizeApi.CURRENT)

    assert (item["apiVersion"], annotations_in(item)) == ("batch/v1beta1", MEANT)
    write_patches(found, tmp_path, Layout(api=KustomizeApi.OLD, base="../../base"))
    assert "nightly" in tried(tmp_path / "patches/shop", KustomizeApi.OLD).stderr


def test_the_default_is_that_of_the_recommendations() -> None:
    assert patches_of(rightsizing(advice()), Style.DEFAULTS).default == RECOMMENDED
    assert patches_of(rightsizing(advice()), Style.ANNOTATIONS).default is None


def test_values_name_the_gateways_that_they_reach() -> None:
    found = patches_of(rightsizing(advice()), Style.DEFAULTS)
    text = patch_files(found, Layout())["values.yaml"].decode()

    assert "gateways of the Gateway API" in text
