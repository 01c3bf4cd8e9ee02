"""What a move changes beside cost: each line with the figures of the mesh it is about."""

from dataclasses import replace

from analyzer.data import complete_constants
from analyzer.projection import Projection, project_usage
from analyzer.projection.demand import stated_load
from analyzer.projection.published import project_constants
from analyzer.projection.scenario import hypothetical_scenario
from analyzer.report.sentences.moving import moving_lines
from tests.projection.builders import Proxy, called, mesh, scenario
from tests.projection.fits import calibration


def projected(reserved_vcpu: float) -> Projection:
    proxy = Proxy(
        workload="shop/w", cpu_vcpu=(0.03, 0.05), proxy_rps=(50, 50), reserved_vcpu=reserved_vcpu
    )
    usage = mesh(proxy, replace(proxy, node="b"), calls=[called("shop", 40)], nodes=("a", "b"))
    assumed = scenario(basis="reserved", ztunnel_reserved_vcpu_per_node=1, istio_cni_installed=True)
    return project_usage(usage, calibration(), assumed)


def test_each_line_has_the_figures_of_this_mesh() -> None:
    lines = list(moving_lines(projected(0.1)))

    assert "istio_requests_total" in lines[0]
    # 0.04 of 0.1 vCPU each.
    assert lines[2].startswith(
        "A HorizontalPodAutoscaler on CPU utilisation counts the sidecar: 40m used of 100m "
        "requested here, 40 %."
    )
    assert "since Istio 1.25" in lines[3]
    assert lines[4].startswith("Not priced: gateways")


def test_the_ztunnels_of_both_nodes_run_beside_the_sidecars_during_a_move() -> None:
    (line,) = (line for line in moving_lines(projected(0.1)) if "both run" in line)

    # Two nodes, one vCPU each, $22.
    assert line == (
        "During the move both run: until the last sidecar is gone, the ztunnels cost up to "
        "$44 a month on top of the sidecars."
    )


def test_nothing_is_said_of_requests_that_are_not_known() -> None:
    lines = list(moving_lines(projected(float("nan"))))

    assert len(lines) == 4
    assert not any("Autoscaler" in line for line in lines)


def test_a_hypothetical_mesh_has_no_such_lines() -> None:
    load = stated_load(pod_count=10, node_count=2, namespace_count=1, proxy_rps=0)
    projection = project_constants(complete_constants()["blog"], load, hypothetical_scenario())

    assert list(moving_lines(projection)) == []
