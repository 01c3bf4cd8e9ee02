"""The lab's parts, each by itself: what they account for is what they are said to."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests

from tests.lab.accounting import cpu_seconds, memory_bytes
from tests.lab.analysis import truth_by_workload
from tests.lab.envoy import Envoy, EnvoyStartError
from tests.lab.envoy_settings import Listening, answering, passing, upstream
from tests.lab.neighbour import Neighbour
from tests.lab.plans import BLOCK_STEPS, PLANS, plan
from tests.lab.schedule import RUSH, Level, rushing, schedule, waves
from tests.lab.table import renewed
from tests.lab.topology import CHAINS, IDLE, Proxy, proxies
from tests.lab.topology import Path as Way
from tests.lab.truth import Edge, edges_from_json, edges_to_json, total_vcpu, truth_table

_BUSY = """
import sys, threading, time

worked = threading.Event()

def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

def work_and_live():
    work(0.3)
    worked.set()
    threading.Event().wait()

threading.Thread(target=work_and_live, daemon=True).start()
work(0.1)
worked.wait()
hold = bytearray(64 * 1024 * 1024)
print("done", flush=True)
sys.stdin.read()
"""


def test_the_cpu_of_all_threads_is_counted_while_they_live() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    used, held = cpu_seconds(child.pid), memory_bytes(child.pid)
    child.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The main thread alone has used a third of it.
    assert used == pytest.approx(whole, rel=0.1)
    assert held > 64 * 1024 * 1024


def test_a_broken_envoy_is_reported_in_one_line_with_its_own_words(tmp_path: Path) -> None:
    broken = Listening(name="in", filters=[{"name": "no.such.filter"}])

    with pytest.raises(EnvoyStartError, match=r"Envoy shop/a-0 .*no\.such\.filter") as caught:
        Envoy("shop/a-0", tmp_path, listeners=[broken]).start()
    assert "\n" not in str(caught.value)


def test_an_envoy_answers_counts_and_ends(tmp_path: Path) -> None:
    listener = Listening(name="in", filters=answering([100]))
    with Envoy("backend", tmp_path, listeners=[listener]) as envoy:
        pid = envoy.pid
        assert envoy.ports["in"] > 0
        assert envoy.version.count(".") == 2
        assert envoy.stats()["server.live"] == 1

    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(EnvoyStartError, match="does not run"):
        _ = envoy.pid


def test_a_stat_prefix_names_both_ends_and_who_reports() -> None:
    way = Way(
        proxy=Proxy(namespace="shop", workload="front"),
        reporter="source",
        source="shop/front",
        target="shop/cart",
    )

    assert way.stat_prefix == "source~shop~front~shop~cart"
    assert "access_log" not in str(passing(way.stat_prefix, "cart"))


def test_the_lab_holds_what_it_promises() -> None:
    everyone = proxies()
    sidecars = [proxy for proxy in everyone if proxy.role == "sidecar"]

    assert len({proxy.key for proxy in everyone}) == len(everyone)
    assert len(sidecars) >= 6
    assert len({(proxy.namespace, proxy.workload) for proxy in sidecars}) >= 4
    assert {chain.answer_bytes for chain in CHAINS} >= {100, 16_000}
    assert {proxy.worker_count for proxy in sidecars} == {1, 2}
    assert IDLE in sidecars
    assert [proxy.role for proxy in everyone].count("waypoint") == 1
    assert [proxy.role for proxy in everyone].count("gateway") == 1


def test_a_schedule_is_its_seeds_and_begins_at_rest() -> None:
    first, again, other = schedule(30, 1), schedule(30, 1), schedule(30, 2)

    assert first == again != other
    assert set(first[0].values()) == {0}
    most = {chain.name: chain.most_rps for chain in CHAINS}
    assert all(0 <= rps <= most[name] for step in first for name, rps in step.items())


def test_in_a_rush_everything_is_asked_at_once() -> None:
    steps = schedule(30, 1, rush_count=2)
    rushes = [
        number
        for number, step in enumerate(steps)
        if all(step[chain.name] == RUSH * chain.most_rps for chain in CHAINS)
    ]

    assert len(rushes) == 2
    assert 0 < rushes[0] <= 15 < rushes[1]


def test_a_wave_reaches_all_levels_in_each_period() -> None:
    steps = waves(30, 1, period=6, level=Level(low=0.1, high=0.4))

    for chain in CHAINS:
        shares = np.array([step[chain.name] for step in steps]) / chain.most_rps
        for period in shares.reshape(5, 6):
            assert period.min() < 0.2
            assert period.max() > 0.3
        assert 0.08 < shares.min() < shares.max() < 0.45


def test_there_is_one_rush_in_each_period() -> None:
    calm = waves(30, 1, period=6, level=Level(low=0.0, high=0.1))
    steps = rushing(calm, 1, period=6, share=0.5)
    rushes = [number for number, step in enumerate(steps) if step != calm[number]]

    assert [number // 6 for number in rushes] == [0, 1, 2, 3, 4]
    assert all(steps[number]["pay"] == 0.5 * 350 for number in rushes)


@pytest.mark.parametrize("name", [name for name in PLANS if name != "day"])
def test_each_plan_is_cut_into_blocks_of_whole_load_steps(name: str) -> None:
    made = plan(16, 1, name)

    assert len(made.loads) == 48
    assert made.block_seconds == BLOCK_STEPS * made.load_seconds
    assert made.load_seconds % made.step_seconds == 0
    assert made.step_seconds >= 10 * made.scrape_seconds
    assert bool(made.neighbour_cores) == (name == "neighbour")
    assert (made.change_step is not None) == (name == "upgrade")


def test_a_change_is_between_two_blocks_and_without_load() -> None:
    made = plan(16, 1, "upgrade")

    assert made.change_step is not None
    assert made.change_step % BLOCK_STEPS == 0
    assert set(made.loads[made.change_step].values()) == {0}


def test_a_neighbour_burns_what_it_should_and_ends_by_itself() -> None:
    with Neighbour() as neighbour:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        neighbour.start(0.4, 1.0)
        assert len(neighbour.pids) == 1
        neighbour.finish()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    # On a busy machine it gets less, and starting it costs something.
    assert 0.05 < after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_a_neighbour_is_ended_with_its_lab() -> None:
    with Neighbour() as neighbour:
        neighbour.start(1.5, 60.0)
        pids = neighbour.pids
        assert len(pids) == 2

    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_an_envoy_keeps_its_ports_and_loses_its_counts_when_it_restarts(tmp_path: Path) -> None:
    way, count = "source~shop~front~shop~cart", "http.{}.downstream_rq_completed"
    backend = Envoy("back", tmp_path, listeners=[Listening(name="in", filters=answering([100]))])
    listener = Listening(name=way, filters=passing(way, way))
    with (
        backend,
        Envoy(
            "front",
            tmp_path,
            listeners=[listener],
            clusters=[upstream(way, backend.ports["in"])],
        ) as envoy,
        requests.Session() as session,
    ):
        session.trust_env = False
        pid, ports, admin = envoy.pid, envoy.ports, envoy.admin_port
        session.get(f"http://127.0.0.1:{ports[way]}/100", timeout=5).raise_for_status()
        assert envoy.stats()[count.format(way)] == 1
        envoy.restart([listener])

        assert envoy.pid != pid
        assert (envoy.ports, envoy.admin_port) == (ports, admin)
        assert envoy.stats().get(count.format(way), 0) == 0


def test_edges_are_read_as_they_were_written() -> None:
    assert edges_from_json(edges_to_json(_edges())) == _edges()


def _edges() -> list[tuple[Edge, ...]]:
    """Return two steps of 10 s: 0.1 vCPU at rest, 0.5 at 1000 requests per second."""
    return [
        (Edge(proxy="shop/front-0", read_at_seconds=at, cpu_seconds=cpu, request_count=count),)
        for at, cpu, count in ((100.0, 7.0, 50), (110.0, 8.0, 50), (120.0, 13.0, 10_050))
    ]


def test_the_truth_is_differences_over_their_own_time() -> None:
    table = truth_table(_edges())

    assert table["rps"].tolist() == [0, 1000]
    assert table["vcpu"].tolist() == pytest.approx([0.1, 0.5])
    assert total_vcpu(table) == pytest.approx(0.3)


def test_the_truths_regression_is_the_line_through_it() -> None:
    (row,) = truth_by_workload(_along(1.0)).to_dict("records")

    assert row["truth_idle_vcpu"] == pytest.approx(0.01, rel=0.05)
    assert row["truth_vcpu_per_1000_rps"] == pytest.approx(0.4, rel=0.02)


def test_where_the_truth_is_a_curve_its_regression_is_one() -> None:
    table = _along(0.7)
    (row,) = truth_by_workload(table).to_dict("records")

    # The marginal cost of a power is that power times the mean cost of a request beyond idle.
    expected = 0.7 * 1000 * (table["vcpu"] - 0.01).sum() / table["rps"].sum()
    assert row["truth_vcpu_per_1000_rps"] == pytest.approx(expected, rel=0.05)


def test_the_truths_error_by_blocks_of_time_is_that_of_the_regression_if_noise_is_independent() -> (
    None
):
    table = _along(1.0, 240)
    (plain,) = truth_by_workload(table).to_dict("records")
    (shared,) = truth_by_workload(table, is_shared=True).to_dict("records")

    # Of twelve blocks, a standard error is known to a fifth.
    for name in ("truth_vcpu_per_1000_rps", "truth_idle_vcpu"):
        assert shared[name] == plain[name]
        assert 0.5 < shared[f"{name}_error"] / plain[f"{name}_error"] < 2


def test_noise_that_lasts_makes_the_truths_error_larger() -> None:
    table = _along(1.0, 240)
    table["vcpu"] *= 1 + 0.05 * np.sign(np.sin(np.arange(240) / 10))
    (plain,) = truth_by_workload(table).to_dict("records")
    (shared,) = truth_by_workload(table, is_shared=True).to_dict("records")

    name = "truth_vcpu_per_1000_rps_error"
    assert shared[name] > 1.5 * plain[name]


def test_a_page_gets_a_new_table_in_the_place_of_the_old_one() -> None:
    page = "before\n\n{}\n\nafter\n"
    old, new = ["| a |", "|---|", "| 1 |", "| 2 |"], ["| a |", "|---|", "| 3 |"]

    assert renewed(page.format("\n".join(old)), [new]) == page.format("\n".join(new))
    with pytest.raises(ValueError, match="no table"):
        renewed(page, [["| b |"]])


def _along(exponent: float, count: int = 30) -> pd.DataFrame:
    """Return the steps of one proxy: 0.01 vCPU at rest, 0.4 at 1000 requests per second."""
    rng = np.random.default_rng(1)
    rps = rng.permutation(np.linspace(0, 1000, count))
    vcpu = (0.01 + 0.4 * (rps / 1000) ** exponent) * rng.normal(1, 0.02, count)
    columns = {"namespace": "shop", "workload": "front", "role": "sidecar", "proxy": "shop/front-0"}
    return pd.DataFrame(
        {**columns, "step": range(count), "rps": rps, "vcpu": vcpu, "seconds": 60.0}
    )
