"""Commands with mutated snapshots and scenarios: a value or one line, and never a traceback.

`make bench` mutates more of them, and measures time and memory.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from tests.support.ends import End
from tests.support.spoilt_commands import spoilt_command

_SEEDS = {"t": range(8), "m": range(12), "s": range(12)}


@pytest.mark.parametrize("kind", _SEEDS)
def test_a_mutated_file_ends_with_a_value_or_one_line(kind: str, tmp_path: Path) -> None:
    statuses = set()
    for number in _SEEDS[kind]:
        folder = tmp_path / str(number)
        folder.mkdir()
        what, command = spoilt_command(f"{kind}{number}", folder)
        end = _end(command)

        assert (what, end.fault()) == (what, "")
        statuses.add(end.status)
    # Else nothing was mutated, or all was refused at once.
    assert 0 in statuses
    assert statuses & {1, 2}


def _end(command: list[str]) -> End:
    """Run a command in this process, where a warning is an error."""
    result = CliRunner().invoke(cli, command)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return End(
        status=result.exit_code,
        stdout=result.stdout,
        stderr=result.stderr,
        seconds=0.0,
        cpu_seconds=0.0,
        peak_mib=0.0,
    )
