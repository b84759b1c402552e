"""A deliberately plain echo client, to prove that `refws check --listen` finds faults.

It uses nothing of refws. As it is, it keeps the rules; `PlainClient("no-pong")` breaks exactly one
of them, at the one place that asks for it. test_check_clients.py lists which case finds which.

It sends an Origin, lists two subprotocols, and offers no extension.
"""

import base64
import hashlib
import itertools
import os
import random
import re
import socket
import struct
import time
from pathlib import Path
from urllib.parse import urlsplit

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SUBPROTOCOLS = ["chat", "superchat"]

PATIENCE_S = 10
"""Seconds for which it waits for a silent server."""

SEED = 6455
"""Of the keys that are the same on each connection."""


class NoConnection(Exception):
    """The answer opens no connection."""


class Failed(Exception):
    """§7.1.7: the connection fails with this close code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def mutations():
    """The names of all mutations, as the code of this client has them."""
    return set(re.findall(r'breaks\("([\w-]+)"\)', Path(__file__).read_text(encoding="utf-8")))


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def xor(data, key):
    return bytes(octet ^ key[i % 4] for i, octet in enumerate(data))


class PlainClient:
    """Made once, for several connections; `run` is one of them, until the server ends it.

    `greeting` is the text that it begins with, None for none.
    """

    greeting = None

    def __init__(self, *broken):
        self.broken = broken
        self.counter = itertools.count(0x1000)

    def breaks(self, rule):
        return rule in self.broken

    def run(self, url):
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port), PATIENCE_S) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                Connection(self, sock).run(parts)
            except (NoConnection, EOFError, OSError):
                pass  # the end of TCP is all that the server sees


class Headers:
    """`headers[name]` lists the values of that name."""

    def __init__(self, lines, with_case):
        self.with_case = with_case
        self.lines = [line.partition(":") for line in lines]
        if not all(colon for _, colon, _ in self.lines):
            raise NoConnection

    def __getitem__(self, wanted):
        def is_wanted(name):
            return name == wanted or (name.lower() == wanted.lower() and not self.with_case)

        return [value.strip(" \t") for name, _, value in self.lines if is_wanted(name)]


class Connection:
    """One connection of a client."""

    def __init__(self, client, sock):
        self.breaks = client.breaks
        self.counter = client.counter
        self.greeting = client.greeting
        self.seeded = random.Random(SEED)
        self.key_of_all_frames = os.urandom(4)
        self.number = int.from_bytes(self.key_of_all_frames)
        self.held = []
        self.sock = sock
        self.buffer = b""

    def run(self, parts):
        key = self.request(parts)
        self.check(key, *self.response())
        try:
            self.echo()
        except Failed as failure:
            self.send((CLOSE, struct.pack("!H", failure.code)))
        self.sock.shutdown(socket.SHUT_WR)
        while self.sock.recv(4096):
            pass

    # §4.1: the request

    def request(self, parts):
        key = self.key()
        method = "POST" if self.breaks("post") else "GET"
        version = "HTTP/1.0" if self.breaks("http-1-0") else "HTTP/1.1"
        query = "" if self.breaks("query-lost") else f"?{parts.query}"
        lines = [
            f"{method} {parts.path}{query} {version}",
            "Upgrade: " + ("h2c" if self.breaks("upgrade-to-h2c") else "websocket"),
            "Connection: " + ("keep-alive" if self.breaks("keep-alive") else "Upgrade"),
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: " + ("8" if self.breaks("version-8") else "13"),
            "Origin: http://localhost" + ("/page" if self.breaks("origin-with-path") else ""),
            "Sec-WebSocket-Protocol: " + ", ".join(SUBPROTOCOLS),
        ]
        if not self.breaks("no-host"):
            lines.append("Host: " + (parts.hostname if self.breaks("no-port") else parts.netloc))
        if self.breaks("key-twice"):
            lines.append(f"Sec-WebSocket-Key: {key}")
        if self.breaks("subprotocol-twice"):
            lines.append("Sec-WebSocket-Protocol: chat")
        if self.breaks("space-before-colon"):
            lines.append("User-Agent : plain")
        if self.breaks("content-length"):
            lines.append("Content-Length: 5")
        line_end = "\n" if self.breaks("lf-alone") else "\r\n"
        if self.breaks("folded"):
            lines[2] = "Connection: keep-alive,\r\n Upgrade"
        if self.breaks("other-authority"):
            lines[0] = f"{method} http://example.com{parts.path}{query} {version}"
        if self.breaks("fragment-in-target"):
            lines[0] = f"{method} {parts.path}{query}#top {version}"
        if self.breaks("version-missing"):
            lines = [line for line in lines if not line.startswith("Sec-WebSocket-Version")]
        if self.breaks("no-key"):
            lines = [line for line in lines if not line.startswith("Sec-WebSocket-Key")]
        if self.breaks("names-in-quotes"):
            lines = [line.replace("chat, superchat", '"chat"') for line in lines]
        if self.breaks("bad-offer"):
            offer = "permessage-deflate; server_max_window_bits=7"
            lines.append(f"Sec-WebSocket-Extensions: {offer}")
        if self.breaks("proxy-protocol"):
            self.sock.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n")
        head = line_end.join([*lines, "", ""]).encode()
        if self.breaks("no-empty-line"):
            head = head[:-2]
        self.sock.sendall(head)
        if not head.endswith(2 * line_end.encode()):
            self.sock.shutdown(socket.SHUT_WR)  # so that the server does not wait for it
        if self.breaks("too-early"):
            self.send((TEXT, b"early"))
        return key

    def key(self):
        if self.breaks("key-of-the-rfc"):
            return "dGhlIHNhbXBsZSBub25jZQ=="
        if self.breaks("key-is-a-counter"):
            return base64.b64encode(next(self.counter).to_bytes(16)).decode()
        if self.breaks("key-is-the-time"):
            return base64.b64encode(struct.pack("!QQ", int(time.time()), 0)).decode()
        if self.breaks("key-in-hex"):
            return os.urandom(16).hex()
        size = 15 if self.breaks("short-key") else 16
        return base64.b64encode(os.urandom(size)).decode()

    # §4.1: the response

    def response(self):
        """(status, version, header lines)"""
        while True:
            head, *_ = self.head().partition("\r\n\r\n")
            first, *lines = head.split("\r\n")
            found = re.fullmatch(r"(HTTP/\d\.\d) (\d{3}) ?.*", first)
            if not found:
                raise NoConnection
            status = 101 if self.breaks("101-anywhere") and "101" in head else int(found[2])
            if status not in (100, 103) or self.breaks("interim-is-final"):
                return status, found[1], self.unfolded(lines)

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            self.receive()
            self.expect(b"\n\n" not in self.buffer)
            if self.breaks("head-is-one-read"):
                break
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        self.buffer = b"" if self.breaks("bytes-after-the-head-lost") else rest
        return (head + end).decode("latin-1")

    def unfolded(self, lines):
        return re.sub(r"\r\n[ \t]+", " ", "\r\n".join(lines)).split("\r\n")

    def check(self, key, status, version, lines):
        headers = Headers(lines, self.breaks("names-with-case"))
        self.expect((status == 101 and version == "HTTP/1.1") or self.breaks("status-ignored"))
        self.expect(not headers["Content-Length"] or status != 101 or self.breaks("101-anywhere"))
        self.check_upgrade(headers)
        accepts, right = headers["Sec-WebSocket-Accept"], accept_of(key)
        if self.breaks("other-guid"):
            right = accept_of(key + "0")
        if self.breaks("accept-by-its-start"):
            accepts = [accept[: len(right)] for accept in accepts]
        if self.breaks("accept-in-any-case"):
            accepts, right = [accept.lower() for accept in accepts], right.lower()
        self.expect(accepts == [right] or self.breaks("accept-ignored"))
        named = headers["Sec-WebSocket-Protocol"]
        self.expect(named in ([], *([name] for name in SUBPROTOCOLS)) or self.breaks("any-name"))
        self.expect(not headers["Sec-WebSocket-Extensions"] or self.breaks("any-extension"))

    def check_upgrade(self, headers):
        upgrade = ", ".join(headers["Upgrade"]).lower()
        self.expect(upgrade == "websocket" or self.breaks("upgrade-ignored"))
        connection = ", ".join(headers["Connection"])
        if self.breaks("connection-compared-whole"):
            self.expect(connection.lower() == "upgrade")
        elif self.breaks("connection-with-case"):
            self.expect("Upgrade" in connection)
        elif not self.breaks("connection-ignored"):
            self.expect("upgrade" in [each.strip() for each in connection.lower().split(",")])

    def expect(self, holds):
        if not holds:
            raise NoConnection

    # Frames

    def receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def read(self, size):
        while len(self.buffer) < size:
            self.receive()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def frame(self):
        """(FIN, opcode, payload)"""
        first, second = self.read(2)
        fin, rsv, opcode, length = first >> 7, first >> 4 & 7, first & 15, second & 127
        self.require(not rsv or self.breaks("rsv-ignored"))
        known = opcode in (CONT, TEXT, BINARY, CLOSE, PING, PONG)
        self.require(known or self.breaks("opcode-ignored"))
        if opcode >= CLOSE:
            self.require(fin or self.breaks("control-fragments-taken"))
            self.require(length < 126 or self.breaks("long-control-taken"))
        if length >= 126:
            length = self.long_length(length)
        masked = second >> 7
        self.require(not masked or self.breaks("masked-taken"))
        key = self.read(4) if masked else bytes(4)
        return fin, opcode, xor(self.read(length), key)

    def long_length(self, announced):
        order = "<" if self.breaks("little-endian") else ">"
        if announced == 126:
            (length,) = struct.unpack(f"{order}H", self.read(2))
            self.require(length > 125 or self.breaks("long-form-taken"))
        else:
            (length,) = struct.unpack(">Q", self.read(8))
            self.require(length >= 2**16 or self.breaks("long-form-taken"))
            self.require(length < 2**63 or self.breaks("top-bit-taken"))
        return length

    def require(self, holds, code=1002):
        if not holds:
            raise Failed(code)

    def send(self, *frames):
        """Each is (opcode, payload); all leave together."""
        self.sock.sendall(b"".join(self.encoded(*frame) for frame in frames))

    def encoded(self, opcode, payload):
        key = self.masking_key()
        length = len(payload)
        masked = 0 if self.breaks("unmasked") or self.unmasked_control(opcode) else 0x80
        head = bytes([0x80 | opcode])
        if length < 126:
            head += bytes([masked | length])
        elif length < 2**16:
            head += struct.pack("!BH", masked | 126, length)
        else:
            head += struct.pack("!BQ", masked | 127, length)
        if self.breaks("frames-of-hixie-76"):
            return b"\x00" + payload + b"\xff"
        if length >= 2**16 and self.breaks("4-bytes-of-length"):
            head = head[:2] + struct.pack("!L", length)
        if self.breaks("length-of-16-bits-always") and length < 126:
            head = head[:1] + struct.pack("!BH", masked | 126, length)
        if self.breaks("no-last-fragment") and opcode < CLOSE:
            head = bytes([opcode]) + head[1:]
        return head + (key + self.masked(payload, key) if masked else payload)

    def masked(self, payload, key):
        """The payload as it is sent after this key."""
        if self.breaks("mask-not-used"):
            return payload
        return xor(payload, key[1:] + key[:1] if self.breaks("mask-turned") else key)

    def unmasked_control(self, opcode):
        return opcode >= CLOSE and self.breaks("unmasked-control")

    def masking_key(self):
        if self.breaks("zero-key"):
            return bytes(4)
        if self.breaks("one-key") or self.breaks("mask-turned") or self.breaks("mask-not-used"):
            return b"\x37\xfa\x21\x3d"  # by another key, a Close may look legal by accident
        if self.breaks("key-counts"):
            return (next(self.counter) * 0x01010101 % 2**32).to_bytes(4)
        if self.breaks("key-of-letters"):
            return bytes(random.choices(b"abcdefgh", k=4))
        if self.breaks("key-of-a-linear-generator"):
            self.number = (self.number * 1664525 + 1013904223) % 2**32
            return self.number.to_bytes(4, "little")
        if self.breaks("one-byte-repeated"):
            return os.urandom(1) * 4
        if self.breaks("key-of-a-connection"):
            return self.key_of_all_frames
        if self.breaks("key-of-31-bits"):
            return random.randrange(2**31).to_bytes(4)
        if self.breaks("seeded"):
            return self.seeded.randbytes(4)
        return os.urandom(4)

    # Messages

    def echo(self):
        """Until a Close has been answered."""
        kind, message = None, b""
        if self.greeting is not None:
            self.send((TEXT, self.greeting))
        while True:
            fin, opcode, payload = self.frame()
            if opcode == CLOSE:
                if self.close(payload):
                    return
            elif opcode == PING:
                self.pong(payload)
            elif opcode in (CONT, TEXT, BINARY):
                self.require((opcode == CONT) == (kind is not None) or self.breaks("any-order"))
                kind, message = kind or opcode, message + payload
                if self.breaks("fragments-are-messages"):
                    fin = 1
                if self.breaks("utf8-per-fragment") and kind == TEXT:
                    self.require_utf8(payload)
                if fin:
                    self.deliver(kind, message)
                    kind, message = None, b""

    def deliver(self, kind, message):
        if kind == TEXT and not self.breaks("utf8-ignored"):
            self.require_utf8(message)
        if self.breaks("line-end-added"):
            message += b"\n"
        if self.breaks("text-in-upper-case") and kind == TEXT:
            message = message.decode().upper().encode()
        answer = (TEXT if self.breaks("binary-as-text") else kind, message)
        self.send(*[answer] * (2 if self.breaks("echo-twice") else 1))
        if self.breaks("no-last-fragment"):
            raise EOFError  # so that the server does not wait for it

    def require_utf8(self, data):
        try:
            data.decode()
        except UnicodeDecodeError:
            raise Failed(1007) from None

    def pong(self, payload):
        instead = {PING: self.breaks("pong-is-a-ping"), TEXT: self.breaks("pong-is-a-message")}
        for opcode in filter(instead.get, instead):
            self.send((opcode, payload))
            raise EOFError  # so that the server does not wait for the Pong
        if self.breaks("pong-one-late"):
            self.held.append(payload)
            if len(self.held) > 1:
                self.send((PONG, self.held.pop(0)))
        elif not self.breaks("no-pong"):
            answer = (PONG, b"" if self.breaks("empty-pong") else payload)
            self.send(*[answer] * (2 if self.breaks("pong-twice") else 1))

    def close(self, body):
        """Whether the connection is over."""
        if self.breaks("close-ignored"):
            return False
        self.require(len(body) != 1 or self.breaks("body-of-one-byte-taken"))
        if body[1:] and not self.breaks("any-close"):
            (code,) = struct.unpack("!H", body[:2])
            is_assigned = code in (*range(1000, 1004), *range(1007, 1015))
            self.require(is_assigned or 3000 <= code < 5000)
            self.require_utf8(body[2:])
        if self.breaks("tcp-ends-without-close"):
            raise EOFError
        if self.breaks("1005-sent"):
            body = body or struct.pack("!H", 1005)
        if self.breaks("little-endian-code"):
            body = body[1::-1]
        if self.breaks("reason-too-long"):
            body = body[:2] + b"you said " + body[2:]
        else:
            body = struct.pack("!H", 1000) if self.breaks("code-lost") else body[:2]
        frames = [(CLOSE, body)]
        if self.breaks("message-after-close"):
            frames.append((TEXT, b"bye"))
        if self.breaks("second-close"):
            frames.append((CLOSE, body))
        self.send(*frames)
        if not self.breaks("does-not-wait"):
            while True:  # §7.1.1: the server ends TCP first
                self.receive()
        return True
