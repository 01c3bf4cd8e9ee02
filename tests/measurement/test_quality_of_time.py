"""Each check of the time that the data covers fires on what it is for, and on nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.measurement.findings import Finding
from analyzer.measurement.quality.of_time import SPARSE_SHARE
from analyzer.measurement.usage import measure
from analyzer.settings import Setting, settings_in
from tests.measurement.flawed import POINTS, Seen, found, snapshot_of
from tests.measurement.snapshots import STEP_SECONDS


def of_steps_of(tmp_path: Path, minutes: int) -> dict[str, Finding]:
    """Return what is found in a time of six steps, each so long."""
    seconds = 60 * minutes
    # Rows are written at the ends of ten-minute steps.
    ends = [seconds * (point + 1) // STEP_SECONDS - 1 for point in range(POINTS)]
    seen = [Seen(pod="shop/a", points=ends)]
    snapshot = snapshot_of(tmp_path / f"{minutes}", seen, points=ends[-1] + 1)
    start = snapshot.manifest.window.start
    window = replace(
        snapshot.manifest.window,
        end=start + timedelta(seconds=POINTS * seconds),
        step_seconds=seconds,
    )
    spread = replace(snapshot, manifest=replace(snapshot.manifest, window=window))
    return {finding.name: finding for finding in measure(spread).findings}


def test_time_before_the_first_sample_is_not_called_a_gap(tmp_path: Path) -> None:
    findings = found(tmp_path, [Seen(pod="shop/a", points=range(2, POINTS))])
    finding = findings["short_retention"]

    assert "gaps" not in findings
    assert "before 2024-05-14 10:20 UTC" in finding.text
    assert "2 of 6 intervals" in finding.text
    assert settings_in(finding.fix) == (Setting.DAYS,)


@pytest.mark.parametrize(
    ("points", "missing"), [((0, 1, 3, 4, 5), 1), ((0, 1, 2), 3), ((0, 2, 4), 3)]
)
def test_steps_that_are_missing_later_are_a_gap(
    tmp_path: Path, points: tuple[int, ...], missing: int
) -> None:
    findings = found(tmp_path, [Seen(pod="shop/a", points=points)])

    assert "short_retention" not in findings
    assert f"in {missing} of 6 intervals" in findings["gaps"].text


def test_retention_and_gaps_are_separate_in_one_window(tmp_path: Path) -> None:
    findings = found(tmp_path, [Seen(pod="shop/a", points=(1, 2, 4, 5))])

    assert "first 1 of 6 intervals" in findings["short_retention"].text
    assert "in 1 of 6 intervals" in findings["gaps"].text


@pytest.mark.parametrize("points", [(0, 1, 2, 3, 4), (0, 1, 2, 3), (3, 4, 5), (0, 5)])
def test_less_than_most_of_the_time_is_sparse(tmp_path: Path, points: tuple[int, ...]) -> None:
    findings = found(tmp_path, [Seen(pod="shop/a", points=points)])

    assert ("sparse_window" in findings) == (len(points) / POINTS < SPARSE_SHARE)
    if "sparse_window" in findings:
        assert f"{round(100 * len(points) / POINTS)} %" in findings["sparse_window"].text


def test_less_than_a_day_is_short_and_a_day_is_not(tmp_path: Path) -> None:
    hour, hours, day = (of_steps_of(tmp_path, minutes) for minutes in (10, 230, 240))

    assert "60 min" in hour["short_window"].text
    assert "23 h" in hours["short_window"].text
    assert "short_window" not in day
