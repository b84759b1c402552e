"""scripts/stress: a short run; and that the judge finds each fault that is planted in a history."""

import dataclasses
import itertools
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import refws
from refws import Connection, Side, State
from scripts.shared import client_wire
from scripts.shared.client_wire import BINARY, CLOSE, PING, PONG, TEXT
from scripts.stress import wire
from scripts.stress.end_rules import CUT_OFF
from scripts.stress.history import Call, Cause, End, History, Received, Sent
from scripts.stress.judge import INVARIANTS, Broken, judge
from scripts.stress.leftovers import held, watching
from scripts.stress.messages import Form, Message, message_in
from scripts.stress.plans import Ending, Kind, PairPlan, RoundPlan, plan_round
from scripts.stress.rounds import Round
from scripts.stress.stress import main

STRESS = Path(__file__).resolve().parents[1] / "scripts" / "stress"
CLIENT, SERVER = Side.CLIENT, Side.SERVER
HEAD = client_wire.request("/", "localhost", 80)
SERVER_HEAD = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + f"Sec-WebSocket-Accept: {client_wire.accept_value(client_wire.KEY)}\r\n\r\n".encode()
)


@pytest.mark.slow
def test_stress_in_short():
    run = subprocess.run(
        [sys.executable, STRESS, "--seconds", "3", "--seed", "6455"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[0] == "seed 6455"
    assert run.stdout.splitlines()[-1].endswith(" 0 broken invariants")


# A history without a fault: the client sends four messages and closes, the server answers


def message(number, form=Form.WHOLE, size=30, side=CLIENT, sender=0):
    return Message(side, sender, number, form, True, size)


def close_body(code, reason=""):
    return code.to_bytes(2, "big") + reason.encode()


FOUR = [message(number) for number in range(4)]
CLIENT_BYTES = b"".join(
    [
        HEAD,
        *(client_wire.client_frame(TEXT, one.content.encode()) for one in FOUR),
        client_wire.client_frame(CLOSE, close_body(1000, "bye")),
    ]
)
SERVER_BYTES = SERVER_HEAD + client_wire.server_frame(CLOSE, close_body(1000))

EVENTS = (
    *(Sent(number, CLIENT, "sender", one) for number, one in enumerate(FOUR)),
    *(Received(number + 0.5, SERVER, "receiver", one, True) for number, one in enumerate(FOUR)),
    Cause(5, CLIENT, "sender", "close", 1000, "bye"),
    Call(6, CLIENT, "sender", "close", 1.0, 2.0),
    Call(6, SERVER, "receiver", "recv", 5.0, None, refws.ConnectionClosedOK, "1000"),
    Call(6, CLIENT, "pinger", "the answer to a Ping", 0.1, 8.0),
)
GOOD = History(
    "a connection",
    EVENTS,
    sent={CLIENT: CLIENT_BYTES, SERVER: SERVER_BYTES},
    received={SERVER: CLIENT_BYTES, CLIENT: SERVER_BYTES},
    ends={CLIENT: End(State.CLOSED, 1000, ""), SERVER: End(State.CLOSED, 1000, "bye")},
)


def broken(history):
    return [one.invariant for one in judge(history)]


def changed(**changes):
    return dataclasses.replace(GOOD, **changes)


def received(*messages, **fields):
    """The history in which the server receives these messages instead."""
    kept = [event for event in EVENTS if not isinstance(event, Received)]
    events = (
        Received(i, SERVER, "receiver", one, True, **fields) for i, one in enumerate(messages)
    )
    return changed(events=(*kept, *events))


def with_event(*events):
    return changed(events=(*EVENTS, *events))


def on_the_wire(client=CLIENT_BYTES, server=SERVER_BYTES, **changes):
    """The history with these bytes, as both taps saw them."""
    sent = {CLIENT: client, SERVER: server}
    return changed(sent=sent, received={SERVER: client, CLIENT: server}, **changes)


def call(name, took_s=0.0, bound_s=None, error=None, time=6.0, side=CLIENT):
    return with_event(Call(time, side, "a thread", name, took_s, bound_s, error, "an error"))


def client_frames(*frames):
    return HEAD + b"".join(client_wire.client_frame(*frame) for frame in frames)


def end(side, state=State.CLOSED, code=1000, reason=""):
    return changed(ends={**GOOD.ends, side: End(state, code, reason)})


def test_a_history_without_a_fault_breaks_nothing():
    assert broken(GOOD) == []


def test_every_invariant_has_a_planted_fault():
    found = {name for _, names in PLANTED.values() for name in names}
    assert set(INVARIANTS) - found == set()


INSIDE = HEAD + b"\x01" + client_wire.client_frame(TEXT, b"half")[1:]
"""The first fragment of a message that goes on."""

PLANTED = {
    "two messages in the wrong order": (
        received(FOUR[1], FOUR[0], FOUR[2], FOUR[3]),
        ["messages arrive once and in order"],
    ),
    "a message twice": (
        received(FOUR[0], FOUR[0], *FOUR[1:]),
        ["messages arrive once and in order"],
    ),
    "a message lost in the middle": (
        received(FOUR[0], FOUR[1], FOUR[3]),
        ["no message is lost in the middle", "nothing is lost before a Close"],
    ),
    "the last message lost, although the Close arrived": (
        received(*FOUR[:3]),
        ["nothing is lost before a Close"],
    ),
    "a message that no one sent": (
        with_event(Received(4, SERVER, "receiver", None, False, shown="'???'")),
        ["a message arrives as it was sent"],
    ),
    "a message that was changed on its way": (
        with_event(Received(4, SERVER, "receiver", message(4), False)),
        ["a message arrives as it was sent"],
    ),
    "an echo that no one asked for": (
        with_event(Received(4, CLIENT, "receiver", message(4), True)),
        ["a message arrives as it was sent"],
    ),
    "half a message as a whole one": (
        with_event(Received(4, SERVER, "receiver", message(4, Form.BROKEN), True)),
        ["half a message is none"],
    ),
    "1000 instead of 1011 inside a message": (
        on_the_wire(
            INSIDE + client_wire.client_frame(CLOSE, close_body(1000, "bye")),
            SERVER_HEAD,
            events=(),
        ),
        [
            "half a message is none",
            "close_code is what arrived",
            "a Close says what was meant",
        ],
    ),
    "a recv that ignores its timeout": (
        call("recv with a timeout", 2.5, 0.01, TimeoutError),
        ["calls end in time"],
    ),
    "a close that takes too long": (call("close", 4.5, 2.0), ["calls end in time"]),
    "a Ping that is never answered": (
        call("the answer to a Ping", 13.0, 8.0),
        ["calls end in time"],
    ),
    "an end that comes too late": (
        call("recv", 6.0, None, refws.ConnectionClosedError, time=10.5),
        ["the end comes in time"],
    ),
    "an AttributeError": (
        call("send", error=AttributeError),
        ["calls raise what is documented"],
    ),
    "a TimeoutError without a timeout": (
        call("recv", error=TimeoutError),
        ["calls raise what is documented"],
    ),
    "a close that raises": (
        call("close", error=refws.ConnectionClosedError),
        ["calls raise what is documented"],
    ),
    "an end before anyone ends it": (
        call("recv", error=refws.ConnectionClosedError, time=3.0),
        ["a connection does not end by itself"],
    ),
    "a send long after a Close": (
        changed(
            alone=(SERVER,),
            events=(*EVENTS, Sent(8.5, SERVER, "sender", message(0, side=SERVER))),
        ),
        ["a Close is seen while no thread receives"],
    ),
    "a send after a Close with 1000 that calls it an error": (
        changed(
            alone=(SERVER,),
            events=(
                *EVENTS,
                Call(6, SERVER, "sender", "send", 0, None, refws.ConnectionClosedError, "1006"),
            ),
        ),
        ["a Close is seen while no thread receives"],
    ),
    "a connection that is still CLOSING": (
        end(CLIENT, State.CLOSING),
        ["a connection is CLOSED at the end"],
    ),
    "a wrong close code": (end(SERVER, code=1001, reason="bye"), ["close_code is what arrived"]),
    "a wrong close reason": (end(SERVER), ["close_code is what arrived"]),
    "1006 although a Close arrived": (
        end(SERVER, code=1006),
        ["close_code is what arrived", "a closing handshake is clean"],
    ),
    "a Close that no one meant": (
        on_the_wire(
            server=SERVER_HEAD + client_wire.server_frame(CLOSE, close_body(1002, "why?")),
            ends={**GOOD.ends, CLIENT: End(State.CLOSED, 1002, "why?")},
        ),
        ["a Close says what was meant", "a Close is answered with its code"],
    ),
    "a Close that is answered with another code": (
        on_the_wire(
            server=SERVER_HEAD + client_wire.server_frame(CLOSE, close_body(1001)),
            ends={**GOOD.ends, CLIENT: End(State.CLOSED, 1001, "")},
            events=(*EVENTS, Cause(5.5, CLIENT, "another", "close", 1001)),
        ),
        ["a Close is answered with its code"],
    ),
    "a frame after the Close": (
        on_the_wire(CLIENT_BYTES + client_wire.client_frame(TEXT, b"late")),
        ["the bytes on the wire are legal", "the bytes on the wire are explained as legal"],
    ),
    "text that is not UTF-8": (
        on_the_wire(HEAD + client_wire.client_frame(TEXT, b"\xff") + CLIENT_BYTES[len(HEAD) :]),
        ["the bytes on the wire are explained as legal"],
    ),
    "a tap that sees a frame that was not sent": (
        changed(
            sent={
                CLIENT: HEAD + client_wire.client_frame(PING, b"") + CLIENT_BYTES[len(HEAD) :],
                SERVER: SERVER_BYTES,
            }
        ),
        ["the taps of both sides agree"],
    ),
}
"""What is wrong -> (the history with it, the invariants that are broken)."""


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_fault_is_found(fault):
    history, invariants = PLANTED[fault]
    assert broken(history) == invariants


def test_what_is_excused():
    aborted = Cause(5, SERVER, "a thread", "abort")
    lost = received(*FOUR[:2])
    assert broken(dataclasses.replace(lost, events=(*lost.events, aborted))) == []
    late = end(SERVER, code=1006)
    late = dataclasses.replace(late, received={**GOOD.received, SERVER: HEAD}, late_s=1.0)
    assert broken(late) == []
    cut_off = client_wire.client_frame(CLOSE, close_body(1011, CUT_OFF))
    history = on_the_wire(
        INSIDE + cut_off,
        SERVER_HEAD + client_wire.server_frame(CLOSE, close_body(1011)),
        ends={CLIENT: End(State.CLOSED, 1011, ""), SERVER: End(State.CLOSED, 1011, CUT_OFF)},
    )
    assert broken(history) == []


def test_a_report_names_the_place_and_the_last_events():
    (report,) = judge(received(FOUR[1], FOUR[0], FOUR[2], FOUR[3]))
    lines = str(report).splitlines()
    assert lines[0] == (
        "BROKEN: messages arrive once and in order: server received client 0, message 0 "
        "(text, whole, 30) after client 0, message 1 (text, whole, 30)"
    )
    assert lines[1] == "  a connection"
    assert any("the end begins: close with 1000" in line for line in lines)


# Messages and the wire


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("is_text", [True, False])
@pytest.mark.parametrize("size", [0, 125, 70_000])
def test_a_message_names_itself(form, is_text, size):
    one = Message(SERVER, 2, 17, form, is_text, size)
    assert message_in(one.content) == one
    assert message_in(one.content[:5]) is None
    assert size == 0 or len(one.content) == size


def test_two_messages_share_no_content():
    one, other = message(1, size=1000).content, message(2, size=1000).content
    assert one[-500:] != other[-500:]


ILLEGAL = {
    "§5.1": client_wire.server_frame(TEXT, b"no mask"),
    "§5.2: RSV": client_wire.client_frame(TEXT, b"", rsv1=True),
    "§5.2: reserved": client_wire.client_frame(3, b""),
    "§5.2: not the shortest": b"\x82\xfe\x00\x05" + bytes(4 + 5),
    "§5.5: control": b"\x09" + client_wire.client_frame(PING, b"")[1:],
    "§5.4: a message": INSIDE[len(HEAD) :] + client_wire.client_frame(BINARY, b""),
    "§5.4: a continuation": client_wire.client_frame(0, b""),
    "§5.5.1": client_wire.client_frame(CLOSE, b"") + client_wire.client_frame(PING, b""),
}


@pytest.mark.parametrize("section", ILLEGAL)
def test_the_model_of_the_wire_names_the_rule(section):
    faults = wire.judge(HEAD + ILLEGAL[section], is_client=True, deflate=False).faults
    assert len(faults) == 1 and faults[0].startswith(section)


def test_the_model_of_the_wire_allows_what_is_legal():
    frames = client_frames((TEXT, b"a"), (PING, b""), (BINARY, bytes(70_000)), (CLOSE, b""))
    data = frames + client_wire.client_frame(PONG, b"") + b"\x82"
    seen = wire.judge(data, is_client=True, deflate=False)
    assert seen.faults == () and seen.close is not None and seen.close.close_code == 1005
    compressed = HEAD + client_wire.client_frame(TEXT, b"", rsv1=True)
    assert wire.judge(compressed, is_client=True, deflate=True).faults == ()


# Rounds


def test_plans_follow_from_the_seed():
    one, same = (plan_round(7, 3, ("tcp", "tls"), (False, True)) for _ in range(2))
    assert one == same != plan_round(8, 3, ("tcp", "tls"), (False, True))
    assert (one.transport, one.deflate) == ("tls", True)


def quick_plan():
    """One connection that the client closes soon."""
    ending = Ending("close after sending", CLIENT, 0.2, 1000, "")
    pair = PairPlan(0, "a seed", Kind.BOTH, ending, 1)
    return RoundPlan(0, 0, "tcp", False, (pair,), "", 0.0)


@pytest.mark.slow
def test_a_fault_planted_in_refws_is_found(monkeypatch):
    recv, calls = Connection.recv, itertools.count(1)

    def loses_one(self, timeout=None):
        if next(calls) == 5:
            recv(self)
        return recv(self, timeout)

    monkeypatch.setattr(Connection, "recv", loses_one)
    found = [one.invariant for one in Round(quick_plan(), 2).run()]
    assert "no message is lost in the middle" in found


@pytest.mark.slow
def test_a_connection_that_ends_by_itself_is_found(monkeypatch):
    send, calls = Connection.send, itertools.count(1)

    def aborts_one(self, message):
        if next(calls) == 5:
            self.abort()
        return send(self, message)

    monkeypatch.setattr(Connection, "send", aborts_one)
    found = [one.invariant for one in Round(quick_plan(), 2).run()]
    assert "a connection does not end by itself" in found


def test_what_a_round_leaves_is_found():
    base, go_on = held(), threading.Event()
    thread = threading.Thread(target=go_on.wait, name="a thread that stays")
    thread.start()
    try:
        assert [line for line in held().left_over(base) if "a thread that stays" in line]
    finally:
        go_on.set()
        thread.join()
    with open(__file__):
        assert [line for line in held().left_over(base) if __file__ in line]
    assert held().left_over(base) == []


def test_an_error_in_the_log_is_found():
    with watching() as watch:
        logging.getLogger("refws").error("a timer failed and is not called again")
        logging.getLogger("refws").warning("a peer broke a rule")
        logging.getLogger("refws").error("the handler failed\n  | Planned")
        logging.getLogger("refws").error("the handler failed\n  | ZeroDivisionError")
    assert watch.lines == [
        "a timer failed and is not called again",
        "the handler failed\n  | ZeroDivisionError",
    ]


def test_a_broken_invariant_gives_status_1_and_the_command_to_try_again(monkeypatch, capsys):
    def run(self):
        return [Broken("a rule", "a place", "what was seen")]

    monkeypatch.setattr(Round, "run", run)
    assert main(["--seed", "5", "--rounds", "3", "--transport", "unix"]) == 1
    printed = capsys.readouterr().out
    assert "python3 scripts/stress --seed 5 --first 0 --rounds 1 --transport unix" in printed
    assert "BROKEN: a rule: what was seen" in printed
    assert "1 rounds in" in printed


@pytest.mark.parametrize("argument", ["--rounds", "--seconds"])
def test_bad_option(argument, capsys):
    with pytest.raises(SystemExit) as status:
        main([argument, "0"])
    assert status.value.code == 2 and "must be" in capsys.readouterr().err
