"""The write deadline. No clock: the timer's function is called with times of our own."""

import pytest

from refws.endpoint.blocked_writes import WriteDeadline
from refws.endpoint.stream import WRITE_CHUNK


class Schedule:
    """Notes the timers in place of running them."""

    def __init__(self):
        self.functions = []

    def call_at(self, when, function):
        self.functions.append(function)


@pytest.fixture
def written():
    """A write deadline of 10 s that has begun at 100, its timer's function, and its causes."""
    schedule, causes = Schedule(), []
    deadline = WriteDeadline(schedule, 10, causes.append)
    deadline.begin()
    deadline._blocked_since = 100.0
    (look,) = schedule.functions
    return deadline, look, causes


def test_a_peer_that_takes_a_chunk_in_time_gets_the_whole_timeout_for_the_next(written):
    deadline, look, causes = written
    assert look(105.0) == 110.0
    deadline._blocked_since = 108.0
    assert look(110.0) == 118.0
    assert causes == []
    assert look(118.0) is None
    assert causes == ["the peer took less than 64 KiB of a frame in 10 s"]
    assert f" {WRITE_CHUNK // 1024} KiB " in causes[0], "what `Stream` writes between two `begin`"


def test_a_blocked_write_that_has_ended_is_not_looked_at_again(written):
    deadline, look, causes = written
    deadline.end()
    assert look(10_000.0) is None
    assert causes == []


def test_the_next_blocked_write_sets_a_timer_once_the_last_one_has_ended(written):
    deadline, look, _ = written
    schedule = deadline._timers
    deadline.begin()
    assert len(schedule.functions) == 1, "the timer that is set looks after this one, too"
    deadline.end()
    look(10_000.0)
    deadline.begin()
    assert len(schedule.functions) == 2
