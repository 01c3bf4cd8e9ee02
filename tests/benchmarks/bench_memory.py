"""How much memory a snapshot takes to measure and to calibrate, by pods and by days.

Each snapshot is made up, with the tables that have a row for every pod and step, and read in a
process of its own. Prints the peak of each, what it is beyond an idle process, and that for a pod
and step. Exits with 1 if a pod and step takes more than MOST_BYTES, or if more days make it more.
Arguments are the pods and, with commas, the days.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from analyzer.calibration import calibrate_usage
from analyzer.files import MIB
from analyzer.measurement.frames import TIME
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.snapshot import MANIFEST, load_snapshot, write_file, write_table
from analyzer.measurement.usage import measure
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from tests.measurement.snapshots import START, STEP_SECONDS, record_of, window_of

MOST_BYTES: Final = 1000
MOST_TIMES: Final = 1.1
_STEPS_A_DAY: Final = 24

_VALUES: Final = {
    "proxy_cpu_vcpu": 0.05,
    "proxy_build": 40.0,
    "inbound_requests_rps": 20.0,
    "outbound_requests_rps": 10.0,
    "proxy_memory_bytes": 5e7,
    "proxy_reserved_vcpu": 0.1,
    "proxy_reserved_memory_bytes": 1e8,
    "pod_placement": 1.0,
    "proxy_cpu_counter_seconds": 1e5,
    "proxy_request_counters": 1e7,
    "proxy_resets": 0.0,
}
"""Tables with a row for each pod and step, and their mean."""


def _labels(pod: int) -> dict[str, str]:
    workload, namespace = f"workload-{pod // 5}", f"namespace-{pod // 15}"
    return {
        "namespace": namespace,
        "pod": f"{workload}-7c9d8b6f5d-{pod:05}",
        "container": "istio-proxy",
        "component": "proxy",
        "node": f"node-{pod % 200}",
        "pod_ip": f"10.{pod // 65536}.{pod // 256 % 256}.{pod % 256}",
        "created_by_kind": "ReplicaSet",
        "created_by_name": f"{workload}-7c9d8b6f5d",
        "reporter": "destination",
        "destination_workload_namespace": namespace,
        "destination_workload": workload,
        "source_workload_namespace": namespace,
        "source_workload": workload,
    }


def write(path: Path, pods: int, days: int) -> None:
    """Write a snapshot of pods whose load varies over the hours."""
    points, rng = days * _STEPS_A_DAY, np.random.default_rng(0)
    times = int(START.timestamp()) + (np.arange(points) + 1) * STEP_SECONDS
    each = [_labels(pod) for pod in range(pods)]
    place = pa.array(np.repeat(np.arange(pods, dtype=np.int32), points))
    load = np.repeat(rng.gamma(2, 0.5, pods), points) * rng.gamma(9, 1 / 9, pods * points)
    records = []
    path.mkdir()
    for name, mean in _VALUES.items():
        columns = {
            label: pa.DictionaryArray.from_arrays(place, [one.get(label, "") for one in each])
            for label in load_query(name).labels
        }
        columns[TIME] = pa.array(np.tile(times, pods))
        varies = name.endswith(("_rps", "_cpu_vcpu"))
        columns[name] = pa.array(mean * load if varies else np.full(pods * points, mean))
        sha256 = write_table(path / f"{name}.parquet", pa.table(columns))
        records.append(record_of(name, pods * points, sha256))
    manifest = Manifest(
        tool_version="0.0.0",
        source="http://prometheus:9090",
        note="",
        window=window_of(points),
        scope=Scope(),
        label_mapping=LabelMapping(),
        cpu_scrape_seconds=30.0,
        request_scrape_seconds=15.0,
        queries=tuple(records),
        duplicate_scrapes={},
        warnings=(),
    )
    write_file(path / MANIFEST, manifest.to_json().encode())


def peak_mib() -> float:
    """Return the most memory that this process had, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read(path: Path) -> None:
    """Measure and calibrate a snapshot; print memory in MiB before, and after each."""
    idle, begun = peak_mib(), time.process_time()
    usage = measure(load_snapshot(path))
    measured = peak_mib()
    calibrate_usage(usage)
    print(idle, measured, peak_mib(), time.process_time() - begun)


def main() -> int:
    """Print the peaks, and whether they are as they are to be."""
    pods = int(sys.argv[1]) if len(sys.argv) > 1 else 1_500
    days = [int(one) for one in (sys.argv[2] if len(sys.argv) > 2 else "1,7,28").split(",")]
    of_each = []
    with tempfile.TemporaryDirectory() as folder:
        for count in days:
            path = Path(folder) / f"{count}"
            write(path, pods, count)
            command = [sys.executable, "-m", "tests.benchmarks.bench_memory", str(path)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            idle, measured, whole, seconds = map(float, output.split())
            of_each.append((whole - idle) * MIB / (pods * count * _STEPS_A_DAY))
            print(
                f"{pods:,} pods x {count} d by the hour: peak {whole:,.0f} MiB ({idle:,.0f} idle, "
                f"{measured:,.0f} after measuring), {of_each[-1]:,.0f} bytes a pod and step, "
                f"{seconds:.1f} s of CPU",
                flush=True,
            )
    is_missed = of_each[-1] > MOST_BYTES or of_each[-1] > MOST_TIMES * of_each[0]
    print(f"at most {MOST_BYTES:,} bytes, and no more with more days{' MISSED' * is_missed}")
    return int(is_missed)


if __name__ == "__main__":
    if len(sys.argv) > 1 and Path(sys.argv[1]).is_dir():
        read(Path(sys.argv[1]))
        sys.exit()
    sys.exit(main())
