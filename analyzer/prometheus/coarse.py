"""Queries about an interval of several steps: what was there at the end of any of its steps.

A pod that lives for twenty minutes is at no full hour. Asked at the end of each hour about all its
steps, a server reads the same samples as at every step, and joins and sends a twelfth.
"""

import re
from dataclasses import dataclass
from typing import Final

_COUNTED: Final = re.compile(r"(?P<count>\w+_over_time\((?P<of>[^()\[\]]*))\[\$window\]\)")
_READ_SECONDS: Final = 360
_EVERY_SECONDS: Final = 3600
"""Of a long range, what is read of each part, and the length of a part. The first holds a scrape of
every job of five minutes, so what lives for 54 minutes is seen."""

THINNED_SHARE: Final = _READ_SECONDS / _EVERY_SECONDS
"""Share of the samples in its range that a query in the form of `thinned` loads."""

_SELECTOR: Final = re.compile(r"(\$?\w+)?\{[^{}]*\} offset \$offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Some steps in a row, of which the last ends at a point.

    Attributes:
        stride: how many.
    """

    stride: int
    step_seconds: int

    @property
    def placeholders(self) -> dict[str, str]:
        """Return the values of what query files call its lengths."""
        seconds = self.stride * self.step_seconds
        return {
            # Prometheus 2 has both ends in a range, and would read the step before it.
            "interval": f"{seconds - 1}s",
            "interval_seconds": f"{seconds}",
            "step": f"{self.step_seconds}s",
            "step_seconds": f"{self.step_seconds}",
        }

    def latest(self, template: str) -> str:
        """Return a template with the last value in the interval in place of each value.

        One that looks back over the interval itself stays.
        """
        if self.stride == 1 or "$interval" in template:
            return template
        return _SELECTOR.sub(r"last_over_time((\g<0>)[$interval:$step])", template)


def thinned(template: str) -> str:
    """Return a template that counts samples in some minutes of each part of its range.

    >>> print(thinned("count_over_time(up[$window])"))
    sum_over_time(count_over_time(up[360s])[$window:3600s])
    """
    ranges = f"[{_READ_SECONDS}s])[$window:{_EVERY_SECONDS}s])"
    return _COUNTED.sub(rf"sum_over_time(\g<count>{ranges}", template)
