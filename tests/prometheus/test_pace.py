"""Requests slow down together after a refusal, and find out what the server takes."""

import threading

import pytest

from analyzer.prometheus.pace import Pace, Turn


class Clock:
    """A time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("analyzer.prometheus.pace.time.monotonic", clock.monotonic)
    return clock


def turn(pace: Pace) -> Turn:
    with pace.turn() as taken:
        return taken


def test_without_a_refusal_none_waits(clock: Clock) -> None:
    pace = Pace(clock.sleep)

    assert [turn(pace).waited_seconds for _ in range(5)] == [0.0] * 5


def test_refusals_double_the_time_between_requests_up_to_a_bound(clock: Clock) -> None:
    pace = Pace(clock.sleep)
    waits = []
    for _ in range(9):
        taken = turn(pace)
        waits.append(taken.waited_seconds)
        pace.refused(taken, None)

    assert waits == pytest.approx([0, 0.5, 1, 2, 4, 8, 16, 30, 30])


def test_requests_that_were_under_way_together_count_as_one_refusal(clock: Clock) -> None:
    pace = Pace(clock.sleep)
    taken = [turn(pace) for _ in range(4)]
    for one in taken:
        pace.refused(one, None)

    assert turn(pace).waited_seconds == pytest.approx(0.5)


def test_the_server_is_given_the_time_that_it_asks_for(clock: Clock) -> None:
    pace = Pace(clock.sleep)
    pace.refused(turn(pace), 7.0)

    assert turn(pace).waited_seconds == pytest.approx(7.0)


def test_answers_make_it_faster_again(clock: Clock) -> None:
    pace = Pace(clock.sleep)
    pace.refused(turn(pace), None)
    for _ in range(100):
        turn(pace)
        pace.answered()
    began = clock.now
    turn(pace)

    assert clock.now == began


def test_a_bucket_of_one_a_second_is_emptied_at_about_that_rate(clock: Clock) -> None:
    pace = Pace(clock.sleep)
    held, since, refused, answered = 2.0, clock.now, 0, 0
    began = clock.now
    while answered < 100:
        taken = turn(pace)
        held, since = min(2.0, held + clock.now - since), clock.now
        if held < 1:
            refused += 1
            pace.refused(taken, None)
            continue
        held -= 1
        answered += 1
        pace.answered()

    assert 98 <= clock.now - began < 200
    assert refused < 30


def test_after_a_refusal_fewer_are_under_way() -> None:
    pace = Pace(lambda _: None)
    lock, most, now = threading.Lock(), 0, 0
    inside = threading.Barrier(4)

    def together() -> None:
        with pace.turn() as taken:
            inside.wait(10)
            pace.refused(taken, 0.0)

    def counted() -> None:
        nonlocal most, now
        with pace.turn():
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.02)
            with lock:
                now -= 1

    for work in (together, counted):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 2
