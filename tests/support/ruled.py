"""Recording rules that a Prometheus has evaluated since the begin of a mesh."""

import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Final

import requests

from analyzer.measurement.rules import Recording
from analyzer.report.rules import RulesFormat, as_text
from tests.support.binaries import find_binary
from tests.support.prometheus import PrometheusServer

ADMIN: Final = ("--web.enable-admin-api",)
"""Flags of a server that `recorded_beside` reads."""

_FILE: Final = "rules.yml"
"""Without its folder: the phase of a group's evaluations follows from the name of its file."""

_BLOCK_SECONDS: Final = 7200


def recorded_beside(
    server: PrometheusServer,
    recording: Recording,
    start: datetime,
    end: datetime,
    folder: Path,
    *,
    text: str | None = None,
) -> PrometheusServer:
    """Return a server in a new folder with the samples of another, and what rules keep of them.

    Args:
        server: the other one, which runs with `ADMIN`.
        recording: how the rules are made.
        start: the first evaluation is at most two hours earlier.
        end: the last evaluation.
        folder: of the new server.
        text: the file of the rules, where somebody changed it.
    """
    # Blocks of rules would make a server forget samples that are in no block.
    answer = requests.post(f"{server.url}/api/v1/admin/tsdb/snapshot", timeout=60)
    answer.raise_for_status()
    data = folder / "data"
    shutil.copytree(server.data / "snapshots" / answer.json()["data"]["name"], data)
    (folder / _FILE).write_text(text or as_text(recording, RulesFormat.YAML))
    # promtool gives up where the first part of a block is shorter than a step.
    first = start.timestamp() // _BLOCK_SECONDS * _BLOCK_SECONDS
    command = [
        str(find_binary("promtool")), "tsdb", "create-blocks-from", "rules",
        f"--url={server.url}", f"--output-dir={data}",
        f"--start={first:.0f}", f"--end={end.timestamp():.0f}", _FILE,
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return PrometheusServer(folder)
