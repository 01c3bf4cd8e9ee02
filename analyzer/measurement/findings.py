"""What is wrong or thin in the data: who is affected, and the fix."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters to the answer."""

    INFO = "info"
    """Worth knowing; the answer stands."""
    WARNING = "warning"
    """Part of the answer is less sure, or speaks for less than the whole mesh."""
    SERIOUS = "serious"
    """A large part of the mesh is not in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong or thin in the data.

    Attributes:
        name: what kind of finding it is, for machines; never changes its meaning.
        text: what was found.
        affected: pods as namespace/pod, or whatever else the text speaks of, sorted.
        mending: the fix, as one line; "" where nothing needs one.
        cpu_share: part of the sidecars' measured CPU that the affected proxies use, where known.
        rps_share: part of the sidecars' requests that they carry, where known.
    """

    name: str
    severity: Severity = Severity.WARNING
    text: str
    affected: tuple[str, ...] = ()
    mending: str = ""
    cpu_share: float | None = None
    rps_share: float | None = None

    def __str__(self) -> str:
        """Return the finding as one sentence, with the shares and the fix."""
        shares = [
            f"{share:.1%} of the sidecars' {what}"
            for share, what in ((self.cpu_share, "CPU"), (self.rps_share, "requests"))
            # Less than this would read 0.0 %.
            if share is not None and share >= 0.0005  # noqa: PLR2004
        ]
        text = f"{self.text} ({' and '.join(shares)})" if shares else self.text
        return f"{text}: {self.mending}" if self.mending else text
