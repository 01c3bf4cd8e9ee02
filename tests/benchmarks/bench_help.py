"""How long `istio-usage --help` takes against its floor: importing click.

Prints the median of ten runs of each, taken in turn, and their ratio, which is to stay under 2.
"""

import statistics
import subprocess
import sys
import time

_RUNS = 10
_MOST = 2.0


def _seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure in pairs, so that both see the same machine."""
    pairs = [
        (_seconds(["-m", "analyzer", "--help"]), _seconds(["-c", "import click"]))
        for _ in range(_RUNS + 1)
    ][1:]
    ours, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = ours / floor
    print(f"--help {ours:.3f} s, import click {floor:.3f} s, ratio {ratio:.2f} (at most {_MOST})")
    sys.exit(ratio > _MOST)


if __name__ == "__main__":
    main()
