"""refws check: what a case needs of its own connection, other connections, and outcomes."""

import threading
from dataclasses import replace

import pytest

from checks import answering, target_of
from refws import DeflateSettings
from refws.check.case import Case, Elsewhere, Need, Until
from refws.check.engine import Abilities, Grade, run
from refws.check.frames import GOOD_BYE, HELLO, frame, text
from refws.check.opening import Opening
from refws.check.outcomes import (
    Closes,
    Compresses,
    DoesNotCompress,
    Echoes,
    GivesUp,
    LastPong,
    Pings,
    Pongs,
    ServesOne,
)
from refws.check.seen import End, Seen
from refws.check.survey import OFFER, survey
from refws.check.target import Target
from refws.course.services import echo
from refws.protocol.client.handshake import Agreement
from refws.protocol.client.uri import parse_uri
from refws.protocol.close import Close
from refws.protocol.deflate.negotiation import Parameters
from refws.protocol.frame import PING, TEXT
from wire import IN_TIME, response

pytestmark = pytest.mark.slow

# What a case needs of the answer to its own offer


HELLO_TWICE = Case(
    "7692-7.2.3.2-test",
    "A rule.",
    "",
    Echoes((text(HELLO),) * 2),
    steps=(
        frame(TEXT, bytes.fromhex("f2 48 cd c9 c9 07 00"), rsv1=True),
        frame(TEXT, bytes.fromhex("f2 00 11 00 00"), rsv1=True),
        GOOD_BYE,
    ),
    opening=Opening(offer=OFFER),
    needs=frozenset({Need.THIS_OFFER, Need.TAKEOVER}),
)


@pytest.mark.parametrize(
    "compression, grade, seen",
    [
        ("deflate", Grade.PASS, "message text 'Hello', message text 'Hello'"),
        (None, Grade.SKIPPED, Need.THIS_OFFER.value),
        (
            DeflateSettings(client_no_context_takeover=True),
            Grade.SKIPPED,
            Need.TAKEOVER.value,
        ),
    ],
)
def test_a_case_is_skipped_if_its_own_connection_cannot_have_what_it_needs(
    serving, compression, grade, seen
):
    target = target_of(serving(echo, compression=compression))
    result = run(HELLO_TWICE, target, Abilities())
    assert result.grade is grade and result.seen.startswith(seen)


# Other connections, and waiting


def echoing(*steps, weak=()):
    best, hello = Echoes((text(HELLO),)), (frame(*text(HELLO)), GOOD_BYE)
    return Case("4.2-test", "A rule.", "", best, weak, (*steps, *hello))


ANOTHER = Elsewhere((frame(*text(HELLO)), GOOD_BYE), Echoes((text(HELLO),)))
INSIDE = Elsewhere((ANOTHER, *ANOTHER.steps), ANOTHER.outcome)


@pytest.mark.parametrize("steps", [(ANOTHER,), (INSIDE,), (ANOTHER, ANOTHER)])
def test_a_case_passes_if_the_other_connections_are_served_too(serving, steps):
    target = target_of(serving(echo))
    assert run(echoing(*steps), target, Abilities()).grade is Grade.PASS


@pytest.mark.parametrize("weak, grade", [((ServesOne(),), Grade.WEAK), ((), Grade.FAIL)])
@pytest.mark.parametrize("steps", [(ANOTHER,), (INSIDE,), (ANOTHER, INSIDE)])
def test_a_server_that_serves_one_connection_only_is_weak_if_the_case_allows_that(
    serving, steps, weak, grade
):
    target = target_of(serving(echo, max_connections=1))
    result = run(echoing(*steps, weak=weak), target, Abilities())
    assert result.grade is grade
    assert result.seen.startswith("message text 'Hello'")
    assert "on another connection: status 503" in result.seen


def test_a_server_that_only_sends_pings_is_left_after_a_while():
    def pinging(wire):
        _, headers = wire.receive_request()
        wire.send(response(headers["sec-websocket-key"]))
        while not never.wait(IN_TIME / 10):
            wire.send_frame(PING, b"", masked=0)

    never = threading.Event()

    with answering(pinging) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=IN_TIME)
        result = run(echoing(), target, Abilities())
        assert result.grade is Grade.FAIL and result.seen.startswith("Ping (empty)")
        assert survey(target).lacks >= {Need.ECHO, Need.BINARY}


def test_a_step_may_wait_longer_than_the_case(serving):
    target = target_of(serving(echo, ping_interval=4 * IN_TIME), timeout=IN_TIME)
    waiting = Case("5.5.2-test", "A rule.", "", Pings(), steps=(Until(Pings(), 5),))
    result = run(waiting, target, Abilities())
    assert result.grade is Grade.PASS
    assert result.seen.startswith("Ping ")
    soon = replace(waiting, steps=(Until(Pings()),))
    assert run(soon, target, Abilities()).grade is Grade.FAIL


# The outcomes


def opened(deflate=None, **seen):
    return Seen(agreement=Agreement(None, (), deflate), **seen)


PINGS = (b"1", b"2", b"3")
TWO = text(b"1"), text(b"2")


@pytest.mark.parametrize(
    "outcome, seen, is_seen",
    [
        (Compresses(), opened(Parameters()), True),
        (Compresses(10), opened(Parameters(server_max_window_bits=10)), True),
        (Compresses(10), opened(Parameters(server_max_window_bits=11)), False),
        (Compresses(), opened(), False),
        (Compresses(), Seen(problem="a fault"), False),
        (DoesNotCompress(), opened(), True),
        (DoesNotCompress(), opened(Parameters()), False),
        (DoesNotCompress(), Seen(problem="a fault"), False),
        (LastPong(PINGS), opened(pongs=[b"3"]), True),
        (LastPong(PINGS), opened(pongs=[b"1", b"3"]), True),
        (LastPong(PINGS), opened(pongs=[b"1", b"2"]), False),
        (LastPong(PINGS), opened(pongs=[b"2", b"1", b"3"]), False),
        (LastPong(PINGS), opened(pongs=[b"3", b"3"]), False),
        (LastPong(PINGS), opened(), False),
        (LastPong(PINGS), opened(pongs=[b"3"], messages=[text(HELLO)]), False),
        (LastPong(PINGS, (text(HELLO),)), opened(pongs=[b"3"], messages=[text(HELLO)]), True),
        (LastPong(PINGS), opened(pongs=[b"3"], close=Close(1002)), False),
        (Echoes(TWO), opened(messages=list(TWO), answers_in_time=1), False),
        (Echoes(TWO), opened(messages=list(TWO), answers_in_time=1, close=Close(1000)), True),
        (Echoes(TWO), opened(messages=list(TWO), answers_in_time=None), True),
        (Pings(), opened(pings=[b""]), True),
        (Pings(), opened(), False),
        (Pings(), opened(pings=[b""], violation="§5.2: RSV1"), False),
        (GivesUp(), opened(close=Close(1011)), True),
        (GivesUp(), opened(end=End.RESET), True),
        (GivesUp(), opened(), False),
        (GivesUp(), Seen(end=End.FIN), False),
        (ServesOne(), opened(elsewhere="nothing for 2.0 s"), True),
        (ServesOne(), opened(), False),
    ],
)
def test_what_an_outcome_takes_for_itself(outcome, seen, is_seen):
    assert outcome.is_seen(seen) is is_seen


def test_an_answer_after_the_close_is_named_if_the_close_has_none():
    late = opened(messages=list(TWO), answers_in_time=1)
    assert late.after_the_opening().endswith("the last one after the Close, which has no answer")
    nothing = opened(messages=list(TWO[:1]), answers_in_time=1)
    assert nothing.after_the_opening() == "message text '1'"


def test_an_empty_close_is_not_named_by_a_code_that_no_close_carries():
    assert Closes((1000, 1005)).words == "Close 1000 or without a code"
    assert Closes((1005,), ends=True).words == "Close without a code, then the end of TCP"
    assert opened(close=Close(1005)).after_the_opening() == "Close without a code"


def test_the_words_of_an_outcome_list_a_few_of_many():
    numbers = tuple(b"%d" % number for number in range(1000))
    assert Pongs(numbers).words == "Pong 30 and Pong 31 and Pong 32 and 997 more"
    messages = tuple(map(text, numbers[:3]))
    assert Echoes(messages).words == "message text '0' and message text '1' and message text '2'"
