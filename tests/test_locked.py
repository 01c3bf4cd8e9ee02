"""The check of the lock files, on lines that went wrong and on lines that could."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.locked import faults, main, read_lock

METADATA = {
    "app": ["tool[toml]>=1", 'colour ; sys_platform == "nowhere"', 'later ; extra == "fast"'],
    "tool": ['parser>=2 ; extra == "toml"'],
    "parser": [],
    "later": [],
}

PINNED = """\
app==1.0 \\
    --hash=sha256:aa
parser==2.0 \\
    --hash=sha256:bb
tool[toml]==1.1 ; python_full_version >= '3.11' \\
    --hash=sha256:cc \\
    --hash=sha256:dd
"""


def asked(name: str) -> Sequence[str]:
    return METADATA[name]


def found(lock: str, root: str = "app") -> list[str]:
    return list(faults(read_lock(lock), [Requirement(root)], asked))


def test_a_lock_with_all_that_is_asked_for_has_no_fault() -> None:
    assert found(PINNED) == []


def test_extras_that_were_stripped_are_named() -> None:
    (fault,) = found(PINNED.replace("tool[toml]", "tool"))

    assert fault.startswith("tool[toml]")
    assert "app" in fault


def test_what_only_an_extra_asks_for_is_looked_for() -> None:
    (fault,) = found(PINNED.replace("parser==2.0", "other==2.0"))

    assert fault.startswith("parser")


def test_an_extra_of_the_root_is_followed() -> None:
    assert [fault.split(",")[0] for fault in found(PINNED, "app[fast]")] == ["app[fast]", "later"]


@pytest.mark.parametrize("line", ["app>=1.0", "app", "app==1.*"])
def test_a_line_that_is_not_pinned_is_named(line: str) -> None:
    assert any(fault.startswith(line) for fault in found(PINNED.replace("app==1.0", line)))


def test_a_line_without_a_hash_is_named() -> None:
    (fault,) = found(PINNED.replace("app==1.0 \\\n    --hash=sha256:aa", "app==1.0"))

    assert "hash" in fault


def test_a_line_for_another_platform_pins_nothing_here() -> None:
    elsewhere = PINNED.replace("parser==2.0", "parser==2.0 ; sys_platform == 'nowhere'")

    assert [fault.split(",")[0] for fault in found(elsewhere)] == ["parser"]


def test_the_lock_files_of_this_project_hold_all_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)

    assert main() == 0, capsys.readouterr().out
