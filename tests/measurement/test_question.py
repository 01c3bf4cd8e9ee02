"""Which two questions are the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from analyzer.measurement.anonymise import SALT_VARIABLE, Anonymiser
from analyzer.measurement.plan import Ask
from analyzer.measurement.question import differences, is_current, question_of
from analyzer.prometheus.promql import Scope
from analyzer.settings import Setting, settings_in
from analyzer.window import TimeWindow
from tests.measurement.snapshots import make_snapshot, steady

NOW = datetime(2024, 5, 14, 12, 4, tzinfo=UTC)
STEP = 600
WEEK = Ask(source="http://a:9090", scope=Scope(namespaces=("shop", "pay.*")), days=7)
PLAIN = Anonymiser()


def window_of(ask: Ask, now: datetime = NOW) -> TimeWindow:
    return TimeWindow.within(*ask.times(now), STEP)


def found(
    there: Ask, new: Ask, later: timedelta = timedelta(0), anonymiser: Anonymiser = PLAIN
) -> tuple[str, ...]:
    kept = json.loads(json.dumps(there.to_json(anonymiser)))
    return differences(kept, window_of(there), new, anonymiser, NOW + later)


def test_the_same_question_is_the_same_at_any_time() -> None:
    assert found(WEEK, WEEK) == ()
    assert found(WEEK, WEEK, timedelta(days=3)) == ()


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"source": "http://b:9090"}, Setting.URL),
        ({"tenant": "0123456789ab"}, Setting.HEADERS),
        ({"scope": Scope(namespaces=("shop",))}, Setting.NAMESPACES),
        ({"scope": replace(WEEK.scope, cluster="eu")}, Setting.CLUSTER),
        ({"cluster_label": "region"}, Setting.CLUSTER_LABEL),
        ({"replica_labels": ("agent",)}, Setting.REPLICA_LABELS),
        ({"step_seconds": 900}, Setting.STEP),
        ({"days": 14}, Setting.DAYS),
        ({"start": NOW - timedelta(days=7)}, Setting.START),
        ({"hide_names": True}, Setting.HIDE_NAMES),
    ],
    ids=lambda value: value.value if isinstance(value, Setting) else None,
)
def test_what_differs_is_named_by_its_setting(change: dict[str, Any], setting: Setting) -> None:
    for there, new in ((WEEK, replace(WEEK, **change)), (replace(WEEK, **change), WEEK)):
        (difference,) = found(there, new)
        assert settings_in(difference)[0] == setting


def test_both_values_of_what_differs_are_shown() -> None:
    assert found(WEEK, replace(WEEK, days=14)) == (f"{Setting.DAYS} 7 there, 14 now",)


def test_the_order_of_namespaces_is_no_difference() -> None:
    assert found(WEEK, replace(WEEK, scope=Scope(namespaces=("pay.*", "shop")))) == ()


def test_the_step_that_was_chosen_may_be_given() -> None:
    assert found(WEEK, replace(WEEK, step_seconds=STEP)) == ()


def test_times_that_are_given_are_compared_by_the_steps_between_them() -> None:
    window = window_of(WEEK)
    fixed = replace(WEEK, start=window.start, end=window.end)
    elsewhere = window.end.astimezone(timezone(timedelta(hours=5)))

    assert found(WEEK, fixed) == ()
    assert found(fixed, replace(fixed, end=elsewhere)) == ()
    assert found(fixed, replace(fixed, days=1)) == ()
    (shorter,) = found(fixed, replace(fixed, start=window.start + timedelta(hours=1)))
    assert "2024-05-07 13:07:30 to" in shorter


def test_a_time_that_ends_now_is_another_than_one_that_ended() -> None:
    (difference,) = found(replace(WEEK, end=NOW), WEEK)

    assert settings_in(difference) == (Setting.END,)


def test_of_one_end_the_lengths_are_named() -> None:
    there = replace(WEEK, end=NOW)

    assert found(there, replace(there, days=1)) == (f"{Setting.DAYS} 7 there, 1 now",)


def test_a_note_counts_only_where_one_is_given() -> None:
    noted = replace(WEEK, note="before")

    assert found(noted, WEEK) == ()
    assert len(found(noted, replace(noted, note="after"))) == 1


def test_a_time_that_ends_now_is_current_for_less_than_a_step() -> None:
    window = window_of(WEEK)
    end = window.end

    assert is_current(window, WEEK, end + timedelta(seconds=STEP - 1))
    assert not is_current(window, WEEK, end + timedelta(seconds=STEP))
    assert is_current(window, replace(WEEK, end=end), end + timedelta(days=99))


# --- names that are hidden ---


def test_hidden_names_are_compared_by_the_same_salt() -> None:
    hidden = replace(WEEK, hide_names=True)
    salted = Anonymiser(salt="pepper")

    assert found(hidden, hidden, anonymiser=salted) == ()
    (difference,) = found(hidden, replace(hidden, source="http://b"), anonymiser=salted)
    assert SALT_VARIABLE in difference
    (difference,) = found(
        hidden, replace(hidden, scope=Scope(namespaces=("x",))), anonymiser=salted
    )
    assert settings_in(difference) == (Setting.NAMESPACES,)


def test_without_the_salt_hidden_names_cannot_be_compared() -> None:
    hidden = replace(WEEK, hide_names=True)
    kept = hidden.to_json(Anonymiser(salt="pepper"))

    (difference,) = differences(kept, window_of(hidden), hidden, PLAIN, NOW)
    assert SALT_VARIABLE in difference


# --- snapshots of version 0.1, which did not keep their question ---


@pytest.fixture
def old(tmp_path: Path) -> tuple[dict[str, Any], TimeWindow]:
    rows = {"proxy_cpu_vcpu": steady("proxy_cpu_vcpu", ("shop", "a"), 0.2, points=6)}
    manifest = make_snapshot(tmp_path / "old", rows, points=6).manifest
    assert manifest.question == {}
    return dict(question_of(manifest)), manifest.window


def test_of_an_old_snapshot_what_is_there_is_compared(
    old: tuple[dict[str, Any], TimeWindow],
) -> None:
    there, window = old
    now = window.end + timedelta(minutes=4)
    same = Ask(source="http://prometheus:9090", days=1 / 24)

    def compared(ask: Ask) -> tuple[str, ...]:
        return differences(there, window, ask, PLAIN, now)

    assert compared(same) == ()
    assert compared(replace(same, tenant="0123456789ab")) == ()
    assert compared(replace(same, start=window.start, end=window.end)) == ()
    assert compared(replace(same, start=window.start)) == ()
    for change in ({"source": "http://b"}, {"days": 1}, {"start": window.start - timedelta(1)}):
        assert len(compared(replace(same, **change))) == 1, change
