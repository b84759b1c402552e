"""RFC 6455 §5.5.2: when a Ping is sent, and a silent peer given up. Time is a number here."""

import pytest

from refws.endpoint.heartbeat import (
    SECOND_LOOK,
    GiveUp,
    Heartbeat,
    HeartbeatTimer,
    SendPing,
    Wait,
)
from refws.endpoint.pings import PendingPings

INTERVAL, TIMEOUT = 20.0, 8.0
START = 1000.0


class Peer:
    """The heartbeat's stream and its two levers, with what was done to them."""

    def __init__(self, interval=INTERVAL, timeout=TIMEOUT):
        self.receives, self.waiting, self.writes = 0, True, 0
        self.progress = self.unsent = 0
        self.fits = True
        self.sent_at, self.causes = [], []
        self.on_ping = lambda: None
        self.heartbeat = Heartbeat(interval, timeout, START + interval)

    @property
    def next_time(self):
        return self.heartbeat.next_time

    def beat(self, now):
        """Take the steps that are due; the time of the next one, None once given up."""
        receives = self.receives
        step = self.heartbeat.next_step(now, self)
        if isinstance(step, SendPing):
            step = self.heartbeat.ping_sent(now, self.send_ping(now), receives, self)
        if isinstance(step, GiveUp):
            self.causes.append(step.cause)
            return None
        assert isinstance(step, Wait)
        return step.until

    def send_ping(self, now):
        if self.fits:
            self.sent_at.append(now - START)
            self.on_ping()
        return self.fits

    def run(self, until, late=0.0):
        """Call the heartbeat whenever it wants to be called, each time `late` seconds later."""
        when = self.next_time
        while when is not None and when - START <= until:
            when = self.beat(when + late)
        return when


@pytest.mark.rfc("6455-5.5.2-04")
def test_5_5_2_pings_leave_at_every_interval():
    peer = Peer(timeout=None)
    assert peer.next_time == START + INTERVAL
    peer.run(100)
    assert peer.sent_at == [20, 40, 60, 80, 100]


def test_5_5_2_late_calls_do_not_shift_the_schedule():
    peer = Peer(timeout=None)
    peer.run(100, late=0.5)
    assert peer.sent_at == [20.5, 40.5, 60.5, 80.5, 100.5]
    assert peer.next_time == START + 120


def test_5_5_2_intervals_that_were_slept_through_get_no_pings_of_their_own():
    """A computer that was suspended does not send a burst when it wakes."""
    peer = Peer(timeout=None)
    peer.beat(START + 95)
    assert peer.sent_at == [95]
    assert peer.next_time == START + 100


def test_5_5_2_nothing_is_sent_when_called_too_early():
    peer = Peer()
    assert peer.beat(START + 19) == START + 20
    assert peer.sent_at == []


def test_a_silent_peer_is_given_up_after_the_timeout_and_a_second_look():
    peer = Peer()
    assert peer.run(20) == START + 20 + TIMEOUT
    assert peer.beat(START + 28) == START + 28 + SECOND_LOOK
    assert peer.causes == []
    assert peer.beat(START + 29) is None
    assert peer.causes == ["nothing received for 8 s after a Ping"]


def test_any_byte_received_counts_as_life():
    """§5.5.2: a peer in the middle of a long frame cannot send a Pong inside it."""
    peer = Peer()
    peer.run(20)
    peer.receives += 1
    assert peer.beat(START + 28) == START + 40
    peer.run(40)
    assert peer.causes == []


def test_a_byte_before_the_second_look_counts_as_life():
    peer = Peer()
    peer.run(28)
    peer.receives += 1
    assert peer.beat(START + 29) == START + 40
    assert peer.causes == []


def test_a_pong_that_comes_while_the_ping_is_just_being_sent_counts_as_life():
    """On loopback the reading thread can have the Pong before the timer thread is back from its
    send.
    """
    peer = Peer()

    def pong_at_once():
        peer.receives += 1

    peer.on_ping = pong_at_once
    peer.run(39)
    assert peer.causes == []


def test_silence_does_not_count_while_our_own_thread_is_busy():
    peer = Peer()
    peer.run(20)
    peer.waiting = False
    assert peer.run(200) is not None
    assert peer.causes == []


def test_silence_does_not_count_if_our_own_thread_is_busy_at_the_second_look():
    peer = Peer()
    peer.run(28)
    peer.waiting = False
    assert peer.beat(START + 29) == START + 40
    assert peer.causes == []


def test_silence_is_judged_anew_after_each_answered_ping():
    peer = Peer()
    peer.run(20)
    peer.receives += 1
    peer.run(40)
    peer.receives += 1
    assert peer.run(200) is None
    assert peer.sent_at == [20, 40, 60]
    assert len(peer.causes) == 1


def test_a_timeout_above_the_interval_is_not_put_off_by_the_pings_between():
    peer = Peer(interval=2.0, timeout=5.0)
    assert peer.run(100) is None
    assert peer.sent_at == [2, 4, 6], "given up at 2 + 5 + 1, before the next Ping"
    assert peer.causes == ["nothing received for 5 s after a Ping"]


def test_without_a_timeout_a_silent_peer_is_never_given_up():
    peer = Peer(timeout=None)
    peer.run(10_000)
    assert peer.causes == []
    assert len(peer.sent_at) == 500


def test_a_peer_that_takes_no_ping_for_the_timeout_is_given_up():
    peer = Peer(interval=2.0, timeout=5.0)
    peer.fits = False
    assert peer.run(100) is None
    assert peer.causes == ["no Ping could be sent for 5 s; the peer does not read"]
    assert peer.next_time == START + 10


def test_a_peer_that_takes_other_frames_between_blocked_pings_is_alive():
    peer = Peer(interval=2.0, timeout=5.0)
    peer.fits = False
    when = peer.next_time
    for _ in range(20):
        peer.writes += 1
        when = peer.beat(when)
    assert when is not None
    assert peer.causes == []


def test_a_peer_that_empties_a_full_send_buffer_between_blocked_pings_is_alive():
    """A Ping waits until it fits in whole, which takes a slow reader longer than the timeout."""
    peer = Peer(interval=2.0, timeout=5.0)
    peer.fits, peer.unsent = False, 1_000_000
    when = peer.next_time
    for _ in range(20):
        peer.unsent -= 1000
        when = peer.beat(when)
    assert peer.causes == []
    assert peer.run(START + 10_000) is None


def test_a_ping_that_fits_again_ends_the_suspicion_of_a_peer_that_does_not_read():
    peer = Peer(interval=2.0, timeout=5.0)
    peer.fits = False
    peer.run(4)
    peer.fits = True
    peer.run(6)
    peer.receives += 1
    peer.fits = False
    peer.run(12)
    assert peer.causes == []
    assert peer.run(100) is None


def test_a_writer_at_work_is_no_sign_of_a_peer_that_does_not_read():
    peer = Peer(interval=2.0, timeout=5.0)
    peer.fits = None
    peer.run(100)
    assert peer.causes == []


def test_without_a_timeout_blocked_pings_never_give_a_peer_up():
    peer = Peer(timeout=None)
    peer.fits = False
    peer.run(1000)
    assert peer.causes == []


def test_a_slow_reader_of_a_long_message_is_alive_while_it_takes_some():
    """Its Pong must wait for the message; every chunk it takes of a blocked write counts."""
    peer = Peer()
    peer.run(20)
    when = peer.next_time
    for _ in range(10):
        peer.progress += 1
        when = peer.beat(when)
    assert peer.causes == []
    assert peer.run(START + 10_000) is None, "given up once it takes no more"


def test_a_peer_that_takes_bytes_out_of_the_send_queue_is_alive():
    peer = Peer()
    peer.unsent = 1_000_000
    peer.run(20)
    when = peer.next_time
    for _ in range(10):
        peer.unsent -= 1000
        when = peer.beat(when)
    assert peer.causes == []
    assert peer.run(START + 10_000) is None


def test_bytes_that_only_wait_are_no_sign_of_life():
    """Our own Pings make the queue longer."""
    peer = Peer()
    peer.run(20)
    peer.unsent += 6
    assert peer.run(START + 10_000) is None
    assert peer.causes == ["nothing received for 8 s after a Ping"]


@pytest.mark.parametrize("muted", [False, True])
def test_a_muted_side_sends_no_ping_on_schedule_and_gives_no_peer_up(muted):
    class Sender:
        def try_ping(self, payload):
            sent.append(payload)
            return True

    sent, causes, pings = [], [], PendingPings()
    pings.muted = muted
    heartbeat = Heartbeat(INTERVAL, TIMEOUT, START)
    timer = HeartbeatTimer(heartbeat, Peer(), Sender(), pings, causes.append)
    when = START
    for _ in range(3):
        when = when and timer._run(when)
    assert bool(sent) is bool(causes) is bool(len(pings)) is not muted
