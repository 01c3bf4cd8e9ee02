"""Proves that nothing is installed that the lock files do not pin: `python -m tests.locked`.

pip in hash mode refuses a requirement with extras unless a line of the lock file names these
extras, and only once the registry has a newer release than the lock file. So a lock file without
extras installs today and fails later. The check reads what the installed distributions ask for.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK_FILES: Mapping[str, tuple[str, ...]] = {
    "requirements.txt": ("build",),
    "requirements-dev.txt": ("build", "dev"),
}
"""Each lock file with the dependency groups that it holds beside the runtime dependencies."""

PYTHONS: Sequence[Mapping[str, str]] = [
    {"python_version": version, "python_full_version": f"{version}.0"}
    for version in ("3.11", "3.12", "3.13", "3.14")
]
"""The Pythons that the lock files are for, as markers know them."""

_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[A-Za-z0-9._,-]+\])?==[^\s;*]+(\s*;.*)?")

Metadata = Callable[[str], Sequence[str]]
"""What a distribution asks for, as in its metadata, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One line of a lock file: a requirement and how many hashes it may have."""

    requirement: Requirement
    text: str
    hash_count: int

    @property
    def fault(self) -> str:
        """What is wrong with the line itself; "" if nothing is."""
        if not _PINNED.fullmatch(self.text):
            return f"{self.text} is not pinned with =="
        return "" if self.hash_count else f"{self.text} has no hash"


def read_lock(text: str) -> tuple[Pin, ...]:
    """Return the lines of a lock file."""
    pins = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words, *hashes = line.partition("#")[0].split("--hash=")
        if words.strip():
            requirement = Requirement(words.strip())
            pins.append(Pin(requirement=requirement, text=words.strip(), hash_count=len(hashes)))
    return tuple(pins)


def faults(
    pins: Iterable[Pin],
    roots: Iterable[Requirement],
    metadata: Metadata,
    python: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Yield what of the roots, and of all that they ask for, the lock file does not pin.

    Args:
        pins: the lock file.
        roots: what is installed from it.
        metadata: what each distribution asks for.
        python: the markers of another Python than this one.
    """
    elsewhere = python or {}
    known = tuple(pins)
    yield from (pin.fault for pin in known if pin.fault)
    here = {
        canonicalize_name(pin.requirement.name): pin.requirement.extras
        for pin in known
        if pin.requirement.marker is None or pin.requirement.marker.evaluate({**elsewhere})
    }
    open_ones = [("this project", item, "") for item in roots]
    seen = set()
    while open_ones:
        asker, wanted, extra = open_ones.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({**elsewhere, "extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        lacking = ",".join(sorted(wanted.extras - here.get(name, set())))
        if name not in here:
            yield f"{wanted.name}, which {asker} asks for, is not in it"
        elif lacking:
            yield f"{wanted.name}[{lacking}], which {asker} asks for, is not in it"
        for part in ("", *wanted.extras):
            if (name, part) not in seen:
                seen.add((name, part))
                open_ones += [(wanted.name, Requirement(item), part) for item in metadata(name)]


def _installed(name: str) -> Sequence[str]:
    try:
        return requires(name) or ()
    except PackageNotFoundError:
        # The fault "not pinned" is already in the list.
        return ()


def _roots(project: Mapping[str, Any], groups: Iterable[str]) -> Iterator[Requirement]:
    listed = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for group in groups:
        listed += [item for item in project["dependency-groups"][group] if isinstance(item, str)]
    return map(Requirement, listed)


def main() -> int:
    """Print each fault of each lock file; the exit status is 1 if there is one."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    found = []
    for name, groups in LOCK_FILES.items():
        pins = read_lock(Path(name).read_text(encoding="utf-8"))
        for python in PYTHONS:
            roots = _roots(project, groups)
            found += [f"{name}: {fault}" for fault in faults(pins, roots, _installed, python)]
    for line in dict.fromkeys(found):
        print(line)
    if found:
        print("The lock files do not hold all that is installed: run `make lock`.")
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
