"""The same bent meshes in Prometheus and VictoriaMetrics: the same answer, or the reason."""

from collections.abc import Iterator

import pytest

from tests.live.dirty import Store, each_bent, stored
from tests.support import PrometheusServer, VictoriaServer
from tests.support.bent import bursts, copies, gaps, lives, parts, prices, rates
from tests.support.bent.judge import NAMES, figures, finding_names

pytestmark = pytest.mark.live

_BENDS = (
    rates.cpu_dips,
    copies.replicas,
    gaps.kubelets_for_a_time,
    parts.slow_job,
    lives.node_churn,
    prices.zero_prices,
    bursts.every_ten_minutes,
)
_NAMES = tuple(bend.__name__ for bend in _BENDS)
_MOST_APART = 0.02


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    scenes = each_bent({name: (bend,) for name, bend in zip(_NAMES, _BENDS, strict=True)}, 81)
    with (
        stored(tmp_path_factory.mktemp("prometheus"), scenes, PrometheusServer) as one,
        stored(tmp_path_factory.mktemp("victoria"), scenes, VictoriaServer) as other,
    ):
        yield one, other


@pytest.mark.parametrize("name", _NAMES)
def test_both_answer_alike_or_name_the_reason(name: str, stores: tuple[Store, Store]) -> None:
    scene = stores[0].scenes[name]
    documents = [store.answer(name) for store in stores]
    one, other = (
        {figure.name: figure.found for figure in figures(scene, document)} for document in documents
    )
    reasons = NAMES[next(iter(scene.kinds))]

    if one != pytest.approx(other, rel=_MOST_APART):
        assert all(finding_names(document) & reasons for document in documents), (one, other)
