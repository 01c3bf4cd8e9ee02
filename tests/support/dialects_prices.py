"""The shapes in which OpenCost's node prices arrive.

They rest on OpenCost's labels: `node` and `instance` are both the node, so what
a scrape does with labels that its target has too decides where the node's name ends up.
"""

from dataclasses import replace
from functools import partial

from tests.support.completing import completed
from tests.support.dialect import Dialect
from tests.support.dialects_operator import KUBE_PROMETHEUS_JOBS, opencost_labels
from tests.support.labels import Labels
from tests.support.layout import node_name
from tests.support.mesh import Mesh
from tests.support.scraping import Job, scrape
from tests.support.spec import MeshSpec


def _priced(spec: MeshSpec) -> MeshSpec:
    return replace(spec, node_prices=True)


def _tell(mesh: Mesh, *, target: Labels, honor_labels: bool) -> Mesh:
    job = Job(target=lambda _: target, honor_labels=honor_labels)
    return scrape(completed(mesh), {**KUBE_PROMETHEUS_JOBS, "prices": [job]})


OPENCOST = Dialect(
    name="opencost",
    tell=partial(_tell, target=opencost_labels(), honor_labels=True),
    respec=_priced,
)
"""OpenCost scraped with honorLabels: `instance` and `node` are the node's name."""

OPENCOST_EXPORTED = Dialect(
    name="opencost-exported-instance",
    tell=partial(_tell, target=opencost_labels(), honor_labels=False),
    respec=_priced,
)
"""OpenCost scraped without: `exported_instance` and `node` are the node's, `instance` is its own.
"""

OPENCOST_ON_A_NODE = Dialect(
    name="opencost-exported-node",
    tell=partial(_tell, target={**opencost_labels(), "node": node_name(0)}, honor_labels=False),
    respec=_priced,
    limits="prices by `node`: that is where OpenCost runs; exported_node is the node priced",
)
"""The same by a job that puts the node of the target on series, as that of the sample add-on's
service endpoints does: `node` is where OpenCost itself runs.
"""
