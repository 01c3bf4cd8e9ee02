"""What can go wrong, and the exit code of each on the command line.

    AnalyzerError                 one line on stderr, exit 1
    ├── UsageError                options or a scenario file that make no sense, exit 2
    ├── QueryFileError            a file under queries/ is missing or malformed
    ├── PrometheusError           the server could not be asked, or gave an unusable answer
    │   ├── Unreachable           no connection, or none that can be trusted
    │   ├── QueryRejected         400/422, with Prometheus's own words
    │   ├── QueryTooHeavy         over a limit of the server, or too slow: ask for less at once
    │   └── FailedAnswer          200, and no data: an error or nothing
    ├── SnapshotError             a snapshot is missing, incomplete, damaged or too new
    ├── OutputError               a file cannot be written
    ├── FrameError                a table lacks a column or holds an impossible value
    └── InsufficientData          the data cannot support the answer, exit 3

A programming mistake stays a ValueError or TypeError and shows its traceback. "Cannot tell for
this workload" is no exception: it is a `units.Refusal` beside the answer.
"""

from enum import StrEnum
from typing import Any

from analyzer.settings import Setting, settings_in

_PROMQL_LENGTH = 120
"""Characters of a query that a message of one line repeats."""

_VALUE_LENGTH = 100
"""Characters of a wrong value that a message repeats."""


class AnalyzerError(Exception):
    """A known failure, in one line: problem, cause, action."""

    exit_code = 1

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings that the text names: those that are wrong, or that fix it."""
        return settings_in(str(self))


class UsageError(AnalyzerError):
    """The user's settings or files contradict each other, or cannot be read."""

    exit_code = 2


class QueryFileError(AnalyzerError):
    """A query file is missing, malformed, or was rendered with the wrong values."""


class PrometheusError(AnalyzerError):
    """The server could not be asked, or gave an answer that cannot be used.

    Attributes:
        url: of the server, without credentials; "" if unknown.
        promql: the query, where the failure is about one; else "".
        status: of HTTP; None if there was no answer.
        words: the server's own; "" if it had none.
    """

    def __init__(
        self,
        problem: str = "",
        *,
        url: str = "",
        promql: str = "",
        status: int | None = None,
        words: str = "",
        advice: str = "",
    ) -> None:
        self.url, self.promql, self.status, self.words = url, promql, status, words
        first = ": ".join(filter(None, (f"{url} answered HTTP {status}", words)))
        parts = (first, problem) if status else (": ".join(filter(None, (url, problem or words))),)
        if len(promql) > _PROMQL_LENGTH:
            promql = f"{promql[: _PROMQL_LENGTH - 3]}..."
        super().__init__(sentences(*parts, promql and f"Query: {promql}", advice))


class Unreachable(PrometheusError):
    """There is no connection to the server, or none that can be trusted.

    Attributes:
        cause: the innermost reason, in the words of the network library.
    """

    def __init__(self, *, url: str, cause: str, advice: str) -> None:
        super().__init__(f"Cannot reach Prometheus at {url}: {cause}", advice=advice)
        self.url, self.cause = url, cause


class QueryRejected(PrometheusError):
    """The server refused the query: 400 or 422, with its own words."""

    @property
    def may_be_limit(self) -> bool:
        """Whether less may be answered: the words are not those for a query with a mistake."""
        return not any(mistake in self.words for mistake in _MISTAKES)


_MISTAKES = ("parse error", "cannot parse", "unknown function", "many-to-many", "invalid parameter")


class Limit(StrEnum):
    """What a server limits about one query, named as in `data/wordings.toml`."""

    SPAN = "span"
    WORK = "work"
    SERIES = "series"
    LENGTH = "length"


class QueryTooHeavy(PrometheusError):
    """The query is over a limit of the server or takes too long: ask for less.

    Attributes:
        limit: what there is too much of.
    """

    def __init__(self, problem: str = "", *, limit: Limit = Limit.WORK, **facts: Any) -> None:  # noqa: ANN401 - those of PrometheusError
        super().__init__(problem, **facts)
        self.limit = limit


class FailedAnswer(PrometheusError):
    """The answer has HTTP status 200, and an error or nothing in place of data."""


class SnapshotError(AnalyzerError):
    """A snapshot is missing, incomplete, damaged or too new."""


class OutputError(AnalyzerError):
    """A file cannot be written."""


class FrameError(AnalyzerError):
    """A table lacks a column or holds an impossible value."""


class InsufficientData(AnalyzerError):
    """The data can be read, and cannot support the answer."""

    exit_code = 3


def sentences(*texts: str) -> str:
    """Return texts as one line of sentences; empty ones are left out.

    >>> sentences("It broke", "", "Try again.")
    'It broke. Try again.'
    """
    stripped = (text.strip() for text in texts)
    return " ".join(text if text[-1] in ".!?" else f"{text}." for text in stripped if text)


def brief(value: object) -> str:
    """Return a wrong value as a message shows it, however long it is.

    >>> brief("5x"), brief("a" * 200)[-6:], brief(1 << 99_999)
    ("'5x'", 'aaa...', 'a value that is too long')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits.
        return "a value that is too long"
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 3]}..."
