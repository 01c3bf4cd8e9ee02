"""Whole collections before spoilt servers, each kind in three ways: always, once early, once late.

The server is a real Prometheus behind one that spoils its answers: all of them, the second, or the
thirtieth, which is a query over the whole time. Prints how each collection ended. Exits with 1 if
one ended otherwise than its table has it (tests/support/spoilt/kinds.py), printed more than its
line, left files behind, or took longer than its deadline and 5 s. Arguments are kinds to try.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.live.spoilt import Ended, collect, faults
from tests.support import SMALL_MESH, PrometheusServer, build_mesh
from tests.support.spoilt import ALWAYS, KINDS, Once
from tests.support.spoilt.server import When

WAYS: dict[str, When] = {"always": ALWAYS, "early": Once(2), "late": Once(30)}


def _shown(ended: Ended) -> str:
    end = ended.line.removeprefix("istio-usage: ")[:110] if ended.line else "answered"
    return f"{ended.seconds:5.1f} s {ended.request_count:4} requests  {end}"


def main() -> int:
    """Try all kinds; return the exit status."""
    wrong: list[str] = []
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with PrometheusServer(folder / "server") as server:
            server.fill(build_mesh(SMALL_MESH))
            clean = collect(server.url, None, ALWAYS, folder / "clean")
            print(f"{'clean':32} {'':6} {_shown(clean)}")
            for name in sys.argv[1:] or KINDS:
                kind = KINDS[name]
                for way, when in WAYS.items():
                    words = kind.always if when is ALWAYS else kind.once
                    place = folder / f"{name} {way}".replace("/", "-")
                    ended = collect(server.url, name, when, place)
                    print(f"{name:32} {way:6} {_shown(ended)}", flush=True)
                    ends[f"{way}: {'line' if ended.line else 'answered'}"] += 1
                    wrong += [f"{name}, {way}: {one}" for one in faults(ended, words, clean)]
    print(dict(ends))
    print("\n".join(wrong) or "Each ended as its table has it.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
