"""The command that checks a Prometheus before anything is measured: doctor."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import click

from analyzer.cli.ending import as_flags
from analyzer.cli.measuring import access_to, noting
from analyzer.cli.parameters import command, examples, option
from analyzer.cli.wrapping import wrapped
from analyzer.settings import spelled

if TYPE_CHECKING:
    from analyzer.cli import options
    from analyzer.measurement.diagnosis import Diagnosis
    from analyzer.measurement.survey import Survey
    from analyzer.measurement.verdict import Judged
    from analyzer.prometheus.connection import Source
    from analyzer.prometheus.promql import Scope
    from analyzer.window import TimeWindow


@command(epilog=examples("istio-usage doctor -p http://localhost:9090"))
def doctor(
    server: options.ServerOptions,
    output_format: Annotated[Literal["table", "json"], option("--format", options.FORMAT_HELP)],
    talk: options.TalkOptions,
) -> None:
    """Check what this Prometheus can answer.

    It measures some intervals as analyze does, judges whether the answer would be right, and
    suggests fixes. It exits 0 only if the main question can be answered.
    """
    import json

    from analyzer.cli.flags import FLAGS
    from analyzer.measurement.diagnosis import diagnose
    from analyzer.measurement.plan import rules_for
    from analyzer.prometheus.connection import Connection

    access = access_to(server.url, server.credentials, quiet=talk.quiet)
    ask = server.question.ask(access)
    start, end = ask.times(datetime.now(UTC))
    with Connection(access, note=noting(quiet=talk.quiet)) as source:
        diagnosis = diagnose(
            source,
            ask.scope,
            start,
            end,
            cluster_label=ask.cluster_label,
            replica_labels=ask.replica_labels,
            step_seconds=ask.step_seconds,
            judge=partial(_judged, source, ask.scope),
            rules=rules_for(source, ask, start, end),
        )
    if output_format == "json":
        # No flag holds what JSON would escape.
        click.echo(spelled(json.dumps(diagnosis.to_json(), indent=2), FLAGS))
    else:
        _show_diagnosis(diagnosis)
    if not diagnosis.can_answer:
        raise click.exceptions.Exit(3)


_STATUS_COLOURS = {"ok": "green", "yes": "green", "missing": "red", "no": "red"}


def _show_diagnosis(diagnosis: Diagnosis) -> None:
    from analyzer.report.escapes import colour_wanted

    def show(status: str, text: str) -> None:
        colour, is_bold = _STATUS_COLOURS.get(status), status == "warn" or None
        cell = click.style(f"{status:8}", fg=colour, bold=is_bold)
        below = wrapped(as_flags(text), indent=8).lstrip()
        click.echo(f"{cell}{below}", color=colour_wanted(sys.stdout))

    for check in diagnosis.checks:
        show(check.status, f"{check.subject}: {check.detail}")
    click.echo()
    for item in diagnosis.answers:
        lacks = f" (missing: {', '.join(item.lacks)})" if item.lacks else ""
        show("yes" if item.possible else "no", f"{item.answer}{lacks}")
    click.echo(f"\n{wrapped(as_flags(diagnosis.verdict))}")


def _judged(source: Source, scope: Scope, found: Survey, window: TimeWindow) -> Judged:
    """Take every step of an answer with a sample, and return what is found on the way."""
    from dataclasses import replace

    from analyzer.calibration import calibrate_usage
    from analyzer.errors import InsufficientData
    from analyzer.measurement.sample import take_sample
    from analyzer.measurement.usage import measure
    from analyzer.measurement.verdict import Judged
    from analyzer.projection import project_usage
    from analyzer.projection.choices import PriceSource
    from analyzer.projection.scenario import default_scenario
    from analyzer.units import Refusal

    sample = take_sample(source, scope, found, window)
    usage = measure(sample)
    calibration = calibrate_usage(usage)
    if sample.is_whole and isinstance(calibration.sidecar, Refusal):
        raise InsufficientData(str(calibration.sidecar))
    scenario = default_scenario()
    if "node_cpu_hourly_cost" in found.series_counts:
        scenario = replace(scenario, prices=PriceSource.OPENCOST)
    projection = project_usage(usage, calibration, scenario)
    findings = (*usage.findings, *calibration.warnings, *projection.warnings)
    return Judged(findings=sample.without_its_length(findings), extent=sample.extent)
