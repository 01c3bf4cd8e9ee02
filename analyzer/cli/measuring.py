"""Commands that ask a Prometheus: collect, queries."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from analyzer.cli import machine, values
from analyzer.cli.ending import keeping, note
from analyzer.cli.parameters import argument, command, examples, option

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.cli import options
    from analyzer.measurement.snapshot import Snapshot
    from analyzer.prometheus.credentials import Access
    from analyzer.prometheus.query import Query


def collected(
    server: options.ServerOptions,
    talk: options.TalkOptions,
    target: Path,
    replacing: options.ReplaceOptions,
    content: options.ContentOptions | None = None,
) -> Snapshot:
    """Collect into `target` or use the snapshot there, showing the progress on stderr.

    Without options of its content it is for a report.
    """
    from analyzer.cli.progress import reporting
    from analyzer.measurement.collect import collect_snapshot
    from analyzer.prometheus.connection import Connection

    access = access_to(server.url, server.credentials, quiet=talk.quiet)
    with (
        reporting(sys.stderr, quiet=talk.quiet, verbose=talk.verbose) as reporter,
        Connection(access, note=reporter.note) as source,
    ):
        return collect_snapshot(
            source,
            server.question.ask(access, content),
            target,
            now=datetime.now(UTC),
            force=replacing.force,
            is_for_report=content is None,
            on_progress=reporter.progress,
            note=reporter.note,
        )


def noting(*, quiet: bool) -> Callable[[str], None]:
    """Return what prints notes about a server."""
    return (lambda _: None) if quiet else note


def access_to(url: str, credentials: options.CredentialOptions, *, quiet: bool) -> Access:
    """Return the access to a server, and note how its address is understood.

    What the command needs is imported: what follows may hold much memory.
    """
    machine.collect_again()
    access = credentials.access(url)
    if access.remark and not quiet:
        note(access.remark)
    return access


def kept_at(target: Path) -> str:
    """Return what an interrupted collection of `target` leaves behind, and how to go on."""
    from analyzer.measurement.reuse import times_begun
    from analyzer.measurement.snapshot import MANIFEST, partial_path
    from analyzer.measurement.unreported import UNREPORTED

    partial = partial_path(target)
    times = times_begun(partial)
    if times is not None:
        # A time that ends now is another one at the next step.
        fixed = " ".join(f"{setting} {time}" for setting, time in times.items())
        same = f"the same command with {fixed}" if fixed else "the same command"
        return f"What was collected is kept in {partial}. Run {same} to finish it."
    if (target / UNREPORTED).exists():
        return f"The snapshot is kept in {target}. Run the same command to finish its report."
    if (target / MANIFEST).exists():
        return f"The snapshot is kept in {target}. `istio-usage report` goes on from it."
    return "Nothing was collected yet."


@command(epilog=examples("istio-usage collect -p http://localhost:9090 --days 7 -o mesh.snapshot"))
def collect(
    server: options.ServerOptions,
    output: Annotated[Path, option("-o", "--output", "Folder for the snapshot.")],
    content: options.ContentOptions,
    replacing: options.ReplaceOptions,
    talk: options.TalkOptions,
) -> None:
    """Measure only, into a snapshot that other commands read.

    Run the same command again to finish an interrupted collection, or to collect again once the
    snapshot is out of date. Another user name or tenant is another question. A renewed token,
    password or cookie is not: it must give access to the same data.

    A snapshot is a folder of Parquet files with a manifest of every query as sent. It holds no
    credential.
    """
    with keeping(lambda: kept_at(output)):
        snapshot = collected(server, talk, output, replacing, content)
    samples = sum(query.sample_count for query in snapshot.manifest.queries)
    click.echo(f"{snapshot.path}: {samples:,} samples of {len(snapshot.manifest.queries)} queries")


@command(
    epilog=examples(
        "istio-usage queries proxy_cpu_vcpu", "istio-usage queries -p http://localhost:9090"
    )
)
def queries(
    name: Annotated[str | None, argument(shell_complete=values.complete_query)],
    url: Annotated[str | None, options.URL],
    credentials: options.CredentialOptions,
    question: options.QuestionOptions,
    quiet: options.Quiet,
) -> None:
    """Print the PromQL of all queries, or of one.

    With -p the server is surveyed first. Each query is then printed as it would be sent, with its
    number of requests and its estimated number of samples. Only the survey is sent.
    """
    from analyzer.measurement.plan import make_plan
    from analyzer.prometheus.connection import Connection
    from analyzer.prometheus.query import load_query, measured_queries

    chosen = {name: load_query(name)} if name else measured_queries()
    if url is None:
        for query in chosen.values():
            _show(query, promql=_unsurveyed(query, question))
        return
    access = access_to(url, credentials, quiet=quiet)
    with Connection(access, note=noting(quiet=quiet)) as source:
        plan = make_plan(
            source, question.ask(access), now=datetime.now(UTC), note=noting(quiet=quiet)
        )
    planned = {key: plan.queries[key] for key in chosen if key in plan.queries}
    if name and not planned:
        # The survey's own queries are in no plan: they come before it.
        reason = plan.unasked.get(name, "it belongs to the survey, which comes first")
        _show(chosen[name], f"not asked: {reason}")
    for key, asked in planned.items():
        cost = f"{asked.request_count} requests, about {asked.sample_count:,} samples"
        _show(chosen[key], cost, asked.promql)
    requests = sum(asked.request_count for asked in planned.values())
    samples = sum(asked.sample_count for asked in planned.values())
    rest = "" if name else f", {plan.times_bare:.1f} times those of CPU and requests alone"
    click.echo(
        f"{requests} requests for {plan.window.point_count} steps of "
        f"{plan.window.step_seconds} s, about {samples:,} samples in all{rest}"
    )


def _show(query: Query, remark: str = "", promql: str = "") -> None:
    title, remark = f"# {query.name}: {query.what} ({query.unit})", remark and f"# {remark}"
    click.echo("\n".join(filter(None, (title, remark, promql))) + "\n")


def _unsurveyed(query: Query, question: options.QuestionOptions) -> str:
    from analyzer.prometheus.label_mapping import LabelMapping
    from analyzer.window import MIN_STEP_SECONDS

    label_mapping = LabelMapping(cluster=question.scope.cluster_label or "cluster")
    seconds = question.time.step_seconds or MIN_STEP_SECONDS
    window_seconds = seconds if query.is_ranged else None
    return query.render(question.scope.scope(), label_mapping, window_seconds=window_seconds)
