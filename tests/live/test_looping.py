"""Twenty collections in one process hold no more than two."""

import tempfile
from pathlib import Path

import pytest

from tests.live.looping import collections
from tests.support import PrometheusServer

pytestmark = pytest.mark.live

_COUNT = 20
_WARM = 5
_ALLOWED_MIB = 12


def test_collecting_again_and_again_leaves_nothing_behind(
    small_server: PrometheusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    held = list(collections(small_server.url, tmp_path / "out", _COUNT))
    warm, last = held[_WARM], held[-1]

    assert last.resident_mib - warm.resident_mib < _ALLOWED_MIB
    assert (last.open_files, last.threads, last.children) == (
        *(warm.open_files, warm.threads, warm.children),
    )
    assert last.temporary_files == 0
    assert last.written_files == warm.written_files
