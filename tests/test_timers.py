"""The one timer thread: the order of what is due, what cancelling does, and that stopping always
comes to an end.
"""

import threading
import weakref
from math import inf
from time import monotonic

import pytest

from refws.endpoint import timers as module
from refws.endpoint.timers import RESOLUTION, Schedule, Timer, Timers, run_timer
from wire import DEADLINE_S, Background, eventually

FAR = 3600.0


@pytest.fixture
def fresh(nothing_left_behind):
    """Timers whose thread is ended after the test, even where `stop` would not."""
    timers = Timers("test-timers")
    yield timers
    stopping = threading.Thread(target=timers.stop, daemon=True)
    stopping.start()
    stopping.join(DEADLINE_S)
    while stopping.is_alive():
        timers.call_at(0, lambda now: None)
        stopping.join(RESOLUTION)


def noted(calls, name, again=None):
    """A timer that notes its call under a name."""

    def function(now):
        calls.append(name)
        return again

    return Timer(function)


# Schedule: no clock, no thread


def test_schedule_gives_what_is_due_earliest_first_and_keeps_the_rest():
    schedule, calls = Schedule(), []
    timers = {when: noted(calls, when) for when in (3.0, 1.0, 2.0)}
    for when, timer in timers.items():
        schedule.add(when, timer)
    assert schedule.next_time() == 1.0
    assert schedule.take_due(2.0) == [timers[1.0], timers[2.0]]
    assert (len(schedule), schedule.next_time()) == (1, 3.0)


def test_schedule_gives_timers_of_the_same_time_in_the_order_they_came():
    schedule = Schedule()
    timers = [noted([], number) for number in range(5)]
    for timer in timers:
        schedule.add(1.0, timer)
    assert len(schedule) == 5
    assert schedule.take_due(1.0) == timers
    assert (len(schedule), schedule.next_time()) == (0, None)
    schedule.add(1.0, timers[0])
    assert schedule.take_due(1.0) == timers[:1]


def test_schedule_gives_nothing_before_its_time():
    schedule = Schedule()
    assert schedule.next_time() is None
    schedule.add(1.0, noted([], "x"))
    assert schedule.take_due(0.999) == []
    assert len(schedule) == 1


# One timer


def test_a_timer_that_runs_says_when_it_wants_to_run_again():
    assert run_timer(Timer(lambda now: now + 7), 5.0) == 12.0
    assert run_timer(Timer(lambda now: None), 5.0) is None


def test_a_cancelled_timer_is_not_called_and_lets_its_function_go():
    calls = []
    timer = noted(calls, "x")
    timer.cancel()
    timer.cancel()
    assert run_timer(timer, 0.0) is None
    assert calls == []
    assert timer.function is None


def test_an_error_in_a_timer_is_logged_and_ends_that_timer_only(fresh, log):
    def broken(now):
        raise ValueError("as the test wants it")

    good = threading.Event()
    fresh.call_at(0, broken)
    fresh.call_at(monotonic() + RESOLUTION, lambda now: good.set())
    assert good.wait(DEADLINE_S)
    assert [record.exc_info[0] for record in log.records] == [ValueError]
    assert "report" in log.records[0].getMessage()


# The thread


def test_the_thread_starts_with_the_first_timer_and_carries_its_name(fresh):
    names = []
    assert "test-timers" not in [thread.name for thread in threading.enumerate()]
    called = threading.Event()
    fresh.call_at(0, lambda now: names.append(threading.current_thread().name) or called.set())
    assert called.wait(DEADLINE_S)
    assert names == ["test-timers"]


def test_two_timers_share_one_thread(fresh):
    threads, called = set(), threading.Barrier(2, timeout=DEADLINE_S)
    fresh.call_at(0, lambda now: threads.add(threading.get_ident()))
    fresh.call_at(0, lambda now: threads.add(threading.get_ident()))
    fresh.call_at(0, lambda now: called.wait() and None)
    called.wait()
    assert len(threads) == 1


def test_a_timer_is_called_at_its_time_and_not_before(fresh):
    calls, called = [], threading.Event()
    when = monotonic() + 0.05

    def function(now):
        calls.append(now)
        called.set()

    fresh.call_at(when, function)
    assert called.wait(DEADLINE_S)
    assert calls[0] >= when


def test_an_earlier_timer_wakes_the_thread_that_waits_for_a_later_one(fresh):
    called = threading.Event()
    fresh.call_at(monotonic() + FAR, lambda now: None)
    assert eventually(lambda: fresh._wakes_at > monotonic() + FAR / 2)
    fresh.call_at(monotonic(), lambda now: called.set())
    assert called.wait(DEADLINE_S)


def test_a_timer_wakes_the_thread_that_waits_for_nothing(fresh):
    first, second = threading.Event(), threading.Event()
    fresh.call_at(0, lambda now: first.set())
    assert first.wait(DEADLINE_S)
    assert eventually(lambda: fresh._wakes_at == float("inf"))
    fresh.call_at(0, lambda now: second.set())
    assert second.wait(DEADLINE_S)


def test_a_timer_that_has_run_is_released_before_the_next_one_is_due(fresh):
    """Its function may hold a connection that has ended; the next timer may be hours away."""

    class Held:
        def run(self, now):
            ran.set()

    ran, held = threading.Event(), Held()
    released = weakref.ref(held)
    fresh.call_at(0, held.run)
    del held
    assert ran.wait(DEADLINE_S)
    assert eventually(lambda: released() is None)


def test_a_timer_is_called_again_when_it_wants_to_be(fresh):
    times, thrice = [], threading.Event()

    def function(now):
        times.append(now)
        if len(times) == 3:
            thrice.set()
            return None
        return now

    fresh.call_at(0, function)
    assert thrice.wait(DEADLINE_S)
    assert times == sorted(times)


def test_timers_that_come_close_together_do_not_wake_the_thread_one_by_one(fresh, monkeypatch):
    """100 timers within 2 ms are due by one time of waking."""
    turns, ran, done = [], [], threading.Event()
    run_due = fresh._run_due
    monkeypatch.setattr(fresh, "_run_due", lambda due: (turns.append(due), run_due(due))[1])

    def note(now):
        ran.append(now)
        if len(ran) == 100:
            done.set()

    start = monotonic() + 10 * RESOLUTION
    for number in range(100):
        fresh.call_at(start + number * 0.00002, note)
    assert done.wait(DEADLINE_S)
    assert len(turns) <= 5, "100 timers in 2 ms, and at least 20 ms between two turns"


def test_timers_that_are_not_due_are_never_called_after_stop():
    calls = []
    timers = Timers()
    timers.call_at(monotonic() + FAR, lambda now: calls.append("not due"))
    Background(timers.stop).result()
    timers.call_at(0, lambda now: calls.append("too late"))
    assert calls == []
    assert timers._thread is not None and not timers._thread.is_alive()


def test_stop_without_any_timer_and_twice_does_nothing():
    timers = Timers()
    timers.stop()
    timers.stop()
    assert timers._thread is None


def test_stop_while_a_timer_runs_waits_for_that_one_only(fresh):
    """The stop must not be lost while the thread is outside its lock: it would then sleep on for
    ever.
    """
    running, go_on = threading.Event(), threading.Event()
    fresh.call_at(0, lambda now: running.set() or (go_on.wait(DEADLINE_S) and None))
    assert running.wait(DEADLINE_S)
    stopping = threading.Thread(target=fresh.stop, daemon=True)
    stopping.start()
    assert eventually(lambda: fresh._stopped)
    go_on.set()
    stopping.join(1)
    assert not stopping.is_alive()


def test_after_a_thread_that_could_not_start_the_next_timer_starts_one(fresh, monkeypatch):
    def cannot_start(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot_start)
        with pytest.raises(RuntimeError):
            fresh.call_at(0, lambda now: None)
    called = threading.Event()
    fresh.call_at(0, lambda now: called.set())
    assert called.wait(DEADLINE_S)


@pytest.mark.parametrize("when", [inf, 1e300])
def test_a_time_that_never_comes_does_not_end_the_thread(fresh, when):
    called = threading.Event()
    fresh.call_at(when, lambda now: None)
    fresh.call_at(monotonic() + RESOLUTION, lambda now: called.set())
    assert called.wait(DEADLINE_S)
    later = threading.Event()
    fresh.call_at(monotonic() + RESOLUTION, lambda now: later.set())
    assert later.wait(DEADLINE_S)


def test_a_late_thread_is_reported_once_and_by_another_thread(fresh, monkeypatch, log):
    """A timer that waits stops all others; who needs a timer meanwhile says so."""
    monkeypatch.setattr(module, "MAX_LATENESS", 0.0)
    stuck, go_on = threading.Event(), threading.Event()

    def waits(now):
        stuck.set()
        assert go_on.wait(DEADLINE_S)
        fresh.call_at(0, lambda now: None)  # late too, but it must not log

    fresh.call_at(0, waits)
    assert stuck.wait(DEADLINE_S)
    for _ in range(3):
        fresh.call_at(0, lambda now: None)
    reports = [record for record in log.records if "is late by" in record.message]
    go_on.set()
    assert [record.threadName for record in reports] == [threading.current_thread().name]
    assert reports[0].message.startswith("the thread test-timers is late by 0.0 s")


def test_a_thread_in_time_is_not_reported(fresh, log):
    for _ in range(3):
        called = threading.Event()
        fresh.call_at(monotonic() + RESOLUTION, lambda now, called=called: called.set())
        assert called.wait(DEADLINE_S)
    assert "is late" not in log.text
