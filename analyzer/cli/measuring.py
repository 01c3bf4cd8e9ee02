"""Commands that ask a Prometheus: doctor, collect, queries."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.cli.completing import complete_query
from analyzer.cli.options import (
    SNAPSHOT,
    access_of,
    ask_of,
    examples,
    optional_server_options,
    quiet_option,
    scope_options,
    server_options,
    talk_options,
    time_options,
)

if TYPE_CHECKING:
    from analyzer.measurement.diagnosis import Diagnosis
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.prometheus.query import Query

__all__ = ["collect", "collected", "doctor", "queries"]


def collected(options: dict[str, Any], target: Path) -> Snapshot:
    """Collect as the options say, telling on stderr how far it is."""
    from analyzer.cli.progress import telling
    from analyzer.measurement.collect import collect_snapshot
    from analyzer.prometheus.connection import Connection

    access = access_of(options)
    quiet, verbose = options.pop("quiet"), options.pop("verbose")
    ask = ask_of(options, access.url)
    with (
        Connection(access) as source,
        telling(sys.stderr, quiet=quiet, verbose=verbose) as teller,
    ):
        return collect_snapshot(
            source,
            ask,
            target,
            now=datetime.now(UTC),
            on_progress=teller.progress,
            note=teller.note,
        )


@click.command(
    epilog=examples("istio-usage collect -p http://localhost:9090 --days 7 -o mesh.snapshot")
)
@server_options
@scope_options
@time_options
@click.option("-o", "--output", required=True, type=SNAPSHOT, help="The snapshot to make.")
@click.option(
    "--hide-names",
    is_flag=True,
    help="Write hashes in place of cluster, namespace, workload, pod and node names.",
)
@click.option("--note", default="", help="A sentence to keep in it and show with every answer.")
@talk_options
def collect(output: Path, **options: Any) -> None:
    """Measure only: write a snapshot that later commands read offline.

    An interrupted collection goes on where it was when the same command is given again.
    """
    snapshot = collected(options, output)
    samples = sum(query.sample_count for query in snapshot.manifest.queries)
    click.echo(f"{snapshot.path}: {samples:,} samples of {len(snapshot.manifest.queries)} queries")


@click.command(
    epilog=examples(
        "istio-usage queries proxy_cpu_vcpu", "istio-usage queries -p http://localhost:9090"
    )
)
@click.argument("name", required=False, shell_complete=complete_query)
@optional_server_options
@scope_options
@time_options
@quiet_option
def queries(name: str | None, prometheus_url: str | None, *, quiet: bool, **options: Any) -> None:
    """Show the PromQL that would be sent, all of it or one query.

    With a server, it is surveyed first, and the queries are those that it would be sent, each with
    its number of requests and the samples it would load, estimated.
    """
    from analyzer.measurement.plan import make_plan, measured_queries
    from analyzer.prometheus.connection import Connection
    from analyzer.prometheus.query import load_query

    del quiet  # It says nothing on stderr but errors.
    chosen = [load_query(name)] if name else list(measured_queries().values())
    if prometheus_url is None:
        for query in chosen:
            _show(query, _unsurveyed(query, options))
        return
    access = access_of({**options, "prometheus_url": prometheus_url})
    ask = ask_of(options, access.url)
    with Connection(access) as source:
        plan = make_plan(source, ask, now=datetime.now(UTC))
    for query in chosen:
        planned = plan.queries.get(query.name)
        if planned is not None:
            cost = f"{len(planned.jobs)} requests, about {planned.sample_count:,} samples"
            _show(query, planned.promql, cost)
    total = sum(planned.sample_count for planned in plan.queries.values())
    click.echo(
        f"{len(plan.jobs)} requests for {plan.window.point_count} steps of "
        f"{plan.window.step_seconds} s, about {total:,} samples in all"
    )


def _show(query: Query, promql: str, cost: str = "") -> None:
    click.echo(f"# {query.name}: {query.what} ({query.unit})")
    if cost:
        click.echo(f"# {cost}")
    click.echo(f"{promql}\n")


def _unsurveyed(query: Query, options: dict[str, Any]) -> str:
    from analyzer.prometheus.label_mapping import LabelMapping
    from analyzer.prometheus.promql import Scope
    from analyzer.window import MIN_STEP_SECONDS

    scope = Scope(namespaces=options["namespaces"], cluster=options["cluster"])
    label_mapping = LabelMapping(cluster=options["cluster_label"] or "cluster")
    seconds = (options["step_seconds"] or MIN_STEP_SECONDS) if query.is_ranged else None
    return query.render(scope, label_mapping, window_seconds=seconds)


@click.command(epilog=examples("istio-usage doctor -p http://localhost:9090"))
@server_options
@scope_options
@time_options
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table")
@talk_options
def doctor(output_format: str, **options: Any) -> None:
    """Tell what this Prometheus can answer, and what would mend what it cannot.

    Exits 0 only if the main question can be answered.
    """
    import json

    from analyzer.measurement.diagnosis import diagnose
    from analyzer.prometheus.connection import Connection

    access = access_of(options)
    ask = ask_of(options, access.url)
    start, end = ask.times(datetime.now(UTC))
    with Connection(access) as source:
        diagnosis = diagnose(
            source,
            ask.scope,
            start,
            end,
            cluster_label=ask.cluster_label,
            step_seconds=ask.step_seconds,
        )
    if output_format == "json":
        click.echo(json.dumps(diagnosis.to_json(), indent=2))
    else:
        _show_diagnosis(diagnosis)
    if not diagnosis.can_answer:
        raise click.exceptions.Exit(3)


_STATUS_COLOURS = {"ok": "green", "yes": "green", "missing": "red", "no": "red"}


def _show_diagnosis(diagnosis: Diagnosis) -> None:
    from analyzer.report.format import inert
    from analyzer.report.render.terminal import colour_wanted

    colour = colour_wanted(sys.stdout)

    def tell(status: str, text: str) -> None:
        cell = f"{status:8}"
        if colour:
            cell = click.style(cell, fg=_STATUS_COLOURS.get(status), bold=status == "warn" or None)
        click.echo(f"{cell}{inert(text)}", color=colour)

    for check in diagnosis.checks:
        tell(check.status, f"{check.subject}: {check.detail}")
    click.echo()
    for item in diagnosis.answers:
        lacks = f" (lacks {', '.join(item.lacks)})" if item.lacks else ""
        tell("yes" if item.possible else "no", f"{item.answer}{lacks}")
    click.echo(f"\n{inert(diagnosis.verdict)}")
