"""What is wrong or thin in the data or in the answer: who is affected, and the fix."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analyzer.data import codes
from analyzer.units import enumerated, in_percent

_LEAST_SHARE = 0.0005
"""A smaller share would read 0 %."""

SERIOUS_SHARE: Final = 0.2
"""Share of the sidecars' CPU, requests or time from which a finding is serious."""


class Severity(StrEnum):
    """How much a finding matters to the answer."""

    INFO = "info"
    """Worth knowing; it does not change the answer."""
    WARNING = "warning"
    """Part of the answer is less certain, or covers only part of the mesh."""
    SERIOUS = "serious"
    """The answer lacks a large part of the mesh."""

    @classmethod
    def of_share(cls, share: float) -> "Severity":
        """Return how much it matters that the answer lacks a share of the mesh."""
        return cls.SERIOUS if share >= SERIOUS_SHARE else cls.WARNING


class Bias(StrEnum):
    """Which way a finding moves the measured totals that it touches."""

    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"
    EITHER = "either"
    """They may be too low or too high."""
    NONE = "none"
    """It is corrected, or touches no total."""


BIASED: Final[Mapping[Bias, str]] = {
    Bias.TOO_LOW: "are too low",
    Bias.TOO_HIGH: "are too high",
    Bias.EITHER: "may be too low or too high",
    Bias.NONE: "are not affected",
}
"""What a bias makes of the totals, as the rest of a sentence about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong or thin in the data, or that makes the answer less certain.

    Attributes:
        name: the kind of finding, one of `data.codes`; never changes its meaning.
        text: the problem and its cause, as whole sentences.
        affected: pods as namespace/pod, or the other names that the text is about, sorted.
        fix: how to fix it, as whole sentences; "" where no fix is needed.
        cpu_share: share of the sidecars' measured CPU that the affected proxies use, where known.
        rps_share: share of the sidecars' requests that they carry, where known.
        time_share: share of the sidecars' time, in proxies times intervals, that is affected.
        bias: which way the totals are wrong because of it; None where nothing is known of that.
    """

    name: str
    severity: Severity = Severity.WARNING
    text: str
    affected: tuple[str, ...] = ()
    fix: str = ""
    cpu_share: float | None = None
    rps_share: float | None = None
    time_share: float | None = None
    bias: Bias | None = None

    @property
    def code(self) -> str:
        """The stable code of its kind, such as IU101; `istio-usage explain` takes it."""
        return codes()[self.name].code

    @property
    def moves_totals(self) -> bool:
        """Whether a total may be wrong because of it."""
        return self.bias not in {None, Bias.NONE}

    @property
    def effect(self) -> str:
        """Which way totals are wrong, as a sentence; "" where none is, or where it is unknown."""
        return f"Totals {BIASED[self.bias]}." if self.bias and self.moves_totals else ""

    def __str__(self) -> str:
        """Return its code, problem and cause, the shares affected, the bias, and the fix."""
        shares = [
            f"{in_percent(share)} of the sidecars' {what}"
            for share, what in (
                (self.cpu_share, "CPU"),
                (self.rps_share, "requests"),
                (self.time_share, "time"),
            )
            if share is not None and share >= _LEAST_SHARE
        ]
        affected = f"Affected: {enumerated(shares)}." if shares else ""
        return " ".join(
            filter(None, (f"[{self.code}]", self.text, affected, self.effect, self.fix))
        )
