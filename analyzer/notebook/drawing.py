"""What all results share: a chart by its name, and the note of their snapshot."""

from matplotlib.figure import Figure

from analyzer.errors import UsageError
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.units import Refusal


def known_charts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names; UsageError if there is no chart of one of them."""
    for name in names:
        if name not in CHARTS:
            raise UsageError(f"There is no chart {name!r}. Use one of {', '.join(CHARTS)}.")
    return names


def plot(answer: Answer, name: str) -> Figure | Refusal:
    """Draw a chart, or return why there is nothing to draw; UsageError for an unknown name."""
    (name,) = known_charts((name,))
    found = CHARTS[name](answer)
    return answer.worded(found) if isinstance(found, Refusal) else found


def note(answer: Answer) -> str | None:
    """Return the note in the answer's snapshot, if it has one."""
    return answer.manifest.note if answer.manifest else None
