"""How the command line spells settings, and the commands that repeat an answer."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from analyzer.cli import options
from analyzer.cli.parameters import declared
from analyzer.settings import Setting

if TYPE_CHECKING:
    from analyzer.measurement.manifest import Manifest
    from analyzer.report.answer import FrontEnd

_SETTABLE = (
    options.ServerOptions,
    options.ContentOptions,
    options.ReplaceOptions,
    options.ProjectionOptions,
    options.StatedOptions,
)

_BY_NAME = {setting.value: setting for setting in Setting}

FLAGS: Final[Mapping[Setting, str]] = {
    _BY_NAME[parameter.name]: max(parameter.opts, key=len)
    for group in _SETTABLE
    for parameter in declared(group)
    if parameter.name in _BY_NAME
}
"""The long flag of each setting, from the options themselves."""


def front_end() -> FrontEnd:
    """Return how answers name settings and commands on the command line."""
    from analyzer.report.answer import FrontEnd

    return FrontEnd(spelling=FLAGS, reproduce=reproduce)


def reproduce(manifest: Manifest) -> tuple[str, ...]:
    """Return the command lines that collect the same window and write the same report.

    A snapshot that hides names hides its server too, so only the report can be repeated.
    """
    from analyzer.measurement.anonymise import HIDDEN_SOURCE
    from analyzer.measurement.manifest import window_to_json

    report = "istio-usage report mesh.snapshot -o report"
    if manifest.source == HIDDEN_SOURCE:
        return (report,)
    window, scope = window_to_json(manifest.window), manifest.scope
    words = ["istio-usage", "collect", "-p", manifest.source]
    words += [FLAGS[Setting.START], window["start"], FLAGS[Setting.END], window["end"]]
    words += [FLAGS[Setting.STEP], f"{manifest.window.step_seconds}s"]
    for pattern in scope.namespaces:
        words += [FLAGS[Setting.NAMESPACES], pattern]
    if scope.cluster:
        words += [FLAGS[Setting.CLUSTER], scope.cluster]
        words += [FLAGS[Setting.CLUSTER_LABEL], manifest.label_mapping.cluster]
    for label in manifest.question.get("replica_labels", ()):
        words += [FLAGS[Setting.REPLICA_LABELS], label]
    if manifest.question.get("no_rules"):
        words.append(FLAGS[Setting.NO_RULES])
    return (shlex.join([*words, "-o", "mesh.snapshot"]), report)
