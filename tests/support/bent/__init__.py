"""Meshes bent as stored data are bent in the field, each with the right answer.

A bend takes a scene and random numbers, and returns a scene. Bends are grouped by kind::

    scene = rates.cpu_dips(healthy(seed=1), np.random.default_rng(1))
    scene = bend(healthy(seed=1), ("two_cgroups", "kubelets_for_a_time"), random)
    scene.mesh.series         # what a server is filled with
    scene.vcpu(start, end)    # what the sidecars really used
"""

from tests.support.bent.healthy import healthy, two_clusters
from tests.support.bent.scene import Counted, Kind, Scene

__all__ = ["Counted", "Kind", "Scene", "healthy", "two_clusters"]
