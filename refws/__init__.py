"""refws: a WebSocket server to read beside RFC 6455.

Read the package in this order; each file names its section at its head:

    protocol/    what the RFC says. No socket, no thread, no clock.
        frame.py        §5.2 §5.5        the header of a frame
        masking.py      §5.3             payload XOR key
        message.py      §5.4 §5.6 §8.1   fragments -> messages, UTF-8
        close.py        §5.5.1 §7.1      the closing handshake
        close_codes.py  §7.4             its status codes
        uri.py          §3               ws:// and wss://
        http.py         RFC 9112         the heads of requests and responses
        body.py         RFC 9112         the body of a response that opened nothing
        handshake.py    §4.2 §9.1 §10.2  the opening handshake, what both sides share and the server's
        client_handshake.py   §4.1       the client's side of it
        proxy.py        §4.1             CONNECT
        deflate.py      RFC 7692         permessage-deflate
        errors.py       §7.1.7           one exception for each kind of refusal
    endpoint/    threads and blocking sockets.
        stream.py       one blocking byte stream
        tls.py          the same over TLS
        certificates.py   §10.6          TLS contexts, TLS errors in words
        writer.py       §6.1 §7.1        whole frames out, and the closing state
        connection.py   §6 §7            recv, send, ping, close
        settings.py     limits and times
        heartbeat.py    §5.5.2           Pings on a schedule
        timers.py       the one timer thread
        opening.py      §4.2             the opening handshake, answered
        server.py       §4.2             the accept loop, a thread for each connection
        listening.py    listening sockets
        client.py       §4.1             connect
        dialing.py      §4.1             whose turn it is at an address, and a TCP connection
        log.py          what goes to the log
        exceptions.py   what the methods of a connection raise
    course/      what people look at, all of it made of the two above.
        services.py     §4.2.2           the example endpoints
        explain*.py     §4 §5            bytes -> what they say, bit by bit, and whether they may
        explanation.py, hints.py, drawing.py    that as values, as well-known mistakes, as text
        trace.py, tape.py, redaction.py, pcap.py    the same live, recorded, without secrets, for Wireshark
        terminal.py     the client for terminals and pipes
        page.py, watch.py, lab.py, gallery.py, raw_client.py    the page, its wire view, and what it may ask
    commands/    python3 -m refws: a module for each command, what they share in options.py and tracing.py.

The names below are the public ones; those of the `websockets` library mean the same here.
"""

from .endpoint.client.connect import connect
from .endpoint.connection import Connection
from .endpoint.exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
)
from .endpoint.server import Server, serve
from .protocol.client.handshake import InvalidResponse, InvalidStatus
from .protocol.client.proxy import ProxyError
from .protocol.client.uri import InvalidURI
from .protocol.close import Close, State
from .protocol.close_codes import CloseCode
from .protocol.deflate.negotiation import DeflateSettings
from .protocol.errors import HandshakeError, InvalidHandshake, WebSocketException
from .protocol.frame import Side
from .protocol.http import Headers, IncompleteHead, Request, Response

__all__ = [
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "Connection",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DeflateSettings",
    "HandshakeError",
    "Headers",
    "IncompleteHead",
    "InvalidHandshake",
    "InvalidResponse",
    "InvalidState",
    "InvalidStatus",
    "InvalidURI",
    "ProxyError",
    "Request",
    "Response",
    "Server",
    "Side",
    "State",
    "WebSocketException",
    "connect",
    "serve",
]
