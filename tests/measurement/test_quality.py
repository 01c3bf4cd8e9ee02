"""Each check of the proxies fires on what it is for, weighs it rightly, and on nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.measurement.findings import Bias, Severity
from analyzer.units import Role
from tests.measurement.flawed import POINTS, A, B, Seen, call, found

WEB = ("shop", "web")


def test_nothing_is_wrong_with_two_usual_sidecars(tmp_path: Path) -> None:
    assert found(tmp_path, [A, B], call("source", WEB), call("destination", WEB)) == {}


def test_a_mesh_without_sidecars_has_nothing_wrong_with_them(tmp_path: Path) -> None:
    gateway = Seen(pod="istio/gw", role="gateway", rps=0.0, points=[2])

    assert found(tmp_path, [gateway, replace(gateway, points=range(POINTS), pod="istio/b")]) == {}


# --- seen from one side ---


@pytest.mark.parametrize(
    ("others", "severity"), [(4, Severity.SERIOUS), (5, Severity.WARNING)], ids=["20%", "17%"]
)
def test_cpu_without_requests_is_serious_from_a_fifth_of_the_cpu(
    tmp_path: Path, others: int, severity: Severity
) -> None:
    usual = [Seen(pod=f"shop/{number}") for number in range(others)]
    dark = Seen(pod="shop/dark", workload="dark", rps=None)
    finding = found(tmp_path, [*usual, dark])["cpu_without_requests"]

    assert finding.severity is severity
    assert finding.affected == ("shop/dark",)
    assert finding.cpu_share == pytest.approx(1 / (others + 1))
    # What they carry is not known, which is not nothing.
    assert finding.rps_share is None
    assert finding.time_share == pytest.approx(1 / (others + 1))
    assert finding.bias is Bias.TOO_LOW
    assert "1 sidecar." in finding.text


def test_requests_without_cpu_are_weighed_by_the_requests(tmp_path: Path) -> None:
    dark = Seen(pod="shop/dark", workload="dark", cpu=None, rps=600.0)
    (finding,) = found(tmp_path, [A, B, dark]).values()

    assert finding.name == "requests_without_cpu"
    assert finding.rps_share == pytest.approx(600 / 800)
    assert finding.cpu_share is None
    assert finding.severity is Severity.SERIOUS


def test_a_sidecar_that_was_scraped_at_times_has_requests(tmp_path: Path) -> None:
    late = Seen(pod="shop/late", rps_points=range(3, POINTS))

    assert set(found(tmp_path, [A, late])) == {"unseen_requests"}


def test_unseen_requests_are_of_the_sidecars_where_theirs_are_too(tmp_path: Path) -> None:
    """A gateway that was seen less is named only where the sidecars were seen all the time."""
    gateway = Seen(pod="istio/gw", role="gateway", workload="gw", rps_points=[0, 1, 2])
    late = Seen(pod="shop/late", rps_points=range(1, POINTS))
    both = found(tmp_path / "both", [A, B, late, gateway])["unseen_requests"]
    alone = found(tmp_path / "alone", [A, B, gateway])["unseen_requests"]

    assert (both.affected, alone.affected) == (("shop/late",), ("istio/gw",))
    assert both.time_share == pytest.approx(1 / 18)
    assert alone.time_share == 0
    assert "of the gateways" in alone.text


def test_shares_are_of_the_steps_that_the_totals_are_over(tmp_path: Path) -> None:
    """In most steps requests are known of no proxy: these steps are in no total."""
    seen = Seen(pod="shop/a", rps_points=range(2))
    dark = Seen(pod="shop/dark", workload="dark", rps=None, points=range(1, POINTS))
    unseen = Seen(pod="shop/gone", workload="gone", rps=None, points=range(2, POINTS))
    finding = found(tmp_path, [seen, dark, unseen])["cpu_without_requests"]

    assert finding.cpu_share == pytest.approx(1 / (2 + 1))
    # No total has it in it.
    assert finding.affected == ("shop/dark",)


def test_those_affected_are_sorted_as_they_are_written(tmp_path: Path) -> None:
    pods = ["shop/a", "shop-b/a", "shop/c", "shop/b"]
    proxies = [A, *(Seen(pod=pod, rps=None) for pod in pods[1:])]

    affected = found(tmp_path, proxies)["cpu_without_requests"].affected
    assert affected == tuple(sorted(pods[1:])) == ("shop-b/a", "shop/b", "shop/c")


# --- requests that are not what they seem ---


@pytest.mark.parametrize(("rps", "tcp", "fires"), [(0, 5, True), (1, 5, False), (0, 0, False)])
def test_tcp_only_is_tcp_and_no_request(
    tmp_path: Path, rps: float, tcp: float, *, fires: bool
) -> None:
    database = Seen(pod="shop/db", workload="db", rps=rps, tcp=tcp)
    findings = found(tmp_path, [A, database])

    assert set(findings) == ({"tcp_only"} if fires else set())
    if fires:
        assert findings["tcp_only"].affected == ("shop/db",)
        assert findings["tcp_only"].rps_share == 0.0
        assert findings["tcp_only"].cpu_share == 0.5
        assert findings["tcp_only"].severity == Severity.INFO


def test_a_workload_that_only_its_callers_report_is_found(tmp_path: Path) -> None:
    """Its metrics are switched off: its proxies are scraped, and show nothing but their build."""
    silent = [Seen(pod=f"shop/{name}", workload="mute", rps=0.0) for name in ("mute", "mute-2")]
    described: list[tuple[str | float, ...]] = [
        ("", "shop", one.pod[5:], "node-1", "10.0.0.1", "ReplicaSet", "mute-6c9f", 0, 1.0)
        for one in silent
    ]
    finding = found(
        tmp_path, [A, B, *silent], {"pod_placement": described}, call("source", ("shop", "mute"))
    )["requests_not_reported"]

    assert finding.affected == ("shop/mute", "shop/mute-2")
    assert finding.cpu_share == 0.5


@pytest.mark.parametrize(
    ("proxies", "calls"),
    [
        ([A, B], call("source", WEB)),
        # One of them idles: the workload as a whole is heard of.
        ([A, Seen(pod="shop/idle", rps=0.0)], call("source", WEB)),
        ([A, Seen(pod="shop/idle", rps=0.0)], call("source", ("db", "idle"))),
        ([A, Seen(pod="shop/idle", rps=0.0)], call("source", ("shop", "idle"), 0.0)),
        ([A, Seen(pod="shop/dark", rps=None)], call("source", ("shop", "dark"))),
        # Its workload has proxies in two clusters, and only those in the other were called.
        (
            [
                Seen(pod="shop/front", workload="front", cluster="north"),
                Seen(pod="shop/web", rps=0.0, cluster="north"),
                Seen(pod="shop/web", cluster="south"),
            ],
            call("source", WEB, cluster="north"),
        ),
    ],
    ids=["usual", "one idles", "elsewhere", "never called", "not scraped", "two clusters"],
)
def test_who_is_heard_of_or_not_called_reports_enough(
    tmp_path: Path, proxies: list[Seen], calls: dict[str, list[tuple[str | float, ...]]]
) -> None:
    """A pod that no creator and no label names a workload for is its own."""
    assert "requests_not_reported" not in found(tmp_path, proxies, calls)


@pytest.mark.parametrize(("messages", "fires"), [(1000.0, False), (1001.0, True)])
def test_streams_are_more_than_ten_messages_a_request(
    tmp_path: Path, messages: float, *, fires: bool
) -> None:
    stream = Seen(pod="shop/s", messages=messages)
    findings = found(tmp_path, [A, stream, Seen(pod="shop/unary", messages=200.0)])

    assert set(findings) == ({"grpc_streams"} if fires else set())
    if fires:
        assert findings["grpc_streams"].affected == ("shop/s",)
        assert findings["grpc_streams"].rps_share == pytest.approx(1 / 3)


def test_a_stream_that_never_ended_is_one_too(tmp_path: Path) -> None:
    endless = Seen(pod="shop/s", rps=0.0, messages=0.5)

    assert found(tmp_path, [A, endless])["grpc_streams"].affected == ("shop/s",)


@pytest.mark.parametrize(("share", "fires"), [(0.05, False), (0.07, True)])
def test_throttled_is_more_than_a_hundredth_of_its_life(
    tmp_path: Path, share: float, *, fires: bool
) -> None:
    """It was throttled in one step of six."""
    tight = Seen(pod="shop/tight", throttled=share)
    findings = found(tmp_path, [A, tight])

    assert set(findings) == ({"throttled"} if fires else set())
    if fires:
        assert findings["throttled"].cpu_share == 0.5


def test_a_throttled_gateway_is_named_and_no_part_of_the_sidecars(tmp_path: Path) -> None:
    gateway = Seen(pod="istio/gw", role="gateway", rps=0.0, throttled=0.9)
    (finding,) = found(tmp_path, [A, gateway]).values()

    assert finding.affected == ("istio/gw",)
    assert (finding.cpu_share, finding.rps_share) == (None, None)
    assert finding.severity is Severity.WARNING


def test_a_lone_pod_that_is_called_and_reports_nothing_is_found(tmp_path: Path) -> None:
    idle = Seen(pod="shop/idle", rps=0.0)
    findings = found(tmp_path, [A, idle], call("source", ("shop", "idle")))

    assert findings["requests_not_reported"].affected == ("shop/idle",)


# --- lives, roles, restarts ---


@pytest.mark.parametrize(
    ("points", "fires"),
    [
        ([2], True),
        ([2, 3], True),
        ([2, 3, 4], False),
        # How long these lived before or after the window cannot be seen.
        ([0, 1], False),
        ([POINTS - 2, POINTS - 1], False),
    ],
)
def test_short_lives_are_those_without_a_whole_step(
    tmp_path: Path, points: list[int], *, fires: bool
) -> None:
    findings = found(tmp_path, [A, B, Seen(pod="shop/job", points=points)])

    assert set(findings) == ({"short_lives"} if fires else set())
    if fires:
        share = len(points) / (2 * POINTS + len(points))
        assert findings["short_lives"].cpu_share == pytest.approx(share)
        assert findings["short_lives"].affected == ("shop/job",)


def test_a_life_that_an_outage_cuts_off_is_not_called_short(tmp_path: Path) -> None:
    outage = {*range(POINTS)} - {3}
    always = Seen(pod="shop/a", points=sorted(outage))

    assert set(found(tmp_path, [always, Seen(pod="shop/b", points=[1, 2])])) == {"gaps"}


@pytest.mark.parametrize(
    ("cpu", "severity", "with_them"),
    [
        (0.01, Severity.WARNING, ""),
        (0.1, Severity.WARNING, "use 1 vCPU without them and 1.1 with"),
        (1.0, Severity.SERIOUS, "use 1 vCPU without them and 2 with"),
    ],
)
def test_a_role_that_nothing_decides_is_told(
    cpu: float, severity: Severity, with_them: str, tmp_path: Path
) -> None:
    unknown = Seen(pod="shop/x", role="unknown", rps=0.0, cpu=cpu)
    (finding,) = found(tmp_path, [A, unknown]).values()

    assert finding.name == "ambiguous_roles"
    assert finding.affected == ("shop/x",)
    assert finding.severity is severity
    assert with_them in finding.text
    assert ("without them" in finding.text) == bool(with_them)


def test_counters_that_began_anew_are_worth_knowing(tmp_path: Path) -> None:
    findings = found(tmp_path, [A, Seen(pod="shop/r", resets=1.0), replace(B, role=Role.GATEWAY)])

    assert set(findings) == {"counter_resets"}
    assert findings["counter_resets"].affected == ("shop/r",)
    assert findings["counter_resets"].severity is Severity.INFO
