"""How long `istio-usage --help` takes against its floor: importing click.

Prints the least CPU seconds of ten runs of each, taken in turn, and their ratio, which is to stay
under 1.5. Time on the clock would be that of other processes too.
"""

import sys

from tests.benchmarks.demands import cpu_seconds

_RUNS = 10
_MOST = 1.5


def main() -> None:
    """Measure in pairs, so that both see the same machine."""
    pairs = [
        (
            cpu_seconds(sys.executable, "-m", "analyzer", "--help"),
            cpu_seconds(sys.executable, "-c", "import click"),
        )
        for _ in range(_RUNS + 1)
    ][1:]
    ours, floor = (min(column) for column in zip(*pairs, strict=True))
    ratio = ours / floor
    print(f"--help {ours:.3f} s, import click {floor:.3f} s, ratio {ratio:.2f} (at most {_MOST})")
    sys.exit(ratio > _MOST)


if __name__ == "__main__":
    main()
