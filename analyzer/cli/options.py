"""The options, each declared once beside its type, and what groups of them mean below.

A field that is also a `Setting` has its name: that is how `flags` spells settings.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from analyzer.cli import values
from analyzer.cli.parameters import Maker, argument, option
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

FORMAT_HELP = "Of the answer on stdout."
URL = option(
    "-p",
    "--prometheus-url",
    "Address of Prometheus, or of anything that speaks its API, with its path prefix.",
    envvar="PROMETHEUS_URL",
    show_envvar=True,
)


def folder(what: str) -> Maker:
    """Declare --output, the folder for `what`."""
    kind = click.Path(path_type=Path, file_okay=False)
    return option("-o", "--output", f"Folder for {what}.", type=kind)


SnapshotPath = Annotated[Path, argument()]
ScenarioFile = Annotated[
    Path | None, option("--scenario", "TOML file with assumptions in place of the defaults.")
]
Format = Annotated[
    str, option("--format", FORMAT_HELP, type=click.Choice(list(FORMATS)), default="table")
]
Quiet = Annotated[bool, option("-q", "--quiet", "Say nothing on stderr but errors.")]
"""A command that never says anything else there takes it as `_quiet`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions:
    """What it takes to be let in."""

    token_file: Annotated[
        Path | None, option("--token-file", "Bearer token. [env: PROMETHEUS_TOKEN]")
    ]
    username: Annotated[
        str | None, option("--username", "For basic authentication. [env: PROMETHEUS_USERNAME]")
    ]
    password_file: Annotated[
        Path | None, option("--password-file", "Its password. [env: PROMETHEUS_PASSWORD]")
    ]
    headers: Annotated[
        tuple[str, ...],
        option("-H", "--header", "'Name: value', such as 'X-Scope-OrgID: team-a'. Repeatable."),
    ]
    ca_file: Annotated[
        Path | None, option("--ca-file", "Certificates to trust in place of the system's.")
    ]
    client_certificate: Annotated[Path | None, option("--cert", "Client certificate.")]
    client_key: Annotated[Path | None, option("--key", "Its key, if in a file of its own.")]
    timeout_seconds: Annotated[
        int,
        option(
            "--timeout",
            "For one request.",
            type=values.duration,
            default=f"{DEFAULT_TIMEOUT_SECONDS}s",
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
        option("--namespace", "Only namespaces that match. Repeatable.", metavar="REGEX"),
    ]
    cluster: Annotated[
        str, option("--cluster", "Only this cluster, by the cluster label's value.", default="")
    ]
    cluster_label: Annotated[
        str | None,
        option("--cluster-label", "Label that tells clusters apart. [default: found out]"),
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
            "How long a time to look at, up to --end.",
            type=click.FloatRange(min=0, min_open=True, max=3660),
            default=DEFAULT_DAYS,
        ),
    ]
    start: Annotated[
        datetime | None,
        option("--start", "First moment, in place of --days. UTC unless it has a zone."),
    ]
    end: Annotated[
        datetime | None, option("--end", "Last moment. UTC unless it has a zone. [default: now]")
    ]
    step_seconds: Annotated[
        int | None,
        option(
            "--step",
            "Length of a step. [default: at least 5m and 10 scrapes]",
            type=values.duration,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentOptions:
    """What a snapshot holds besides the figures."""

    hide_names: Annotated[
        bool,
        option(
            "--hide-names",
            "Write hashes in place of cluster, namespace, workload, pod and node names.",
        ),
    ] = False
    note: Annotated[
        str, option("--note", "A sentence to keep in it and show with every answer.", default="")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOptions:
    """What happens to a snapshot that is already there."""

    force: Annotated[
        bool, option("--force", "Replace a snapshot in the folder, whichever its question.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionOptions:
    """What is asked of a server."""

    scope: ScopeOptions
    time: TimeOptions

    def ask(self, access: "Access", content: ContentOptions | None = None) -> "Ask":
        """Return the question to a server; raises UsageError for a wrong pattern."""
        from analyzer.measurement.plan import Ask

        return Ask(
            source=access.url,
            tenant=access.tenant,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionOptions:
    """What is assumed where the snapshot does not hold it."""

    scenario: ScenarioFile = None
    waypoint_replicas: Annotated[
        int | None, option("--waypoint-replicas", "Of each waypoint.", type=click.IntRange(min=1))
    ] = None
    node_count: Annotated[
        int | None,
        option("--nodes", "Number of nodes, where known better.", type=click.IntRange(min=1)),
    ] = None

    def assumed(self) -> "Scenario":
        """Return the scenario of the file, or the default one, with what the options change."""
        count = self.waypoint_replicas
        changes = {} if count is None else {"waypoint_replicas": count}
        return scenario_of(self.scenario).changed("--waypoint-replicas", changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedOptions:
    """A mesh of stated size and published constants, in place of a snapshot."""

    constants: Annotated[
        str | None,
        option(
            "--constants",
            "Published constants in place of a snapshot: blog, istio-1.24 ...",
            shell_complete=values.complete_constants,
        ),
    ]
    pod_count: Annotated[int | None, option("--pods", "With --constants: pods in the mesh.")]
    namespace_count: Annotated[int | None, option("--namespaces", "With --constants.")]
    proxy_rps: Annotated[
        float | None,
        option(
            "--proxy-rps",
            "With --constants: requests per second through all sidecars together.",
            type=click.FloatRange(min=0),
        ),
    ]

    @property
    def are_given(self) -> bool:
        """Whether any is."""
        return any(value is not None for value in asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingOptions:
    """Which charts are drawn, and how."""

    chart_names: Annotated[
        tuple[tuple[str, ...], ...],
        option(
            "--charts",
            "Which charts to draw; 'all' or 'none'. Repeatable.  [default: all]",
            type=values.chart_names,
            metavar="NAME,NAME",
            shell_complete=values.complete_charts,
        ),
    ]
    file_format: Annotated[
        str,
        option(
            "--chart-format",
            "Of the charts.",
            type=click.Choice(CHART_FORMATS),
            default=CHART_FORMATS[0],
        ),
    ]
    dpi: Annotated[
        int,
        option(
            "--dpi", "Dots an inch of PNG charts.", type=click.IntRange(50, 600), default=CHART_DPI
        ),
    ]

    def charts(self, folder: Path | None) -> "ChartOptions | None":
        """Return what to draw; None where no charts are written."""
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
            "After the table, print how each figure comes about: of all modes, or of this one.",
            is_flag=False,
            flag_value=ALL,
            metavar="[MODE]",
            type=values.mode,
            shell_complete=values.complete_mode,
        ),
    ]

    def explained(self) -> tuple[str, ...]:
        """Return the modes to explain after the table, which is for people only."""
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
    verbose: Annotated[bool, option("-v", "--verbose", "Say on stderr what is being asked.")]


def scenario_of(path: Path | None) -> "Scenario":
    """Return the scenario of a file, or the default one; raises UsageError as `load_scenario`."""
    from analyzer.projection.scenario import default_scenario, load_scenario

    return load_scenario(path) if path else default_scenario()
