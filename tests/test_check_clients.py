"""refws check --listen: the cases for clients, and how a client comes to its cases.

refws's own client and a plain one pass each case. With one rule broken at a time, the case that
names the rule fails, or is weak where the RFC only recommends.
"""

import json
import runpy
import shlex
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from mutants.plain_client import Connection, NoConnection, PlainClient, mutations
from refws import ConnectionClosed, WebSocketException, connect
from refws.check import engine
from refws.check.case import Level, Need
from refws.check.clients import listening, running, serving
from refws.check.clients.groups import CLIENT_GROUPS
from refws.check.clients.listening import Listener, NoClient, Session, resource_of
from refws.check.clients.mistakes import HINTS, find_client_mistake
from refws.check.clients.outcomes import Accepts
from refws.check.clients.program import BadCommand
from refws.check.clients.running import run_clients
from refws.check.clients.seen import MANY_KEYS, ClientSeen, History
from refws.check.engine import Grade, Result
from refws.check.seen import Message
from refws.commands.check.listen import CannotListen, check_clients, security_from
from refws.protocol.close import Close
from transports import KEY, LOCALHOST
from wire import (
    CLOSE,
    DEADLINE_S,
    IN_TIME,
    MASKING_KEY,
    TEXT,
    Background,
    Wire,
    close_body,
    connected,
    request,
)

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "programs" / "checked_client.py"

echo = runpy.run_path(str(PROGRAM))["echo"]

CASES = {case.name: case for group in CLIENT_GROUPS for case in group.cases}

SILENCE = 0.2
"""Seconds after which a client with a broken rule is taken as silent."""

MANY = 40
"""Connections after which keys can be judged."""


@pytest.fixture(autouse=True)
def impatient(nothing_left_behind, monkeypatch):
    """Cases that end with silence end soon."""
    monkeypatch.setattr(engine, "PROBE_AFTER", SILENCE / 2)
    monkeypatch.setattr(serving, "GREETING_TIME", SILENCE / 4)
    monkeypatch.setattr(serving, "FINISH_TIME", SILENCE)
    monkeypatch.setattr(listening, "AFTER_LAST", SILENCE)
    monkeypatch.setattr(running, "LATE", SILENCE)


@pytest.fixture
def listener(nothing_left_behind):
    with Listener("127.0.0.1", 0) as listener:
        yield listener


def named(*names):
    return [CASES[name] for name in names]


def judge(listener, client, name, connections=1, timeout=DEADLINE_S):
    """The result of the case after this number of connections, each of the client's `run`.

    `timeout` is short for a client that does not answer; one that does may take its time.
    """
    session = Session(listener, named(name), running.ignore, timeout=timeout)
    for _ in range(connections):
        thread = Background(client, listener.uri(resource_of(1)))
        run = session.serve(listener.accept(DEADLINE_S), 1)
        thread.result()
    return run.result


def session_of(client, names, security=None, **options):
    """The results of a client that knows Autobahn's convention."""
    with Listener("127.0.0.1", 0, security) as listener:
        thread = Background(run_all, client, listener, len(names))
        results = run_clients(listener, named(*names), **options)
        thread.result()
        return results


def run_all(client, listener, count):
    for number in range(1, count + 1):
        client(listener.uri(f"/runCase?case={number}&agent=test"))
    client(listener.uri("/updateReports?agent=test"))


def refws_client(uri, context=None):
    """tests/programs/checked_client.py, in this process."""
    with suppress(ConnectionClosed, WebSocketException, OSError):
        echo(uri, context)


def not_passed(results):
    return [(r.case.name, r.seen, r.expected) for r in results if r.grade is not Grade.PASS]


# The clients that keep the rules


@pytest.mark.transport("tcp", "tls", reason="--listen opens no Unix socket")
def test_the_client_of_refws_passes_each_case(transport):
    security, context = None, transport.way(None).get("ssl")
    if context is not None:
        security = security_from(LOCALHOST, KEY)
    results = session_of(lambda uri: refws_client(uri, context), list(CASES), security)
    assert not_passed(results) == []


def test_a_plain_client_passes_each_case_that_it_can_show():
    results = session_of(PlainClient().run, list(CASES))
    skipped = {result.case.name for result in results if result.grade is Grade.SKIPPED}
    assert skipped == {case.name for case in CASES.values() if is_about_extensions(case)}
    assert not_passed(result for result in results if result.case.name not in skipped) == []


def is_about_extensions(case):
    return bool(case.needs & {Need.OFFER, Need.EXTENSIONS})


# The clients that break one


class Caught(NamedTuple):
    """The case that finds a mutation, words of its result, its grade, and after how many runs.

    `timeout` is the one of `judge`.
    """

    case: str
    seen: str = ""
    grade: Grade = Grade.FAIL
    connections: int = 1
    timeout: float = DEADLINE_S


def weak(case, seen=""):
    return Caught(case, seen, Grade.WEAK)


CAUGHT = {
    # The request
    "post": Caught("4.1-method-get", "'POST'"),
    "http-1-0": Caught("4.1-http-1.1", "HTTP/1.0"),
    "query-lost": Caught("4.1-target-is-resource-name", "target '/runCase' for '/runCase?case=1"),
    "no-host": Caught("4.1-host", "no Host header"),
    "no-port": Caught("4.1-host-with-port", "Host: '127.0.0.1'"),
    "lf-alone": Caught("4.1-well-formed-request", "ends with LF alone"),
    "space-before-colon": Caught("4.1-well-formed-request", "white space before the colon"),
    "upgrade-to-h2c": Caught("4.1-upgrade", "Upgrade: 'h2c'"),
    "keep-alive": Caught("4.1-connection", "Connection: 'keep-alive'"),
    "short-key": Caught("4.1-key-of-16-bytes", "Sec-WebSocket-Key: '"),
    "no-key": Caught("4.1-key-of-16-bytes", "no Sec-WebSocket-Key header"),
    "key-twice": Caught("11.3.1-one-key", "2 Sec-WebSocket-Key headers"),
    "key-of-the-rfc": Caught(
        "4.1-key-new-for-each-connection", "as on an earlier connection", connections=2
    ),
    "key-is-a-counter": Caught("4.1-key-random", "bytes are always the same", connections=MANY),
    "folded": Caught("4.1-well-formed-request", "begins with white space"),
    "other-authority": Caught("4.1-target-is-resource-name", "target 'http://example.com/runCase"),
    "fragment-in-target": Caught("4.1-target-is-resource-name", "#top'"),
    "version-missing": Caught("4.1-version-13", "no Sec-WebSocket-Version header"),
    "names-in-quotes": Caught("4.1-subprotocol-tokens", "'\"chat\"'"),
    "bad-offer": Caught("7692-7.1-valid-offers", "server_max_window_bits=7"),
    "key-is-the-time": Caught("4.1-key-random", "bytes are always the same", connections=MANY),
    "key-in-hex": Caught("4.1-key-of-16-bytes", "Sec-WebSocket-Key: '"),
    "version-8": Caught("4.1-version-13", "Sec-WebSocket-Version: '8'"),
    "origin-with-path": Caught("4.1-origin-form", "Origin: 'http://localhost/page'"),
    "subprotocol-twice": Caught("4.1-subprotocol-tokens", "'chat, superchat, chat'"),
    "content-length": Caught("9110-9.3.1-no-body", "Content-Length: '5'"),
    "too-early": Caught("4.1-waits-for-the-answer", "bytes after the request"),
    "no-empty-line": Caught("4.1-well-formed-request", "no whole request, but"),
    "proxy-protocol": Caught("4.1-method-get", "its request cannot be read: "),
    # The answer
    "accept-ignored": Caught("4.1-accept-of-another-key", "it went on"),
    "accept-by-its-start": Caught("4.1-accept-with-more", "it went on"),
    "other-guid": Caught("4.1-valid-answer", "TCP "),
    "101-anywhere": Caught("4.1-status-503", "message text 'Hello'"),
    "accept-in-any-case": Caught("4.1-accept-in-other-case", "it went on"),
    "upgrade-ignored": Caught("4.1-upgrade-to-another-protocol", "it went on"),
    "connection-ignored": Caught("4.1-connection-without-upgrade", "it went on"),
    "connection-compared-whole": Caught("4.1-connection-as-list", "TCP "),
    "connection-with-case": Caught("4.1-connection-in-any-case", "TCP "),
    "names-with-case": Caught("4.1-header-names-in-any-case", "TCP "),
    "any-extension": Caught("4.1-extension-not-offered", "it went on"),
    "any-name": Caught("4.1-subprotocol-not-listed", "it went on"),
    "status-ignored": Caught("4.1-status-200", "message text 'Hello'"),
    "interim-is-final": Caught("9110-15.2-100-before", "TCP "),
    "head-is-one-read": Caught("4.1-answer-byte-by-byte", "TCP "),
    "bytes-after-the-head-lost": Caught("4.1-close-with-the-answer", "nothing", timeout=SILENCE),
    # Frames and messages
    "little-endian": Caught("5.2-length-256", "Close 1002"),
    "masked-taken": Caught("5.1-masked-with-zeros", "message text 'Hello'"),
    "rsv-ignored": Caught("5.2-rsv1", "message text 'Hello'"),
    "opcode-ignored": Caught("5.2-opcode-3", "it went on"),
    "top-bit-taken": weak("5.2-length-with-top-bit", "nothing"),
    "long-form-taken": weak("5.2-length-126-for-125-bytes", "it went on"),
    "any-order": Caught("5.4-continuation-without-a-start", "a CONT without a start"),
    "fragments-are-messages": Caught("5.4-two-fragments", "message text 'He'"),
    "binary-as-text": Caught("5.2-binary", "§8.1"),
    "utf8-per-fragment": Caught("5.4-fragments-of-one-byte", "Close 1007"),
    "utf8-ignored": Caught("8.1-in-the-last-fragment", "§8.1"),
    "frames-of-hixie-76": Caught("5.2-text", "what no endpoint may send"),
    "length-of-16-bits-always": Caught("5.2-text", "the form for longer payloads"),
    "no-last-fragment": Caught("5.2-text", "no last one (FIN 1)"),
    "line-end-added": Caught("5.2-text", r"'Hello\n'"),
    "text-in-upper-case": Caught("5.2-text", "message text 'HELLO'"),
    "echo-twice": Caught("5.2-text", "message text 'Hello', message text 'Hello'"),
    "4-bytes-of-length": Caught("5.2-length-65536", timeout=SILENCE),
    # Control frames and closing
    "no-pong": Caught("5.5.2-ping", "Close 1000", timeout=SILENCE),
    "pong-twice": Caught("5.5.2-ping", "Pong 48 65 6c 6c 6f, Pong 48 65 6c 6c 6f"),
    "pong-is-a-ping": Caught("5.5.2-ping", "Ping 48 65 6c 6c 6f"),
    "pong-is-a-message": Caught("5.5.2-ping", "message text 'Hello'"),
    "pong-one-late": Caught("5.5.3-ten-pings", timeout=SILENCE),
    "empty-pong": Caught("5.5.2-ping", "Pong (empty)"),
    "control-fragments-taken": Caught("5.5-ping-in-fragments", "it went on"),
    "long-control-taken": Caught("5.5-ping-of-126-bytes", "§5.5"),
    "close-ignored": Caught("5.5.1-close-1000", "nothing", timeout=SILENCE),
    "code-lost": weak("7.4-code-3000", "Close 1000"),
    "tcp-ends-without-close": Caught("5.5.1-close-1000", "TCP "),
    "1005-sent": Caught("5.5.1-close-without-a-code", "close code 1005"),
    "little-endian-code": Caught("5.5.1-close-1000", "Close 59395"),
    "reason-too-long": Caught("5.5.1-close-with-a-reason", "more than 125 bytes"),
    "message-after-close": Caught("5.5.1-no-message-after-close", "after its Close"),
    "second-close": Caught("5.5.1-no-message-after-close", "after its Close"),
    "body-of-one-byte-taken": Caught("5.5.1-body-of-one-byte", ""),
    "any-close": weak("7.4-code-2999", "Close 2999"),
    "does-not-wait": weak("7.1.1-waits-for-the-server", "TCP ends"),
    # Masking
    "unmasked": Caught("5.1-all-frames-masked", "an unmasked frame from the client"),
    "unmasked-control": Caught("5.1-all-frames-masked", "an unmasked frame from the client"),
    "zero-key": Caught("5.3-key-not-zero", "the keys 00 00 00 00"),
    "one-key": Caught("5.3-new-key-for-each-frame", "the keys 37 fa 21 3d, 37 fa 21 3d"),
    "key-counts": Caught("5.3-key-not-predictable", "plus a constant", connections=2),
    "one-byte-repeated": Caught(
        "5.3-key-not-predictable", "two bytes of each key are always the same", connections=2
    ),
    "key-of-a-linear-generator": Caught(
        "5.3-key-not-predictable", "times a constant, plus a constant", connections=2
    ),
    "key-of-a-connection": Caught("5.3-new-key-for-each-frame", "17 frames with the keys"),
    "key-of-31-bits": Caught("5.3-key-not-predictable", "1 of the 32 bits", connections=3),
    "mask-turned": Caught("5.2-binary", "message binary"),
    "mask-not-used": Caught("5.2-binary", "message binary"),
    "key-of-letters": Caught("5.3-key-not-predictable", "always the same", connections=2),
    "seeded": Caught(
        "10.3-keys-differ-between-connections", "an earlier connection", connections=2
    ),
}


def test_each_mutation_has_a_case_that_finds_it():
    assert mutations() == set(CAUGHT)
    assert len(CAUGHT) >= 40


@pytest.mark.parametrize("mutation, caught", CAUGHT.items())
def test_a_broken_rule_is_found_by_the_case_that_names_it(listener, mutation, caught):
    case, seen, grade, connections, timeout = caught
    for silence in (timeout, DEADLINE_S):  # on a busy machine the right answers may be late, too
        result = judge(listener, PlainClient(mutation).run, case, connections, silence)
        if result.grade is grade and seen in result.seen:
            break
    assert result.grade is grade, (result.seen, result.expected)
    assert seen in result.seen


@pytest.mark.parametrize(
    "mutation, name, hint",
    [
        ("proxy-protocol", "4.1-method-get", "Its request: this looks like the PROXY protocol"),
        ("frames-of-hixie-76", "5.2-text", "framed a message, drafts from before the RFC"),
        ("4-bytes-of-length", "5.2-length-65536", "after 127 the length has 8 bytes; were only 4"),
        ("no-empty-line", "4.1-host", "End the request with an empty line: CR LF CR LF"),
        ("unmasked", "5.1-all-frames-masked", "mask"),
        ("mask-turned", "5.2-binary", "masked with other bytes than the key in its header"),
        ("mask-turned", "4.1-valid-answer", "with the key turned round the payload is readable"),
        ("mask-not-used", "5.2-binary", "the payload is not masked: XOR it with the key"),
        ("length-of-16-bits-always", "4.1-valid-answer", "write 2 into the 7 bits of the second"),
        ("little-endian-code", "4.1-valid-answer", "in little-endian the code would be 1000"),
        ("message-after-close", "5.5.1-no-message-after-close", "The program sends on after its"),
        ("binary-as-text", "5.2-binary", "Answer a message with its own opcode"),
        ("binary-as-text", "5.4-binary-in-three-fragments", "Answer a message with its own opco"),
        ("no-last-fragment", "5.2-text", "The last fragment of a message has FIN 1"),
        ("line-end-added", "5.2-text", "The message came back, but not as it was"),
        ("line-end-added", "5.4-ping-between-fragments", "The message came back, but not as it"),
        ("echo-twice", "4.1-frame-with-the-answer", "It sends more messages than it got"),
        ("no-pong", "5.5.2-ping", "Answer each Ping with a Pong as soon as"),
        ("empty-pong", "5.4-ping-between-fragments", "A Pong has the payload of its Ping"),
        ("pong-twice", "5.5.2-ping", "A Ping is answered with one Pong"),
        ("pong-is-a-ping", "5.5.2-ping", "opcode 10, and not with another Ping"),
        ("pong-is-a-message", "5.5.2-ping-of-125-bytes", "A control frame was answered as a mess"),
        ("fragments-are-messages", "5.4-two-fragments", "A fragment was answered as a message"),
        ("http-1-0", "4.1-http-1.1", "End the first line with HTTP/1.1"),
        ("post", "4.1-method-get", "Begin the first line with GET"),
        ("utf8-per-fragment", "5.4-fragments-of-one-byte", "A character may begin in one fragment"),
        ("text-in-upper-case", "5.6-characters-of-all-lengths", "Send the bytes of a text back as"),
        ("unmasked", "5.2-text", "Its text frame: a client must mask all it sends"),
        ("long-control-taken", "5.5-ping-of-126-bytes", "accepts this: a control frame with more"),
        ("any-order", "5.4-message-inside-another", "accepts this: a new message inside a frag"),
    ],
)
def test_the_hint_is_about_the_bytes_if_they_look_like_a_mistake(listener, mutation, name, hint):
    timeout = CAUGHT[mutation].timeout
    result = judge(listener, PlainClient(mutation).run, name, timeout=timeout)
    assert result.grade is Grade.FAIL
    assert hint in find_client_mistake(result)


def test_the_hint_is_about_the_frames_also_if_the_request_breaks_a_rule_too(listener):
    client = PlainClient("content-length", "unmasked")
    result = judge(listener, client.run, "8.1-byte-ff")
    hint = find_client_mistake(result)
    assert hint.startswith("Its frames break a rule. §5.1: an unmasked frame from the client")


@pytest.mark.rfc("6455-7.4.2-01", "6455-7.4.1-07")
@pytest.mark.parametrize(
    "code, grade",
    [
        (999, Grade.FAIL),
        (1005, Grade.FAIL),
        (1004, Grade.WEAK),
        (1016, Grade.WEAK),
        (5000, Grade.WEAK),
    ],
)
def test_7_4_to_repeat_a_code_fails_only_where_no_frame_may_have_it(listener, code, grade):
    result = judge(listener, PlainClient("any-close").run, f"7.4-code-{code}")
    assert result.grade is grade
    assert result.case.level is (Level.MUST if grade is Grade.FAIL else Level.CHOICE)


@pytest.mark.parametrize(
    "name, hint",
    [
        ("4.1-host-with-port", "Write Host: host:port"),
        ("4.1-accept-missing", "Compute base64(SHA-1(key + GUID))"),
        ("4.1-connection-as-list", "Split Connection at its commas"),
        ("4.1-connection-in-any-case", "Compare names and values of headers without regard"),
        ("4.1-frame-with-the-answer", "TCP is a stream"),
        ("5.1-masked-text", "Look at the MASK bit"),
        ("5.2-length-256", "After 126 the length is in 2 bytes"),
        ("5.3-key-not-zero", "Make 4 random bytes for each frame"),
        ("8.1-byte-ff", "Decode text strictly"),
    ],
)
def test_a_hint_says_what_to_do(name, hint):
    result = Result(CASES[name], Grade.FAIL, "nothing", "something")
    assert find_client_mistake(result).startswith(hint)
    assert find_client_mistake(replace(result, grade=Grade.PASS)) == ""


def test_each_hint_is_for_a_case():
    unused = [glob for glob, _ in HINTS if not any(fnmatchcase(name, glob) for name in CASES)]
    assert unused == []
    unknown = Result(CASES["9112-2.2-lf-alone"], Grade.FAIL, "nothing", "something")
    assert find_client_mistake(unknown) == ""


# What a client leaves out, and what it adds


def silent_client(uri):
    """It takes all messages, and sends none."""
    with suppress(ConnectionClosed, WebSocketException, OSError), connect(uri) as connection:
        for _ in connection:
            pass


def test_what_a_client_without_echoes_cannot_show_is_skipped_with_a_reason():
    names = ["4.1-valid-answer", "5.2-text", "5.2-binary", "5.2-empty-text", "5.5.2-ping"]
    for silence in (SILENCE, DEADLINE_S / 4):  # on a busy machine a Close and a Pong may be late
        results = session_of(silent_client, [*names, "5.1-masked-text"], timeout=silence)
        if [results[n].grade for n in (0, 4, 5)] == [Grade.PASS] * 3:
            break
    assert [(r.grade, r.seen) for r in results[1:4]] == [
        (Grade.SKIPPED, Need.ECHO.value),
        (Grade.SKIPPED, Need.BINARY.value),
        (Grade.SKIPPED, Need.ECHO.value),
    ]
    assert [results[n].grade for n in (0, 4, 5)] == [Grade.PASS] * 3


def test_a_client_that_never_answers_a_close_is_named_once_and_no_header_is_blamed():
    def curious_client(uri):
        """It looks at the answer, and ends TCP."""
        parts = urlsplit(uri)
        with socket.create_connection((parts.hostname, parts.port), DEADLINE_S) as sock:
            connection = Connection(PlainClient(), sock)
            with suppress(NoConnection, EOFError, OSError):
                connection.check(connection.request(parts), *connection.response())

    names = [name for name in CASES if name.startswith("4.1-")]
    failed = [r for r in session_of(curious_client, names) if r.grade is Grade.FAIL]
    accepted = [r for r in failed if r.case.best == Accepts()]
    assert "4.1-header-names-in-any-case" in {result.case.name for result in accepted}
    assert {find_client_mistake(result)[:45] for result in accepted} == {
        "No frame has come on any connection: if the p"
    }


def test_a_client_that_ends_tcp_at_a_close_is_not_blamed_for_the_headers_before_it():
    names = [name for name in CASES if name.startswith(("4.1-", "5.2-text"))]
    results = session_of(PlainClient("tcp-ends-without-close").run, names)
    accepted = [r for r in results if r.case.best == Accepts()]
    assert {r.grade for r in accepted} == {Grade.FAIL}
    assert {find_client_mistake(result)[:37] for result in accepted} == {
        "No Close was answered on any connecti"
    }


@pytest.mark.parametrize("mutation", ["other-guid", "no-key"])
def test_a_client_that_rejects_each_answer_gets_the_formula_of_the_accept(mutation):
    names = [name for name in CASES if name.startswith(("4.1-", "5.3-"))]
    results = session_of(PlainClient(mutation).run, names)
    hints = {result.case.name: find_client_mistake(result) for result in results}
    for name in ("4.1-valid-answer", "4.1-more-headers", "5.3-key-not-zero"):
        assert "SHA-1(key + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11)" in hints[name]


def test_a_close_that_is_lost_after_the_answer_is_blamed_on_no_header(listener):
    """The client has answered a Close before."""
    cases, history = named("4.1-close-with-the-answer"), History(has_closed=True)
    session = Session(listener, cases, running.ignore, SILENCE, history)
    client = PlainClient("bytes-after-the-head-lost")
    thread = Background(client.run, listener.uri(resource_of(1)))
    run = session.serve(listener.accept(DEADLINE_S), 1)
    thread.result()
    assert "One recv may return more than the head" in find_client_mistake(run.result)


def client_beginning_with(greeting):
    """It begins each connection with this, in which {} is a new number, and then it echoes."""
    number = count()

    def client(uri):
        with suppress(ConnectionClosed, WebSocketException, OSError), connect(uri) as connection:
            connection.send(greeting.format(next(number)))
            for message in connection:
                connection.send(message)

    return client


def test_a_message_with_which_a_client_begins_is_no_echo(monkeypatch):
    monkeypatch.setattr(serving, "GREETING_TIME", 1)  # for the first connection only
    names = ["5.2-text", "5.2-length-126", "4.1-frame-with-the-answer"]
    assert not_passed(session_of(client_beginning_with("I am here"), names)) == []


@pytest.fixture
def greeted(monkeypatch):
    """The client is known to begin with this message."""
    history = History(greetings=(Message(TEXT, b"I am number 0"),))
    monkeypatch.setattr(listening, "History", lambda: history)


def test_a_greeting_with_another_number_each_time_is_neither_an_echo_nor_early(greeted):
    names = ["5.2-text", "4.1-waits-for-the-answer", "5.2-length-126", "4.1-frame-with-the-answer"]
    client = client_beginning_with("I am number {}")
    assert not_passed(session_of(client, names, timeout=DEADLINE_S)) == []


def test_a_greeting_on_what_is_no_connection_says_that_it_was_taken_for_one(greeted):
    names = ["4.1-valid-answer", "4.1-status-503", "4.1-accept-missing"]
    client = PlainClient("status-ignored", "accept-ignored")
    client.greeting = b"hello"
    results = session_of(client.run, names, timeout=DEADLINE_S)
    assert [result.grade for result in results] == [Grade.PASS, Grade.FAIL, Grade.FAIL]
    assert [result.seen[:20] for result in results[1:]] == ["message text 'hello'"] * 2


def test_pongs_that_nothing_has_asked_for_disturb_no_case():
    def client(uri):
        with suppress(ConnectionClosed, WebSocketException, OSError), connect(uri) as connection:
            for message in connection:
                connection.pong(b"heartbeat")
                connection.send(message)
                connection.pong(b"heartbeat")

    names = ["5.4-ping-between-fragments", "5.2-text", "5.5.3-ten-pings", "5.5.3-unasked-pong"]
    assert not_passed(session_of(client, names, timeout=DEADLINE_S)) == []


def test_a_message_that_does_not_end_is_not_taken_for_no_echo():
    """The client closes in good order, so the case would be skipped without the fragments."""
    link = SimpleNamespace(crossed=[])
    for is_unfinished, grade in ((True, Grade.FAIL), (False, Grade.SKIPPED)):
        seen = ClientSeen(is_unfinished=is_unfinished, close=Close(1000))
        assert serving.judged(CASES["5.2-text"], seen, 0.0, link).grade is grade


def test_one_masking_key_is_not_compared_with_others():
    """The client answers no Ping, so its Close is its only frame."""
    seen = ClientSeen(keys=[MASKING_KEY], close=Close(1000))
    link = SimpleNamespace(crossed=[])
    result = serving.judged(CASES["5.3-new-key-for-each-frame"], seen, 0.0, link)
    assert (result.grade, result.seen) == (Grade.SKIPPED, Need.FRAMES.value)


@pytest.mark.parametrize(
    "mutation, reason",
    [("names-in-quotes", Need.SUBPROTOCOLS_VALID), ("bad-offer", Need.OFFER_VALID)],
)
def test_what_depends_on_a_list_that_is_invalid_is_skipped(mutation, reason):
    depending = [case.name for case in CASES.values() if reason in case.needs]
    results = session_of(PlainClient(mutation).run, depending, timeout=DEADLINE_S)
    assert {result.grade for result in results} == {Grade.SKIPPED}
    assert reason.value in {result.seen for result in results}


def test_a_message_that_is_inflated_wrongly_gets_a_hint_on_the_inflater(listener):
    """The second message comes back empty: the inflater has ended with the first one."""

    def client(uri):
        wire = Wire.connect(listener.sock.getsockname())
        wire.send(request(resource_of(1), "Sec-WebSocket-Extensions: permessage-deflate"))
        wire.receive_head()
        for message in (b"Hello", b""):
            wire.receive()
            wire.send_frame(TEXT, message)
        wire.receive()
        wire.send_frame(CLOSE, close_body(1000))
        wire.close()

    result = judge(listener, client, "7692-7.2.3.4-final-block-then-next")
    assert result.grade is Grade.FAIL
    assert "stops after a block with BFINAL=1" in find_client_mistake(result)


def sender_of(data):
    """A client that sends these bytes, and ends TCP."""

    def client(uri):
        parts = urlsplit(uri)
        with socket.create_connection((parts.hostname, parts.port), DEADLINE_S) as sock:
            sock.sendall(data)

    return client


def test_tls_where_none_is_expected_is_named(listener):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    result = judge(listener, sender_of(hello), "4.1-host")
    assert "TCP ends; §3: a TLS ClientHello; expected ws:// and no TLS" in result.seen
    assert "the client speaks wss://" in find_client_mistake(result)


def test_a_request_that_cannot_be_read_is_to_be_mended_before_all_else(listener):
    result = judge(listener, sender_of(b"GET / HTTP/2\r\n\r\n"), "4.1-host")
    assert result.seen.startswith("its request cannot be read: RFC 9112 §3: request line")
    assert find_client_mistake(result).startswith("Mend this first: no case can begin without")


@pytest.mark.parametrize("mutation", ["folded", "space-before-colon"])
def test_a_fault_of_a_line_hides_no_other_header(mutation):
    names = [case.name for case in CLIENT_GROUPS[0].cases if not is_about_extensions(case)]
    results = session_of(PlainClient(mutation).run, names, timeout=DEADLINE_S)
    failed = [result.case.name for result in results if result.grade is Grade.FAIL]
    assert failed == ["4.1-well-formed-request"]


def test_a_client_that_offers_nothing_is_not_asked_about_it():
    names = ["4.1-origin-form", "4.1-subprotocol-tokens", "9.1-extension-grammar"]
    results = session_of(silent_client, [*names, "7692-7-bad-value"])
    assert [r.seen for r in results] == [
        Need.ORIGIN.value,
        Need.SUBPROTOCOLS.value,
        Need.EXTENSIONS.value,
        Need.OFFER.value,
    ]


@pytest.mark.parametrize(
    "name, need",
    [
        ("4.1-key-new-for-each-connection", Need.EARLIER),
        ("4.1-key-random", Need.KEYS),
        ("5.3-key-not-predictable", Need.MASKS),
        ("10.3-keys-differ-between-connections", Need.STARTS),
    ],
)
def test_keys_are_not_judged_on_one_connection(listener, name, need):
    result = judge(listener, PlainClient().run, name)
    assert (result.grade, result.seen) == (Grade.SKIPPED, need.value)


def test_masking_keys_are_not_compared_with_a_connection_without_a_frame(listener):
    def leave(uri):
        wire = Wire.connect(listener.sock.getsockname())
        wire.send(request(resource_of(1)))
        wire.receive_head()
        wire.close()

    result = judge(listener, leave, "10.3-keys-differ-between-connections", connections=2)
    assert (result.grade, result.seen) == (Grade.SKIPPED, Need.STARTS.value)


# How a client comes to its cases


def receive_message(uri):
    with connect(uri) as connection:
        return connection.recv(timeout=DEADLINE_S)


def test_the_convention_of_autobahn(listener):
    received = []

    def client():
        def ask(resource):
            received.append(json.loads(receive_message(listener.uri(resource))))

        ask("/getCaseCount")
        ask("/getCaseInfo?case=2")
        ask("/getCaseInfo?case=3")
        ask("/getCaseStatus?case=1&agent=test")
        refws_client(listener.uri("/runCase?case=1&agent=test"))
        ask("/getCaseStatus?case=1&agent=test")
        refws_client(listener.uri("/updateReports?agent=test"))

    thread = Background(client)
    results = run_clients(listener, named("5.2-text", "5.2-binary"))
    thread.result()
    assert received == [
        2,
        {"id": "5.2-binary", "description": CASES["5.2-binary"].rule},
        {},
        {"behavior": "UNIMPLEMENTED"},
        {"behavior": "OK"},
    ]
    assert [result.grade for result in results] == [Grade.PASS, Grade.SKIPPED]


def test_a_client_that_knows_one_address_gets_one_case_after_the_other(listener):
    names = ["4.1-valid-answer", "5.2-text", "5.5.2-ping"]
    noted = []

    def client():
        for _ in names:
            refws_client(listener.uri("/chat"))

    thread = Background(client)
    results = run_clients(listener, named(*names), progress=noted.append, wait=DEADLINE_S)
    thread.result()
    assert [result.case.name for result in results] == names
    assert [result.case.name for result in noted] == names
    assert not_passed(results) == []


def test_a_case_that_is_run_again_has_its_last_result():
    client = iter([PlainClient("empty-pong").run, PlainClient().run])
    with Listener("127.0.0.1", 0) as listener:

        def run_twice():
            for run in client:
                run(listener.uri("/runCase?case=1"))

        thread = Background(run_twice)
        results = run_clients(listener, named("5.5.2-ping"), timeout=DEADLINE_S)
        thread.result()
    assert not_passed(results) == []


def test_without_any_connection_in_time_nothing_is_checked(listener):
    with pytest.raises(NoClient) as error:
        run_clients(listener, named("5.2-text"), wait=IN_TIME)
    assert str(error.value) == f"nothing has connected for a case within {IN_TIME:g} s"


def test_a_client_that_is_done_before_any_case_is_no_success(listener):
    thread = Background(refws_client, listener.uri("/updateReports?agent=test"))
    with pytest.raises(NoClient, match="has connected for no case"):
        run_clients(listener, named("5.2-text"))
    thread.result()


def test_a_client_that_does_not_come_again_fails_the_next_case_and_the_rest_is_skipped(listener):
    wire = Wire.connect(listener.sock.getsockname())
    wire.send(request("/"))
    names = ["4.1-method-get", "5.2-binary", "5.2-empty-text"]
    results = run_clients(listener, named(*names), wait=IN_TIME, timeout=SILENCE)
    wire.close()
    assert [result.grade for result in results] == [Grade.PASS, Grade.FAIL, Grade.SKIPPED]
    assert results[1].seen.startswith("nothing has connected for a case within ")
    assert results[1].expected == "a connection for each case"
    assert results[2].seen == "it did not connect for this case"


def test_ctrl_c_ends_the_wait_and_what_has_run_is_kept(listener):
    def interrupt(result):
        raise KeyboardInterrupt

    thread = Background(PlainClient().run, listener.uri("/"))
    results = run_clients(listener, named("5.2-text", "5.2-binary"), progress=interrupt)
    thread.result()
    assert [(result.case.name, result.grade) for result in results] == [("5.2-text", Grade.PASS)]


@pytest.mark.parametrize(
    "data, given",
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", None),
        (request("/redirected"), None),
        (request("/runCase?case=2"), None),
        (request("/runCase?case=no"), None),
        (request("/redirected"), 1),
        (request("/runCase?case=2"), 1),
    ],
)
def test_a_request_that_is_for_no_case_is_refused(listener, data, given):
    session = Session(listener, named("5.2-text"), running.ignore)
    wire = Wire.connect(listener.sock.getsockname())
    wire.send(data)
    served = Background(session.serve, listener.accept(DEADLINE_S), given)
    status, headers = wire.receive_head()
    assert (status, headers["upgrade"]) == (426, "websocket")
    wire.close()
    assert served.result() is None


def test_a_connection_without_a_byte_is_for_no_case(listener):
    session = Session(listener, named("5.2-text"), running.ignore)
    Wire.connect(listener.sock.getsockname()).close()
    assert session.serve(listener.accept(DEADLINE_S)) is None


@pytest.mark.parametrize(
    "data, seen",
    [
        (b"hello\r\n\r\n", "its request cannot be read: RFC 9112 §3: request line 'hello'"),
        (bytes(70_000), "no whole request, but "),
        (b"GET / HTTP/1.1\r\n", "no whole request, but 16 bytes; TCP ends"),
        (b"\x16\x03\x01\r\n\r\n", "its request cannot be read: §3: a TLS ClientHello"),
    ],
)
def test_what_is_no_request_fails_the_case(listener, data, seen):
    session = Session(listener, named("5.2-text"), running.ignore)
    wire = Wire.connect(listener.sock.getsockname())
    wire.send(data)
    wire.half_close()
    served = Background(session.serve, listener.accept(DEADLINE_S))
    result = served.result().result
    wire.close()
    assert result.grade is Grade.FAIL
    assert result.seen.startswith(seen)


def test_a_client_without_a_request_passes_no_case(listener):
    session = Session(listener, list(CASES.values()), running.ignore)
    for number in range(1, len(CASES) + 1):
        with connected(listener.sock.getsockname()) as sock:
            sock.sendall(b"hello\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            run = session.serve(listener.accept(DEADLINE_S))
            session.note(*run)
            assert (run.number, run.result.grade) == (number, Grade.FAIL)


def test_an_internal_error_is_a_result(listener, monkeypatch):
    monkeypatch.setattr(listening, "run_case", None)
    thread = Background(PlainClient().run, listener.uri("/"))
    (result,) = run_clients(listener, named("5.2-text"), wait=DEADLINE_S)
    thread.result()
    assert result.grade is Grade.FAIL
    assert result.seen.startswith("an internal error of refws, ")


# TLS


@pytest.fixture
def secure_listener(nothing_left_behind):
    with Listener("127.0.0.1", 0, security_from(LOCALHOST, KEY)) as listener:
        yield listener


def test_a_client_that_does_not_trust_the_certificate_is_told_so(secure_listener):
    code = "import ssl, socket; port = int(sys.argv[1].split(':')[2].split('/')[0]); "
    code += "sock = socket.create_connection(('127.0.0.1', port)); "
    code += "ssl.create_default_context().wrap_socket(sock, server_hostname='127.0.0.1')"
    (result,) = run_clients(secure_listener, named("5.2-text"), command(code))
    assert result.grade is Grade.FAIL
    assert result.seen.startswith("the command ended with exit status 1, without a connection; no")
    assert "no TLS: the peer does not accept our certificate, its alert says 'unknown ca'; " in (
        result.seen
    )
    assert "certificate verify failed" in result.output


def test_plain_http_where_tls_is_expected_is_no_case_and_the_report_says_so(secure_listener):
    wire = Wire.connect(secure_listener.sock.getsockname())
    wire.send(request("/"))
    with pytest.raises(NoClient) as error:
        run_clients(secure_listener, named("5.2-text"), wait=IN_TIME)
    wire.close()
    assert " s; no TLS: the peer sends plain" in str(error.value)


@pytest.mark.parametrize("resets", [False, True])
def test_a_connection_that_ends_before_tls_is_for_no_case(secure_listener, resets):
    session = Session(secure_listener, named("5.2-text"), running.ignore)
    wire = Wire.connect(secure_listener.sock.getsockname())
    if resets:
        wire.reset()
    wire.close()
    assert session.serve(secure_listener.accept(DEADLINE_S)) is None
    assert session.tls_problem == ""


# A command for each case


def command(code):
    """Python code as a command, with the URL in `sys.argv[1]`."""
    return shlex.join([sys.executable, "-c", f"import sys, time; {code}", "{url}"])


def test_a_command_is_started_for_each_case(listener):
    names = ["4.1-target-is-resource-name", "4.1-host-with-port", "4.1-key-new-for-each-connection"]
    client = shlex.join([sys.executable, str(PROGRAM), "{url}"])
    assert not_passed(run_clients(listener, named(*names), client)) == []


def test_what_a_command_prints_is_kept(listener):
    code = "print('x' * 20000, sys.argv[1], flush=True); sys.exit('no such host')"
    (result,) = run_clients(listener, named("5.2-text"), command(code))
    assert result.grade is Grade.FAIL
    assert result.seen == "the command ended with exit status 1, without a connection"
    assert result.output.startswith("xxx")
    assert len(result.output) == 16 * 1024
    assert result.output.endswith(f" {listener.uri(resource_of(1))}\nno such host\n")


def test_a_command_that_hangs_is_killed(listener):
    code = "time.sleep(60)"
    (result,) = run_clients(listener, named("5.2-text"), command(code), deadline=SILENCE)
    assert result.seen == "the command did not connect within 0.2 s"
    assert result.expected == "a connection for each case; --wait 60 gives the command more time"


@pytest.mark.parametrize("jobs", [1, 2])
def test_commands_that_never_connect_are_given_up(listener, jobs):
    names = ["5.2-text", "5.2-binary", "5.2-empty-text"]
    results = run_clients(listener, named(*names), command("sys.exit(3)"), jobs=jobs)
    assert [result.grade for result in results] == [Grade.FAIL, Grade.FAIL, Grade.SKIPPED]


def test_jobs_is_how_many_commands_run_at_a_time(listener, tmp_path):
    """Each connects only when both run, and asks for less than it should: its port says enough."""
    client = "import os, pathlib, runpy; "
    client += f"here = pathlib.Path({str(tmp_path)!r}); (here / str(os.getpid())).touch(); "
    client += "[time.sleep(0.01) for _ in iter(lambda: len(list(here.iterdir())) < 2, False)]; "
    client += f"runpy.run_path({str(PROGRAM)!r})['echo'](sys.argv[1].partition('/runCase')[0])"
    noted = []
    names = ["4.1-host-with-port", "5.2-text"]
    results = run_clients(listener, named(*names), command(client), noted.append, jobs=2)
    assert not_passed(results) == []
    assert noted == results


def test_what_clients_side_by_side_show_is_put_together(listener):
    """The cases that judge several connections run last, so that there are enough."""
    names = ["4.1-key-random", "4.1-key-new-for-each-connection", *list(CASES)[: MANY_KEYS + 1]]
    client = shlex.join([sys.executable, str(PROGRAM), "{url}"])
    noted = []
    results = run_clients(listener, named(*names), client, noted.append, jobs=2)
    assert not_passed(results) == []
    assert noted == [*results[2:], *results[:2]]


def test_ctrl_c_ends_the_commands_that_run(listener):
    """The first one ends, the second one waits until it is killed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        port = server.getsockname()[1]
        code = f"import socket; sock = socket.create_connection(('127.0.0.1', {port})); "
        code += "'case=1&' in sys.argv[1] and sys.exit(1); sock.recv(1)"
        alive = []

        def interrupt(result):
            alive.append(server.accept()[0])
            alive.append(server.accept()[0])
            raise KeyboardInterrupt

        names = ["5.2-text", "5.2-binary", "5.2-empty-text"]
        results = run_clients(listener, named(*names), command(code), interrupt, jobs=2)
        for sock in alive:
            with sock:
                sock.settimeout(DEADLINE_S)
                assert sock.recv(1) == b""
    assert [(result.case.name, result.grade) for result in results] == [("5.2-text", Grade.FAIL)]


@pytest.mark.parametrize(
    "text, message",
    [
        ("client", "has no {url} after its first word"),
        ("{url}", "has no {url} after its first word"),
        ("client '{url}", "put quotes in pairs"),
        ("/no/such/client {url}", "give the path of a program"),
    ],
)
def test_a_command_that_cannot_be_started_is_refused(listener, text, message):
    with pytest.raises(BadCommand) as error:
        run_clients(listener, named("5.2-text"), text)
    assert message in str(error.value)


# The table


def test_each_case_has_a_name_of_its_own_and_a_rule_in_a_sentence():
    cases = [case for group in CLIENT_GROUPS for case in group.cases]
    assert len(CASES) == len(cases) >= 64
    assert [case.name for case in cases if not case.rule.endswith((".", "?"))] == []


# The command


def test_the_command_says_where_to_connect(capfd):
    client = shlex.join([sys.executable, str(PROGRAM), "{url}"])
    group = replace(CLIENT_GROUPS[0], cases=tuple(named("4.1-version-13", "4.1-upgrade")))
    noted = []
    results = check_clients("127.0.0.1", 0, [group], client, noted.append)
    assert not_passed(results) == []
    assert noted == results
    said = capfd.readouterr().err
    assert said.startswith("2 cases: the command is started for each, with a URL of ws://127.0.0.1")


def test_a_command_has_as_long_as_wait_says_to_connect(capsys):
    group = replace(CLIENT_GROUPS[0], cases=tuple(named("4.1-version-13")))
    client, note = command("time.sleep(60)"), running.ignore
    (result,) = check_clients("127.0.0.1", 0, [group], client, note, wait=SILENCE)
    assert result.seen == "the command did not connect within 0.2 s"


def test_without_a_command_it_names_the_addresses_for_clients(capsys):
    group = replace(CLIENT_GROUPS[0], cases=tuple(named("4.1-version-13")))
    with pytest.raises(CannotListen) as error:
        check_clients("127.0.0.1", 0, [group], None, running.ignore, wait=IN_TIME)
    assert ", so nothing is checked: start it with ws://127.0.0.1:" in str(error.value)
    said = capsys.readouterr().err
    assert "must send each message back: 1 case\n" in said
    assert "/runCase?case=1&agent=NAME and so on" in said


def test_a_port_that_is_in_use_is_explained(listener):
    with pytest.raises(CannotListen) as error:
        check_clients("127.0.0.1", listener.port, [], None, running.ignore)
    assert "stop the program that uses it" in str(error.value)


def test_a_bad_command_is_explained(capsys):
    with pytest.raises(CannotListen) as error:
        check_clients("127.0.0.1", 0, [], "client", running.ignore)
    assert str(error.value).startswith("--command 'client' has no {url} after its first word; ")
