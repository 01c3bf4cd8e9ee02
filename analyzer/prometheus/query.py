"""The query files: one measured quantity each, with a header that describes its answer."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from string import Template

from analyzer.errors import QueryFileError
from analyzer.prometheus.coarse import Interval
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.parts import Divisible, Part, terms
from analyzer.prometheus.promql import Scope, quoted
from analyzer.prometheus.shorter import of_one_scrape, of_same_labels, of_whole_containers
from analyzer.prometheus.shorter import ungrouped as without_grouping
from analyzer.prometheus.variants import SCOPES, Variant, joined, variants_of
from analyzer.window import MIN_STEP_SECONDS

_HEADER = re.compile(r"# (?P<key>[a-z]+): (?P<text>.+)")
_REQUIRED = ("what", "unit", "from", "labels", "reads")
_QUOTED = re.compile(r'"\$(\w+)"')
"""A label's name where PromQL has a string."""
_STEP = Interval(stride=1, step_seconds=MIN_STEP_SECONDS)
_TIMES = ("window", "offset", *_STEP.placeholders)
_OFFSET = " offset $offset"
_OF_NO_POD = ("scrape", "state_cluster")
"""Placeholders that are the same for all names of pods."""
_NAMESPACES = "survey_part_namespaces"
"""The query for the namespaces to cut another query by."""
_PLACEHOLDERS = frozenset({*LabelMapping().placeholders, *SCOPES, *_TIMES})

_SLOWLY = "slowly"

SURVEY = "survey"
"""The header's `from` of queries that look before anything is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One quantity and the PromQL that measures it.

    Attributes:
        name: the file's name, which is also the name of the value column; the unit is its ending.
        what: the quantity in words.
        exporter: who makes the series; None: the survey, which reads several.
        labels: that every series of the answer carries, absent ones as "", by our names for them.
        reads: the metric that makes up most of what the server must load, from which the cost of
            asking is estimated.
        together: how answers to the same query about series with other label names are combined,
            an aggregation of PromQL.
        template: the PromQL, with `string.Template` placeholders.
        takes_latest: whether answers about some namespaces each combine to the largest value;
            else they are added up.
        samples_per_series: that are read for each series of `reads` and each time, on average.
        changes_slowly: whether a longer window is asked for it less often than each step.
    """

    name: str
    what: str
    unit: str
    exporter: Exporter | None
    labels: tuple[str, ...]
    reads: str
    template: str
    together: str = "max"
    takes_latest: bool = False
    changes_slowly: bool = False
    samples_per_series: float = 1.0

    @property
    def is_ranged(self) -> bool:
        """Whether it looks back over a window at each point."""
        return "window" in Template(self.template).get_identifiers()

    def render(  # noqa: PLR0913 - what is asked, of whom, and when
        self,
        scope: Scope,
        label_mapping: LabelMapping,
        *,
        window_seconds: float | None = None,
        offset_seconds: int = 0,
        is_scraped_once: bool = False,
        has_core_counters: bool = True,
        ungrouped: Collection[str] = (),
        interval: Interval = _STEP,
    ) -> str:
        """Return the PromQL as it is sent, `Divisible` where its series have namespaces.

        Args:
            scope: which namespaces and cluster.
            label_mapping: what labels are called.
            window_seconds: `$window`, the range of a rate.
            offset_seconds: `$offset`, how long before its evaluation a step ends.
            is_scraped_once: whether each proxy is known to be scraped by one job only.
            has_core_counters: whether a proxy may have CPU counters of single cores.
            ungrouped: aggregations that are left out where `grouping` has them.
            interval: the steps that each point is about.

        Raises:
            QueryFileError: if `$window` got no value, or a value has no place.
        """
        if (window_seconds is not None) != self.is_ranged:
            problem = "needs a value for" if self.is_ranged else "has no place for"
            raise QueryFileError(f"query {self.name} {problem} $window")
        times = {
            "window": _duration(window_seconds or 0),
            "offset": _duration(offset_seconds),
            **interval.placeholders,
        }
        # Where jobs differ in their names, a proxy may have a job of each name.
        is_plain = self._is_plain(label_mapping)
        text = self._shortest(is_scraped_once=is_scraped_once and is_plain)
        if self.grouping(label_mapping, is_scraped_once=is_scraped_once) in ungrouped:
            text = without_grouping(text).template
        text = text if has_core_counters else of_whole_containers(text)
        # Each term is about some exporters only: the names of others must not repeat it.
        each = [text] if is_plain else terms(text)
        variants = [(term, variants_of(label_mapping, _exporters(term))) for term in each]

        def finished(term: str, variant: Variant, scopes: Mapping[str, str]) -> str:
            text = of_same_labels(term, variant.label_mapping)
            if self.changes_slowly:
                text = interval.latest(text)
            text = text if offset_seconds else text.replace(_OFFSET, "")
            return _rendered(text, variant, scopes, times)

        def within(part: Part | None) -> str:
            asked = (
                joined(
                    [finished(term, one, one.scopes(scope, part)) for one in ones],
                    self.together,
                )
                for term, ones in variants
            )
            return " or ".join(asked)

        return self._divisible(within, scope, label_mapping)

    def grouping(self, label_mapping: LabelMapping, *, is_scraped_once: bool) -> str:
        """Return the aggregation that can be left out, "max" or "sum"; "" if none can."""
        if not self._is_plain(label_mapping):
            return ""
        return without_grouping(self._shortest(is_scraped_once=is_scraped_once)).by

    def _is_plain(self, label_mapping: LabelMapping) -> bool:
        """Return whether all series that it reads have one name for each label."""
        return len(variants_of(label_mapping, _exporters(self.template))) == 1

    def _shortest(self, *, is_scraped_once: bool) -> str:
        return of_one_scrape(self.template) if is_scraped_once else self.template

    def _divisible(
        self, within: Callable[[Part | None], str], scope: Scope, label_mapping: LabelMapping
    ) -> str:
        """Return the text for all, with what cuts it where the namespace can be selected."""
        read = set(Template(self.template).get_identifiers()) & set(SCOPES)
        is_nameless = label_mapping.attribution != Attribution.POD and "proxy_scope" in read
        if self.name == _NAMESPACES or is_nameless or not read - {"cluster_scope"}:
            return within(None)
        exporters = (Exporter.CADVISOR, Exporter.STATE, Exporter.PROXY)
        labels = dict.fromkeys(
            names.namespace
            for exporter in exporters
            for names in label_mapping.names(exporter).each
        )
        return Divisible.of(
            within,
            names=_namespaces(scope, label_mapping),
            labels=tuple(labels),
            takes_latest=self.takes_latest,
        )


@lru_cache
def _namespaces(scope: Scope, label_mapping: LabelMapping) -> str:
    """Return the query for the namespaces, which most queries can be cut by."""
    return load_query(_NAMESPACES).render(scope, label_mapping)


@cache
def _exporters(template: str) -> tuple[Exporter, ...]:
    """Return the exporters whose label names a template holds."""
    names = Template(template).get_identifiers()
    owners = {name.partition("_")[0] for name in names if name not in _OF_NO_POD}
    return tuple(exporter for exporter in Exporter if exporter in owners)


def _rendered(
    text: str, variant: Variant, scopes: Mapping[str, str], times: Mapping[str, str]
) -> str:
    """Return a query's text with every value, without matchers that are empty."""
    mapping = variant.label_mapping
    for name, value in scopes.items():
        if not value:
            # PromQL allows a comma before the brace; whoever reads the query need not see it.
            text = text.replace(f", ${name}}}", "}").replace(f"{{${name}}}", "")
    raw = mapping.raw_placeholders
    text = _QUOTED.sub(lambda match: quoted(raw[match[1]]), text)
    return Template(text).substitute({**mapping.placeholders, **scopes, **times})


def _duration(seconds: float) -> str:
    """Return a duration in PromQL."""
    return f"{seconds:.0f}s" if seconds == round(seconds) else f"{seconds * 1000:.0f}ms"


def queries_root() -> Path:
    """Return the folder of the query files: in the wheel, or beside the package in a checkout."""
    installed = Path(str(resources.files("analyzer"))) / "_queries"
    return installed if installed.is_dir() else installed.parent.parent / "queries"


@cache
def load_queries() -> dict[str, Query]:
    """Return all queries by name, in alphabetical order; QueryFileError if one is malformed."""
    paths = sorted(queries_root().glob("*.promql"))
    if not paths:
        raise QueryFileError(
            f"There are no query files in {queries_root()}. Reinstall istio-usage-analyzer."
        )
    return {path.stem: _parse(path) for path in paths}


def measured_queries() -> dict[str, Query]:
    """Return the queries a snapshot holds: all but the survey's."""
    return {name: query for name, query in load_queries().items() if query.exporter is not None}


def load_query(name: str) -> Query:
    """Return one query by name; QueryFileError if there is none."""
    queries = load_queries()
    if name not in queries:
        raise QueryFileError(f"There is no query {name!r}. Choose one of {', '.join(queries)}.")
    return queries[name]


def _parse(path: Path) -> Query:
    header: dict[str, str] = {}
    body: list[str] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryFileError(f"{path}: cannot be read ({error})") from error
    for line in text.splitlines():
        match = _HEADER.fullmatch(line)
        if match:
            header[match["key"]] = match["text"].strip()
        elif line.strip() and not line.startswith("#"):
            body.append(line.strip())
    missing = [key for key in _REQUIRED if key not in header]
    template = Template(" ".join(body))
    if missing or not body or not template.is_valid():
        fault = f"lacks # {missing[0]}" if missing else "holds no valid template"
        raise QueryFileError(f"{path}: {fault}")
    if "#" in template.template:
        # Sent as one line, it would swallow everything behind it.
        raise QueryFileError(f"{path}: a comment must have a line of its own")
    unknown = set(template.get_identifiers()) - _PLACEHOLDERS
    if unknown:
        raise QueryFileError(f"{path}: unknown placeholder ${min(unknown)}")
    if (source := header["from"]) not in {SURVEY, *Exporter}:
        raise QueryFileError(f"{path}: # from: {source} is none of {', '.join(Exporter)}")
    labels = tuple(label.strip() for label in header["labels"].split(","))
    return Query(
        name=path.stem,
        what=header["what"],
        unit=header["unit"],
        exporter=None if source == SURVEY else Exporter(source),
        labels=() if labels == ("none",) else labels,
        reads=header["reads"],
        template=template.template,
        together=header.get("together", "max"),
        takes_latest=header.get("parts") == "latest",
        samples_per_series=_load(path, header),
        changes_slowly=_changes_slowly(path, header, template),
    )


def _changes_slowly(path: Path, header: Mapping[str, str], template: Template) -> bool:
    """Return whether a header has it that a quantity changes slowly."""
    changes = header.get("changes")
    if changes not in {None, _SLOWLY}:
        raise QueryFileError(f"{path}: # changes: {changes} is not {_SLOWLY}")
    if changes and "window" in template.get_identifiers():
        raise QueryFileError(f"{path}: # changes: a rate over $window is one of each step")
    return bool(changes)


def _load(path: Path, header: Mapping[str, str]) -> float:
    """Return how many samples a query reads for each series that it is said to read."""
    text = header.get("load", "1")
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not float(text):
        raise QueryFileError(f"{path}: # load: {text} is not a number above 0")
    return float(text)
