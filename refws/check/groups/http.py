"""RFC 9110, RFC 9112: HTTP around the opening handshake: its lines, its target, its body.

Most of these rules keep two programs from reading one head in two ways. In some cases the only
key is in a line that must not count: a server that reads it there opens the connection.
"""

from __future__ import annotations

from ...protocol.http import CRLF
from ..case import Case, Group, Level, Need, Pause
from ..frames import GOOD_BYE, HELLO, frame, text
from ..opening import (
    Edit,
    Opening,
    absolute,
    added,
    before_headers,
    first_line,
    instead,
    replaced,
    with_line,
    without,
)
from ..outcomes import Answers, Continues, Echoes, No101, Outcome, Refuses
from .handshakes import (
    BAD_REQUEST,
    DROPS,
    EITHER,
    KEY,
    OPENS,
    REFUSAL,
    REFUSES,
    VERSION,
    opens,
    refuses,
)

ANSWERS, NO_101 = Answers(), No101()

HIDDEN = KEY.encode() + b": dGhlIHNhbXBsZSBub25jZQ=="
"""The line of the key, hidden in another one: no server can do without a key."""


def choice(name: str, rule: str, *edits: Edit, best: Outcome = EITHER) -> Case:
    return opens(name, rule, "", *edits, best=best, weak=(NO_101,), level=Level.CHOICE)


def no_request(name: str, rule: str, requirement: str, data: bytes) -> Case:
    """Silence is allowed: the bytes may be the beginning of something."""
    return refuses(name, rule, requirement, instead(data), weak=(NO_101,))


# The request line

REQUEST_LINES = (
    refuses(
        "9110-7.8-http-1.0",
        "HTTP/1.0 has no Upgrade: the request opens no connection.",
        "6455-4.2.1-04",
        first_line("GET {} HTTP/1.0"),
        weak=(ANSWERS,),
    ),
    opens(
        "9110-2.5-http-1.2",
        "A later HTTP/1 is read like HTTP/1.1.",
        "6455-4.2.1-04",
        first_line("GET {} HTTP/1.2"),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    choice(
        "9110-2.5-http-2.0",
        "HTTP/2.0 in a request line is no HTTP/2: a server refuses it, or reads it like HTTP/1.1.",
        first_line("GET {} HTTP/2.0"),
    ),
    refuses(
        "9112-2.3-http-in-lower-case",
        "The name HTTP in the request line is in upper case.",
        "6455-4.2.1-04",
        first_line("GET {} http/1.1"),
    ),
    refuses(
        "9112-3-no-version",
        "A request line without a version is no request line of HTTP/1.1.",
        "6455-4.2.1-04",
        first_line("GET {}"),
        weak=(NO_101,),
    ),
    refuses(
        "9110-9.1-get-in-lower-case",
        "The case of a method matters: get is not GET.",
        "6455-4.2.1-04",
        first_line("get {} HTTP/1.1"),
    ),
    refuses(
        "4.2.1-post",
        "The method of a handshake is GET: POST is refused.",
        "6455-4.2.1-04",
        first_line("POST {} HTTP/1.1"),
        added("Content-Length", "0"),
        weak=(ANSWERS,),
    ),
    refuses(
        "4.2.1-head",
        "The method of a handshake is GET: HEAD is refused.",
        "6455-4.2.1-04",
        first_line("HEAD {} HTTP/1.1"),
        weak=(ANSWERS,),
    ),
    opens(
        "9112-3.2.2-absolute-target",
        "The target may be a whole URI, as a proxy gets it.",
        "6455-4.2.1-05",
        absolute,
        weak=(Refuses((421,)),),
    ),
    refuses(
        "9112-3.2-target-with-fragment",
        "A target has no fragment.",
        "",
        first_line("GET {}#refws HTTP/1.1"),
        weak=(OPENS, ANSWERS),
        level=Level.SHOULD,
    ),
    refuses(
        "9112-3-target-with-space",
        "A request line has three words; four are refused, or redirected.",
        "",
        first_line("GET {} refws HTTP/1.1"),
        weak=(OPENS, ANSWERS),
        level=Level.SHOULD,
    ),
    opens(
        "9112-3-request-line-of-7900-bytes",
        "A request line may have 8,000 bytes.",
        "",
        first_line("GET {}?" + "q" * 7_900 + " HTTP/1.1"),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    opens(
        "9112-2.2-empty-line-before",
        "An empty line before the request line is ignored.",
        "",
        lambda head: CRLF + head,
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
)

# The lines of the headers

HEADER_LINES = (
    choice(
        "9112-2.2-lf-alone",
        "A line that ends with LF alone may be read or refused.",
        replaced(CRLF, b"\n"),
    ),
    refuses(
        "9112-2.2-cr-alone",
        "A CR alone ends no line.",
        "",
        without(KEY),
        before_headers(b"X-Refws: one\r" + HIDDEN + CRLF),
    ),
    refuses(
        "9112-2.2-space-before-first-header",
        "A line with a space at its start, after the request line, is refused or ignored.",
        "",
        without(KEY),
        before_headers(b" " + HIDDEN + CRLF),
    ),
    refuses(
        "9112-5.2-folded-line",
        "A line that begins with a space is a part of the line before it, or is refused.",
        "",
        without(KEY),
        before_headers(b"X-Refws: one" + CRLF + b" " + HIDDEN + CRLF),
    ),
    refuses(
        "9112-5.1-space-before-colon",
        "A space between the name of a header and its colon is refused with 400.",
        "",
        replaced(f"{VERSION}:".encode(), f"{VERSION} :".encode()),
        best=BAD_REQUEST,
    ),
    refuses(
        "9112-5-line-without-colon",
        "A line of the head without a colon is refused.",
        "6455-4.2.1-03",
        before_headers(b"refws" + CRLF),
        weak=(OPENS,),
        level=Level.SHOULD,
    ),
    refuses(
        "9110-5.1-name-with-parentheses",
        "The name of a header is a token: no parenthesis is in it.",
        "6455-4.2.1-03",
        added("X-Refws(1)", "one"),
        weak=(OPENS,),
        level=Level.SHOULD,
    ),
    refuses(
        "9110-5.1-empty-name",
        "The name of a header is not empty.",
        "6455-4.2.1-03",
        added("", "one"),
        weak=(OPENS,),
        level=Level.SHOULD,
    ),
    choice(
        "9110-5.5-nul-in-value",
        "A NUL in a header is refused, or read as a space.",
        added("X-Refws", "one\0two"),
    ),
    opens(
        "9110-5.5-bytes-above-7f",
        "Bytes above 7F in a cookie have no meaning and do no harm.",
        "6455-4.2.1-15",
        added("Cookie", "refws=caf\xc3\xa9; other=caf\xe9"),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    refuses(
        "9110-5.5-line-break-of-unicode",
        "Byte 85, a line break for Unicode, ends no line of HTTP.",
        "",
        without(KEY),
        added("X-Refws", "one\x85" + HIDDEN.decode()),
    ),
    refuses(
        "9110-5.5-vertical-tab",
        "A vertical tab or a form feed, a line break for some, ends no line of HTTP.",
        "",
        without(KEY),
        added("X-Refws", "one\x0b" + HIDDEN.decode()),
        added("X-Refws", "two\x0c" + HIDDEN.decode()),
    ),
)

# The host, and the body

HOSTS = (
    refuses(
        "9112-3.2-no-host",
        "A request without Host is refused with 400.",
        "6455-4.2.1-06",
        without("Host"),
        best=BAD_REQUEST,
    ),
    refuses(
        "9112-3.2-two-hosts",
        "A request with two lines of Host is refused with 400.",
        "6455-4.2.1-06",
        added("Host", "refws.example"),
        best=BAD_REQUEST,
    ),
    refuses(
        "9112-3.2-host-with-space",
        "A Host that is no host, with a space in it, is refused with 400.",
        "6455-4.2.1-06",
        with_line("Host", "refws example"),
        best=BAD_REQUEST,
    ),
)

NOTHING_BACK = Echoes(())

BODY = frame(*text(HELLO))

TIME_TO_ECHO = (Pause(0.1), GOOD_BYE)

BODIES = (
    opens(
        "9112-6.3-body-of-0-bytes",
        "A Content-Length of 0 says that there is no body, and does no harm.",
        "",
        added("Content-Length", "0"),
        weak=REFUSAL,
        level=Level.CHOICE,
    ),
    Case(
        "9112-6.3-body-is-no-frame",
        "A body of the request is refused, or skipped; it is not read as frames.",
        "",
        REFUSES,
        (DROPS, NOTHING_BACK),
        TIME_TO_ECHO,
        opening=Opening((added("Content-Length", str(len(BODY))),), after=BODY),
    ),
    Case(
        "9112-7.1-chunked-body-is-no-frame",
        "A body in chunks is refused, or skipped; it is not read as frames.",
        "",
        REFUSES,
        (DROPS, NOTHING_BACK),
        TIME_TO_ECHO,
        opening=Opening((added("Transfer-Encoding", "chunked"),), after=b"0" + CRLF + CRLF),
    ),
    refuses(
        "9112-6.3-bad-content-length",
        "A Content-Length that is no number is refused with 400.",
        "",
        added("Content-Length", "refws"),
        best=BAD_REQUEST,
    ),
)

# What a client expects before it sends a body

EXPECT = added("Expect", "100-continue")

EXPECTATIONS = (
    Case(
        "9110-10.1.1-expect-without-body",
        "No body follows, so there is nothing to wait for: the handshake goes on, with a 100 before"
        " the 101 or without.",
        "6455-4.2.1-15",
        Echoes((text(HELLO),)),
        REFUSAL,
        (frame(*text(HELLO)), GOOD_BYE),
        opening=Opening((EXPECT,)),
        needs=frozenset({Need.ECHO}),
        level=Level.SHOULD,
    ),
    refuses(
        "9110-7.8-expect-with-body",
        "A request that waits for a 100 before it sends its body is refused at once, or gets the"
        " 100 before a 101.",
        "",
        EXPECT,
        added("Content-Length", "5"),
        weak=(Continues(),),
    ),
)

# What is no handshake

CLIENT_HELLO = b"".join(
    (
        b"\x03\x03",  # TLS 1.2
        b"\r\n\r\n\r\n\r\n",  # random bytes; here they end a head of HTTP
        b"refws refws refws refws.",
        b"\x00",  # no session
        b"\x00\x02\x13\x01",  # one cipher suite
        b"\x01\x00",  # no compression
    )
)
HANDSHAKE = b"\x01" + len(CLIENT_HELLO).to_bytes(3) + CLIENT_HELLO
TLS_RECORD = b"\x16\x03\x01" + len(HANDSHAKE).to_bytes(2) + HANDSHAKE

OTHER_REQUESTS = (
    opens(
        "4.2.1-plain-get",
        "A request of a browser for a page is answered in HTTP: with a page, or with an error.",
        "6455-4.2.1-03",
        without("Upgrade"),
        without("Connection"),
        without(KEY),
        without(VERSION),
        best=ANSWERS,
        weak=(DROPS,),
    ),
    no_request(
        "9112-3-garbage",
        "Bytes that are no HTTP open no connection, and break nothing.",
        "6455-10.1-02",
        b"\x00\x01\x02refws\xfd\xfe\xff\r\n\r\n",
    ),
    no_request(
        "9112-3-words",
        "Words that are no HTTP open no connection, and break nothing.",
        "6455-10.1-02",
        b"Hello, server!\r\n\r\n",
    ),
    no_request(
        "9112-3-http-0.9",
        "A request of HTTP/0.9 has no headers and opens no connection.",
        "6455-4.2.1-04",
        b"GET /\r\n\r\n",
    ),
    no_request(
        "9113-3.4-preface-of-http-2",
        "The first bytes of HTTP/2 are no handshake in HTTP/1.1.",
        "6455-4.2.1-04",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ),
    no_request(
        "10.1-tls-client-hello",
        "The first bytes of TLS on a port without it open no connection, and break nothing.",
        "6455-10.1-02",
        TLS_RECORD,
    ),
)

HTTP = Group(
    "http",
    "HTTP around it",
    (*REQUEST_LINES, *HEADER_LINES, *HOSTS, *BODIES, *EXPECTATIONS, *OTHER_REQUESTS),
)
