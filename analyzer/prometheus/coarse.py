"""Queries about an interval of several steps: what was there at the end of any of its steps.

A pod that lives for twenty minutes is at no full hour. Asked at the end of each hour about all its
steps, a server reads the same samples as at every step, and joins and sends a twelfth.
"""

import re
from dataclasses import dataclass
from typing import Final

_SELECTOR: Final = re.compile(r"\$?\w+\{[^{}]*\} offset \$offset")


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
