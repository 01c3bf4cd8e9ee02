"""Recording a run: `python -m tests.lab FOLDER --minutes 30`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from tests.lab.plans import PLANS, plan
from tests.lab.run import record


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--minutes", type=click.IntRange(2, 60), default=3, show_default=True)
@click.option("--plan", "name", type=click.Choice(list(PLANS)), default="day", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(folder: Path, minutes: int, name: str, seed: int) -> None:
    """Record a run: FOLDER/snapshot, and the truth beside it in FOLDER/truth.json."""
    # Else who ends this leaves its processes behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder.mkdir(parents=True)
    record(plan(minutes, seed, name), folder, say=lambda text: click.echo(text, err=True))
    click.echo(f"{folder / 'snapshot'}, {folder / 'truth.json'}")


if __name__ == "__main__":
    sys.exit(main())
