"""What all charts share."""

import matplotlib as mpl
import pytest
from matplotlib.text import Text

from analyzer.report.charts.style import COLOURS, FORMATS, figure_bytes, new_figure, titled
from analyzer.units import Role


def test_two_dollar_signs_are_no_formula() -> None:
    figure, _ = new_figure()
    titled(figure, "saves $1 of $2", "from $3 to $4", reading="")

    written = figure.findobj(Text)
    parsed = {text.get_text().strip(): text.get_parse_math() for text in written}
    assert parsed["saves $1 of $2"] is False
    assert parsed["from $3 to $4"] is False


def test_a_long_title_is_broken_into_even_lines() -> None:
    figure, _ = new_figure()
    titled(figure, f"{'word ' * 20}end", "a detail", reading="")
    first, second = figure.get_suptitle().rstrip("\n").splitlines()

    assert f"{first} {second}" == f"{'word ' * 20}end"
    assert abs(len(first) - len(second)) < 10
    figure.draw_without_rendering()
    assert figure.get_tightbbox().x1 <= figure.get_figwidth()


def test_the_same_figure_gives_the_same_bytes() -> None:
    def drawn() -> bytes:
        figure, axes = new_figure()
        axes.plot([0, 1], [0, 1])
        return figure_bytes(figure)

    assert drawn() == drawn()
    assert drawn().startswith(b"\x89PNG")


def test_the_file_does_not_tell_which_matplotlib_drew_it() -> None:
    figure, _ = new_figure()

    assert mpl.__version__.encode() not in figure_bytes(figure)


def test_every_component_has_a_colour_of_its_own() -> None:
    assert {Role.SIDECAR, Role.ZTUNNEL, Role.WAYPOINT} <= COLOURS.keys()
    assert len(set(COLOURS.values())) == len(COLOURS)


@pytest.mark.parametrize("size", [(8.0, 4.5), (8.0, 5.0)])
def test_a_figure_has_the_size_it_was_asked_for(size: tuple[float, float]) -> None:
    figure, axes = new_figure(*size)

    assert tuple(figure.get_size_inches()) == size
    assert not axes.spines["top"].get_visible()


def test_a_notebook_shows_a_figure_at_half_its_dots() -> None:
    figure, _ = new_figure(8.0, 4.5)
    png, size = figure._repr_png_()

    assert png == figure_bytes(figure)
    assert size == {"width": 800, "height": 450}


@pytest.mark.parametrize("file_format", FORMATS)
def test_in_every_format_the_same_figure_gives_the_same_bytes(file_format: str) -> None:
    def drawn() -> bytes:
        figure, axes = new_figure()
        axes.plot([0, 1], [0, 1], marker="o")
        axes.fill_between([0, 1], 0, [0, 1], hatch="//")
        titled(figure, "a finding", "a detail", reading="")
        return figure_bytes(figure, file_format)

    first = drawn()
    assert first == drawn()
    assert mpl.__version__.encode() not in first
