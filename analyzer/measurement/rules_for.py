"""The recording rules that suit one server, by a survey of it."""

from datetime import datetime

from analyzer.measurement.plan import Ask, survey_for
from analyzer.measurement.rules import Recording
from analyzer.prometheus.connection import Source
from analyzer.window import choose_step_seconds


def recording_for(source: Source, ask: Ask, *, now: datetime) -> Recording:
    """Survey a server, and return the rules that keep the answers to a question.

    Raises as `survey_for`, and UsageError if the requested step is too short.
    """
    found = survey_for(source, ask, *ask.times(now))
    seconds = choose_step_seconds(found.slower_scrape_seconds, ask.step_seconds, found.slowest)
    return Recording(
        step_seconds=seconds,
        cpu_scrape_seconds=found.cpu_scrape_seconds,
        request_scrape_seconds=found.request_scrape_seconds,
        reads_sample_before=found.reads_sample_before,
        is_surveyed=True,
        label_mapping=found.label_mapping,
        scope=ask.scope,
    )
