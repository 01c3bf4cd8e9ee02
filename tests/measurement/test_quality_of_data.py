"""Each check of the data as a whole fires on what it is for, and on nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.measurement.findings import Severity
from analyzer.measurement.metrics import POD_LABELS
from analyzer.prometheus.label_mapping import CPU_RULES, Attribution, LabelMapping
from tests.measurement.flawed import POINTS, SCRAPES, A, B, Seen, found, snapshot_of
from tests.measurement.snapshots import Rows

PLACED = {"pod_placement": [("", "shop", "a", "node-1", "10.0.0.1", "", "", 0, 1.0)]}


def machines(**types: str) -> dict[str, Rows]:
    """Return nodes of some types, and where the sidecars run: each on one."""
    pods = ("a", "b", "c")[: len(types)]
    return {
        "node_instance_types": [("", node, kind, 0, 1.0) for node, kind in types.items()],
        "proxy_nodes": [
            ("", "shop", pod, node, "", 0, 1.0) for pod, node in zip(pods, types, strict=True)
        ],
    }


# --- what the server said of itself ---


def test_a_remark_may_mean_that_an_answer_is_incomplete(tmp_path: Path) -> None:
    remarks = ("PromQL info: odd", "store a:\n  unreachable")
    (finding,) = found(tmp_path, [A, B], remarks=remarks[1:]).values()

    assert finding.severity is Severity.WARNING
    assert finding.affected == remarks[1:]
    assert '"store a: unreachable"' in finding.text
    assert "\n" not in str(finding)
    both = found(tmp_path / "both", [A, B], remarks=remarks)
    assert both["server_remarks"].severity is Severity.WARNING


def test_a_remark_on_a_query_says_nothing_of_its_answer(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, [A, B], remarks=("PromQL info: odd name",)).values()

    assert finding.severity is Severity.INFO
    assert "incomplete" not in str(finding)


# --- what it was made from ---


def test_recorded_cpu_is_told_with_its_rule(tmp_path: Path) -> None:
    recorded = {
        "proxy_recorded_cpu_vcpu": [("", "shop", "a", "istio-proxy", n, 1.0) for n in range(6)]
    }
    scraped = replace(A, cpu=None)
    (finding,) = found(
        tmp_path, [scraped], recorded, label_mapping=LabelMapping(cpu=CPU_RULES[0])
    ).values()

    assert finding.name == "recorded_cpu"
    assert CPU_RULES[0] in finding.text


def test_attribution_by_address_is_told(tmp_path: Path) -> None:
    by_address = LabelMapping(attribution=Attribution.ADDRESS)
    rows: dict[str, Rows] = {
        "inbound_requests_rps": [
            ("", "", "10.0.0.1:15020", "shop", "web", n, 5.0) for n in range(6)
        ],
        "pod_placement": [
            ("", "shop", "a", "node-1", "10.0.0.1", "", "", n, 1.0) for n in range(6)
        ],
    }
    (finding,) = found(tmp_path, [replace(A, rps=None)], rows, label_mapping=by_address).values()

    assert finding.name == "by_address"
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize(
    ("types", "families"),
    [
        ({"n1": "m5.2xlarge", "n2": "m6g.2xlarge"}, ("m5", "m6g")),
        ({"n1": "m5.2xlarge", "n2": "m5.large"}, None),
        ({"n1": "n2-standard-8", "n2": "n2d-highmem-16"}, ("n2", "n2d")),
        ({"n1": "e2-standard-8", "n2": "e2-medium"}, None),
        ({"n1": "Standard_D4s_v5", "n2": "Standard_D16s_v5"}, None),
        ({"n1": "Standard_D4s_v5", "n2": "Standard_D4s_v3"}, ("Standard_Ds_v3", "Standard_Ds_v5")),
        ({"n1": "r640", "n2": "r750"}, ("r640", "r750")),
        ({"n1": "r640", "n2": "r640"}, None),
        ({"n1": "r640", "n2": ""}, None),
    ],
)
def test_machines_differ_by_more_than_their_size(
    tmp_path: Path, types: dict[str, str], families: tuple[str, ...] | None
) -> None:
    findings = found(tmp_path, [A, B], machines(**types))

    # Where only the kubelet tells the nodes, that is a finding of its own.
    assert set(findings) - {"nodes_of_proxies"} == ({"instance_types"} if families else set())
    if families:
        assert findings["instance_types"].affected == families


def test_machines_without_sidecars_do_not_matter(tmp_path: Path) -> None:
    gateway = Seen(pod="shop/c", role="gateway", rps=0.0)

    findings = found(tmp_path, [A, B, gateway], machines(n1="r640", n2="r640", n3="r750"))

    assert "instance_types" not in findings


def test_nodes_that_only_the_kubelet_tells_are_those_of_the_proxies(tmp_path: Path) -> None:
    findings = found(tmp_path, [A, B], machines(n1="r640", n2="r640"))

    assert findings["nodes_of_proxies"].affected == ("n1", "n2")


def test_nodes_that_kube_state_metrics_tells_are_all_of_them(tmp_path: Path) -> None:
    assert "nodes_of_proxies" not in found(tmp_path, [A, B], PLACED)


# --- pod labels ---


def test_pod_labels_are_missed_where_there_is_a_kube_state_metrics(tmp_path: Path) -> None:
    """An allow-list of other labels is as good as none."""
    inbound = Seen(pod="shop/a", role="unknown")
    findings = found(tmp_path, [inbound], PLACED)

    assert POD_LABELS in findings["no_pod_labels"].fix
    assert found(tmp_path / "none", [inbound]) == {}
    assert found(tmp_path / "told", [A], PLACED) == {}


# --- scrapes ---


def test_scrapes_of_half_a_minute_are_fine_enough_whatever_step_was_asked(tmp_path: Path) -> None:
    """The step is 600 s by the user's own choice."""
    assert found(tmp_path, [A, B], cpu_scrape_seconds=30.0, request_scrape_seconds=15.0) == {}


@pytest.mark.parametrize(
    ("cpu", "requests", "step", "is_thanos"),
    [
        (60, 15, 600, False),
        (15, 300, 3000, False),
        (300, 300, 3000, True),
        (3600, 3600, 36000, True),
    ],
)
def test_slow_scrapes_make_long_steps_and_may_be_thanos(
    tmp_path: Path, cpu: int, requests: int, step: int, *, is_thanos: bool
) -> None:
    findings = found(
        tmp_path, [A, B], cpu_scrape_seconds=float(cpu), request_scrape_seconds=float(requests)
    )
    finding = findings["coarse_scrapes"]

    assert finding.severity is Severity.INFO
    assert f"every {cpu} s and requests every {requests} s" in finding.text
    assert f"at least {step} s" in finding.text
    assert ("Thanos" in finding.text) is ("Thanos" in finding.fix) is is_thanos


@pytest.mark.parametrize(("steps", "fires"), [(0, False), (1, False), (2, True), (POINTS, True)])
def test_samples_thinner_than_the_scrapes_are_told(
    tmp_path: Path, steps: int, *, fires: bool
) -> None:
    """Of a downsampled step fewer samples are left than the server scrapes today."""
    whole = snapshot_of(tmp_path, [A, B]).frame("proxy_build")
    assert set(whole["proxy_build"]) == {SCRAPES}
    thin = [
        replace(one, rps_points=range(steps, POINTS)) if steps < POINTS else replace(one, rps=None)
        for one in (A, B)
    ]
    builds = [
        ("", "shop", pod, "proxy", point, 4.0) for pod in ("a", "b") for point in range(steps)
    ]
    findings = found(tmp_path / "thin", thin, {"proxy_build": builds})

    assert set(findings) == ({"thinned_samples"} if fires else set())
    if fires:
        text = findings["thinned_samples"].text
        assert text.startswith(f"{steps} of 6 intervals ")
        assert " of the 20 samples" in text


def test_a_few_proxies_scraped_rarely_are_not_thinned(tmp_path: Path) -> None:
    rare = [("", "shop", "c", "proxy", point, 2.0) for point in range(POINTS)]
    slow = Seen(pod="shop/c", rps=None)

    assert found(tmp_path, [A, B, slow], {"proxy_build": rare}) == {}


@pytest.mark.parametrize(
    ("scraped", "words"),
    [
        ({"proxy": 7}, "the metrics of 7 proxies."),
        ({"proxy": 7, "cadvisor": 9}, "metrics of 7 proxies and the CPU of 9 proxies."),
    ],
)
def test_duplicate_scrapes_are_told_with_their_sides(
    tmp_path: Path, scraped: dict[str, int], words: str
) -> None:
    (finding,) = found(tmp_path, [A, B], duplicate_scrapes=scraped).values()

    assert finding.name == "duplicate_scrapes"
    assert words in finding.text
