"""A case that a client has not passed -> what to look for in its program.

A case for clients is about one rule, so the case alone says which line of the program to open. Only
where the bytes of the client look like a well-known mistake, that is more.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from ...course.explain.values import CutOff
from ...protocol.frame import Side
from ...protocol.handshake import GUID
from ..engine import Grade, Result
from ..mistakes.clues import Clues, as_sentence, find_clues, hint_of
from ..mistakes.table import (
    SEND_A_CLOSE,
    ends_without_close,
    hint_of_explain,
    other_code,
    other_violation,
)
from ..seen import End
from .echoes import ECHOES, FRAMES, echo_mistake
from .frames import GOOD_BYE
from .outcomes import GIVES_UP, Accepts, Shows, StaysOut
from .seen import MANY_KEYS, ClientSeen

KEY = "make 16 random bytes for each connection, such as os.urandom(16), and put them in base64"

ACCEPT = (
    "compute base64(SHA-1(key + GUID)) from the key that was sent, compare it as a whole with "
    "Sec-WebSocket-Accept, and end TCP if they differ"
)

MASKING_KEY = (
    "make 4 random bytes for each frame, from a source that no one can predict, such as "
    "os.urandom(4): not from a constant, a counter or a seeded generator"
)

READ_MORE = (
    "TCP is a stream: one recv may return a part of the head or of a frame, or several at once; "
    "keep what is left, and read on until all of it is there"
)

NAMES = "compare names and values of headers without regard to upper and lower case"

ACCEPT_OF_KEY = f"Sec-WebSocket-Accept is base64(SHA-1(key + {GUID})), from the key as it was sent"

NO_NEED = "this answer is valid: look for what the program does with a header that it does not know"

INFLATE = (
    "add 00 00 ff ff to the payload of the whole message, and inflate that as raw DEFLATE (wbits "
    "-15), with one inflater for the connection"
)

SEND_BACK = "send the bytes of each message back as they are, with the opcode that it had"

AT_THE_END = "end TCP when a read says that the server has ended it"

HINTS = (
    ("4.1-method-get", "begin the first line with GET, in capital letters"),
    ("4.1-http-1.1", "end the first line with HTTP/1.1"),
    ("11.3.*-one-*", "write this header once"),
    ("4.1-origin-form", "write Origin: scheme://host:port, as in http://example.com, with no path"),
    ("4.1-subprotocol-tokens", "write names with commas between them, without quotes and spaces"),
    (
        "9.1-extension-grammar",
        "write name; parameter=value, with a semicolon before each parameter",
    ),
    (
        "7692-7.1-valid-offers",
        "the parameters are server_no_context_takeover, client_no_context_takeover, "
        "server_max_window_bits and client_max_window_bits; the bits are 8 to 15",
    ),
    (
        "4.1-valid-answer",
        f"this answer is valid: if the program rejects it, print why; {ACCEPT_OF_KEY}. If it does "
        "not, answer a Close with a Close",
    ),
    ("4.1-head-cut-off", AT_THE_END),
    ("9110-5.4-long-line", READ_MORE),
    ("4.1-more-headers", NO_NEED),
    ("9110-5.5-obs-text", NO_NEED),
    ("9112-5.2-folded-line", NO_NEED),
    ("9112-4-*", "of the first line read the status alone: what is after it means nothing"),
    ("9112-5-line-*", "end TCP at a line of the head without a colon"),
    ("9110-7.8-http-1.0", "end TCP if the first line does not begin with HTTP/1.1"),
    (
        "5.4-*-between-fragments",
        "answer a Ping as soon as it is read, and keep the fragments that have arrived before it",
    ),
    ("5.5.3-unasked-pong", "do nothing about a Pong that answers no Ping of yours"),
    ("5.5.3-ten-pings", "answer each Ping with a Pong that has the same payload, in their order"),
    ("7.1.1-ends-tcp-*", AT_THE_END),
    ("7.2.1-tcp-ends-*", AT_THE_END),
    ("5.5.1-no-message-*", "after your Close send nothing: leave the loop that answers messages"),
    ("5.5.2-no-pong-*", "after your Close send nothing: leave the loop that answers Pings"),
    ("7692-7.2.3.*", INFLATE),
    ("7692-6.1-fragments", INFLATE),
    ("7692-6-not-compressed", "inflate a message only if RSV1 is 1 in its first frame"),
    ("7692-6.1-compressed-text-*", "decode text strictly after it is inflated; the code is 1007"),
    ("7692-7.2.2-not-deflate", "fail the connection if a payload cannot be inflated"),
    ("7692-7.1.1.2-*", "begin each message with a new compressor if the answer asks for that"),
    ("7692-7.1.2.2-*", "make the compressor with the window that the answer says, wbits=-9 here"),
    ("4.1-well-formed-request", "end each line with CR LF, and write name: value"),
    ("4.1-target-*", "put path and query of the URL after GET, without the host and without #"),
    ("4.1-host*", "write Host: host:port; leave the port out only if it is 80 (443 with TLS)"),
    ("4.1-key-*", KEY),
    ("4.1-version-13", "send Sec-WebSocket-Version: 13; older drafts had 8"),
    ("9110-9.3.1-*", "leave out Content-Length and Transfer-Encoding: a GET has no body"),
    ("4.1-waits-*", "send the first frame only after the empty line of the answer has arrived"),
    ("4.1-accept-*", ACCEPT),
    ("4.1-upgrade", "send Upgrade: websocket"),
    ("4.1-connection", "send Connection: Upgrade"),
    ("4.1-upgrade-in-*", NAMES),
    ("4.1-connection-in-*", NAMES),
    ("4.1-header-names-*", NAMES),
    ("4.1-connection-as-list", "split Connection at its commas, and look for upgrade among them"),
    (
        "4.1-upgrade-*",
        "compare the whole value of Upgrade with websocket; end TCP if it is not",
    ),
    ("4.1-connection-*", "look for upgrade in Connection, and end TCP if it is not there"),
    ("4.1-extension-*", "end TCP if the answer names an extension that was not offered"),
    ("4.1-subprotocol-*", "end TCP if the answer names a subprotocol that was not listed"),
    ("4.1-status-*", "go on only after the status 101: read it from the first line, first of all"),
    ("9110-15.2-*", "skip each response with a status of 1xx but 101, and read the next one"),
    ("9110-5.5-*space*", "strip spaces and tabs from both ends of each value"),
    ("9110-5.5-tabs-*", "strip spaces and tabs from both ends of each value"),
    ("*-with-the-answer", READ_MORE),
    ("*byte-by-byte", READ_MORE),
    ("6.2-two-frames-in-one-packet", READ_MORE),
    ("5.1-masked-*", "look at the MASK bit of each frame: if it is 1, fail the connection"),
    (
        "5.1-all-frames-masked",
        "set the MASK bit, and mask the payload, in Pongs and Close, too",
    ),
    ("5.2-rsv*", "look at the bits RSV1 to RSV3: if one is 1, fail the connection"),
    ("5.2-opcode-*", "fail the connection at an opcode that is not 0, 1, 2, 8, 9 or 10"),
    ("5.2-length-126-for-*", "fail the connection at a length that fits a shorter form"),
    ("5.2-length-127-for-*", "fail the connection at a length that fits a shorter form"),
    ("5.2-length-with-top-bit", "fail the connection at a length of 8 bytes from 80 on"),
    ("5.2-length-*", "after 126 the length is in 2 bytes, after 127 in 8, the highest byte first"),
    ("5.2-*text", SEND_BACK),
    ("5.2-binary", SEND_BACK),
    ("5.6-*", SEND_BACK),
    ("5.4-*fragment*", "join the payloads until FIN is 1; the opcode of the first says the type"),
    ("5.5.2-*ping*", "answer each Ping with a Pong that has the same payload"),
    ("5.5.1-close-*", "answer a Close with a Close of the same code, then wait for the end of TCP"),
    ("5.3-*", MASKING_KEY),
    ("10.3-*", MASKING_KEY),
    ("8.1-*", "decode text strictly, when the message is whole, and fail the connection with 1007"),
    ("7.4-code-*", "answer a Close with a Close of the same code; 1002 if it must not be sent"),
    ("7.1.1-waits-*", "after the Close leave it to the server to end TCP, for a few seconds"),
)
"""Globs of names of cases, special ones first, and what to do."""


NEVER_OPENED = (
    "no frame has come on any connection: if the program rejects the answer, print why, because "
    f"most answers are valid; {ACCEPT_OF_KEY}. If it only looks whether it can connect, it is no "
    "client for this check, which needs one that sends each message back and answers a Close"
)

NEVER_CLOSED = (
    "no Close was answered on any connection: this check needs a client that sends each message "
    "back, answers a Close with a Close, and leaves it to the server to end TCP"
)

UNREAD = "mend this first: no case can begin without a request that can be read"

NO_EMPTY_LINE = "end the request with an empty line: CR LF CR LF after its last header"

SILENT = (
    "the program took this answer, but did not answer the Close after it, and TCP is still open: "
    "it may have come together with the answer. One recv may return more than the head: keep what "
    "is after the empty line, and read frames from that first"
)

AFTER_ITS_CLOSE = (
    "the program sends on after its Close: send one Close only, leave the loop that answers, and "
    "then read until the server ends TCP (§5.5.1)"
)


def find_client_mistake(result: Result) -> str:
    """A sentence that says what to do about a case that is not passed; "" if none is known."""
    if result.grade in (Grade.PASS, Grade.SKIPPED):
        return ""
    of_the_case = (hint for glob, hint in HINTS if fnmatchcase(result.case.name, glob))
    seen = result.observed
    if not isinstance(seen, ClientSeen):
        return as_sentence(next(of_the_case, ""))
    clues = find_clues(result, seen, Side.SERVER)
    found = of_what_was_seen(clues, seen) or next(of_the_case, "")
    return as_sentence(found or on_the_rule(clues))


def of_what_was_seen(clues: Clues, seen: ClientSeen) -> str:
    """The same for what the bytes of the client look like."""
    if seen.problem:
        return hint_of_head(clues) or UNREAD
    if "after its Close" in seen.violation:
        return AFTER_ITS_CLOSE
    if ends_without_close(clues):
        return SEND_A_CLOSE
    return (
        at_the_answer(clues.result, seen)
        or echo_mistake(clues, FRAMES)
        or on_its_frames(clues)
        or echo_mistake(clues, ECHOES)
        or other_code(clues)
    )


def at_the_answer(result: Result, seen: ClientSeen) -> str:
    """On a client that does nothing after a valid answer: then no header of it is to blame."""
    best, is_quiet = result.case.best, not (seen.violation or seen.went_on or seen.close)
    asks_for_more = not isinstance(best, Shows) or result.case.steps != (GOOD_BYE,)
    if not is_quiet or not asks_for_more or best == GIVES_UP or isinstance(best, StaysOut):
        return ""
    if seen.end is End.OPEN:
        is_silent = isinstance(best, Accepts) and not (seen.messages or seen.pongs)
        return SILENT if is_silent and seen.history.has_closed else ""
    if seen.history.connections < MANY_KEYS or seen.history.has_closed:
        return ""
    return NEVER_CLOSED if seen.keys or seen.history.masks else NEVER_OPENED


def on_the_rule(clues: Clues) -> str:
    """On the rule that the case breaks on purpose."""
    rule = clues.rule
    if rule is None or isinstance(clues.result.case.best, Shows):
        return ""
    return (
        f"the program accepts this: {rule.seen}; {rule.section} expects {rule.expected}: fail the "
        "connection then"
    )


def hint_of_head(clues: Clues) -> str:
    head = clues.request
    if head is not None and isinstance(head.verdict, CutOff):
        return NO_EMPTY_LINE
    return "" if head is None else hint_of(head)


def on_its_frames(clues: Clues) -> str:
    """On the frame that breaks a rule, unless it only repeats the fault of ours."""
    violation = clues.seen.violation
    if clues.illegal is None and violation:
        return f"its frames break a rule. {violation}"
    return hint_of_explain(clues) or other_violation(clues)
