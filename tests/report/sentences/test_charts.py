"""What each chart shows, in a title and a smaller line under it."""

from collections.abc import Callable

import pytest

import analyzer
from analyzer.data import sample_path
from analyzer.measurement.snapshot import load_snapshot
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.style import ShownFigure
from analyzer.report.format import MODE_TITLES, capital, percent, ranged
from analyzer.report.sentences.decision import decision_lines
from analyzer.units import Interval
from tests.report.answers import constants_only, full, refused, scattered


def described(name: str, answer: Answer) -> str:
    figure = CHARTS[name](answer)
    assert isinstance(figure, ShownFigure)
    return figure.description


L4 = capital(MODE_TITLES[AMBIENT_L4])
SIDECARS = capital(MODE_TITLES[SIDECAR])


@pytest.mark.parametrize(
    ("name", "make", "description"),
    [
        (
            "cost",
            constants_only,
            (
                f"{L4} saves {percent(Interval.exactly(99 + 1 / 3))}; "
                f"{MODE_TITLES[AMBIENT_WAYPOINT_ALL]} saves "
                f"{percent(Interval.exactly(92 + 2 / 3))}, as used. "
                "Hypothetical mesh, published benchmarks."
            ),
        ),
        (
            "cost",
            refused,
            (
                f"{SIDECARS}: $26 per year. "
                f"With the figures of the Solo.io post: {MODE_TITLES[SIDECAR]} $158."
            ),
        ),
        (
            "calibration",
            lambda: scattered(3, 40),
            (
                f"Sidecars cost {ranged(Interval(low=0.25, mid=0.3, high=0.35))} vCPU per 1000 "
                "requests/s; the Solo.io post's 0.6 overstates yours 1.7-2.4 times. "
                "120 steps of 3 sidecars."
            ),
        ),
        (
            "workloads",
            full,
            (
                "Workloads cost 0.25 vCPU per 1000 requests/s; the mesh-wide mean is "
                f"{ranged(Interval(low=0.25, mid=0.3, high=0.35))}. "
                "1 workload, the most CPU first; 1 more without a fit."
            ),
        ),
        (
            "backtest",
            full,
            (
                "The fit predicted the last 30 % of the time 5.0 % too high; the average error "
                "of a workload is 5.0 %. 2 of 2 workloads (100 %) inside their 90 % intervals."
            ),
        ),
    ],
)
def test_a_chart_is_described_by_its_finding_and_what_it_is_of(
    name: str, make: Callable[[], Answer], description: str
) -> None:
    assert described(name, make()) == description


def test_the_namespaces_chart_has_the_words_of_the_decision() -> None:
    answer = full()
    assert answer.projection is not None
    first = decision_lines(answer.projection)[0].rstrip(".")

    assert described("namespaces", answer) == (
        f"{first}. $53 ($42-$63) less per year. 2 namespaces, the largest saving first, as used."
    )


def test_every_chart_says_how_to_read_it_in_short_sentences() -> None:
    answers = {"rightsizing": analyzer.project(load_snapshot(sample_path("fleet"))).answer}
    for name, draw in CHARTS.items():
        # Requests are recommended from a day of data.
        figure = draw(answers.get(name) or full())
        assert isinstance(figure, ShownFigure), name
        sentences = figure.reading.rstrip(".").split(". ")
        assert figure.reading.endswith(".")
        assert max(len(sentence.split()) for sentence in sentences) <= 30


def test_the_description_is_data_and_not_what_happens_to_be_written_last() -> None:
    figure = CHARTS["cost"](full())
    assert isinstance(figure, ShownFigure)
    before = figure.description
    figure.axes[0].annotate("a note", (0, 0))

    assert figure.description == before
