"""Writing values that came from outside into PromQL, so that they stay values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analyzer.errors import UsageError
from analyzer.settings import Setting

_PLAIN_NAME: Final = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


class Spelling(StrEnum):
    """How a server reads a label name with dots or other signs in a query."""

    QUOTED = "quoted"
    """As a string: Prometheus since 3.0, and what is built on it."""
    ESCAPED = "escaped"
    """With a backslash before each sign: VictoriaMetrics."""
    LEFT_OUT = "left_out"
    """It cannot, or it is not known: no query may name such a label."""


def is_plain(label: str) -> bool:
    """Return whether every server reads a label's name in a query."""
    return bool(_PLAIN_NAME.fullmatch(label))


def spelled(label: str, spelling: Spelling) -> str:
    r"""Return a label's name as a query has it.

    >>> print(spelled("pod", Spelling.QUOTED), spelled("k8s.pod.name", Spelling.QUOTED))
    pod "k8s.pod.name"
    >>> print(spelled("k8s.pod.name", Spelling.ESCAPED))
    k8s\.pod\.name
    """
    if is_plain(label):
        return label
    if spelling == Spelling.ESCAPED:
        return re.sub(r"([^a-zA-Z0-9_])", r"\\\1", label)
    return quoted(label)


def quoted(value: str) -> str:
    r"""Return `value` as a PromQL string literal.

    >>> print(quoted('a"b'))
    "a\"b"
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def any_of(values: Sequence[str]) -> str:
    """Return a PromQL string literal of a regex that matches exactly one of `values`."""
    # re.escape also escapes characters such as "-", which RE2 reads the same way.
    return quoted("|".join(re.escape(value) for value in values))


def selector(series: Sequence[Mapping[str, str]], spelling: Spelling = Spelling.LEFT_OUT) -> str:
    """Return a selector that matches these series of one metric, and few others.

    Labels that the server cannot read in a query are left out.

    >>> print(selector([{"__name__": "up", "job": "a"}, {"__name__": "up", "job": "b"}]))
    up{job=~"a|b"}
    """
    shared = sorted(set.intersection(*map(set, series)) - {"__name__"})
    if spelling == Spelling.LEFT_OUT:
        shared = [name for name in shared if is_plain(name)]
    matchers = (
        f"{spelled(name, spelling)}=~{any_of(sorted({one[name] for one in series}))}"
        for name in shared
    )
    return f"{series[0]['__name__']}{{{', '.join(matchers)}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which part of what this Prometheus holds is asked about: the only site-specific selector.

    Attributes:
        namespaces: regular expressions (RE2); a namespace that matches any of them is in. Empty:
            all namespaces.
        cluster: the value of the label `cluster`; empty: no such matcher.

    Raises:
        UsageError: if an expression cannot be read.
    """

    namespaces: tuple[str, ...] = ()
    cluster: str = ""

    def __post_init__(self) -> None:
        for pattern in self.namespaces:
            try:
                re.compile(pattern)
            except re.error as error:
                raise UsageError(
                    f"{Setting.NAMESPACES} {pattern!r} is not a regular expression: {error}"
                ) from error

    def cluster_matchers(self, cluster_label: str) -> str:
        """Return matchers for series that have no namespace of a pod (nodes, prices)."""
        return f"{cluster_label}={quoted(self.cluster)}" if self.cluster else ""

    def matchers(self, cluster_label: str, namespace_label: str) -> str:
        """Return matchers for series of a pod, for the end of a selector."""
        parts = [self.cluster_matchers(cluster_label)] if self.cluster else []
        if self.namespaces:
            pattern = "|".join(f"(?:{namespace})" for namespace in self.namespaces)
            parts.append(f"{namespace_label}=~{quoted(pattern)}")
        return ", ".join(parts)
