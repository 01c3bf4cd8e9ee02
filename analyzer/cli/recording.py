"""The command that prints recording and alerting rules: rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import click

from analyzer.cli.measuring import access_to, noting
from analyzer.cli.parameters import command, examples, option

if TYPE_CHECKING:
    from analyzer.cli import options
    from analyzer.measurement.rules import Recording


@command(
    epilog=examples(
        "istio-usage rules -p http://localhost:9090",
        "istio-usage rules -p http://localhost:9090 --format kubernetes",
    )
)
def rules(
    url: Annotated[str | None, options.URL],
    credentials: options.CredentialOptions,
    scope: options.ScopeOptions,
    time: options.TimeOptions,
    output_format: Annotated[
        Literal["yaml", "kubernetes", "json"], option("--format", options.FORMAT_HELP)
    ],
    quiet: options.Quiet,
) -> None:
    """Print recording and alerting rules.

    Where Prometheus, Thanos or Mimir evaluates them, collect and analyze read the recorded series.
    The answer is the same, for less than a tenth of the server's time.

    For that give -p: the server is surveyed first, for its labels and scrape intervals. Without it
    the rules serve the alerts only, which are about cost per request, coverage of the data, and
    nodes with a busy ztunnel.
    """
    from analyzer.cli.options import QuestionOptions
    from analyzer.report.rules import RulesFormat, as_text

    question = QuestionOptions(scope=scope, time=time)
    recording = _recording(url, credentials, question, quiet=quiet)
    click.echo(as_text(recording, RulesFormat(output_format)), nl=False)


def _recording(
    url: str | None,
    credentials: options.CredentialOptions,
    question: options.QuestionOptions,
    *,
    quiet: bool,
) -> Recording:
    from analyzer.measurement.rules import Recording
    from analyzer.measurement.rules_for import recording_for
    from analyzer.prometheus.connection import Connection

    scope, seconds = question.scope.scope(), question.time.step_seconds
    if url is None:
        return Recording.unsurveyed(
            scope,
            step_seconds=seconds,
            cluster_label=question.scope.cluster_label,
            replica_labels=question.scope.replica_labels,
        )
    access = access_to(url, credentials, quiet=quiet)
    with Connection(access, note=noting(quiet=quiet)) as source:
        return recording_for(source, question.ask(access), now=datetime.now(UTC))
