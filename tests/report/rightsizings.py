"""Recommended requests, laid out."""

from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.report.answer import Answer
from analyzer.report.patches.choosing import Style, patches_of
from analyzer.report.patches.files import Layout
from analyzer.report.rightsized import RightsizingReport
from tests.projection.builders import shop_mesh
from tests.report.answers import manifest


def report_of(
    found: Rightsizing,
    *,
    style: Style = Style.ANNOTATIONS,
    layout: Layout | None = None,
    note: str = "",
) -> RightsizingReport:
    usage = shop_mesh()
    return RightsizingReport(
        answer=Answer(manifest=manifest(usage, note=note), usage=usage),
        found=found,
        patches=patches_of(found, style),
        layout=layout or Layout(),
    )
