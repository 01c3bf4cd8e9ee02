"""A container that only passes through a pod makes no sidecar of a gateway."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pytest

from analyzer.measurement.applications import with_application
from analyzer.measurement.frames import TIME

STEP = 300

Life = tuple[Sequence[int], Sequence[int]]
"""The steps in which a proxy was seen, and those at whose end another container was."""


def table(points: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    rows = [("edge", pod, point * STEP) for pod, seen in points.items() for point in seen]
    frame = pd.DataFrame(rows, columns=["namespace", "pod", TIME])
    return frame.astype({TIME: "int64"})


def has_application(*pods: Life, workloads: Sequence[str] = ()) -> list[bool]:
    """Return the answer for each pod; all are of one workload unless others are given."""
    names = [f"pod-{number}" for number in range(len(pods))]
    proxies = table({name: seen for name, (seen, _) in zip(names, pods, strict=True)})
    containers = table({name: beside for name, (_, beside) in zip(names, pods, strict=True)})
    known = pd.DataFrame(
        {
            "namespace": "edge",
            "pod": names,
            "workload": list(workloads) or ["gate"] * len(pods),
        }
    )
    return [bool(has) for has in with_application(containers, proxies, known)]


DAY = range(288)


@pytest.mark.parametrize(
    ("pods", "has"),
    [
        ([(DAY, DAY)], True),
        # Seen once, in the first step or in the one before the proxy's first rate.
        ([(range(100, 288), [100])], False),
        ([(range(101, 288), [100])], False),
        ([(range(6), [0]), (range(6), [])], False),
        # Every pod of a rollout has an init container.
        ([(range(at, at + 12), [at]) for at in range(0, 60, 12)], False),
        # A debug container of twelve minutes, in a day and in an hour; one that is left behind.
        ([(DAY, [90, 91, 92])], False),
        ([(range(12), [5, 6, 7])], False),
        ([(DAY, range(250, 288))], False),
        ([(range(48), [20, 21, 22]), (range(48), [])], False),
        # One command of a moment.
        ([(range(48), [20])], False),
        # A crash loop shows for an instant every now and then.
        ([(range(48), [0, 3, 9, 20, 31, 42])], True),
        ([(range(12), [0, 4, 9])], True),
        # A pod that lived two steps, and a job's pods.
        ([([7, 8], [7, 8])], True),
        ([([7, 8], [7])], True),
        ([([7], [7])], True),
        ([([7, 8], [7]), ([20, 21], [20]), ([30, 31], [])], True),
        ([([7, 8], [])], False),
        # An application whose kubelet was not scraped for half of the time.
        ([(range(48), range(24))], True),
    ],
)
def test_what_lasts_or_comes_back_is_an_application(pods: list[Life], has: bool) -> None:  # noqa: FBT001
    assert has_application(*pods) == [has] * len(pods)


def test_the_pods_of_a_workload_are_judged_together() -> None:
    short: Life = ([40, 41], [40])
    long: Life = (range(48), [])

    assert has_application(short, long) == [False, False]
    assert has_application(short, long, workloads=["job", "gate"]) == [True, False]
    # One that was seen for too short a time is what its peers are.
    assert has_application((DAY, DAY), ([40], [])) == [True, True]


def test_without_any_container_nothing_is_known() -> None:
    assert has_application((DAY, []), ([], [])) == [False, False]
    empty = pd.DataFrame({"namespace": [], "pod": [], "workload": []}, dtype="str")
    assert with_application(table({}), table({}), empty).tolist() == []
