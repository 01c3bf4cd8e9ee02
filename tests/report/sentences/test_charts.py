"""What each chart shows, in a title and a smaller line under it."""

from collections.abc import Callable

import pytest

from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.style import ShownFigure
from tests.projection.builders import scenario
from tests.report.answers import constants_only, full, refused, scattered


def described(name: str, answer: Answer) -> str:
    figure = CHARTS[name](answer)
    assert isinstance(figure, ShownFigure)
    return figure.description


@pytest.mark.parametrize(
    ("name", "make", "description"),
    [
        (
            "cost",
            constants_only,
            (
                "Ambient saves 99.3 % without waypoints; with waypoints everywhere it saves "
                "92.7 %. published constants, stated size"
            ),
        ),
        (
            "cost",
            refused,
            "What the sidecars cost. the post's constants give this mesh $158",
        ),
        (
            "calibration",
            lambda: scattered(3, 40),
            (
                "Sidecars cost 0.3 vCPU per 1000 requests/s, 2.0 times less than the post's 0.6. "
                "120 steps of 3 proxies"
            ),
        ),
        (
            "workloads",
            full,
            (
                "Workloads cost 0.25 vCPU per 1000 requests/s; the mesh's mean is 0.3. workloads "
                "with a fit, the most CPU first: 1; without a fit: 1"
            ),
        ),
        (
            "backtest",
            full,
            (
                "The last 30 % of the time was predicted 5.0 % too high, a workload 5.0 % off on "
                "average. 100 % of 2 workloads within their 90 % prediction interval"
            ),
        ),
        (
            "namespaces",
            full,
            (
                "Moving all 2 namespaces saves 0.167 vCPU, with waypoints where HTTP is. with a "
                "waypoint none would use more than its sidecars do"
            ),
        ),
    ],
)
def test_a_chart_is_described_by_its_finding_and_what_it_is_of(
    name: str, make: Callable[[], Answer], description: str
) -> None:
    assert described(name, make()) == description


def test_a_finding_on_another_basis_says_so() -> None:
    assert "(of dollars as billed)" in described("cost", full(assumed=scenario(basis="billed")))


def test_the_description_is_data_and_not_what_happens_to_be_written_last() -> None:
    figure = CHARTS["cost"](full())
    assert isinstance(figure, ShownFigure)
    before = figure.description
    figure.axes[0].annotate("a note", (0, 0))

    assert figure.description == before
