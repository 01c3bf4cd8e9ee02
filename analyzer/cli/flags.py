"""How the command line words settings: each as its flag."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from analyzer.settings import Setting

if TYPE_CHECKING:
    from analyzer.measurement.manifest import Manifest
    from analyzer.report.answer import FrontEnd

__all__ = ["FLAGS", "front_end", "reproduce"]

FLAGS: Final[Mapping[Setting, str]] = {
    Setting.URL: "--prometheus-url",
    Setting.TOKEN_FILE: "--token-file",
    Setting.USERNAME: "--username",
    Setting.PASSWORD_FILE: "--password-file",
    Setting.HEADERS: "--header",
    Setting.CA_FILE: "--ca-file",
    Setting.CLIENT_CERTIFICATE: "--cert",
    Setting.CLIENT_KEY: "--key",
    Setting.TIMEOUT: "--timeout",
    Setting.NAMESPACES: "--namespace",
    Setting.CLUSTER: "--cluster",
    Setting.CLUSTER_LABEL: "--cluster-label",
    Setting.DAYS: "--days",
    Setting.START: "--start",
    Setting.END: "--end",
    Setting.STEP: "--step",
    Setting.HIDE_NAMES: "--hide-names",
    Setting.SCENARIO: "--scenario",
    Setting.NODE_COUNT: "--nodes",
    Setting.POD_COUNT: "--pods",
    Setting.NAMESPACE_COUNT: "--namespaces",
    Setting.PROXY_RPS: "--proxy-rps",
    Setting.WAYPOINT_REPLICAS: "--waypoint-replicas",
}
"""The longest flag of each setting."""


def front_end() -> FrontEnd:
    """Return how answers word settings and commands here."""
    from analyzer.report.answer import FrontEnd

    return FrontEnd(spelling=FLAGS, reproduce=reproduce)


def reproduce(manifest: Manifest) -> tuple[str, ...]:
    """Return the commands that collect the same window and write the same report.

    A snapshot that hides names also hides what was asked: only the report can be made again.
    """
    from analyzer.measurement.anonymise import HIDDEN_SOURCE
    from analyzer.measurement.manifest import window_to_json

    report = "istio-usage report mesh.snapshot -o report"
    if manifest.source == HIDDEN_SOURCE:
        return (report,)
    window, scope = window_to_json(manifest.window), manifest.scope
    words = ["istio-usage", "collect", "-p", manifest.source]
    words += ["--start", window["start"], "--end", window["end"]]
    words += ["--step", f"{manifest.window.step_seconds}s"]
    for pattern in scope.namespaces:
        words += ["--namespace", pattern]
    if scope.cluster:
        words += ["--cluster", scope.cluster, "--cluster-label", manifest.label_mapping.cluster]
    return (shlex.join([*words, "-o", "mesh.snapshot"]), report)
