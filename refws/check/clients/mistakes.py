"""A case that a client has not passed -> what to look for in its program.

A case for clients is about one rule, so the case alone says which line of the program to open. Only
where the bytes of the client look like a well-known mistake, that is more.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from ...course.explain.values import FrameExplanation, HeadExplanation, Illegal, Legal, NotRead
from ...protocol.errors import Violation
from ...protocol.frame import Side
from ..clues import as_sentence, explained, find_rule, hint_of
from ..engine import Grade, Result
from ..seen import End
from .outcomes import GIVES_UP, Shows
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

HINTS = (
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
    ("5.2-length-*", "after 126 the length is in 2 bytes, after 127 in 8, the highest byte first"),
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


NEVER_CLOSED = (
    "no Close was answered on any connection: this check needs a client that sends each message "
    "back, answers a Close with a Close, and leaves it to the server to end TCP"
)


def find_client_mistake(result: Result) -> str:
    """A sentence that says what to do about a case that is not passed; "" if none is known."""
    if result.grade in (Grade.PASS, Grade.SKIPPED):
        return ""
    of_the_case = (hint for glob, hint in HINTS if fnmatchcase(result.case.name, glob))
    found = never_closed(result) or hint_of_explain(result) or next(of_the_case, "")
    return as_sentence(found or on_the_rule(result))


def never_closed(result: Result) -> str:
    """On a client that only tries whether it can connect, for all that shows it."""
    seen = result.observed
    if not isinstance(seen, ClientSeen) or seen.violation or seen.close or seen.problem:
        return ""
    left = seen.end is not End.OPEN and not seen.went_on and result.case.best != GIVES_UP
    opened = left and seen.request is not None and not isinstance(result.case.best, Shows)
    never = not seen.history.has_closed and len(seen.history.keys) >= MANY_KEYS
    return NEVER_CLOSED if opened and never else ""


def hint_of_explain(result: Result) -> str:
    """On the first thing of the client that is not legal: a frame, or bytes that are no request.

    On a request that can be read the case has the better hint. A frame that repeats the fault of
    our own frame is no mistake by itself.
    """
    judged = [item for item in explained(result) if not isinstance(item, NotRead)]
    theirs = (item for item in judged if item.sender is Side.CLIENT)
    illegal = next((item for item in theirs if not isinstance(item.verdict, Legal)), None)
    if illegal is None:
        return ""
    if isinstance(illegal, HeadExplanation) and not is_unread(result):
        return on_its_frames(result)
    violation = violation_of(illegal)
    if violation is None or isinstance(illegal, HeadExplanation):
        return hint_of(illegal)
    ours = find_rule(judged, Side.SERVER)
    if ours is not None and (ours.section, ours.expected) == (
        violation.section,
        violation.expected,
    ):
        return ""
    plain = f"its {illegal.name} frame: {violation.seen}; {violation.section} expects"
    return hint_of(illegal) or f"{plain} {violation.expected}"


def on_the_rule(result: Result) -> str:
    """On the rule that the case breaks on purpose."""
    rule = find_rule(explained(result), Side.SERVER)
    if rule is None:
        return ""
    return (
        f"the program accepts this: {rule.seen}; {rule.section} expects {rule.expected}: fail the "
        "connection then"
    )


def on_its_frames(result: Result) -> str:
    """On what is not legal after a request that breaks a rule, too: that is not explained."""
    violation = "" if result.observed is None else result.observed.violation
    return f"its frames break a rule. {violation}" if violation else ""


def violation_of(item: HeadExplanation | FrameExplanation) -> Violation | None:
    return item.verdict.violation if isinstance(item.verdict, Illegal) else None


def is_unread(result: Result) -> bool:
    return result.observed is not None and bool(result.observed.problem)
