"""The options, each declared once beside its type, and how each group becomes a value.

A field that is also a `Setting` has its name, so that `flags` can spell settings.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from analyzer.cli import values
from analyzer.cli.parameters import Maker, argument, option
from analyzer.cli.values import ALL, NONE
from analyzer.defaults import (
    CHART_DPI,
    CHART_FORMATS,
    DEFAULT_DAYS,
    DEFAULT_MAX_ANSWER_MIB,
    DEFAULT_TIMEOUT_SECONDS,
    LEAST_DAYS,
    MOST_DAYS,
)
from analyzer.errors import UsageError
from analyzer.report.render import FORMATS

if TYPE_CHECKING:
    from analyzer.measurement.manifest import Manifest
    from analyzer.measurement.plan import Ask
    from analyzer.projection.rightsizing.result import Rightsizing
    from analyzer.projection.scenario import Scenario
    from analyzer.prometheus.credentials import Access
    from analyzer.prometheus.promql import Scope
    from analyzer.report.patches.choosing import Patches
    from analyzer.report.patches.files import Layout
    from analyzer.report.write import ChartOptions

FORMAT_HELP = "Output format."
URL = option(
    "-p",
    "--prometheus-url",
    "Address of Prometheus or a compatible server, with its path prefix.",
    metavar="URL",
    envvar="PROMETHEUS_URL",
    show_envvar=True,
)


def folder(what: str) -> Maker:
    """Declare --output, the folder for `what`."""
    kind = values.PathName(path_type=Path, file_okay=False)
    return option("-o", "--output", f"Folder for {what}.", type=kind)


SnapshotPath = Annotated[Path, argument()]
ScenarioFile = Annotated[
    Path | None, option("--scenario", "TOML file with assumptions that replace defaults.")
]
Format = Annotated[
    str, option("--format", FORMAT_HELP, type=click.Choice(list(FORMATS)), default="table")
]
Quiet = Annotated[bool, option("-q", "--quiet", "Print nothing on stderr except errors.")]
"""A command that prints only errors there takes it as `_quiet`."""
ForceShort = Annotated[
    bool, option("--force-short", "Recommend requests also from less than a day.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions:
    """How to authenticate to the server."""

    token_file: Annotated[
        Path | None, option("--token-file", "File with a bearer token. [env: PROMETHEUS_TOKEN]")
    ]
    username: Annotated[
        str | None, option("--username", "User name for basic auth. [env: PROMETHEUS_USERNAME]")
    ]
    password_file: Annotated[
        Path | None, option("--password-file", "File with the password. [env: PROMETHEUS_PASSWORD]")
    ]
    headers: Annotated[
        tuple[str, ...],
        option("-H", "--header", "Request header, such as 'X-Scope-OrgID: team-a'. Repeatable."),
    ]
    ca_file: Annotated[
        Path | None, option("--ca-file", "CA certificates to trust instead of the system's.")
    ]
    client_certificate: Annotated[Path | None, option("--cert", "Client certificate.")]
    client_key: Annotated[Path | None, option("--key", "Private key, if not in --cert.")]
    timeout_seconds: Annotated[
        int,
        option(
            "--timeout",
            "Timeout of one request, from its connection to the end of its answer.",
            type=values.duration,
            default=f"{DEFAULT_TIMEOUT_SECONDS}s",
        ),
    ]
    deadline_seconds: Annotated[
        int | None,
        option(
            "--deadline",
            "Time for all requests together. What was collected by then is kept.",
            type=values.duration,
        ),
    ]
    max_answer_mib: Annotated[
        int,
        option(
            "--max-answer",
            "Largest answer to read, decompressed. It takes 12 times its size in memory.",
            type=click.IntRange(1, 4096),
            default=DEFAULT_MAX_ANSWER_MIB,
            metavar="MIB",
        ),
    ]

    def access(self, url: str) -> "Access":
        """Return the access to the server at `url`; raises UsageError as `Access.parse` does."""
        from analyzer.prometheus.credentials import Access

        return Access.parse(url, **asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeOptions:
    """Which clusters and namespaces."""

    namespaces: Annotated[
        tuple[str, ...],
        option("--namespace", "Only namespaces that match. Repeatable.", metavar="REGEX"),
    ]
    cluster: Annotated[
        str,
        option("--cluster", "Only the cluster with this value of the cluster label.", default=""),
    ]
    cluster_label: Annotated[
        str | None,
        option(
            "--cluster-label",
            "Label that identifies clusters. [default: detected]",
            metavar="LABEL",
        ),
    ]
    replica_labels: Annotated[
        tuple[str, ...],
        option(
            "--replica-label",
            "Label that differs between copies of a series. Repeatable. [default: detected]",
            metavar="LABEL",
        ),
    ]

    def scope(self) -> "Scope":
        """Return the namespaces and the cluster; raises UsageError for a wrong pattern."""
        from analyzer.prometheus.promql import Scope

        return Scope(namespaces=self.namespaces, cluster=self.cluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOptions:
    """Which time range, and in which steps."""

    days: Annotated[
        float,
        option(
            "--days",
            "Length of the time range, which ends at --end.",
            type=values.FloatRange(min=LEAST_DAYS, max=MOST_DAYS),
            default=DEFAULT_DAYS,
            metavar="DAYS",
        ),
    ]
    start: Annotated[
        datetime | None,
        option("--start", "Start of the range, instead of --days. UTC if it has no zone."),
    ]
    end: Annotated[
        datetime | None, option("--end", "End of the range. UTC if it has no zone. [default: now]")
    ]
    step_seconds: Annotated[
        int | None,
        option(
            "--step",
            "Length of one step. [default: at least 5m and 10 scrapes]",
            type=values.duration,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentOptions:
    """What else is stored in a snapshot."""

    hide_names: Annotated[
        bool,
        option(
            "--hide-names",
            "Replace names of clusters, namespaces, workloads, pods and nodes by hashes. "
            "Set ISTIO_USAGE_SALT to compare such snapshots.",
        ),
    ] = False
    note: Annotated[
        str,
        option("--note", "Sentence to store in the snapshot and show in every answer.", default=""),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOptions:
    """What happens to a snapshot that is already there."""

    force: Annotated[
        bool, option("--force", "Replace a snapshot in the folder, whichever its question.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionOptions:
    """Which data of the server."""

    scope: ScopeOptions
    time: TimeOptions
    no_rules: Annotated[
        bool,
        option("--no-rules", "Read raw samples, even where recording rules have the answer."),
    ] = False

    def ask(self, access: "Access", content: ContentOptions | None = None) -> "Ask":
        """Return the question to a server; raises UsageError for a wrong pattern."""
        from analyzer.measurement.plan import Ask

        return Ask(
            source=access.url,
            tenant=access.tenant,
            scope=self.scope.scope(),
            cluster_label=self.scope.cluster_label,
            replica_labels=self.scope.replica_labels,
            no_rules=self.no_rules,
            **asdict(self.time),
            **asdict(content or ContentOptions()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Which Prometheus, and which of its data."""

    url: Annotated[str, URL]
    credentials: CredentialOptions
    question: QuestionOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionOptions:
    """Assumptions for what the snapshot does not hold."""

    scenario: ScenarioFile = None
    waypoint_replicas: Annotated[
        int | None,
        option(
            "--waypoint-replicas",
            "Replicas of each waypoint.",
            type=values.WHOLE,
            metavar="N",
        ),
    ] = None
    node_count: Annotated[
        int | None,
        option("--nodes", "Override the detected node count.", type=values.WHOLE, metavar="N"),
    ] = None
    force_short: ForceShort = False

    def assumed(self, *, is_hypothetical: bool = False) -> "Scenario":
        """Return the scenario of the file, or the default one, changed by the other options.

        What they leave out is as for a measured mesh, or for a hypothetical one.
        """
        count = self.waypoint_replicas
        changes = {} if count is None else {"waypoint_replicas": count}
        return scenario_of(self.scenario, is_hypothetical=is_hypothetical).changed(
            "--waypoint-replicas", changes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedOptions:
    """A hypothetical mesh and published benchmarks, instead of a snapshot."""

    constants: Annotated[
        str | None,
        option(
            "--constants",
            "Published benchmarks to use: blog, istio-1.24 and others. Needs no snapshot.",
            metavar="NAME",
            shell_complete=values.complete_constants,
        ),
    ]
    pod_count: Annotated[
        int | None, option("--pods", "Number of sidecars, with --constants.", metavar="N")
    ]
    namespace_count: Annotated[
        int | None, option("--namespaces", "Number of namespaces, with --constants.", metavar="N")
    ]
    proxy_rps: Annotated[
        float | None,
        option(
            "--proxy-rps",
            "Requests per second of all sidecars together, with --constants.",
            metavar="N",
        ),
    ]

    @property
    def are_given(self) -> bool:
        """Whether the user gave any of them."""
        return any(value is not None for value in asdict(self).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingOptions:
    """Which charts are drawn, and how."""

    chart_names: Annotated[
        tuple[tuple[str, ...], ...],
        option(
            "--charts",
            "Charts to draw, or 'all' or 'none'. Repeatable. [default: all]",
            type=values.chart_names,
            metavar="NAME,NAME",
            shell_complete=values.complete_charts,
        ),
    ]
    file_format: Annotated[
        str,
        option(
            "--chart-format",
            "File format of the charts.",
            type=click.Choice(CHART_FORMATS),
            default=CHART_FORMATS[0],
        ),
    ]
    dpi: Annotated[
        int,
        option(
            "--dpi",
            "Resolution of PNG charts in dots per inch.",
            type=click.IntRange(50, 600),
            default=CHART_DPI,
            metavar="N",
        ),
    ]

    def charts(self, folder: Path | None) -> "ChartOptions | None":
        """Return what to draw; None where no charts are written."""
        given = tuple(name for names in self.chart_names for name in names)
        if NONE in given and set(given) != {NONE}:
            raise UsageError("--charts none excludes every other chart. Give none alone.")
        if folder is None:
            if given and NONE not in given:
                raise UsageError("--charts needs a folder for the files. Give -o.")
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
            "Print the arithmetic of each figure after the table, for all modes or this one.",
            is_flag=False,
            flag_value=ALL,
            metavar="[MODE]",
            type=values.mode,
            shell_complete=values.complete_mode,
        ),
    ]

    def explained(self) -> tuple[str, ...]:
        """Return the modes to explain after the table; other formats have no room for text."""
        if self.explain is None:
            return ()
        if self.output_format != "table":
            raise UsageError("--explain prints text after the table, so it needs --format table.")
        from analyzer.projection.modes import MODES

        return tuple(MODES) if self.explain == ALL else (self.explain,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsizingOptions:
    """How requests are recommended."""

    cpu_limit: Annotated[
        str | None,
        option(
            "--cpu-limit",
            "CPU limits: none, today's, or a multiple of the request. [default: keep]",
            type=click.Choice(["none", "keep", "set"]),
        ),
    ]
    force_short: ForceShort

    def assumed(self, scenario: Path | None) -> "Scenario":
        """Return the scenario of a file, or the default one, with these CPU limits."""
        changes = {} if self.cpu_limit is None else {"rightsizing_cpu_limit": self.cpu_limit}
        return scenario_of(scenario).changed("--cpu-limit", changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchOptions:
    """Which patches are written, and for which kustomize."""

    style: Annotated[
        Literal["annotations", "defaults"],
        option(
            "--style",
            "Patch every workload; or change the default of istiod, and patch the exceptions.",
        ),
    ]
    kustomize_api: Annotated[
        Literal["5", "2"],
        option("--kustomize-api", "Kustomize 5, or 2 for kubectl up to 1.20."),
    ]
    base: Annotated[
        str,
        option(
            "--base",
            "Base of each kustomization, as seen from its folder. It may have {cluster} and "
            "{namespace}. [default: DIRECTORY/base; for kustomize 2 its folder {namespace}]",
            default="",
            metavar="PATH",
        ),
    ]

    def layout(self) -> "Layout":
        """Return how patches are laid out in folders."""
        from analyzer.report.patches.files import KustomizeApi, Layout

        return Layout(api=KustomizeApi(self.kustomize_api), base=self.base)

    def patches(self, found: "Rightsizing", manifest: "Manifest") -> "Patches":
        """Return the patches of recommendations; UsageError if no base suits all of them."""
        from analyzer.measurement.anonymise import HIDDEN_SOURCE
        from analyzer.report.patches.choosing import Style, patches_of

        is_hidden = manifest.source == HIDDEN_SOURCE
        patches = patches_of(found, Style(self.style), are_names_hidden=is_hidden)
        if self.layout().mixes_namespaces(patches.items):
            raise UsageError(
                "--base needs {namespace} with --kustomize-api 2: each kustomization must have the "
                "objects of one namespace only."
            )
        return patches


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """How much is printed on stderr."""

    quiet: Quiet
    verbose: Annotated[bool, option("-v", "--verbose", "Print each query to stderr.")]


def scenario_of(path: Path | None, *, is_hypothetical: bool = False) -> "Scenario":
    """Return the scenario of a file, or the default one; raises UsageError as `load_scenario`."""
    from analyzer.projection.scenario import (
        default_scenario,
        hypothetical_scenario,
        load_scenario,
    )

    defaults = hypothetical_scenario() if is_hypothetical else default_scenario()
    return load_scenario(path, defaults) if path else defaults
