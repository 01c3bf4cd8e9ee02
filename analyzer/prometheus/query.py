"""The query files: one measured quantity each, with a header that says what it returns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

from analyzer.errors import QueryFileError
from analyzer.prometheus.promql import Scope, duration

__all__ = ["Query", "load_queries", "load_query", "queries_root"]

_HEADER = re.compile(r"# (?P<key>[a-z]+): (?P<text>.+)")
_REQUIRED = ("what", "unit", "labels", "reads")
_PLACEHOLDERS = frozenset({"scope", "cluster", "window", "pods"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One quantity and the PromQL that measures it.

    Attributes:
        name: the file's name, which is also the name of the value column; the unit is its ending.
        what: the quantity in words.
        unit: of the value.
        labels: that every series of the answer carries, absent ones as "".
        reads: the metric that makes up most of what the server must load, from which the cost of
            asking is estimated.
        template: the PromQL, with `string.Template` placeholders.
    """

    name: str
    what: str
    unit: str
    labels: tuple[str, ...]
    reads: str
    template: str

    def render(
        self, scope: Scope, *, window_seconds: int | None = None, pods: str | None = None
    ) -> str:
        """Return the PromQL as it is sent.

        Args:
            scope: what to ask about.
            window_seconds: for `$window`, the range of a rate.
            pods: for `$pods`, a regex literal made by `promql.any_of`.

        Raises:
            QueryFileError: if a placeholder got no value, or a value no placeholder.
        """
        values = {"scope": scope.matchers(), "cluster": scope.cluster_matchers()}
        window = None if window_seconds is None else duration(window_seconds)
        given = {"window": window, "pods": pods}
        wanted = set(Template(self.template).get_identifiers())
        for name, value in given.items():
            if (value is not None) != (name in wanted):
                problem = "needs a value for" if name in wanted else "has no place for"
                raise QueryFileError(f"query {self.name} {problem} ${name}")
            if value is not None:
                values[name] = value
        text = self.template
        for name in ("scope", "cluster"):
            if not values[name]:
                # PromQL allows a comma before the brace; whoever reads the query need not see it.
                text = text.replace(f", ${name}}}", "}")
        return Template(text).substitute(values)


def queries_root() -> Path:
    """Return the folder of the query files: in the wheel, or beside the package in a checkout."""
    installed = Path(str(resources.files("analyzer"))) / "_queries"
    return installed if installed.is_dir() else installed.parent.parent / "queries"


@cache
def load_queries() -> dict[str, Query]:
    """Return all queries by name, in alphabetical order.

    Raises:
        QueryFileError: if there are none, or one is malformed.
    """
    paths = sorted(queries_root().glob("*.promql"))
    if not paths:
        raise QueryFileError(f"no query files in {queries_root()}: reinstall istio-usage-analyzer")
    return {path.stem: _parse(path) for path in paths}


def load_query(name: str) -> Query:
    """Return one query by name.

    Raises:
        QueryFileError: if there is none of that name.
    """
    queries = load_queries()
    if name not in queries:
        raise QueryFileError(f"no query {name!r}; there are: {', '.join(queries)}")
    return queries[name]


def _parse(path: Path) -> Query:
    header: dict[str, str] = {}
    body: list[str] = []
    for line in _text(path).splitlines():
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
    labels = tuple(label.strip() for label in header["labels"].split(","))
    return Query(
        name=path.stem,
        what=header["what"],
        unit=header["unit"],
        labels=() if labels == ("none",) else labels,
        reads=header["reads"],
        template=template.template,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryFileError(f"{path}: cannot be read ({error})") from error
