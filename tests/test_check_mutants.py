"""`refws check` finds each broken rule, and says what to do: the proof is a plain server.

Whole, it passes every case. With one rule broken at a time, the case that names the rule fails, or
is weak where the RFC only recommends, and the hint names the mistake.
"""

import re
from dataclasses import replace
from typing import NamedTuple

import pytest

from checks import OPENED, result
from mutants.broken import mutations
from mutants.plain_server import PlainServer
from refws.check import engine
from refws.check.engine import Grade, grade, run
from refws.check.groups import GROUPS
from refws.check.link import Crossed
from refws.check.mistakes.table import find_mistake
from refws.check.seen import End
from refws.check.survey import survey
from refws.check.target import Target
from refws.protocol.client.uri import parse_uri
from refws.protocol.close import Close
from refws.protocol.frame import Side
from wire import SAMPLE_KEY, request, response

pytestmark = pytest.mark.slow

CASES = {case.name: case for group in GROUPS for case in group.cases}

SILENCES = 0.2, 1, 5
"""Seconds after which a server with a broken rule is taken as silent, for each try."""


class Caught(NamedTuple):
    """The case that finds a mutation, words of the hint, and the grade of the case."""

    case: str
    hint: str
    grade: Grade = Grade.FAIL


def weak(case, hint):
    return Caught(case, hint, Grade.WEAK)


BEFORE_THE_101 = {
    "head-is-one-read": Caught("4.2.1-head-in-packets", "one recv may return a part"),
    "space-before-colon-taken": Caught("9112-5.1-space-before-colon", "space before the colon"),
    "header-names-with-case": Caught("4.2.1-names-in-lower-case", "put them in lower case"),
    "first-header-wins": Caught("4.2.1-connection-in-two-lines", "join its lines"),
    "http-1-0-taken": Caught("9110-7.8-http-1.0", "HTTP/1.1"),
    "method-ignored": Caught("4.2.1-post", "§4.2.1 item 1 expects GET"),
    "host-not-checked": Caught("9112-3.2-two-hosts", "2 Host headers"),
    "body-ignored": Caught("9112-6.3-body-is-no-frame", "no body"),
    "upgrade-with-case": Caught("4.2.1-upgrade-in-mixed-case", "without regard to case"),
    "connection-compared-whole": Caught("4.2.1-connection-of-firefox", "at the commas"),
    "upgrade-as-a-substring": Caught("4.2.1-upgrade-to-websockets", "Upgrade: websocket"),
    "connection-as-a-substring": Caught("4.2.1-connection-upgraded", "Connection: Upgrade"),
    "connection-ignored": Caught("4.2.1-connection-keep-alive", "Connection: Upgrade"),
    "key-not-checked": Caught("11.3.1-two-keys", "2 Sec-WebSocket-Key headers"),
    "length-of-the-key-alone": Caught("4.2.1-key-in-base64url", "16 random bytes in base64"),
    "spaces-of-the-key-kept": Caught("4.2.2-spaces-around-key", "white space around it"),
    "version-ignored": Caught("4.4-version-14", "Sec-WebSocket-Version: 13"),
    "426-without-our-version": Caught("4.4-version-14", "should be 426"),
    "426-without-upgrade": Caught("9110-15.5.22-upgrade-in-426", "should be 426, with Upgrade"),
    "version-as-a-number": Caught("4.3-version-with-zero", "Sec-WebSocket-Version: 13"),
    "version-in-a-list": Caught("4.3-list-of-versions", "Sec-WebSocket-Version: 13"),
    "two-origins-taken": weak("4.2.1-origin-twice", "at most one"),
    "subprotocols-not-parsed": weak("4.3-subprotocol-with-space", "comma list of tokens"),
    "extensions-not-parsed": Caught("9.1-extension-with-space", "expects a token"),
    "subprotocols-echoed": Caught("4.2.2-three-unknown-subprotocols", "one name of the list"),
    "extensions-echoed": Caught("4.2.2-unknown-extension", "what the program implements"),
    "101-with-content-length": Caught("4.2.2-no-content-length", "leave it out"),
    "accept-without-guid": Caught("4.2.2-key-of-the-rfc", "without the GUID: append it"),
    "accept-with-guid-in-lower-case": Caught("4.2.2-key-of-the-rfc", "GUID in lower case"),
    "accept-of-the-decoded-key": Caught("4.2.2-key-of-the-rfc", "decoded key"),
    "accept-with-a-line-end": Caught("4.2.2-key-of-the-rfc", "a line end after the GUID"),
    "accept-in-hexadecimal": Caught("4.2.2-key-of-the-rfc", "SHA-1 in hexadecimal"),
    "accept-without-padding": Caught("4.2.2-key-of-the-rfc", "without its padding"),
    "line-end-after-the-accept": Caught("4.2.2-key-of-the-rfc", "ends with LF: strip it"),
    "answers-with-lf-alone": Caught("4.2.2-key-of-the-rfc", r"with \r\n, also the empty one"),
    "continue-after-the-101": Caught("9110-10.1.1-expect-without-body", "HTTP"),
    "blank-line-after-the-head": Caught("5.2-text", "one empty line too many"),
}

FRAMES = {
    "bytes-after-the-head-lost": weak(
        "4.2.2-frame-in-the-packet-of-the-head", "together with the end of the request"
    ),
    "one-read-is-one-frame": Caught("5.2-cut-in-the-key", "a frame may arrive in parts"),
    "waits-before-each-frame": Caught("5.2-two-frames-in-one-packet", "wait for more bytes"),
    "unmasked-frame-taken": Caught("5.1-unmasked-text", "an unmasked frame"),
    "masks-its-replies": Caught("5.2-text", "a server must not mask"),
    "mask-from-a-wrong-offset": Caught("5.2-text", "byte i % 4 of the key"),
    "mask-restarts-with-each-read": Caught("5.2-cut-in-the-payload", "byte i % 4 of the key"),
    "rsv-ignored": Caught("5.2-rsv1", "RSV1 is 1"),
    "reserved-opcode-ignored": Caught("5.2-opcode-0x3", "reserved opcode 0x3"),
    "little-endian-length-read": Caught("5.2-binary-of-126-bytes", "most significant byte first"),
    "little-endian-length-written": Caught("5.2-text-of-126-bytes", "in little-endian"),
    "64-bit-length-in-4-bytes": Caught("5.2-text-of-65536-bytes", "127 in the next 8"),
    "16-bit-length-for-all": Caught("5.2-text-of-65536-bytes", "does not fit 16 bits"),
    "126-in-7-bits": Caught("5.2-text-of-126-bytes", "does not fit the 7 bits"),
    "length-in-characters": Caught("5.6-two-bytes", "counts bytes"),
    "top-bit-of-the-length-ignored": weak("5.2-length-with-the-top-bit", "1002, not 1009"),
    "long-form-of-the-length-taken": weak("5.2-length-5-in-16-bits", "the shortest form"),
    "frame-written-as-text": Caught("5.2-text", "c2 81 are 81 in UTF-8"),
    "line-end-after-a-frame": Caught("5.2-text", "println"),
    "text-without-a-frame": Caught("5.2-text", "without a frame around it"),
    "compressed-text-without-a-frame": Caught("5.2-text", "a payload without its header"),
    "compressed-text-without-rsv1": Caught("5.2-text", "RSV1 must be 1 in the first frame"),
    "frames-of-hixie-76": Caught("5.2-text", "Hixie-76 framed a message"),
    "4-bytes-of-length-written": Caught("5.2-text-of-65536-bytes", "were only 4 written"),
    "7-bits-never-used": Caught("5.5.2-ping", "into the 7 bits of the second byte"),
    "65536-in-16-bits": Caught("5.2-text-of-65536-bytes", "does not fit 16 bits"),
    "rsv3-written": Caught("5.2-text", "RSV2 or RSV3 is 1"),
}

MESSAGES = {
    "text-sent-as-binary": Caught("5.2-text", "with its own opcode"),
    "continuation-frames-unknown": Caught("5.4-two-fragments", "opcode 0 continues"),
    "continuation-without-a-start-taken": Caught("5.4-continuation-first", "no message to"),
    "new-message-inside-taken": Caught("5.4-text-in-a-message", "a new message inside"),
    "fragments-echoed-one-by-one": Caught("5.4-two-fragments", "up to the frame with FIN 1"),
    "fragments-echoed-as-they-are": Caught("5.4-two-fragments", "up to the frame with FIN 1"),
    "fragments-are-global": Caught(
        "7.1.4-client-gone-between-fragments", "an earlier message has left"
    ),
    "ping-ends-the-message": Caught("5.4-ping-between-fragments", "keep the fragments"),
    "utf8-not-checked": Caught("8.1-overlong-slash", "text that is not UTF-8"),
    "surrogates-taken": Caught("8.1-first-surrogate", "without surrogates"),
    "utf8-checked-per-fragment": Caught("5.6-cut-in-two-bytes", "one incremental decoder"),
    "crashes-at-binary": Caught("5.6-binary-that-is-no-utf-8", "do not decode it"),
    "crashes-at-half-a-character": Caught("5.6-cut-in-two-bytes", "incremental decoder for all"),
    "utf8-checked-at-the-end": weak("8.1-noticed-before-the-frame-ends", "as it arrives"),
    "bad-utf8-fails-with-1002": weak("8.1-overlong-slash", "1007, not 1002"),
    "binary-must-be-utf8": Caught("5.2-binary-of-1-bytes", "do not decode it"),
    "last-fragment-only": Caught("5.4-two-fragments", "up to the frame with FIN 1"),
    "empty-frames-dropped": Caught("5.4-empty-last-fragment", "counts nevertheless"),
    "echoes-twice": Caught("5.2-text", "more messages came back than were sent"),
    "four-byte-characters-refused": Caught("5.6-four-bytes", "1 to 4 bytes"),
    "text-of-100-bytes-at-most": Caught("5.2-text-of-125-bytes", "the end of the message is"),
    "text-ends-at-nul": Caught("5.6-nul", "back as they are"),
    "byte-order-mark-removed": Caught("5.6-byte-order-mark", "back as they are"),
    "text-normalized": Caught("5.6-not-normalized", "back as they are"),
}

CONTROL_AND_CLOSE = {
    "control-frames-are-text": Caught("5.5.1-close", "look at the opcode"),
    "no-pong": Caught("5.5.2-ping", "each Ping is answered"),
    "pong-without-payload": Caught("5.5.2-ping", "the payload of its Ping"),
    "pong-for-a-pong": Caught("5.5.3-empty-pong", "do nothing about a Pong"),
    "pong-not-expected": Caught("5.5.3-empty-pong", "is to be ignored"),
    "pong-twice": Caught("5.5.2-ping", "more Pongs came than Pings were sent"),
    "pongs-in-reverse": Caught("5.5.2-ten-pings-in-one-packet", "in the order"),
    "ping-must-be-utf8": Caught("5.5.2-ping-that-is-no-text", "do not decode it"),
    "fragmented-ping-taken": Caught("5.5-ping-without-fin", "a fragment of a control frame"),
    "long-control-frame-taken": Caught("5.5-ping-of-126-bytes", "at most 125"),
    "close-not-echoed": Caught("5.5.1-close", "a Close is answered with a Close"),
    "close-code-always-1000": weak("7.4-close-1001", "the code that is in it, 1001"),
    "close-code-ignored": Caught("7.4-close-999-is-invalid", "close code 999"),
    "close-code-in-little-endian": Caught("5.5.1-close", "in little-endian"),
    "close-body-of-1-byte-taken": weak("5.5.1-close-with-one-byte", "a body of 1 byte"),
    "close-reason-not-checked": weak("5.5.1-reason-with-byte-ff", "reason that is not UTF-8"),
    "close-reason-without-a-code": Caught("5.5.1-close", "a reason without a code"),
    "empty-close-answered-with-1005": Caught("5.5.1-close-without-a-body", "never sent"),
    "empty-close-answered-with-0": Caught("5.5.1-close-without-a-body", "close code 0"),
    "close-codes-above-2999-refused": Caught("7.4-close-3000", "1007 to 1014 and 3000 to 4999"),
    "fails-with-an-empty-close": weak("5.1-unmasked-text", "but the Close has none"),
    "answers-after-close": Caught("5.5.1-message-after-close", "sends on after its Close"),
    "fails-with-1000": weak("5.1-unmasked-text", "1002, not 1000"),
    "fails-without-a-close": weak("5.1-unmasked-text", "before you end TCP"),
    "tcp-left-open": weak("5.5.1-message-after-close", "the server ends TCP"),
    "tcp-reset": weak("5.5.1-message-after-close", "shut down its sending side"),
}

DEFLATE = {
    "first-offer-only": weak("7692-7-unknown-parameter-then-a-valid-offer", "each one in the list"),
    "unknown-parameter-taken": Caught("7692-7-unknown-parameter", "decline an offer"),
    "parameter-twice-taken": Caught("7692-7-parameter-twice", "decline an offer"),
    "bits-with-a-zero-taken": Caught(
        "7692-7-client-max-window-bits-with-a-zero-before-it", "decline an offer"
    ),
    "server-bits-not-repeated": Caught("7692-5.2-value-in-quotes", "a window of 15 bits"),
    "client-bits-not-asked-for": Caught(
        "7692-7.1.3-offer-without-parameters", "the offer did not have it"
    ),
    "deflate-answered-twice": Caught("7692-7.1.3-offer-without-parameters", "at most once"),
    "tail-not-appended": Caught("7692-7.2.3.1-one-block", "append 00 00 ff ff"),
    "final-block-ends-the-message": Caught(
        "7692-7.2.3.4-final-block-then-a-block", "make a new inflater"
    ),
    "window-not-kept": Caught(
        "7692-7.2.3.2-reference-to-the-message-before", "keep one inflater for all messages"
    ),
    "fragments-inflated-one-by-one": Caught(
        "7692-6.2-fragments-of-one-byte", "the payloads of all fragments are one stream"
    ),
    "binary-not-inflated": Caught("7692-6-binary", "inflate it before you send it back"),
    "bad-deflate-taken": Caught("7692-7.2.2-plain-text-with-rsv1", "not DEFLATE data"),
    "utf8-not-checked-after-inflating": Caught(
        "7692-6.1-text-is-not-utf-8-after-inflating", "text that is not UTF-8"
    ),
    "uncompressed-message-refused": Caught("7692-6-uncompressed-message", "take it as it is"),
    "rsv1-in-a-continuation-taken": Caught(
        "7692-6.1-rsv1-in-a-continuation", "RSV1 is 1 in a continuation"
    ),
    "rsv1-in-control-frames-taken": Caught("7692-6.1-rsv1-in-a-ping", "RSV1 is 1 in a control"),
    "pong-compressed": Caught("7692-6-ping-is-not-inflated", "RSV1 is 1 in a control frame"),
    "deflate-with-a-header": Caught("7692-7.2.3.1-one-block", "raw DEFLATE"),
    "tail-left": Caught("7692-7.2.3.2-fifty-messages-in-one-context", "00 00 ff ff, away"),
    "empty-message-without-payload": Caught("7692-7.2.3.6-empty", "sync flush"),
    "server-takes-over-nevertheless": Caught(
        "7692-7.2.1-server-no-context-takeover-is-kept", "a new compressor for each message"
    ),
    "server-bits-ignored": Caught("7692-7.2.1-server-window-of-9-bits-is-kept", "wbits=-9"),
    "names-by-their-start": Caught("9.1-extension-with-a-longer-name", "the program implements"),
}

CAUGHT = {**BEFORE_THE_101, **FRAMES, **MESSAGES, **CONTROL_AND_CLOSE, **DEFLATE}
"""Each mutation of the plain server, and what finds it."""

ALSO_CAUGHT = (
    ("one-read-is-one-frame", Caught("5.4-200-fragments-in-one-packet", "several frames")),
    ("fragments-echoed-one-by-one", Caught("5.4-empty-last-fragment", "the frame with FIN 1")),
    ("fragments-echoed-one-by-one", Caught("5.1-unmasked-continuation", "the frame with FIN 1")),
    ("control-frames-are-text", Caught("5.5.2-ping", "look at the opcode")),
    ("control-frames-are-text", Caught("5.2-text", "look at the opcode")),
    ("fragments-echoed-one-by-one", Caught("5.6-cut-in-two-bytes", "the frame with FIN 1")),
    ("utf8-not-checked", Caught("8.1-latin-1", "accepts this: text that is not UTF-8")),
    ("utf8-not-checked", Caught("8.1-overlong-nul", "accepts this: text that is not UTF-8")),
    ("utf8-not-checked", Caught("8.1-cut-at-the-end-of-two", "accepts this: text that is not")),
    ("text-of-100-bytes-at-most", Caught("10.4-message-of-1-mib", "the end of the message is")),
    ("utf8-not-checked", Caught("8.1-in-the-first-fragment", "accepts this: text that is not")),
    ("utf8-not-checked", Caught("8.1-cut-before-an-empty-last-fragment", "accepts this: text")),
    ("long-control-frame-taken", Caught("5.5-ping-of-127-bytes", "accepts this: a control frame")),
    ("close-code-ignored", Caught("7.4-close-1006-is-invalid", "accepts this: close code 1006")),
    ("little-endian-length-read", Caught("5.2-text-of-65536-bytes", "byte first")),
    ("binary-must-be-utf8", Caught("5.6-binary-in-fragments-that-is-no-utf-8", "do not decode it")),
    ("mask-restarts-with-each-read", Caught("5.2-byte-by-byte", "byte i % 4 of the key")),
    ("answers-after-close", weak("5.5.2-ping-after-close", "sends on after its Close")),
    ("long-control-frame-taken", weak("5.5-close-of-126-bytes", "at most 125")),
)
"""Mutations in other cases, where other clues show the same mistake."""

LEFT_OPEN = {"lf-alone-taken": "9112-2.2-lf-alone"}
"""Each mutation that no RFC forbids, and the case that must not find it."""


def target_of(server, **options):
    return Target(parse_uri(f"ws://127.0.0.1:{server.port}/"), **options)


@pytest.fixture(scope="module")
def abilities():
    """What the plain server can do."""
    with PlainServer() as server:
        return survey(target_of(server))


def test_the_plain_server_passes_every_quick_case(abilities, nothing_left_behind):
    with PlainServer() as server:
        target = target_of(server)
        results = [run(case, target, abilities) for case in CASES.values() if not case.slow]
    fine = {Grade.PASS, Grade.SKIPPED}
    assert [(r.case.name, r.seen, r.expected) for r in results if r.grade not in fine] == []
    assert not any(find_mistake(result) for result in results)


def test_each_mutation_has_a_case_that_finds_it():
    assert mutations() == set(CAUGHT) | set(LEFT_OPEN)
    assert {caught.case for caught in CAUGHT.values()} | set(LEFT_OPEN.values()) <= set(CASES)


@pytest.mark.parametrize(("mutation", "caught"), (*CAUGHT.items(), *ALSO_CAUGHT))
def test_a_broken_rule_is_found_and_explained(
    mutation, caught, abilities, monkeypatch, nothing_left_behind
):
    """On a busy machine a server may read two pieces at once, and then a cut does not hurt it; or
    it answers late.
    """
    for silence in SILENCES:
        monkeypatch.setattr(engine, "PROBE_AFTER", silence / 2)
        with PlainServer(mutation) as server:
            result = run(CASES[caught.case], target_of(server, timeout=silence), abilities)
        hint = find_mistake(result)
        if result.grade is caught.grade and caught.hint.lower() in hint.lower():
            break
    assert result.grade is caught.grade, (result.seen, result.expected)
    assert caught.hint.lower() in hint.lower()
    assert re.fullmatch(r"[^a-z].*[^.?][.?]", hint)


@pytest.mark.parametrize("mutation", LEFT_OPEN)
def test_what_the_rfcs_leave_open_is_no_fault(mutation, abilities, nothing_left_behind):
    with PlainServer(mutation) as server:
        result = run(CASES[LEFT_OPEN[mutation]], target_of(server), abilities)
    assert result.grade is Grade.PASS
    assert find_mistake(result) == ""


@pytest.mark.parametrize(
    "name, seen, hint",
    [
        ("7.1.4-half-close", OPENED, "at the end of TCP a read returns no byte"),
        ("10.4-frame-of-2-to-the-62-bytes", OPENED, "look at the length before you wait"),
        (
            "10.4-message-of-1-mib",
            replace(OPENED, end=End.FIN),
            "what is too long for the program is refused with 1009",
        ),
        ("5.2-text", OPENED, "give it longer with --timeout"),
        ("10.4-message-of-1-mib", OPENED, "give it longer with --timeout"),
        ("5.2-text-of-65536-bytes", OPENED, "a long frame is not read as it should be"),
        (
            "5.4-200-fragments-in-one-packet",
            replace(OPENED, close=Close(1008)),
            "if that is a limit of the program",
        ),
        ("5.5.1-close", OPENED, "a Close is answered with a Close"),
        ("5.5.1-close-then-half-close", OPENED, "a Close is answered with a Close"),
        ("4.2.1-plain-get", replace(OPENED, agreement=None, end=End.FIN), "look for an error in"),
        ("4.2.1-no-key", replace(OPENED, agreement=None), "answer with a status from 400 on"),
    ],
)
def test_what_does_not_come_is_explained_too(name, seen, hint):
    """A server cannot be late, or gone, without a race; what is seen of one can."""
    case = CASES[name]
    steps = b"".join(step for step in case.steps if isinstance(step, bytes))
    sent = [case.opening.edited(request("/")), steps]
    crossed = [Crossed(0.0, Side.CLIENT, data) for data in sent if data]
    if seen.agreement is not None:
        crossed.insert(1, Crossed(0.0, Side.SERVER, response(SAMPLE_KEY)))
    found = result(case, grade(case, seen), str(seen), crossed=tuple(crossed), observed=seen)
    assert hint.lower() in find_mistake(found).lower()


def surveyed(mutation, is_right):
    """What a survey finds out of a server with this mutation; again, if it was late."""
    for silence in SILENCES:
        with PlainServer(mutation) as server:
            found = survey(target_of(server, timeout=silence))
        if is_right(found):
            break
    return found


@pytest.mark.parametrize(
    "mutation",
    [
        "masks-its-replies",
        "rsv3-written",
        "frame-written-as-text",
        "16-bit-length-for-all",
        "65536-in-16-bits",
        "64-bit-length-in-4-bytes",
        "4-bytes-of-length-written",
    ],
)
def test_a_mistake_in_an_answer_is_no_part_that_is_left_out(mutation, nothing_left_behind):
    """Or else the cases that show it would be skipped."""
    assert surveyed(mutation, lambda known: not known.lacks).lacks == frozenset()


@pytest.mark.parametrize(
    ("mutation", "hint"),
    [
        ("mask-from-a-wrong-offset", "the payload is unmasked with the wrong bytes"),
        ("frames-of-hixie-76", "its continuation frame: 00, text and ff"),
    ],
)
def test_where_no_text_comes_back_a_remark_has_the_hint(mutation, hint, nothing_left_behind):
    said = f"if it is a mistake, it may be this: {hint}".lower()
    remarks = surveyed(mutation, lambda known: said in str(known.remarks).lower()).remarks
    assert [said in remark.lower() for remark in remarks] == [True]


def test_a_server_that_is_not_there_has_made_no_mistake(abilities):
    with PlainServer() as server:
        target = target_of(server)
    result = run(CASES["5.2-text"], target, abilities)
    assert result.grade is Grade.FAIL
    assert find_mistake(result) == ""
