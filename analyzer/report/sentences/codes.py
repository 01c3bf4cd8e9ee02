"""Where a reader finds what a code means."""

from collections.abc import Iterable

from analyzer.measurement.findings import Finding


def explain_hints(shown: Iterable[Finding]) -> tuple[str, ...]:
    """Return the command that explains the first of these findings; none if there are none."""
    first = next(iter(shown), None)
    if first is None:
        return ()
    return (f"Run istio-usage explain {first.code} to see what a code means and how to fix it.",)
