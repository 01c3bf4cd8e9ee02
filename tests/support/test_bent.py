"""Bent meshes: each bend leaves a sign in the data, and the truth stays what happened."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.bent import Kind, Scene, healthy
from tests.support.bent.bends import BENDS, Bend, bent
from tests.support.bent.bursts import Clockwork
from tests.support.bent.judge import NAMES, Verdict, figures, verdict
from tests.support.bent.seeds import PAIRS, draw

_NAMED = {bend.__name__: (kind, bend) for kind, bends in BENDS.items() for bend in bends}


@pytest.fixture(scope="module")
def steady() -> Scene:
    return healthy(3)


def _asked_of(scene: Scene) -> tuple[object, ...]:
    """Return all that an answer can depend on."""
    samples = {
        one.labels: (one.times_ms.tobytes(), one.values.tobytes()) for one in scene.mesh.series
    }
    return scene.start, scene.end, samples


@pytest.mark.parametrize("name", _NAMED)
def test_each_bend_leaves_a_sign(name: str, steady: Scene) -> None:
    kind, bend = _NAMED[name]
    after = bend(steady, np.random.default_rng(1))

    assert after.kinds == {kind}
    assert _asked_of(after) != _asked_of(steady)


@pytest.mark.parametrize("seed", range(len(PAIRS)))
def test_no_bend_undoes_the_other(seed: int, tmp_path: Path) -> None:
    one = draw(seed)
    both = one.scene(tmp_path)
    alone = [bent(one.steady(), (bend,), seed) for bend in one.bends]

    assert both.kinds == set(one.pair)
    asked = _asked_of(both)
    assert all(_asked_of(scene) != asked for scene in alone)


@pytest.mark.parametrize(
    "bend",
    [bend for kind in (Kind.RATES, Kind.COPIES) for bend in BENDS[kind]],
    ids=lambda bend: bend.__name__,
)
def test_what_happened_is_not_bent(bend: Bend, steady: Scene) -> None:
    after = bend(steady, np.random.default_rng(2))

    assert after.vcpu(steady.start, steady.end) == steady.vcpu(steady.start, steady.end)
    assert after.proxy_rps(steady.start, steady.end) == steady.proxy_rps(steady.start, steady.end)


def test_the_truth_is_that_of_the_generator(steady: Scene) -> None:
    truth = steady.mesh.truth

    found = (
        steady.vcpu(steady.start, steady.end),
        steady.proxy_rps(steady.start, steady.end),
        steady.mesh_rps(steady.start, steady.end),
    )
    expected = (truth.sidecar_vcpu, truth.proxy_rps, truth.mesh_rps)
    assert found == pytest.approx(expected, rel=0.005)


def test_load_in_bursts_is_the_same_over_a_period() -> None:
    clockwork = Clockwork(period_seconds=600, burst_seconds=60, shift_seconds=30)
    times = np.array([0, 30, 60, 90, 300, 630]) * 1000.0

    done = clockwork.load_ms(times) / 1000
    assert done.tolist() == [30, 30, 330, 630, 630, 630]


def _document(scene: Scene, factor: float, *, names: tuple[str, ...] = ()) -> dict[str, object]:
    vcpu = scene.vcpu(scene.start, scene.end)
    return {
        "window": {"start": scene.start.isoformat(), "end": scene.end.isoformat()},
        "mesh": {
            "proxy_rps": scene.proxy_rps(scene.start, scene.end),
            "mesh_rps": scene.mesh_rps(scene.start, scene.end),
            "sidecar_count": 21,
            "node_count": 4,
        },
        "measured": {
            "sidecar_vcpu": vcpu * factor,
            "sidecar_vcpu_range": {"low": vcpu * 0.9, "mid": vcpu * factor, "high": vcpu * 1.3},
        },
        "calibration": {"sidecar": {"vcpu_per_1000_rps": {"mid": scene.slope}}},
        "quality": [{"name": name} for name in names],
    }


def test_an_answer_is_right_told_or_wrong(steady: Scene) -> None:
    gapped = bent(steady, BENDS[Kind.GAPS][:1], 1)
    name = next(iter(NAMES[Kind.GAPS]))

    assert verdict(gapped, _document(gapped, 1.0)) is Verdict.RIGHT
    assert verdict(gapped, _document(gapped, 1.1)) is Verdict.WRONG
    assert verdict(gapped, _document(gapped, 1.1, names=(name,))) is Verdict.TOLD
    off = [one.name for one in figures(gapped, _document(gapped, 1.1)) if not one.is_right]
    assert off == ["sidecar_vcpu"]
