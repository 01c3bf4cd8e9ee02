"""The chart of the namespaces, read off its axes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from analyzer.measurement.findings import Finding, Severity
from analyzer.projection.decision import Action
from analyzer.projection.modes import AMBIENT_WAYPOINT
from analyzer.report.answer import Answer
from analyzer.report.charts.namespaces import draw as namespaces_chart
from analyzer.report.charts.style import figure_bytes
from analyzer.report.format import usd
from analyzer.report.sentences.decision import PROVISIONAL, decision_lines
from analyzer.units import Interval, Refusal
from tests.projection.builders import Proxy, mesh
from tests.projection.randomly import Drawn, projections
from tests.report.answers import constants_only, full, naughty, refused, sized
from tests.report.charts.reading import (
    assert_readable,
    detail,
    details,
    labels,
    legend,
    notes,
    text_of,
    title,
)
from tests.report.rendered import as_document
from tests.support.examples import examples


def table(answer: Answer) -> pd.DataFrame:
    assert answer.projection is not None
    return answer.projection.namespaces


def changed(answer: Answer, **columns: Sequence[object]) -> Answer:
    assert answer.projection is not None
    rows = table(answer).assign(**{name: pd.Series(found) for name, found in columns.items()})
    return replace(answer, projection=replace(answer.projection, namespaces=rows))


def drawn(answer: Answer) -> tuple[Figure, Axes, Axes]:
    figure = namespaces_chart(answer)
    assert isinstance(figure, Figure)
    bars, curve = figure.axes
    return figure, bars, curve


def decided(
    answer: Answer, *savings: tuple[Interval, Interval], verdicts: Sequence[str] = ("move", "stay")
) -> Answer:
    """Return an answer with these savings, without and with a waypoint, in dollars."""
    without, with_them = zip(*savings, strict=True)
    return changed(
        answer,
        saving_l4_usd_per_year=without,
        saving_usd_per_year=with_them,
        verdict=verdicts[: len(savings)],
    )


def around(mid: float) -> Interval:
    return Interval(low=mid - 1, mid=mid, high=mid + 1)


def bars(axes: Axes) -> dict[str, dict[int, float]]:
    """Return the lengths of the bars by their row, by what they stand for."""
    return {
        str(group.get_label()): {
            round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in group
        }
        for group in axes.containers
        if isinstance(group, BarContainer)
    }


def dots(axes: Axes) -> dict[str, list[list[float]]]:
    return {
        str(line.get_label()): np.asarray(line.get_xydata()).tolist()
        for line in axes.lines
        if line.get_marker() in {"o", "D"} and line.get_linestyle() == "None"
    }


def test_bars_and_dots_are_the_savings_of_the_table() -> None:
    answer = full()
    _, axes, _ = drawn(answer)
    rows = table(answer)

    assert labels(axes) == ["shop", "data"]
    assert bars(axes) == {
        "saving with ambient L4": pytest.approx(
            {row: value.mid for row, value in enumerate(rows["saving_l4_usd_per_year"])}
        )
    }
    points = [point for group in dots(axes).values() for point in group]
    assert sorted(points, key=lambda point: point[1]) == [
        pytest.approx([value.mid, row]) for row, value in enumerate(rows["saving_usd_per_year"])
    ]
    assert axes.yaxis.get_inverted()


def test_intervals_are_drawn_where_there_are_any() -> None:
    exact = decided(
        full(),
        *((Interval.exactly(3), Interval.exactly(2)), (Interval.exactly(2), Interval.exactly(1))),
    )
    figure, axes, _ = drawn(decided(full(), (around(90), around(50)), (around(40), around(20))))
    whiskers = [item for item in axes.collections if isinstance(item, LineCollection)]
    ends = [segment[:, 0].tolist() for item in whiskers for segment in item.get_segments()]

    assert ends == [[89, 91], [39, 41], [49, 51], [19, 21]]
    assert "90 % interval" in legend(figure)
    assert "90 % interval" not in legend(drawn(exact)[0])


def test_a_namespace_without_a_waypoint_has_no_dot() -> None:
    _, axes, _ = drawn(changed(full(), needs_waypoint=[False, True]))

    assert [point[1] for group in dots(axes).values() for point in group] == [1]


def test_each_row_has_its_verdict_beside_it() -> None:
    answer = decided(
        full(), (around(90), around(50)), (around(-4), around(-9)), verdicts=("move", "stay")
    )
    figure, axes, _ = drawn(answer)

    assert [text.get_text() for text in notes(axes)] == ["move", "stay"]
    assert_readable(figure)


def test_extrapolated_waypoints_have_a_mark_of_their_own() -> None:
    _, axes, _ = drawn(changed(full(), waypoint_extrapolated=[True, False]))

    assert [[point[1] for point in group] for group in dots(axes).values()] == [[1], [0]]
    assert "extrapolated" in list(dots(axes))[1]
    assert len({line.get_marker() for line in axes.lines} & {"o", "D"}) == 2


def test_extra_cost_has_another_hatch_than_a_saving() -> None:
    figure, axes, _ = drawn(decided(full(), (around(90), around(50)), (around(-40), around(-60))))

    assert bars(axes) == {"saving with ambient L4": {0: 90}, "extra cost with ambient L4": {1: -40}}
    groups = [group for group in axes.containers if isinstance(group, BarContainer)]
    assert len({group[0].get_hatch() for group in groups}) == 2
    assert axes.get_xlim()[0] < -60
    assert_readable(figure)


def test_the_curve_adds_up_the_savings_less_what_all_share() -> None:
    answer = decided(full(), (around(90), around(50)), (around(40), around(20)))
    _, _, curve = drawn(answer)
    assert answer.projection is not None
    shared = answer.projection.decision.shared_ztunnel_usd_per_year
    assert shared is not None

    points = np.asarray(curve.lines[0].get_xydata()).tolist()
    assert points == [pytest.approx([1, 50 - shared.mid]), pytest.approx([2, 70 - shared.mid])]


def test_the_curve_ends_at_the_saving_of_the_mode() -> None:
    answer = full()
    _, _, curve = drawn(answer)
    assert answer.projection is not None
    together = {item.mode: item.usd_per_year.mid for item in answer.projection.savings}

    last = np.asarray(curve.lines[0].get_ydata(), dtype=float)[-1]
    assert last == pytest.approx(together[AMBIENT_WAYPOINT])


def test_of_many_namespaces_the_first_are_named_and_the_others_counted() -> None:
    answer = sized(15_000)
    _, axes, curve = drawn(answer)
    rows = table(answer)

    assert labels(axes) == [*rows["namespace"].head(25), "and 975 more"]
    together = sum(value.mid for value in rows["saving_usd_per_year"][25:])
    told = [text_of(text) for text in notes(axes) if "together" in text.get_text()]
    assert told == [f"together save ${together:,.0f} (best estimate)"]
    assert len(np.asarray(curve.lines[0].get_xdata())) == 1000


def test_the_title_is_the_decision_and_what_it_saves() -> None:
    answer = full()
    _, axes, _ = drawn(answer)
    assert answer.projection is not None
    decision = answer.projection.decision
    assert decision.outcome is not None

    told = " ".join(title(axes).split())
    assert told.startswith(decision_lines(answer.projection)[0].rstrip("."))
    assert usd(decision.outcome.usd_per_year) in told


def test_a_decision_on_a_short_window_is_provisional() -> None:
    answer = full()
    assert answer.usage is not None
    short = Finding(name="short_window", severity=Severity.WARNING, text="Short.", fix="Wait.")
    known = replace(answer, usage=replace(answer.usage, findings=(short,)))
    none = replace(answer, usage=replace(answer.usage, findings=()))

    assert details(drawn(known)[1])[1:] == [PROVISIONAL["short_window"]]
    assert not details(drawn(none)[1])[1:]


def test_without_namespaces_to_move_the_title_has_no_dollars() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.0001, 0.0001), proxy_rps=(3000, 3000)))
    answer = full(usage=usage)
    assert answer.projection is not None
    assert answer.projection.decision.action == Action.STAY

    assert "$" not in title(drawn(answer)[1])


def test_the_axes_say_their_units() -> None:
    _, axes, curve = drawn(full())

    assert axes.get_xlabel().startswith("saving of each namespace")
    assert axes.get_xlabel().endswith("as used")
    assert curve.get_xlabel() == "namespaces in order of migration"
    assert curve.get_ylabel().endswith("USD per year")


def names_below(curve: Axes) -> list[str]:
    return [label.get_text() for label in curve.get_xticklabels()]


def test_the_curve_names_the_namespaces_on_its_lower_axis() -> None:
    few = drawn(full())[2]
    some = drawn(sized(300))[2]
    many = drawn(sized(15_000))[2]

    assert names_below(few) == ["shop", "data"]
    assert {label.get_rotation() for label in few.get_xticklabels()} == {0}
    # Twenty names would touch side by side.
    assert names_below(some) == [f"namespace-{number:04}" for number in range(19, -1, -1)]
    assert {label.get_rotation() for label in some.get_xticklabels()} == {90}
    assert not [name for name in names_below(many) if name.startswith("namespace")]
    assert many.get_xlabel().startswith("number of namespaces")


def test_long_names_on_the_lower_axis_are_cut() -> None:
    figure, _, curve = drawn(changed(full(), namespace=["a" * 300, "$x$ $y$"]))

    assert len(names_below(curve)[0]) == 20
    assert names_below(curve)[1] == "$x$ $y$"
    assert_readable(figure)


@examples(4)
@given(projections())
def test_no_title_contradicts_the_ranges(drawn: Drawn) -> None:
    projection = drawn.projection
    figure = namespaces_chart(Answer(projection=projection))
    if isinstance(figure, Refusal):
        return
    told, decision = title(figure.axes[0]), projection.decision
    if decision.action == Action.MOVE:
        assert decision.outcome is not None
        assert decision.outcome.usd_per_year.low > 0
        assert told.endswith("less per year")
    else:
        assert "less per year" not in told


def test_long_names_and_dollars_fit() -> None:
    answer = changed(
        full(),
        namespace=["a" * 300 + "$x$" + "b" * 300, "$x$ $y$"],
    )
    figure, axes, _ = drawn(answer)

    assert labels(axes)[0].startswith("aaa")
    assert labels(axes)[0].endswith("bbb")
    assert_readable(figure)


@pytest.mark.parametrize(
    "make",
    [full, naughty, *(lambda pods=pods: sized(pods) for pods in (1, 20, 15_000))],
    ids=["full", "naughty", "1", "20", "15000"],
)
def test_every_text_can_be_read(make: Callable[[], Answer]) -> None:
    figure, _, _ = drawn(make())

    assert_readable(figure)


def test_letters_that_the_font_lacks_are_replaced() -> None:
    _, axes, _ = drawn(naughty())

    assert "���" in labels(axes)
    assert "<img src=x onerror=alert(1)>" in labels(axes)


@pytest.mark.parametrize("make", [refused, constants_only, Answer])
def test_without_savings_there_is_no_chart(make: Callable[[], Answer]) -> None:
    assert isinstance(namespaces_chart(make()), Refusal)


def test_without_namespaces_there_is_no_chart() -> None:
    answer = full()
    assert answer.projection is not None
    none = replace(answer.projection, namespaces=table(answer).iloc[:0])

    assert isinstance(namespaces_chart(replace(answer, projection=none)), Refusal)


def test_the_same_answer_gives_the_same_picture() -> None:
    first, second = (figure_bytes(drawn(sized(20))[0]) for _ in range(2))

    assert first == second


def test_a_namespace_whose_cpu_is_not_known_is_counted_and_not_drawn() -> None:
    usage = mesh(
        Proxy(workload="shop/front"),
        Proxy(workload="dark/app", cpu_vcpu=(math.nan, math.nan)),
    )
    answer = full(usage=usage)
    _, axes, _ = drawn(answer)

    assert labels(axes) == ["shop"]
    assert "; 1 more with unknown" in detail(axes)
    assert "nan" not in title(axes)
    rows = as_document(answer)["projection"]["namespaces"]
    assert ["saving_l4_vcpu" in row for row in rows] == [True, False]
