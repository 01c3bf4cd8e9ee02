"""Moments are found at which proxies were there that the looks missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.measurement.proxy_counts import Key, ProxyCounts, ProxyGroup, grid, parts_of
from analyzer.measurement.whereabouts import further_looks, unseen
from analyzer.window import TimeWindow

START = datetime(2024, 5, 14, tzinfo=UTC)
DAY = timedelta(days=1)
CPU: Key = ("cadvisor", "east", "kubelet")
PROXY: Key = ("proxy", "east", "envoy")
BRIEF: Key = ("proxy", "west", "envoy")


@dataclass
class Lives:
    """Counts proxies from the minutes in which each scrape job had some."""

    minutes: Mapping[Key, Sequence[tuple[float, float]]]
    size: Mapping[Key, int] = field(default_factory=dict)
    asked: list[TimeWindow] = field(default_factory=list)

    def count(self, parts: TimeWindow) -> ProxyCounts:
        self.asked.append(parts)
        begin = (parts.start - START).total_seconds() / 60
        length = parts.step_seconds / 60
        groups = []
        for key, lives in self.minutes.items():
            counts = tuple(
                self.size.get(key, 10)
                * any(
                    first < begin + length * (part + 1) and last > begin + length * part
                    for first, last in lives
                )
                for part in range(parts.point_count)
            )
            groups.append(
                ProxyGroup(
                    exporter=key[0],
                    cluster=key[1],
                    job=key[2],
                    counts=counts,
                    brief_counts=(0,) * len(counts),
                )
            )
        return ProxyCounts(
            start_seconds=int(parts.start.timestamp()),
            part_seconds=parts.step_seconds,
            groups=tuple(groups),
            copied=(0,) * parts.point_count,
        )


def moments(lives: Lives, seen: Sequence[Key], days: float = 1) -> list[list[float]]:
    """Return the minutes of each further look."""
    end = START + days * DAY
    counts = lives.count(parts_of(START, end))
    looks = further_looks(counts, seen, lives.count, START, end)
    return [
        [(one.time_of(point) - START).total_seconds() / 60 for point in range(one.point_count)]
        for one in looks
    ]


@pytest.mark.parametrize(
    ("first", "last"), [(300, 480), (301, 311), (599, 606), (0, 7), (1430, 1440), (55, 65)]
)
@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_brief_life_is_looked_at_within_it(first: float, last: float, days: float) -> None:
    lives = Lives(minutes={CPU: [(first, last)], PROXY: [(first, last)]})
    (looks,) = moments(lives, (), days)

    # A look sees the samples of the five minutes before it.
    assert all(first < minute < last + 5 for minute in looks)
    assert len(lives.asked) <= 4


def test_what_was_seen_is_not_looked_at_again() -> None:
    lives = Lives(minutes={CPU: [(0, 1440)], PROXY: [(0, 1440)]})

    assert moments(lives, (CPU, PROXY)) == []


def test_a_cluster_between_the_looks_is_looked_at_where_both_sources_have_it() -> None:
    lives = Lives(minutes={CPU: [(0, 700)], PROXY: [(0, 1440)], BRIEF: [(600, 800)]})
    (looks,) = moments(lives, (CPU, PROXY))

    assert all(600 < minute < 705 for minute in looks)


def test_jobs_of_the_same_time_need_one_look() -> None:
    other: Key = ("cadvisor", "west", "kubelet")
    always = [(0, 1440)]
    lives = Lives(minutes={CPU: always, PROXY: always, BRIEF: [(500, 700)], other: [(480, 720)]})

    assert len(moments(lives, (CPU, PROXY))) == 1


def test_a_job_of_a_hundredth_is_not_worth_a_look() -> None:
    lives = Lives(
        minutes={CPU: [(0, 1440)], PROXY: [(0, 1440)], BRIEF: [(500, 700)]},
        size={PROXY: 1000, CPU: 1000, BRIEF: 10},
    )

    assert moments(lives, (CPU, PROXY)) == []
    assert unseen(lives.count(parts_of(START, START + DAY)), (CPU,))[0].key == PROXY


@pytest.mark.parametrize("hours", [0.1, 1, 5, 24, 24 * 7, 24 * 90])
def test_parts_hold_the_whole_time(hours: float) -> None:
    begin, end = START + timedelta(seconds=17), START + timedelta(hours=hours, seconds=17)
    parts = parts_of(begin, end)

    assert parts.start <= begin
    assert parts.end >= end
    assert parts.start.timestamp() % parts.step_seconds == 0
    assert 1200 <= parts.step_seconds <= 86_400
    assert parts.point_count <= max(26, hours / 24 + 2)


def test_a_grid_is_never_empty() -> None:
    assert grid(START, START, 300).point_count == 1
