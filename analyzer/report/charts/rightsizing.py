"""What each workload's sidecars request, use and need, those that waste most first."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from analyzer.projection.rightsizing.result import Recommendation
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.sentences.rightsizing import changed_requests
from analyzer.units import Refusal

_ROWS: Final = 24
_NAME_WIDTH: Final = 36

_READING: Final = (
    "Each row is a workload, in vCPU of one sidecar. The light bar is the CPU request of today, "
    "the dark bar the CPU used on average. The dot is the recommended request with its 90 % "
    "interval."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw a row for each workload with a recommendation: requested, used and recommended."""
    found = answer.projection.rightsizing if answer.projection else None
    known = [item for item in found.workloads if item.request_vcpu] if found else []
    if found is None or not known:
        reasons = [item.refusal.detail for item in found.workloads if item.refusal] if found else []
        detail = reasons[0] if reasons else "No requests were recommended."
        return style.nothing_to_draw("rightsizing", detail)
    rows = known[:_ROWS]
    figure, axes = style.new_figure(9.0, 2.1 + 0.24 * len(rows))
    _bars(axes, rows)
    names = [parts.drawable(f"{item.namespace}/{item.workload}", _NAME_WIDTH) for item in rows]
    parts.rows_named(axes, names, fontsize=8)
    axes.set_xlim(left=0)
    parts.numbers(axes.xaxis)
    axes.set_xlabel("CPU of one sidecar in vCPU")
    parts.legend_below(figure, axes, columns=3)
    which = fmt.counted(len(known), "workload")
    if len(known) > _ROWS:
        which = f"The first {_ROWS} of {len(known):,} workloads"
    detail = f"{which}, the largest saving first"
    if refused := len(found.workloads) - len(known):
        detail += f"; {refused:,} more without a recommendation"
    return style.titled(figure, changed_requests(found), detail, reading=_READING)


def _bars(axes: Axes, rows: Sequence[Recommendation]) -> None:
    colour = style.COLOURS["sidecar"]
    for row, item in enumerate(rows):
        if item.today.request_vcpu is not None:
            requested, label = item.today.request_vcpu, "requested today"
            axes.barh(row, requested, height=0.72, color=colour, alpha=0.25, lw=0, label=label)
        if item.used_vcpu is not None:
            axes.barh(row, item.used_vcpu, height=0.36, color=colour, lw=0, label="used")
        if item.request_vcpu is not None:
            dot, label = style.COLOURS["fit"], "recommended request"
            axes.plot(item.request_vcpu.mid, row, "o", ms=5, color=dot, zorder=4, label=label)
            parts.range_bar(axes, row, item.request_vcpu)
