"""Reports of several hypothetical meshes, and of some that are refused."""

from collections.abc import Mapping

from analyzer.data import published_constants
from analyzer.projection.demand import stated_load
from analyzer.projection.meshes import together
from analyzer.projection.published import project_constants
from analyzer.projection.result import Projection
from analyzer.report.answer import Answer
from analyzer.report.several import MeshesReport
from analyzer.units import Refusal
from tests.projection.builders import scenario

POSTS_PRICE = {"low": 22, "mid": 26, "high": 30}


def hypothetical(
    pods: int = 15_000,
    nodes: int = 200,
    namespaces: int = 1000,
    *,
    constants: str = "blog",
    rps: float = 0.0,
) -> Answer:
    """Return the answer of a mesh at $22 to $30 per vCPU-month; by default that of the post."""
    load = stated_load(pod_count=pods, node_count=nodes, namespace_count=namespaces, proxy_rps=rps)
    assumed = scenario(vcpu_month_usd=POSTS_PRICE)
    projection = project_constants(published_constants()[constants], load, assumed)
    return Answer(load=load, projection=projection)


def report_of(
    answers: Mapping[str, Answer], refused: Mapping[str, Refusal] | None = None
) -> MeshesReport:
    """Return these meshes laid out, and those that have a reason in place of an answer."""
    found: dict[str, Projection | Refusal] = dict(refused or {})
    for name, answer in answers.items():
        assert answer.projection is not None
        found[name] = answer.projection
    return MeshesReport(meshes=together(found), answers=answers)
