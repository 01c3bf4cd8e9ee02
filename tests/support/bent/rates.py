"""Kind A: counters that jump or fall though nothing restarted."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.support.bent.edit import Random, label, middle_sample, pod_of, sidecars, some
from tests.support.bent.scene import CPU, REQUESTS, Kind, Scene
from tests.support.series import Series
from tests.support.traffic import Floats

Edit = Callable[[Floats, int], None]
"""Changes the values of a series at one place."""

_ABSURD = 1.7e9
"""A time since 1970 in seconds, where a counter should be: seen in the field."""


def _falls(amount: float) -> Edit:
    def edit(values: Floats, place: int) -> None:
        values[place] = max(values[place - 1] - amount, 0.0)

    return edit


def _spike(values: Floats, place: int) -> None:
    values[place] += _ABSURD


def _jump(values: Floats, place: int) -> None:
    values[place:] += _ABSURD


def _bent(
    scene: Scene, random: Random, edit: Edit, is_meant: Callable[[Series], bool], count: int
) -> Scene:
    """Return a scene with an edit in one sample each of a few series."""
    places = {
        number: middle_sample(random, scene, one)
        for number, one in enumerate(scene.mesh.series)
        if is_meant(one)
    }
    found = [number for number, place in places.items() if place is not None]
    chosen = {found[n] for n in random.choice(len(found), min(count, len(found)), replace=False)}

    def edited(one: Series, place: int | None) -> Series:
        assert place is not None
        values = one.values.copy()
        edit(values, place)
        return replace(one, values=values)

    series = [
        edited(one, places[number]) if number in chosen else one
        for number, one in enumerate(scene.mesh.series)
    ]
    return scene.storing(series, Kind.RATES)


def _cpu_of_sidecars(scene: Scene) -> Callable[[Series], bool]:
    pods = set(sidecars(scene))
    return lambda one: (
        one.name == CPU and label(one, "container") == "istio-proxy" and pod_of(one) in pods
    )


def _requests_of(scene: Scene, reporter: str) -> Callable[[Series], bool]:
    pods = set(sidecars(scene))

    def is_meant(one: Series) -> bool:
        if one.name != REQUESTS or label(one, "reporter") != reporter:
            return False
        return reporter == "waypoint" or pod_of(one) in pods

    return is_meant


def cpu_dips(scene: Scene, random: Random) -> Scene:
    """Let the CPU counters of a few sidecars fall once by 10 to 80 ms."""
    amount = float(random.uniform(0.01, 0.08))
    return _bent(scene, random, _falls(amount), _cpu_of_sidecars(scene), 4)


def request_dips(scene: Scene, random: Random) -> Scene:
    """Let request counters of a few servers fall once by 3 requests."""
    return _bent(scene, random, _falls(3.0), _requests_of(scene, "destination"), 3)


def source_dips(scene: Scene, random: Random) -> Scene:
    """Let request counters of a few clients fall once by a few requests."""
    amount = float(random.integers(1, 20))
    return _bent(scene, random, _falls(amount), _requests_of(scene, "source"), 2)


def waypoint_dip(scene: Scene, random: Random) -> Scene:
    """Let the request counter of a waypoint fall once by 3 requests."""
    return _bent(scene, random, _falls(3.0), _requests_of(scene, "waypoint"), 1)


def cpu_spike(scene: Scene, random: Random) -> Scene:
    """Let one sample of a CPU counter be absurd."""
    return _bent(scene, random, _spike, _cpu_of_sidecars(scene), 1)


def request_spike(scene: Scene, random: Random) -> Scene:
    """Let one sample of a request counter be absurd."""
    return _bent(scene, random, _spike, _requests_of(scene, "destination"), 1)


def cpu_jump(scene: Scene, random: Random) -> Scene:
    """Let a CPU counter jump and stay there."""
    return _bent(scene, random, _jump, _cpu_of_sidecars(scene), 1)


def request_jump(scene: Scene, random: Random) -> Scene:
    """Let a client's request counter jump and stay there."""
    return _bent(scene, random, _jump, _requests_of(scene, "source"), 1)


def falls_in_a_row(scene: Scene, random: Random) -> Scene:
    """Let one pod's CPU counter fall by 20 ms in each of five scrapes, some minutes apart."""
    pod = next(iter(some(random, sidecars(scene), 1)))

    def edit(values: Floats, place: int) -> None:
        for later in range(place, min(place + 75, len(values)), 15):
            values[later] = values[later - 1] - 0.02

    is_cpu = _cpu_of_sidecars(scene)
    return _bent(scene, random, edit, lambda one: is_cpu(one) and pod_of(one) == pod, 1)


def both_sides(scene: Scene, random: Random) -> Scene:
    """Let CPU and requests of the same pod fall in the same minute."""
    pod = next(iter(some(random, sidecars(scene), 1)))
    time_ms = (scene.start.timestamp() + 0.4 * (scene.end - scene.start).total_seconds()) * 1000

    def edited(one: Series) -> Series:
        place = int(np.searchsorted(one.times_ms, time_ms))
        is_proxys = label(one, "container") in {"istio-proxy", ""} and one.name in {CPU, REQUESTS}
        if pod_of(one) != pod or not is_proxys or not 0 < place < len(one.values):
            return one
        values = one.values.copy()
        values[place] = values[place - 1] - (3 if one.name == REQUESTS else 0.01)
        return replace(one, values=values)

    return scene.storing(map(edited, scene.mesh.series), Kind.RATES)
