"""Why a case that a server or client fails is failed: a sentence, compared with the RFC's text."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

SERVER, CLIENT = "server", "client"


class Reason(NamedTuple):
    """For cases by globs of their names, of servers or clients by name ("*": of all)."""

    kind: str
    names: str
    cases: str
    words: str


REASONS = (
    Reason(
        SERVER,
        "websockets websockets-asyncio",
        "4.2.2-ping-in-the-packet-of-the-head",
        "It sends the Pong before its 101, so the client reads a frame where HTTP must "
        "be; §4.2.2 has the 101 first.",
    ),
    Reason(
        SERVER,
        "uWebSockets libwebsockets websocket-server",
        "4.4-version-*",
        "It opens the connection: the version is not looked at, which §4.2.1 item 6 "
        "wants to be 13.",
    ),
    Reason(
        SERVER,
        "simple-websocket",
        "4.4-version-*",
        "It raises an exception, and the program answers 500; §4.4 wants "
        "Sec-WebSocket-Version in the answer.",
    ),
    Reason(
        SERVER,
        "*",
        "4.4-version-*",
        "The answer is an error without Sec-WebSocket-Version, which §4.2.2 and §4.4 "
        "say that it MUST have.",
    ),
    Reason(
        SERVER,
        "tornado",
        "9110-15.5.22-upgrade-in-426",
        "RFC 9110 §15.5.22: a 426 MUST have an Upgrade header; this one has none.",
    ),
    Reason(
        SERVER,
        "*",
        "9110-15.5.22-upgrade-in-426",
        "The version is not looked at (§4.2.1 item 6): there is a 101 in place of an error.",
    ),
    Reason(
        SERVER,
        "*",
        "4.2.1-no-version 4.2.1-empty-version 4.3-version-* 4.3-list-of-versions",
        "The version is not looked at, or read as a number of any form; §4.2.1 item 6 "
        "wants 13, §4.3 writes it without zeros, points and words.",
    ),
    Reason(
        SERVER,
        "*",
        "11.3.5-*",
        "§11.3.5: Sec-WebSocket-Version MUST NOT be there twice in a request; one of "
        "the lines is not looked at.",
    ),
    Reason(
        SERVER,
        "websocket-server simple-websocket tornado",
        "11.3.1-*",
        "§11.3.1: the key MUST NOT be there twice; both lines are joined, or the last one counts.",
    ),
    Reason(
        SERVER,
        "*",
        "11.3.1-*",
        "§11.3.1: Sec-WebSocket-Key MUST NOT be there twice; one of the lines is not looked at.",
    ),
    Reason(
        SERVER,
        "*",
        "4.2.1-empty-key",
        "An empty key is not looked at; §4.2.1 item 5 wants 16 bytes in base64.",
    ),
    Reason(
        SERVER,
        "aiohttp",
        "4.2.1-key-*",
        "base64 is decoded leniently: signs that it does not have are left out, so more "
        "than one text is 16 bytes; §4.2.1 wants an error for a violation of the "
        "grammar (§4.3).",
    ),
    Reason(
        SERVER,
        "*",
        "4.2.1-key-*",
        "The key is not decoded, or only its length counts; §4.2.1 wants an error for a "
        "violation of the grammar, which is base64 (§4.3).",
    ),
    Reason(
        SERVER,
        "aiohttp websocket-server",
        "4.2.1-upgrade-with-kelvin-sign",
        "Letters are compared as Unicode does; §2.1 means ASCII, for which the Kelvin "
        "sign is no k.",
    ),
    Reason(
        SERVER,
        "*",
        "4.2.1-no-upgrade 4.2.1-empty-upgrade 4.2.1-upgrade-*",
        "Upgrade is not looked at; §4.2.1 item 3 wants websocket.",
    ),
    Reason(
        SERVER,
        "picows",
        "4.2.1-connection-* 4.3-connection-with-tabs",
        "Connection is compared as a whole; §4.2.1 item 4 wants Upgrade among its "
        "tokens. Firefox sends keep-alive, Upgrade.",
    ),
    Reason(
        SERVER,
        "ws",
        "4.3-connection-with-tabs",
        "Node's HTTP parser does not find Upgrade in Connection if a tab comes after "
        "it; RFC 9110 §5.6.3: a tab is white space.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "4.2.1-connection-with-empty-elements",
        "It ends TCP at an empty element of a list; RFC 9110 §5.6.1.2: a recipient MUST "
        "ignore some of them.",
    ),
    Reason(
        SERVER,
        "*",
        "4.2.1-no-connection 4.2.1-connection-*",
        "Connection is not looked at; §4.2.1 item 4 wants Upgrade among its tokens.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "4.2.2-spaces-around-key 4.2.1-more-space-after-colon",
        "White space around a value is taken for a part of it; RFC 9112 §5.1: it is excluded.",
    ),
    Reason(
        SERVER,
        "uWebSockets",
        "4.2.1-head-byte-by-byte",
        "It answers 505 before all of the request line has arrived; TCP may cut it anywhere.",
    ),
    Reason(
        SERVER,
        "uWebSockets",
        "4.3-*",
        "The list of subprotocols is not checked: its first element is agreed on, also "
        "an empty one, or one that is no token (§4.3).",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "5.1-unmasked-*",
        "It takes each fragment for a message (§5.4), and has sent the first one back "
        "before the frame that is not masked.",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "7.1.4-half-close-in-a-frame",
        "It sends the part of a frame back that has arrived when TCP ends; a message is "
        "complete only with its last byte (§6.2).",
    ),
    Reason(
        SERVER,
        "picows",
        "9.1-extension-with-a-longer-name",
        "It finds permessage-deflate in the name of another extension, and accepts what was "
        "not offered; §9.1: names are separated by commas and semicolons.",
    ),
    Reason(
        SERVER,
        "*",
        "9.1-*",
        "§9.1: at a value that breaks the grammar the recipient MUST fail the "
        "connection; it goes on without the extension, or with it.",
    ),
    Reason(
        SERVER,
        "*",
        "5.1-unmasked-*",
        "§5.1: the server MUST close the connection at a frame that is not masked; it "
        "takes the frame.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "5.5.2-* 5.4-pings-* 5.4-a-ping-before-*",
        "Of several Pings at once it answers the first, or some; §5.5.3 lets it leave "
        "out Pongs, but not that of the latest Ping.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "8.1-cut-before-an-empty-last-fragment",
        "§8.1: text must be whole characters; before an empty last fragment that is not looked at.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "5.2-opcode-* 5.2-rsv3-in-a-continuation 5.4-* 8.1-* "
        "5.5-ping-without-fin-between-fragments",
        "After its own Close it lets its program send the fragment that waits; §5.5.1: "
        "no data after a Close.",
    ),
    Reason(
        SERVER,
        "picows",
        "5.2-rsv* 7692-6.1-rsv1-* 7692-9.2-*",
        "§5.2: a reserved bit without a meaning MUST fail the connection; with "
        "compression it looks at none of them, or only at RSV1 of data.",
    ),
    Reason(
        SERVER,
        "*",
        "5.2-rsv*",
        "§5.2: a reserved bit without a meaning MUST fail the connection; none is looked at.",
    ),
    Reason(
        SERVER,
        "uWebSockets",
        "5.4-*",
        "§5.4: no other message may begin inside of a message; the opcode of a data "
        "frame is not compared with what is open.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "5.5.1-close-with-one-byte 5.5.1-reason-*",
        "It sends the body of the Close back without a look at it; a body of one byte, "
        "or a reason that is no UTF-8, breaks §5.5.1.",
    ),
    Reason(
        SERVER,
        "picows",
        "5.5.1-close-without-a-body",
        "It answers a Close without a code with code 0, which no endpoint may send (§7.4.2).",
    ),
    Reason(
        SERVER,
        "tornado picows",
        "7.4-close-*",
        "It sends the code back that no endpoint may send (§7.4).",
    ),
    Reason(
        SERVER,
        "picows",
        "7.1.5-close-after-close",
        "It answers the second Close.",
    ),
    Reason(
        SERVER,
        "picows",
        "7692-7.1* 7692-5.2-value-in-quotes 7692-7.2.1-server-*",
        "It accepts an offer and leaves out the parameter for the server; RFC 7692 "
        "§7.1.1.1 and §7.1.2.1: to accept it is to repeat it, and to keep to it.",
    ),
    Reason(
        SERVER,
        "simple-websocket",
        "7692-5.2-value-in-quotes",
        "It raises an exception at a number in quotes, which RFC 7692 §5.2 allows.",
    ),
    Reason(
        SERVER,
        "aiohttp picows simple-websocket",
        "7692-7-*",
        "RFC 7692 §7: an offer with an unknown parameter, one that is there twice, or a "
        "value that it must not have MUST be declined; it is accepted.",
    ),
    Reason(
        SERVER,
        "aiohttp",
        "7692-7.2.3.4-*",
        "After a block with BFINAL=1 the window is empty; RFC 7692 §7.1.1.1 lets the "
        "next message refer to it.",
    ),
    Reason(
        SERVER,
        "websockets websockets-asyncio picows simple-websocket",
        "7692-7.2.3.4-*",
        "The inflater of zlib ends at a block with BFINAL=1, and is not begun anew; RFC "
        "7692 §7.2.1 allows such blocks, and more of them after one.",
    ),
    Reason(
        SERVER,
        "aiohttp",
        "7692-6.1-rsv1-*",
        "RFC 7692 §6.1: RSV1 MUST NOT be set in a control frame; it is not looked at there.",
    ),
    Reason(
        SERVER,
        "simple-websocket",
        "7692-6-ping-between-fragments",
        "After a Ping between compressed fragments it takes the rest for bytes that are "
        "not compressed; RFC 7692 §6 allows it there.",
    ),
    Reason(
        SERVER,
        "*",
        "9110-7.8-http-1.0",
        "RFC 9110 §7.8: a server MUST ignore Upgrade in a request of HTTP/1.0; §4.2.1 "
        "item 1 wants 1.1.",
    ),
    Reason(
        SERVER,
        "tornado uWebSockets",
        "9112-3.2.2-absolute-target",
        "RFC 9112 §3.2.2: a server MUST accept the absolute form of a target.",
    ),
    Reason(
        SERVER,
        "*",
        "9112-3-no-version 9112-2.3-*",
        "The version in the request line is not looked at; §4.2.1 item 1 wants HTTP/1.1.",
    ),
    Reason(
        SERVER,
        "*",
        "4.2.1-head 4.2.1-post 9110-9.1-get-in-lower-case",
        "The method is not looked at, or routed as GET is; §4.2.1 item 1 wants GET, in "
        "upper case (RFC 9110 §9.1).",
    ),
    Reason(
        SERVER,
        "uWebSockets",
        "9112-2.2-* 9112-5* 9110-5.*",
        "It waits for more in place of an error; RFC 9112 wants such a head to be "
        "refused, §4.2.1 with an error of HTTP.",
    ),
    Reason(
        SERVER,
        "libwebsockets",
        "9110-5.1-empty-name",
        "It waits for more in place of an error; §4.2.1 wants an error of HTTP.",
    ),
    Reason(
        SERVER,
        "simple-websocket",
        "9112-2.2-cr-alone",
        "http.server takes a CR alone for the end of a line; RFC 9112 §2.2: it is "
        "invalid, or a space.",
    ),
    Reason(
        SERVER,
        "*",
        "9112-5.1-space-before-colon",
        "RFC 9112 §5.1: a space before the colon MUST be answered with 400.",
    ),
    Reason(
        SERVER,
        "*",
        "9112-2.2-space-before-first-header 9112-5.2-folded-line",
        "RFC 9112 §2.2 and §5.2: such a line is refused, or is no header of its own; it "
        "is taken for one.",
    ),
    Reason(
        SERVER,
        "*",
        "9112-3.2-*",
        "RFC 9112 §3.2: a request without Host, with two, or with one that is no host "
        "MUST be answered with 400.",
    ),
    Reason(
        SERVER,
        "*",
        "9112-6.3-body-is-no-frame 9112-7.1-*",
        "The request has a body (RFC 9112 §6.3), which is taken for frames.",
    ),
    Reason(
        SERVER,
        "*",
        "9112-6.3-bad-content-length",
        "RFC 9112 §6.3: a Content-Length that is no number MUST be answered with 400.",
    ),
    Reason(
        SERVER,
        "*",
        "9110-7.8-expect-with-body",
        "RFC 9110 §7.8: with Expect: 100-continue a 100 MUST be sent before the 101.",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "5.5.1-* 7.4* 7.1.5-* 5.5.2-ping-after-close",
        "It ends TCP at a Close; §5.5.1: it MUST answer with a Close.",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "5.5.2-ping-that-is-no-text 5.5.3-pong-that-is-no-text",
        "It decodes the payload of a control frame as text, which it need not be "
        "(§5.5.2), and ends.",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "5.5-*",
        "§5.5: a control frame has at most 125 bytes and is not fragmented; neither is looked at.",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "7.1.7-*",
        "The reserved bit that fails the connection (§5.2) is not looked at.",
    ),
    Reason(
        SERVER,
        "websocket-server",
        "*",
        "It takes each fragment for a message (§5.4), and ends TCP at a continuation.",
    ),
    Reason(
        CLIENT,
        "websockets websockets-asyncio Chromium websocket-client",
        "9110-15.2-*",
        "RFC 9110 §15.2: a client MUST be able to read 1xx responses before the final "
        "one; it takes the first for the answer.",
    ),
    Reason(
        CLIENT,
        "websockets websockets-asyncio",
        "7692-7.2.3.4-*",
        "The inflater of zlib ends at a block with BFINAL=1, and is not begun anew for "
        "the next message; RFC 7692 §7.2.1 allows such blocks.",
    ),
    Reason(
        CLIENT,
        "ws",
        "9110-5.5-tabs-around-values",
        "Node's HTTP parser does not find Upgrade in Connection if a tab comes after "
        "it; RFC 9110 §5.5: white space around a value is no part of it.",
    ),
    Reason(
        CLIENT,
        "ws aiohttp",
        "7692-5-accepted-twice",
        "RFC 7692 §5: the client MUST fail if extensions are accepted that both use "
        "RSV1; it takes the first, or both.",
    ),
    Reason(
        CLIENT,
        "aiohttp websocket-client",
        "4.1-extension-not-offered",
        "§4.1 item 5: an extension that was not offered MUST fail the connection; it goes on.",
    ),
    Reason(
        CLIENT,
        "aiohttp websocket-client",
        "9.1-extensions-malformed",
        "§9.1: a value that breaks the grammar MUST fail the connection.",
    ),
    Reason(
        CLIENT,
        "aiohttp tornado",
        "4.1-subprotocol-*",
        "§4.1 item 6: a subprotocol that was not listed MUST fail the connection; it goes on.",
    ),
    Reason(
        CLIENT,
        "websocket-client",
        "4.1-subprotocol-in-other-case",
        "Subprotocols are compared in lower case; case does not matter only where the "
        "RFC says so (§2.1), and §4.1 item 6 does not.",
    ),
    Reason(
        CLIENT,
        "aiohttp tornado",
        "4.1-connection-as-list",
        "Connection is compared as a whole; §4.1 item 3 wants Upgrade among its tokens.",
    ),
    Reason(
        CLIENT,
        "aiohttp websocket-client tornado Firefox",
        "5.1-masked-*",
        "§5.1: a client MUST close the connection at a masked frame; it takes the frame.",
    ),
    Reason(
        CLIENT,
        "aiohttp",
        "7692-6.1-rsv1-in-a-ping",
        "RFC 7692 §6.1: RSV1 MUST NOT be set in a control frame; it is not looked at there.",
    ),
    Reason(
        CLIENT,
        "aiohttp",
        "7692-7-*",
        "RFC 7692 §7: such a parameter in the answer MUST fail the connection; it goes on.",
    ),
    Reason(
        CLIENT,
        "websocket-client",
        "4.1-accept-in-other-case",
        "Sec-WebSocket-Accept is compared in lower case; §4.1 item 4 wants base64, in "
        "which case matters.",
    ),
    Reason(
        CLIENT,
        "websocket-client Firefox",
        "4.1-upgrade-with-another-protocol",
        "§4.1 item 2: the value of Upgrade must be websocket; one of a list is enough for it.",
    ),
    Reason(
        CLIENT,
        "websocket-client",
        "4.1-status-line-malformed",
        "The first word of the status line is not looked at; §4.1 wants a response of HTTP.",
    ),
    Reason(
        CLIENT,
        "websocket-client",
        "8.1-*",
        "A text that ends inside of a character is taken; §8.1: it MUST fail the connection.",
    ),
    Reason(
        CLIENT,
        "tornado Chromium Firefox",
        "7.4-code-*",
        "It sends the code back that no endpoint may send (§7.4).",
    ),
)
"""Special ones first."""


def reason_for(kind: str, name: str, case: str) -> str:
    """The sentence; "" if none is known."""
    return next((each.words for each in REASONS if applies(each, kind, name, case)), "")


def applies(reason: Reason, kind: str, name: str, case: str) -> bool:
    return (
        reason.kind == kind
        and (reason.names == "*" or name in reason.names.split())
        and any(fnmatchcase(case, glob) for glob in reason.cases.split())
    )
