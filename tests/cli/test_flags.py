"""How the command line spells settings, and the commands that repeat an answer."""

import shlex
from dataclasses import replace

import click
import pytest

from analyzer.cli import cli
from analyzer.cli.flags import FLAGS, reproduce
from analyzer.data import sample_path
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.snapshot import load_snapshot
from analyzer.settings import Setting

_MANIFEST = load_snapshot(sample_path("fleet")).manifest


def test_every_setting_has_a_flag() -> None:
    assert set(FLAGS) == set(Setting)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_an_option_of_a_settings_name_has_its_flag(name: str) -> None:
    known = {setting.value: flag for setting, flag in FLAGS.items()}

    for option in cli.commands[name].params:
        if isinstance(option, click.Option) and option.name in known:
            assert known[option.name] in option.opts


def test_what_repeats_an_answer_is_understood_and_asks_for_the_same() -> None:
    scope = replace(_MANIFEST.scope, namespaces=("shop.*", "it's"), cluster="east")
    question = {**_MANIFEST.question, "replica_labels": ["agent"]}
    manifest = replace(_MANIFEST, scope=scope, question=question)
    first, second = (shlex.split(line) for line in reproduce(manifest))

    assert first[:2] == ["istio-usage", "collect"]
    with cli.commands["collect"].make_context("collect", first[2:]) as context:
        asked = context.params
    assert asked["url"] == manifest.source
    assert (asked["start"], asked["end"]) == (manifest.window.start, manifest.window.end)
    assert asked["step_seconds"] == manifest.window.step_seconds
    assert asked["namespaces"] == ("shop.*", "it's")
    assert asked["cluster"] == "east"
    assert asked["cluster_label"] == manifest.label_mapping.cluster
    assert asked["replica_labels"] == ("agent",)
    assert second[:3] == ["istio-usage", "report", "mesh.snapshot"]


def test_what_hides_its_source_is_not_collected_again() -> None:
    (line,) = reproduce(replace(_MANIFEST, source=HIDDEN_SOURCE))

    assert line.startswith("istio-usage report ")
