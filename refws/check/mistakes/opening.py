"""RFC 6455 §4.2.2, RFC 9112: mistakes in the opening handshake: clues -> what to do, or ""."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus

from ...protocol.client.mistakes import find_mistake as find_mistake_in_accept
from ...protocol.frame import Side
from ...protocol.handshake import accept_key
from ...protocol.http import ascii_lower
from ..seen import End
from .clues import STREAM, Clues, Recogniser, when

ACCEPT = "Sec-WebSocket-Accept"
USUAL_NAMES = {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}

AGREE = (
    "take from the offer the parameters that the program knows, with values that it can keep, and "
    "decline an offer that has any other one (RFC 7692 §5.1, §7)"
)

LF_ALONE = re.compile(rb"(?<!\r)\n")

ON_HEADERS = {
    "Upgrade": "write Upgrade: websocket",
    "Connection": "write Connection: Upgrade",
    "Sec-WebSocket-Protocol": "answer with one name of the list, or leave the header out",
    "Sec-WebSocket-Extensions": "answer only with what the program implements, or leave it out",
    "Content-Length": "leave it out, and see to it that the framework does not add it",
    "Transfer-Encoding": "leave it out, and see to it that the framework does not add it",
}
"""A header that is to blame in a 101 -> what to do about it."""


def wrong_accept(clues: Clues) -> str:
    keys, accept = clues.values("Sec-WebSocket-Key"), response_value(clues, ACCEPT)
    if not keys or accept in (None, accept_key(keys[0])):
        return ""
    mistake = find_mistake_in_accept(keys[0], accept)
    return f"{ACCEPT} has a wrong value, {mistake} (§4.2.2 item 5.4)" if mistake else ""


def key_with_spaces(clues: Clues) -> str:
    raw, accept = clues.raw_values("Sec-WebSocket-Key"), response_value(clues, ACCEPT)
    spaced = {part for value in raw for part in (value, value[1:], value.rstrip(), value.lstrip())}
    if accept is None or accept not in {
        accept_key(part) for part in spaced - {*map(str.strip, raw)}
    }:
        return ""
    return "Sec-WebSocket-Accept was made from the key and the white space around it: strip that"


def line_ends(clues: Clues) -> str:
    parts = (part.data for part in clues.result.crossed if part.sender is Side.SERVER)
    answer = b"".join(parts)
    if not answer.startswith(b"HTTP/") or not LF_ALONE.search(answer) or clues.seen.response:
        return ""
    if b"=\n\r\n" in answer:
        return (
            f"the value of {ACCEPT} ends with LF: strip it, because a command or a function that "
            "makes base64 may append one"
        )
    return "end each line of the answer with \\r\\n, also the empty one: \\n alone is not enough"


def wrong_header(clues: Clues) -> str:
    is_101 = clues.seen.status == HTTPStatus.SWITCHING_PROTOCOLS
    faults = clues.response.faults if clues.response and is_101 else ()
    for fault in faults:
        if fault.section.startswith("RFC 7692"):
            return f"the answer to the offer has {fault.seen}; expected {fault.expected}: {AGREE}"
    found = ((fault, ON_HEADERS[fault.field]) for fault in faults if fault.field in ON_HEADERS)
    return next((f"the 101 is wrong, {fault.seen}: {advice}" for fault, advice in found), "")


def list_compared_whole(name: str, element: str, clues: Clues) -> str:
    values = clues.values(name)
    refused = clues.is_legal and clues.seen.status != HTTPStatus.SWITCHING_PROTOCOLS
    if not refused or not values or values == [element]:
        return ""
    return (
        f"{name} is a list, here {', '.join(values)!r}: join its lines, split them at the commas, "
        f"and look for {element.lower()} without regard to case (§4.2.1)"
    )


def other_refusal(clues: Clues) -> str:
    if clues.rule is None:
        return ""
    if clues.seen.response is None:
        return f"{clues.rule.seen}: answer with {clues.result.case.best.words}, not with silence"
    return f"the answer to {clues.rule.seen} should be {clues.result.case.best.words}"


def other_accept(clues: Clues) -> str:
    """On a wrong Accept that no well-known mistake explains."""
    keys, accept = clues.values("Sec-WebSocket-Key"), response_value(clues, ACCEPT)
    if not clues.is_legal or len(keys) != 1 or accept in (None, accept_key(keys[0])):
        return ""
    return (
        f"{ACCEPT} does not fit this key, {keys[0]}: take its 24 characters as they are, append "
        "the GUID, and put the 20 bytes of their SHA-1 in base64 (§4.2.2 item 5.4)"
    )


def response_value(clues: Clues, name: str) -> str | None:
    return None if clues.seen.response is None else clues.seen.response.headers.get(name)


def ends_at_a_request(clues: Clues) -> bool:
    return clues.is_legal and clues.seen.response is None and clues.seen.end is not End.OPEN


def names_with_case(clues: Clues) -> bool:
    """Whether the names are there, but not in the usual case."""
    names = clues.header_names()
    all_there = set(map(ascii_lower, names)) >= set(map(ascii_lower, USUAL_NAMES))
    refused = clues.is_legal and clues.seen.status != HTTPStatus.SWITCHING_PROTOCOLS
    return refused and all_there and not names >= USUAL_NAMES


AT_THE_101: tuple[Recogniser, ...] = (
    line_ends,
    key_with_spaces,
    wrong_accept,
    wrong_header,
    when(
        lambda clues: clues.is_legal and clues.result.case.opening.drip > 0,
        f"a request ends with its empty line, CR LF CR LF, and {STREAM}",
    ),
    partial(list_compared_whole, "Connection", "Upgrade"),
    partial(list_compared_whole, "Upgrade", "websocket"),
    when(
        names_with_case,
        "names of headers may be in any case: put them in lower case before you compare them",
    ),
    other_refusal,
    other_accept,
    when(
        ends_at_a_request,
        "the program ended the connection at a request that is legal: look for an error in what "
        "it has printed",
    ),
)
