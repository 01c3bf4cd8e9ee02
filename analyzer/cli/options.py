"""The options, each declared once beside its type, and what groups of them mean below.

A field that is also a `Setting` has its name: that is how `flags` spells settings.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from analyzer.cli import values
from analyzer.cli.parameters import argument, option
from analyzer.cli.values import ALL, NONE
from analyzer.defaults import CHART_DPI, CHART_FORMATS, DEFAULT_DAYS, DEFAULT_TIMEOUT_SECONDS
from analyzer.errors import UsageError
from analyzer.report.render import FORMATS

if TYPE_CHECKING:
    from analyzer.measurement.plan import Ask
    from analyzer.projection.scenario import Scenario
    from analyzer.prometheus.credentials import Access
    from analyzer.prometheus.promql import Scope
    from analyzer.report.write import ChartOptions

FOLDER = click.Path(path_type=Path, file_okay=False)
FORMAT_HELP = "Of the answer on stdout."
URL = option(
    "-p",
    "--prometheus-url",
    envvar="PROMETHEUS_URL",
    show_envvar=True,
    help="Address of Prometheus, or of anything that speaks its API, with its path prefix.",
)

SnapshotPath = Annotated[Path, argument()]
ScenarioFile = Annotated[
    Path | None, option("--scenario", help="TOML file with assumptions in place of the defaults.")
]
Format = Annotated[
    str, option("--format", type=click.Choice(list(FORMATS)), default="table", help=FORMAT_HELP)
]
Quiet = Annotated[bool, option("-q", "--quiet", help="Say nothing on stderr but errors.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions:
    """What it takes to be let in."""

    token_file: Annotated[
        Path | None, option("--token-file", help="Bearer token. [env: PROMETHEUS_TOKEN]")
    ]
    username: Annotated[
        str | None,
        option("--username", help="For basic authentication. [env: PROMETHEUS_USERNAME]"),
    ]
    password_file: Annotated[
        Path | None, option("--password-file", help="Its password. [env: PROMETHEUS_PASSWORD]")
    ]
    headers: Annotated[
        tuple[str, ...],
        option(
            "-H", "--header", help="'Name: value', such as 'X-Scope-OrgID: team-a'. Repeatable."
        ),
    ]
    ca_file: Annotated[
        Path | None, option("--ca-file", help="Certificates to trust in place of the system's.")
    ]
    client_certificate: Annotated[Path | None, option("--cert", help="Client certificate.")]
    client_key: Annotated[Path | None, option("--key", help="Its key, if in a file of its own.")]
    timeout_seconds: Annotated[
        int,
        option(
            "--timeout",
            type=values.duration,
            default=f"{DEFAULT_TIMEOUT_SECONDS}s",
            help="For one request.",
        ),
    ]

    def access(self, url: str) -> "Access":
        """Return the access to the server at `url`; raises UsageError as `Access.parse` does."""
        from analyzer.prometheus.credentials import Access

        return Access.parse(url, **asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeOptions:
    """Which part of what the server holds."""

    namespaces: Annotated[
        tuple[str, ...],
        option("--namespace", metavar="REGEX", help="Only namespaces that match. Repeatable."),
    ]
    cluster: Annotated[
        str,
        option("--cluster", default="", help="Only this cluster, by the cluster label's value."),
    ]
    cluster_label: Annotated[
        str | None,
        option("--cluster-label", help="Label that tells clusters apart. [default: found out]"),
    ]

    def scope(self) -> "Scope":
        """Return the namespaces and the cluster; raises UsageError for a wrong pattern."""
        from analyzer.prometheus.promql import Scope

        return Scope(namespaces=self.namespaces, cluster=self.cluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOptions:
    """Which time, and how finely."""

    days: Annotated[
        float,
        option(
            "--days",
            type=click.FloatRange(min=0, min_open=True, max=3660),
            default=DEFAULT_DAYS,
            help="How long a time to look at, up to --end.",
        ),
    ]
    start: Annotated[datetime | None, option("--start", help="First moment, in place of --days.")]
    end: Annotated[datetime | None, option("--end", help="Last moment. [default: now]")]
    step_seconds: Annotated[
        int | None,
        option(
            "--step",
            type=values.duration,
            help="Length of a step. [default: at least 5m and 10 scrapes]",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentOptions:
    """What a snapshot holds besides the figures."""

    hide_names: Annotated[
        bool,
        option(
            "--hide-names",
            help="Write hashes in place of cluster, namespace, workload, pod and node names.",
        ),
    ] = False
    note: Annotated[
        str,
        option("--note", default="", help="A sentence to keep in it and show with every answer."),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionOptions:
    """What is asked of a server."""

    scope: ScopeOptions
    time: TimeOptions

    def ask(self, url: str, content: ContentOptions | None = None) -> "Ask":
        """Return the question to the server at `url`; raises UsageError for a wrong pattern."""
        from analyzer.measurement.plan import Ask

        return Ask(
            source=url,
            scope=self.scope.scope(),
            cluster_label=self.scope.cluster_label,
            **asdict(self.time),
            **asdict(content or ContentOptions()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Which Prometheus, and what is asked of it."""

    url: Annotated[str, URL]
    credentials: CredentialOptions
    question: QuestionOptions

    def access(self) -> "Access":
        """Return the access to the server; raises UsageError as `Access.parse` does."""
        return self.credentials.access(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionOptions:
    """What is assumed where the snapshot does not hold it."""

    scenario: ScenarioFile = None
    waypoint_replicas: Annotated[
        int | None,
        option("--waypoint-replicas", type=click.IntRange(min=1), help="Of each waypoint."),
    ] = None
    node_count: Annotated[
        int | None,
        option("--nodes", type=click.IntRange(min=1), help="Number of nodes, where known better."),
    ] = None

    def assumed(self) -> "Scenario":
        """Return the scenario of the file, or the default one, with what the options change.

        Raises:
            UsageError: if the file cannot be read, or holds what it may not.
        """
        scenario = scenario_of(self.scenario)
        if self.waypoint_replicas is None:
            return scenario
        changes = {"waypoint_replicas": self.waypoint_replicas}
        return scenario.changed("--waypoint-replicas", changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedOptions:
    """A mesh of stated size and published constants, in place of a snapshot."""

    constants: Annotated[
        str | None,
        option(
            "--constants",
            shell_complete=values.complete_constants,
            help="Published constants in place of a snapshot: blog, istio-1.24 ...",
        ),
    ]
    pod_count: Annotated[int | None, option("--pods", help="With --constants: pods in the mesh.")]
    namespace_count: Annotated[int | None, option("--namespaces", help="With --constants.")]
    proxy_rps: Annotated[
        float | None,
        option(
            "--proxy-rps",
            type=click.FloatRange(min=0),
            help="With --constants: requests per second through all sidecars together.",
        ),
    ]

    @property
    def are_given(self) -> bool:
        """Whether any is."""
        sizes = (self.pod_count, self.namespace_count, self.proxy_rps)
        return bool(self.constants) or any(size is not None for size in sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingOptions:
    """Which charts are drawn, and how."""

    chart_names: Annotated[
        tuple[tuple[str, ...], ...],
        option(
            "--charts",
            type=values.chart_names,
            metavar="NAME,NAME",
            shell_complete=values.complete_charts,
            help="Which charts to draw; 'all' or 'none'. Repeatable.  [default: all]",
        ),
    ]
    file_format: Annotated[
        str,
        option(
            "--chart-format",
            type=click.Choice(CHART_FORMATS),
            default=CHART_FORMATS[0],
            help="Of the charts.",
        ),
    ]
    dpi: Annotated[
        int,
        option(
            "--dpi",
            type=click.IntRange(50, 600),
            default=CHART_DPI,
            help="Dots an inch of PNG charts.",
        ),
    ]

    def charts(self, folder: Path | None) -> "ChartOptions | None":
        """Return what to draw; None where no charts are written.

        Raises:
            UsageError: if `none` is not alone, or charts are asked for without a folder.
        """
        given = tuple(name for names in self.chart_names for name in names)
        if NONE in given and set(given) != {NONE}:
            raise UsageError("--charts none stands alone")
        if folder is None:
            if given and NONE not in given:
                raise UsageError("--charts needs a folder to write them to: give -o")
            return None
        from analyzer.report.write import ChartOptions

        names = None if not given or ALL in given else () if NONE in given else given
        return ChartOptions(names=names, file_format=self.file_format, dpi=self.dpi)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOptions:
    """How the answer is printed."""

    output_format: Format
    explain: Annotated[
        str | None,
        option(
            "--explain",
            is_flag=False,
            flag_value=ALL,
            metavar="[MODE]",
            type=values.mode,
            shell_complete=values.complete_mode,
            help="After the table, print how each figure comes about: of all modes, or of this "
            "one.",
        ),
    ]

    def explained(self) -> tuple[str, ...]:
        """Return the modes to explain after the table.

        Raises:
            UsageError: if the answer is for machines: what follows it would spoil it.
        """
        if self.explain is None:
            return ()
        if self.output_format != "table":
            raise UsageError("--explain prints text after the table: it needs --format table")
        from analyzer.projection.modes import MODES

        return tuple(MODES) if self.explain == ALL else (self.explain,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """What is printed on stderr."""

    quiet: Quiet
    verbose: Annotated[bool, option("-v", "--verbose", help="Say on stderr what is being asked.")]


def scenario_of(path: Path | None) -> "Scenario":
    """Return the scenario of a file, or the default one; raises UsageError as `load_scenario`."""
    from analyzer.projection.scenario import default_scenario, load_scenario

    return load_scenario(path) if path else default_scenario()
