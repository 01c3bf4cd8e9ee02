"""What all charts draw with."""

import pytest

from analyzer.report.charts.parts import between, drawable, money
from analyzer.report.charts.style import new_figure


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((0, 8), ["$0", "$2", "$4", "$6", "$8"]),
        ((0, 1), ["$0.00", "$0.20", "$0.40", "$0.60", "$0.80", "$1.00"]),
        ((0, 4000), ["$0", "$800", "$1.6k", "$2.4k", "$3.2k", "$4k"]),
        ((-3e6, 3e6), ["-$3M", "-$2M", "-$1M", "$0", "$1M", "$2M", "$3M"]),
        ((12_440, 12_460), ["$12,440", "$12,444", "$12,448", "$12,452", "$12,456", "$12,460"]),
    ],
)
def test_dollars_on_an_axis_are_exact(ends: tuple[float, float], shown: list[str]) -> None:
    figure, axes = new_figure()
    axes.set_xlim(*ends)
    money(axes.xaxis)
    figure.draw_without_rendering()

    assert [label.get_text() for label in axes.get_xticklabels()] == shown


def test_a_range_of_one_number_is_the_number() -> None:
    assert between(0.1, 0.3) == "0.1-0.3"
    assert between(-0.1, 0.3) == "-0.1 to 0.3"
    assert between(0.1, 0.10001) == "0.1"


def test_letters_that_the_font_lacks_are_replaced() -> None:
    assert drawable("a\u65e5b") == "a\ufffdb"
