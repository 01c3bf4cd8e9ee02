"""The scenario's rules, over the window that was observed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzer.errors import UsageError
from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.policy import hours_of, policy_of
from analyzer.projection.scenario import default_scenario
from tests.projection.builders import Proxy, mesh, scenario

STEADY = Proxy(cpu_vcpu=(0.04,) * 300, proxy_rps=(10.0,) * 300)


def test_the_defaults_are_those_of_krr_and_vpa() -> None:
    found = policy_of(default_scenario(), mesh(STEADY, steps=300))

    assert (found.percentile, found.cpu_limit) == (95, LimitPolicy.KEEP)
    assert (found.headroom_share, found.unseen_headroom_share) == (0.1, 0.15)
    assert (found.memory_headroom_share, found.memory_limit_share) == (0.15, 1.0)
    assert (found.window_hours, found.step_seconds, found.limit_factor) == (25.0, 300, 10)
    assert not found.is_short


def test_what_the_scenario_states_is_used() -> None:
    stated = scenario(
        rightsizing_percentile=99,
        rightsizing_headroom_share=0.2,
        rightsizing_unseen_headroom_share=0.3,
        rightsizing_memory_headroom_share=0.4,
        rightsizing_memory_limit_share=0.5,
        rightsizing_limit_factor=4,
        rightsizing_cpu_limit="set",
    )
    found = policy_of(stated, mesh(STEADY, steps=300))

    assert (found.percentile, found.headroom_share, found.unseen_headroom_share) == (99, 0.2, 0.3)
    assert (found.memory_headroom_share, found.memory_limit_share) == (0.4, 0.5)
    assert (found.limit_factor, found.cpu_limit) == (4, LimitPolicy.SET)


@pytest.mark.parametrize(
    ("steps", "force_short", "expected"), [(300, True, False), (24, True, True), (24, False, False)]
)
def test_a_window_is_short_only_where_it_is_and_is_forced(
    steps: int, *, force_short: bool, expected: bool
) -> None:
    proxy = replace(STEADY, cpu_vcpu=(0.04,) * steps, proxy_rps=(1.0,) * steps)
    found = policy_of(default_scenario(), mesh(proxy, steps=steps), force_short=force_short)

    assert found.is_short is expected


def test_gaps_of_the_window_do_not_count() -> None:
    usage = mesh(STEADY, steps=300)

    assert hours_of(replace(usage, observed_points=np.arange(12))) == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"rightsizing_percentile": 49},
        {"rightsizing_percentile": 101},
        {"rightsizing_percentile": {"low": 90, "mid": 95, "high": 99}},
        {"rightsizing_headroom_share": {"low": 0.1, "mid": 0.2, "high": 0.3}},
        {"rightsizing_headroom_share": -0.1},
        {"rightsizing_limit_factor": 0.5},
        {"rightsizing_cpu_limit": "halve"},
    ],
)
def test_rules_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        scenario(**changes)
