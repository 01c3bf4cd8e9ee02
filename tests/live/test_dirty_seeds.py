"""Twenty of the meshes that the benchmark bends at random, and five clean ones."""

import json
from collections.abc import Iterator

import pytest

from tests.live.chosen import asked_for
from tests.live.dirty import DAYS_APART, Store, asked_within, stored
from tests.support.bent.clean import clean
from tests.support.bent.judge import Verdict, figures, verdict, wrong
from tests.support.bent.seeds import draw

pytestmark = [pytest.mark.live, pytest.mark.few(4)]

_SEEDS = range(20)
_CLEAN = (1, 4, 6, 9, 13)
_OF_ANY_MESH = {"short_window"}
"""What these meshes always had: they are hours long."""


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("seeds")
    bent = {
        str(seed): draw(seed).scene(folder, day=seed * DAYS_APART)
        for seed in sorted(asked_for(request, "seed"))
    }
    steady = {
        f"clean {seed}": clean(seed, day=(len(_SEEDS) + number) * DAYS_APART)
        for number, seed in enumerate(_CLEAN)
        if seed in asked_for(request, "healthy_seed")
    }
    with stored(folder, {**bent, **steady}) as store:
        yield store


@pytest.mark.parametrize("seed", _SEEDS, ids=lambda seed: draw(seed).name)
def test_an_answer_is_right_or_names_what_is_bent(seed: int, store: Store) -> None:
    scene = store.scenes[str(seed)]
    outcome = asked_within(store.url, scene)

    assert outcome.status == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    shown = [str(one) for one in figures(scene, document)]
    assert verdict(scene, document) is not Verdict.WRONG, shown


@pytest.mark.parametrize("healthy_seed", _CLEAN)
def test_a_clean_mesh_has_no_new_warning(healthy_seed: int, store: Store) -> None:
    scene = store.scenes[f"clean {healthy_seed}"]
    outcome = asked_within(store.url, scene)

    assert outcome.status == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert wrong(scene, document) == ()
    of_data = [one for one in document["quality"] if one["code"][2] in "12"]
    named = {one["name"] for one in of_data if one["severity"] != "info"}
    assert named <= _OF_ANY_MESH
