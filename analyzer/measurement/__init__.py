"""From Prometheus to checked tables: survey, collect, snapshot, roles."""

from analyzer.measurement.snapshot import Snapshot, load_snapshot
from analyzer.measurement.usage import MeshUsage, measure

__all__ = ["MeshUsage", "Snapshot", "load_snapshot", "measure"]
