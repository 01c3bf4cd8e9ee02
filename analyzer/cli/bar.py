"""The bar of a collection on a terminal: apart, because a pipe has none and Rich takes its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task
from rich.progress import Progress as Display
from rich.table import Column
from rich.text import Text

from analyzer.cli.ending import as_flags
from analyzer.cli.progress import Reporter
from analyzer.measurement.collect import Progress
from analyzer.report.escapes import colour_wanted, inert
from analyzer.report.format import number

_BAR_WIDTH = 12


@contextmanager
def bar(stream: TextIO) -> Iterator[Reporter]:
    """Draw a bar below the notes, and remove it at the end."""
    colour = colour_wanted(stream)
    console = Console(
        file=stream,
        force_terminal=True,
        force_interactive=True,
        no_color=not colour,
        highlight=False,
    )
    # White is invisible on white: the done part is cyan, the rest the terminal's own colour.
    done = "cyan" if colour else "none"
    column = BarColumn(
        _BAR_WIDTH, style="dim", complete_style=done, finished_style=done, pulse_style=done
    )
    facts = _Facts()
    display = Display(
        column,
        facts,
        console=console,
        transient=True,
        expand=True,
        # The answer goes to stdout, which the bar must not touch.
        redirect_stdout=False,
        refresh_per_second=4,
    )
    task = display.add_task("", total=None)

    def draw(step: Progress) -> None:
        facts.take(step)
        display.update(task, total=step.total_count, completed=step.done_count, refresh=True)

    def above(text: str) -> None:
        console.print(Text(f"istio-usage: {as_flags(text)}"), soft_wrap=True)

    with display:
        yield Reporter(progress=draw, note=above)


class _Facts(ProgressColumn):
    """The text beside the bar; its clock runs on between two steps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis", ratio=1))
        self._clock = clock
        self._began = clock()
        self._first: Progress | None = None
        self._last: Progress | None = None

    def take(self, step: Progress) -> None:
        """Take one more step."""
        if self._first is None:
            # The duration of the survey is no measure of the rest.
            self._began, self._first = self._clock(), step
        self._last = step

    def render(self, task: Task) -> Text:
        """Return the text of this moment."""
        del task
        seconds = self._clock() - self._began
        if self._first is None or self._last is None:
            return Text(f"looking for metrics  {_clock_face(seconds)}")
        return Text(in_words(self._first, self._last, seconds))


def in_words(first: Progress, last: Progress, seconds: float) -> str:
    """Return the progress and the speed of a collection, the most important first.

    `first` is where this run began: not zero if it resumes an interrupted one.
    """
    words = [f"{last.done_count}/{last.total_count}", _clock_face(seconds)]
    asked = last.done_count - first.done_count
    open_count = last.total_count - last.done_count
    if not open_count:
        return "  ".join([*words, "writing the snapshot"])
    if asked and seconds > 0:
        words[-1] += f", {_clock_face(seconds / asked * open_count)} left"
        words.append(f"{number(round(last.sample_count / seconds))} samples/s")
    return "  ".join([*words, inert(last.asking)]).rstrip()


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
