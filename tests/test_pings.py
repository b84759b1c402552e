"""RFC 6455 §5.5.2, §5.5.3: Pongs matched to their Pings."""

import threading

import pytest

from refws.endpoint.pings import PendingPings


@pytest.mark.rfc("6455-5.5.3-01")
def test_5_5_3_a_pong_is_matched_by_its_payload_and_gives_the_latency():
    pings, answered = PendingPings(), threading.Event()
    assert pings.latency == 0
    assert pings.add(b"a", 10.0, answered)
    assert pings.answer(b"a", 10.25)
    assert pings.latency == 0.25
    assert answered.is_set()
    assert len(pings) == 0


@pytest.mark.rfc("6455-5.5.3-04")
def test_5_5_3_an_unsolicited_pong_changes_nothing():
    pings, answered = PendingPings(), threading.Event()
    pings.add(b"a", 10.0, answered)
    assert not pings.answer(b"b", 11.0)
    assert not pings.answer(b"", 11.0)
    assert (pings.latency, len(pings), answered.is_set()) == (0, 1, False)


@pytest.mark.rfc("6455-5.5.3-02")
def test_5_5_3_a_pong_acknowledges_the_earlier_pings_and_not_the_later_ones():
    pings = PendingPings()
    events = {name: threading.Event() for name in (b"1", b"2", b"3")}
    for number, (name, event) in enumerate(events.items()):
        pings.add(name, float(number), event)
    assert pings.answer(b"2", 5.0)
    assert [event.is_set() for event in events.values()] == [True, True, False]
    assert pings.latency == 4.0
    assert not pings.answer(b"1", 6.0)
    assert pings.latency == 4.0


def test_5_5_3_two_waiting_pings_cannot_have_the_same_payload():
    pings, first, second = PendingPings(), threading.Event(), threading.Event()
    assert pings.add(b"same", 0.0, first)
    assert not pings.add(b"same", 1.0, second)
    pings.answer(b"same", 3.0)
    assert (first.is_set(), second.is_set(), pings.latency) == (True, False, 3.0)


def test_of_the_pings_of_the_heartbeat_only_the_newest_is_kept():
    """A peer that never answers makes no list grow; Pings that a thread waits for stay."""
    pings, awaited = PendingPings(), threading.Event()
    pings.add(b"awaited", 0.0, awaited)
    for number in range(1000):
        pings.add(number.to_bytes(4, "big"), float(number))
    assert len(pings) == 2
    assert pings.answer((999).to_bytes(4, "big"), 1000.0)
    assert awaited.is_set()


def test_a_ping_that_could_not_be_sent_is_forgotten():
    pings, never_sent = PendingPings(), threading.Event()
    pings.add(b"a", 0.0, never_sent)
    pings.discard(b"a")
    pings.discard(b"a")
    assert not pings.answer(b"a", 1.0)
    assert not never_sent.is_set()


def test_the_end_of_the_connection_wakes_all_who_wait_for_a_pong():
    pings = PendingPings()
    events = [threading.Event() for _ in range(3)]
    for number, event in enumerate(events):
        pings.add(bytes([number]), 0.0, event)
    pings.add(b"nobody waits for this one", 0.0)
    pings.release_all()
    assert all(event.is_set() for event in events)
    assert (len(pings), pings.latency) == (0, 0)
