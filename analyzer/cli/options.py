"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from analyzer.errors import UsageError
from analyzer.report.render import FORMATS

__all__ = [
    "FOLDER",
    "SNAPSHOT",
    "access_of",
    "ask_of",
    "examples",
    "explain_option",
    "explained_modes",
    "format_option",
    "optional_server_options",
    "projection_options",
    "quiet_option",
    "scenario_of",
    "scope_options",
    "server_options",
    "talk_options",
    "time_options",
    "together",
]

Function = TypeVar("Function", bound=Callable[..., Any])

SNAPSHOT = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path)

_DURATION = re.compile(r"(?P<count>\d+)(?P<unit>[smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


class _Moment(click.ParamType[datetime]):
    """A time, ISO 8601; UTC where it names no zone."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read a time."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-11-20T08:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Duration(click.ParamType[int]):
    """Whole seconds, minutes or hours."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a duration into seconds."""
        match = _DURATION.fullmatch(str(value))
        seconds = int(match["count"]) * _SECONDS[match["unit"]] if match else 0
        if seconds < 1:
            self.fail(f"{value!r} is not a duration such as 300, 30s or 5m", param, ctx)
        return seconds


def together(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Return several options as one, in the order in which help shows them."""

    def apply(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


def examples(*lines: str) -> str:
    """Return what stands below a command's help, each line as it is."""
    title = "Example:" if len(lines) == 1 else "Examples:"
    # Click leaves a paragraph alone that begins with this.
    return "\n  ".join([f"\b\n{title}", *lines])


def _url_option(*, required: bool) -> Callable[[Function], Function]:
    return click.option(
        "-p",
        "--prometheus-url",
        envvar="PROMETHEUS_URL",
        required=required,
        show_envvar=True,
        help="Address of Prometheus, or of anything that speaks its API, with its path prefix.",
    )


_credentials = (
    click.option("--token-file", type=_FILE, help="Bearer token. [env: PROMETHEUS_TOKEN]"),
    click.option("--username", help="For basic authentication. [env: PROMETHEUS_USERNAME]"),
    click.option("--password-file", type=_FILE, help="Its password. [env: PROMETHEUS_PASSWORD]"),
    click.option(
        "-H",
        "--header",
        "headers",
        multiple=True,
        help="'Name: value', such as 'X-Scope-OrgID: team-a'. Repeatable.",
    ),
    click.option("--ca-file", type=_FILE, help="Certificates to trust in place of the system's."),
    click.option("--cert", "client_certificate", type=_FILE, help="Client certificate."),
    click.option("--key", "client_key", type=_FILE, help="Its key, if in a file of its own."),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=_Duration(),
        default="120s",
        show_default=True,
        help="For one request.",
    ),
)

server_options = together(_url_option(required=True), *_credentials)
optional_server_options = together(_url_option(required=False), *_credentials)

scope_options = together(
    click.option(
        "--namespace",
        "namespaces",
        multiple=True,
        metavar="REGEX",
        help="Only namespaces that match. Repeatable.",
    ),
    click.option("--cluster", default="", help="Only this cluster, by the cluster label's value."),
    click.option("--cluster-label", help="Label that tells clusters apart. [default: found out]"),
)

time_options = together(
    click.option(
        "--days",
        type=click.FloatRange(min=0, min_open=True, max=3660),
        default=7.0,
        show_default=True,
        help="How long a time to look at, up to --end.",
    ),
    click.option("--start", type=_Moment(), help="First moment, in place of --days."),
    click.option("--end", type=_Moment(), help="Last moment. [default: now]"),
    click.option(
        "--step",
        "step_seconds",
        type=_Duration(),
        help="Length of a step. [default: at least 5m and 10 scrapes]",
    ),
)

projection_options = together(
    click.option(
        "--scenario",
        type=_FILE,
        help="TOML file with assumptions in place of the defaults.",
    ),
    click.option("--waypoint-replicas", type=click.IntRange(min=1), help="Of each waypoint."),
    click.option(
        "--nodes",
        "node_count",
        type=click.IntRange(min=1),
        help="Number of nodes, where known better.",
    ),
)

quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")

talk_options = together(
    quiet_option,
    click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is being asked."),
)

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="Of the answer on stdout.",
)


_MODES = ("sidecar", "ambient-l4", "ambient-waypoint", "ambient-waypoint-all")

explain_option = click.option(
    "--explain",
    is_flag=False,
    flag_value="all",
    metavar="[MODE]",
    type=click.Choice(["all", *_MODES]),
    help="After the table, print how each figure comes about: of all modes, or of this one.",
)


def explained_modes(explain: str | None, output_format: str) -> tuple[str, ...]:
    """Return the modes to explain.

    Raises:
        UsageError: if the answer is for machines: what follows it would spoil it.
    """
    if explain is None:
        return ()
    if output_format != "table":
        raise UsageError("--explain prints text after the table: it needs --format table")
    return _MODES if explain == "all" else (explain,)


def access_of(options: dict[str, Any]) -> Any:
    """Take the server options out of `options` and return the Access they mean."""
    from analyzer.prometheus.credentials import Access

    names = (
        "token_file username password_file headers ca_file client_certificate client_key "
        "timeout_seconds"
    )
    taken = {name: options.pop(name) for name in names.split()}
    return Access.parse(options.pop("prometheus_url"), **taken)


def ask_of(options: dict[str, Any], source: str) -> Any:
    """Take the time and scope options out of `options` and return the Ask they mean."""
    from analyzer.measurement.plan import Ask
    from analyzer.prometheus.promql import Scope

    scope = Scope(namespaces=options.pop("namespaces"), cluster=options.pop("cluster"))
    names = ("days", "start", "end", "step_seconds", "cluster_label")
    taken = {name: options.pop(name) for name in names}
    more = {name: options.pop(name) for name in ("note", "hide_names") if name in options}
    return Ask(source=source, scope=scope, **taken, **more)


def scenario_of(path: Path | None, waypoint_replicas: int | None) -> Any:
    """Return the scenario of a file and the options that change it."""
    from analyzer.projection.scenario import default_scenario, load_scenario

    scenario = load_scenario(path) if path else default_scenario()
    if waypoint_replicas is None:
        return scenario
    return scenario.changed("--waypoint-replicas", {"waypoint_replicas": waypoint_replicas})
