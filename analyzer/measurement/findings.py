"""What is wrong or thin in the data or in the answer: who is affected, and the fix."""

from dataclasses import dataclass
from enum import StrEnum

from analyzer.data import codes


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
    """One thing that is wrong or thin in the data, or that makes the answer less sure.

    Attributes:
        name: the kind of finding, one of `data.codes`; never changes its meaning.
        text: the problem and its cause, as whole sentences.
        affected: pods as namespace/pod, or whatever else the text speaks of, sorted.
        fix: the fix, as one line; "" where nothing needs one.
        cpu_share: part of the sidecars' measured CPU that the affected proxies use, where known.
        rps_share: part of the sidecars' requests that they carry, where known.
    """

    name: str
    severity: Severity = Severity.WARNING
    text: str
    affected: tuple[str, ...] = ()
    fix: str = ""
    cpu_share: float | None = None
    rps_share: float | None = None

    @property
    def code(self) -> str:
        """The stable code of its kind, such as IU101; `istio-usage explain` takes it."""
        return codes()[self.name].code

    def __str__(self) -> str:
        """Return its code, the problem and its cause, the shares affected, and the fix."""
        shares = [
            f"{100 * share:.1f} % of the sidecars' {what}"
            for share, what in ((self.cpu_share, "CPU"), (self.rps_share, "requests"))
            # Less than this would read 0.0 %.
            if share is not None and share >= 0.0005  # noqa: PLR2004
        ]
        affected = f"Affected: {' and '.join(shares)}." if shares else ""
        return " ".join(filter(None, (f"[{self.code}]", self.text, affected, self.fix)))
