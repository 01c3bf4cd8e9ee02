"""What can go wrong, and with which exit code the command line says so.

    AnalyzerError                 one line on stderr, exit 1
    ├── UsageError                an option or a scenario file that makes no sense, exit 2
    ├── QueryFileError            a file under queries/ is missing or malformed
    ├── PrometheusError           the server could not be asked, or gave an unusable answer
    │   ├── QueryRejected         400/422, with Prometheus's own words
    │   └── QueryTooHeavy         too many samples, or out of time: ask for less at once
    ├── SnapshotError             a snapshot is missing, incomplete, damaged or too new
    ├── FrameError                a table lacks a column or holds an impossible value
    └── InsufficientData          the data cannot support the answer, exit 3

A programming mistake stays a ValueError or TypeError and shows its traceback. "Cannot say for
this workload" is no exception at all but a `units.Refusal` beside the answer.
"""

__all__ = [
    "AnalyzerError",
    "FrameError",
    "InsufficientData",
    "PrometheusError",
    "QueryFileError",
    "QueryRejected",
    "QueryTooHeavy",
    "SnapshotError",
    "UsageError",
]


class AnalyzerError(Exception):
    """A known failure, told in one line."""

    exit_code = 1


class UsageError(AnalyzerError):
    """What the user gave contradicts itself or cannot be read."""

    exit_code = 2


class QueryFileError(AnalyzerError):
    """A query file is missing, malformed, or was rendered with the wrong values."""


class PrometheusError(AnalyzerError):
    """The server could not be asked, or gave an answer that cannot be used."""


class QueryRejected(PrometheusError):
    """The server read the query and would not run it."""


class QueryTooHeavy(PrometheusError):
    """The server gave up on the query: too many samples, or out of time."""


class SnapshotError(AnalyzerError):
    """A snapshot folder cannot be used."""


class FrameError(AnalyzerError):
    """A table does not hold what its place in the program promises."""


class InsufficientData(AnalyzerError):
    """The data is there to be read, and cannot support the answer."""

    exit_code = 3
