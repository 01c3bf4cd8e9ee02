"""The share of requests on a new connection is found from what Envoys accept."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from analyzer.arrays import Floats
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.connections import (
    LEAST_PROXIES,
    LEAST_STEPS,
    measured_connection_share,
    with_measured_share,
)
from analyzer.projection.scenario import default_scenario
from analyzer.units import Interval, Role
from tests.calibration.meshes import STEP_SECONDS, Fleet, usage_of
from tests.projection.builders import Call, Proxy, mesh

ACCEPTED = "accepted_connections_per_second"
PROBES = 0.3
"""Connections of probes and scrapes per second, of each proxy."""

LEAST_COVERED = 84
"""Of a hundred intervals of 90 %: P(Binomial(100, 0.9) < 84) is 0.02."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A workload: requests per second of each proxy at noon, and shares on new connections."""

    outbound: float = 0.0
    inbound: float = 0.0
    share: float = 0.1
    reused: float = 0.01
    proxies: int = 4


def drawn(*services: Service, seed: int = 0, steps: int = 288, shock: float = 0.1) -> MeshUsage:
    """Return a mesh over a day: loads go up and down, and shares too, in all proxies alike."""
    random = np.random.default_rng(seed)
    day = 1 + 0.6 * np.sin(2 * np.pi * np.arange(steps) / 288)
    shared = np.exp(shock * ragged(random, (1, steps)))
    fleets = []
    for number, one in enumerate(services):
        shape = one.proxies, steps
        outbound, inbound = (
            rate * day * np.exp(0.3 * ragged(random, shape) - 0.045)
            for rate in (one.outbound, one.inbound)
        )
        mean = (one.share * outbound + one.reused * inbound) * shared + PROBES
        accepted = random.poisson(mean * STEP_SECONDS) / STEP_SECONDS
        fleets.append(fleet(f"service-{number}", outbound, inbound, accepted))
    return usage_of(*fleets)


def ragged(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return noise that persists for an hour or so, with variance 1."""
    noise = random.normal(size=shape)
    for step in range(1, shape[1]):
        noise[:, step] = 0.8 * noise[:, step - 1] + 0.6 * noise[:, step]
    return noise


def fleet(workload: str, outbound: Floats, inbound: Floats, accepted: Floats) -> Fleet:
    rps = outbound + inbound
    vcpu = 0.01 + 0.0003 * rps
    events = {ACCEPTED: accepted}
    return Fleet(workload=workload, rps=rps, outbound_rps=outbound, vcpu=vcpu, events=events)


def known(usage: MeshUsage) -> Interval:
    share = measured_connection_share(usage)
    assert share is not None
    return share


CHAIN = (
    Service(outbound=40, inbound=40),
    Service(outbound=60, inbound=30),
    Service(inbound=80),
    Service(outbound=25, inbound=5),
)


@pytest.mark.long
def test_the_share_of_the_applications_is_in_its_range() -> None:
    found = [known(drawn(*CHAIN, seed=seed)) for seed in range(100)]

    assert sum(one.low <= 0.1 <= one.high for one in found) >= LEAST_COVERED
    assert np.mean([one.mid for one in found]) == pytest.approx(0.1, rel=0.03)


def test_the_range_is_narrow() -> None:
    found = [known(drawn(*CHAIN, seed=seed)) for seed in range(20)]

    assert np.mean([one.high - one.low for one in found]) < 0.03


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3, 1.0])
def test_all_shares_are_found(share: float) -> None:
    services = [replace(one, share=share, reused=min(share, 0.01)) for one in CHAIN]
    found = [known(drawn(*services, seed=seed)) for seed in range(20)]

    assert sum(one.low <= share <= one.high for one in found) >= 16
    assert np.mean([one.mid for one in found]) == pytest.approx(share, rel=0.05, abs=0.003)


def test_the_share_is_the_mean_over_requests() -> None:
    shares = (Service(outbound=90, share=0.05), Service(outbound=30, share=0.25))
    found = [known(drawn(*shares, seed=seed)) for seed in range(20)]

    assert np.mean([one.mid for one in found]) == pytest.approx(0.1, rel=0.05)
    assert sum(one.low <= 0.1 <= one.high for one in found) >= 16


def test_clients_alone_show_their_share() -> None:
    found = known(drawn(Service(outbound=50, share=0.2, proxies=8), shock=0))

    assert found.mid == pytest.approx(0.2, rel=0.01)
    assert found.high < 0.21


def test_servers_alone_may_see_reused_connections() -> None:
    """Half of the connections may be hidden in the callers' pools."""
    found = known(drawn(Service(inbound=50, reused=0.05, proxies=8), shock=0))

    assert found.low == pytest.approx(0.05, rel=0.02)
    assert found.mid == pytest.approx(0.075, rel=0.02)
    assert found.high == pytest.approx(0.1, rel=0.02)


def test_where_both_directions_change_alike_the_share_is_up_to_twice_the_mean() -> None:
    usage = drawn(Service(outbound=50, share=0.2, proxies=8), shock=0)
    outbound = usage.steps["outbound_rps"] / 2
    usage = replace(usage, steps=usage.steps.assign(outbound_rps=outbound, inbound_rps=outbound))
    found = known(usage)

    assert found.low == pytest.approx(0.2, rel=0.1)
    assert found.high == pytest.approx(0.4, rel=0.1)


def test_no_share_is_above_one() -> None:
    found = known(drawn(Service(inbound=50, reused=0.8, proxies=8)))

    assert found.high == 1


# --- callers without a sidecar ---


def with_edge(source: str, *, seed: int = 0, edge_share: float) -> tuple[MeshUsage, float]:
    """Return a mesh that is called from its edge too, and the share over all its requests.

    Of 160 requests, 120 are of calls between its sidecars, and all on pooled connections at the
    called one. `edge_share` is of the other 40.
    """
    front, back = Service(outbound=60, share=0.2), Service(inbound=100, reused=0.4 * edge_share)
    usage = drawn(front, back, seed=seed, shock=0.02)
    steps = len(usage.observed_points)
    within, into = (usage.steps[name].sum() / steps for name in ("outbound_rps", "inbound_rps"))
    gateway = Proxy(workload="edge/ingress", role=Role.GATEWAY)
    calls = [
        Call(source=one, destination="shop/service-1", rps=(rps,) * steps)
        for one, rps in (("shop/service-0", within), (source, into - within))
    ]
    proxies = pd.concat([usage.proxies, mesh(gateway).proxies], ignore_index=True)
    truth = (0.2 * 2 * within + 0.4 * edge_share * into) / (within + into)
    return replace(usage, proxies=proxies, calls=mesh(calls=calls, steps=steps).calls), truth


@pytest.mark.parametrize("source", ["edge/ingress", "unknown/unknown"])
@pytest.mark.parametrize("edge_share", [0.0, pytest.param(0.1, marks=pytest.mark.long), 0.5])
def test_requests_of_other_callers_have_a_share_of_their_own(
    source: str, edge_share: float
) -> None:
    errors, covered = [], 0
    for seed in range(20):
        usage, truth = with_edge(source, seed=seed, edge_share=edge_share)
        share = known(usage)
        covered += share.low <= truth <= share.high
        errors.append(share.mid / truth - 1)

    assert covered >= 16
    assert np.mean(errors) == pytest.approx(0.0, abs=0.02)


def test_connections_of_other_callers_may_be_those_of_sidecars() -> None:
    """No counter separates the two, so that the range holds both."""
    found = known(with_edge("edge/ingress", edge_share=0.5)[0])

    # All requests of the edge on connections that were open already, or half of them on new ones.
    assert found.low < 1.02 * 0.2 * 120 / 160
    assert found.high > 0.98 * (0.2 * 120 + 0.5 * 40) / 160


# --- what is not known ---


def test_without_variation_connections_may_all_be_probes() -> None:
    steady = np.full((8, 288), 50.0)

    assert measured_connection_share(usage_of(fleet("a", steady, 0 * steady, steady))) is None


def test_without_the_counter_nothing_is_known() -> None:
    usage = drawn(*CHAIN)

    lacking = usage.steps.drop(columns=ACCEPTED)
    assert measured_connection_share(replace(usage, steps=lacking)) is None
    unknown = usage.steps.assign(**{ACCEPTED: np.nan})
    assert measured_connection_share(replace(usage, steps=unknown)) is None


def test_few_proxies_or_steps_show_nothing() -> None:
    one = Service(outbound=50)

    assert measured_connection_share(drawn(replace(one, proxies=LEAST_PROXIES - 1))) is None
    assert measured_connection_share(drawn(one, steps=LEAST_STEPS - 1)) is None


def test_a_range_that_shows_too_little_is_none() -> None:
    usage = drawn(Service(outbound=0.01, share=0.5))

    assert measured_connection_share(usage) is None


# --- TCP ---


def test_tcp_connections_are_not_those_of_requests() -> None:
    usage = drawn(Service(outbound=50, proxies=8))
    opened = np.random.default_rng(1).uniform(0, 40, len(usage.steps))
    with_tcp = usage.steps.assign(
        **{ACCEPTED: usage.steps[ACCEPTED] + opened},
        new_connections_per_second=opened,
        tcp_bytes_per_second=1e5 * opened,
    )

    found, expected = known(replace(usage, steps=with_tcp)), known(usage)
    assert found.mid == pytest.approx(expected.mid, rel=1e-6)


def test_a_mesh_without_tcp_has_no_counter_of_its_connections() -> None:
    usage = drawn(Service(outbound=50, proxies=8))
    without = usage.steps.assign(new_connections_per_second=np.nan)

    assert known(replace(usage, steps=without)) == known(usage)
    with_tcp = without.assign(tcp_bytes_per_second=1e5)
    assert measured_connection_share(replace(usage, steps=with_tcp)) is None


def test_a_scenario_takes_the_measured_share_unless_one_is_stated() -> None:
    usage = drawn(*CHAIN)
    measured = with_measured_share(default_scenario(), usage)
    stated = default_scenario().changed("a test", {"http_new_connection_share": 0.2})

    assert measured["http_new_connection_share"] == measured_connection_share(usage)
    assert measured.assumptions["http_new_connection_share"].is_measured
    assert with_measured_share(stated, usage) == stated
