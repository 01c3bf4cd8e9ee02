"""How long `istio-usage --help` takes against its floor: importing click.

Prints the least CPU seconds of ten runs of each, taken in turn, and their ratio. The aim is 1.5,
and more than 1.7 fails. Time on the clock would be that of other processes too.
"""

import sys

from tests.benchmarks.demands import cpu_seconds

_RUNS = 10
_AIM, _MOST = 1.5, 1.7


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
    limits = f"aim {_AIM}, at most {_MOST}"
    print(f"--help {ours:.3f} s, import click {floor:.3f} s, ratio {ratio:.2f} ({limits})")
    sys.exit(ratio > _MOST)


if __name__ == "__main__":
    main()
