"""Commands that read a spoilt file, by seed: `t7` a table, `m7` a manifest, `s7` a scenario."""

import random
import shutil
from pathlib import Path

from analyzer.data import sample_path
from analyzer.projection.choices import CHOICES
from analyzer.projection.scenario import default_scenario
from tests.support.spoilt_files import spoil_manifest, spoil_table
from tests.support.spoilt_scenarios import spoilt_scenario

MEASURED = ("project", str(sample_path("lab")))
"""What scenarios change the answer of."""

_PUBLISHED = (
    *("project", "--constants", "blog"),
    *("--pods", "9", "--nodes", "3", "--namespaces", "2"),
)
_COMMANDS = ("project", "calibrate")
_JSON = ("--format", "json")


def spoilt_command(seed: str, folder: Path) -> tuple[str, list[str]]:
    """Write the files of a seed into a folder; return what was changed, and the command."""
    chance = random.Random(seed)
    if seed[0] == "s":
        keys = [*default_scenario().assumptions, *CHOICES]
        path = folder / "ours.toml"
        text = spoilt_scenario(keys, chance)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        # Published costs need no snapshot, and have fewer places where a number is used.
        subject = _PUBLISHED if int(seed[1:]) % 5 == 0 else MEASURED
        return text[:300], [*subject, "--scenario", str(path), *_JSON]
    snapshot = folder / "snapshot"
    shutil.copytree(sample_path("lab"), snapshot)
    spoil = spoil_table if seed[0] == "t" else spoil_manifest
    name = spoil(snapshot, chance)
    return name, [chance.choice(_COMMANDS), str(snapshot), *_JSON]
