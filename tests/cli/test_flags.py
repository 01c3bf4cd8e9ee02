"""How the command line words settings and what to do again."""

import shlex
from dataclasses import replace

from analyzer.cli.flags import FLAGS, reproduce
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.prometheus.promql import Scope
from analyzer.settings import Setting
from tests.report.answers import full


def test_every_setting_has_a_flag_of_its_own() -> None:
    assert FLAGS.keys() == set(Setting)
    assert len(set(FLAGS.values())) == len(FLAGS)


def test_the_commands_ask_for_the_same_window_and_scope() -> None:
    manifest = full().manifest
    assert manifest is not None
    scope = Scope(namespaces=("shop-.*", "it's"), cluster="east")
    collect, report = reproduce(replace(manifest, scope=scope))

    assert shlex.split(collect) == [
        *("istio-usage", "collect", "-p", "http://prometheus.example:9090"),
        *("--start", "2024-05-14T00:00:00Z", "--end", "2024-05-14T00:10:00Z", "--step", "300s"),
        *("--namespace", "shop-.*", "--namespace", "it's"),
        *("--cluster", "east", "--cluster-label", "cluster", "-o", "mesh.snapshot"),
    ]
    assert shlex.split(report) == ["istio-usage", "report", "mesh.snapshot", "-o", "report"]


def test_a_snapshot_that_hides_names_gives_the_report_alone() -> None:
    manifest = full().manifest
    assert manifest is not None

    (command,) = reproduce(replace(manifest, source=HIDDEN_SOURCE))
    assert command.split()[1] == "report"
