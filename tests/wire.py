"""A client or a server made of bytes, for tests: it sends what the test asks, legal or not, and
shows the bytes of the answer.

It shares no code with refws, so that an error in refws cannot hide because the test has it too.
"""

import base64
import hashlib
import socket
import struct
import threading
from contextlib import ExitStack, suppress
from typing import NamedTuple

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

RSV1 = 0b100
"""For `frame`: RSV1 alone, the bit of RFC 7692 §6."""

MASKING_KEY = b"\x37\xfa\x21\x3d"
"""The key of the examples in §5.7."""

SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The Sec-WebSocket-Key of the example in §1.3."""

SAMPLE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

DEADLINE_S = 20
"""Seconds after which a test stops waiting: by then something is broken, also on a busy machine."""

SOON_S = 5
"""Seconds below which a time is measured that would otherwise be that of a default, or endless."""

IN_TIME = 0.05
"""Seconds after which a timeout may fire in a test that wants to see it fire."""

MANY = 8 * 2**20
"""More bytes than the two buffers between two sockets take."""


class Header(NamedTuple):
    """The header of a received frame, field by field."""

    fin: int
    rsv: int
    opcode: int
    masked: int
    length: int


def frame(opcode, payload=b"", fin=1, rsv=0, masked=1, length=None, key=MASKING_KEY):
    """A frame as a client sends it. `length` announces another length than the payload has."""
    length = len(payload) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if length < 126:
        head += bytes([masked << 7 | length])
    elif length < 2**16:
        head += struct.pack("!BH", masked << 7 | 126, length)
    else:
        head += struct.pack("!BQ", masked << 7 | 127, length)
    return head + (key + xor(payload, key) if masked else payload)


def xor(payload, masking_key):
    """§5.3, all octets at once; `xor` of vectors.py is the formula of the RFC."""
    repeated = masking_key * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[: len(payload)], "big")
    return number.to_bytes(len(payload), "big")


def close_body(code, reason=""):
    return struct.pack("!H", code) + reason.encode()


def request(path="/", *fields):
    """The bytes of a valid opening handshake (§4.1), with more header lines if given."""
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {SAMPLE_KEY}",
        "Sec-WebSocket-Version: 13",
        *fields,
    )
    return "\r\n".join((*lines, "", "")).encode()


def connected(address, bind_to=None):
    """A socket connected to a TCP address (host, port) or to the path of a Unix socket."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    with ExitStack() as close_if_it_fails:
        close_if_it_fails.callback(sock.close)
        sock.settimeout(DEADLINE_S)
        if bind_to is not None:
            sock.bind(bind_to)
        sock.connect(address)
        close_if_it_fails.pop_all()
    return sock


def send_byte_by_byte(sock, data):
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in data:
        sock.sendall(bytes([octet]))


def receive_exactly(sock, size):
    """The next `size` bytes; fewer if the stream ends before."""
    data = bytearray()
    while len(data) < size and (received := sock.recv(65536)):
        data += received
    return bytes(data)


def reset_when_closed(sock):
    """Make `close` end the connection with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Wire:
    """One end of a connection: a real socket, or a TLSSocket over one, and a file to read it."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE_S)
        self.file = sock.makefile("rb")
        self.masking_key = b""

    @classmethod
    def connect(cls, address, bind_to=None):
        """To a TCP address (host, port) or to the path of a Unix socket."""
        return cls(connected(address, bind_to))

    def close(self):
        """End the connection like a process that exits: with no close_notify, even over TLS."""
        self.file.close()
        self.sock.close()

    def reset(self):
        """End the connection with a RST, below TLS too; a Unix socket has none and just ends."""
        reset_when_closed(self.sock)
        self.close()

    def half_close(self):
        """Say that nothing more will be sent: a FIN, over TLS a close_notify before it."""
        self.sock.shutdown(socket.SHUT_WR)

    def cut(self):
        """Wake the threads of the test that wait for this client; harmless after its end."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    # Sending

    def send(self, *data):
        """All the bytes, in one call."""
        self.sock.sendall(b"".join(data))

    def send_frame(self, opcode, payload=b"", **fields):
        self.send(frame(opcode, payload, **fields))

    def send_byte_by_byte(self, data):
        """One byte in each segment, or in each TLS record."""
        send_byte_by_byte(self.sock, data)

    # Receiving

    def receive_head(self):
        """(status, header lines by lower-case name) of an HTTP response."""
        status_line = self.file.readline()
        assert status_line.startswith(b"HTTP/1.1 ") and status_line.endswith(b"\r\n"), status_line
        return int(status_line.split()[1]), self.receive_fields()

    def receive_request(self):
        """(request line, header lines by lower-case name) of an HTTP request."""
        request_line = self.file.readline()
        assert request_line.endswith(b" HTTP/1.1\r\n"), request_line
        return request_line.decode("ascii").strip(), self.receive_fields()

    def receive_fields(self):
        headers = {}
        while (line := self.file.readline()) != b"\r\n":
            assert line.endswith(b"\r\n"), line
            name, value = line.decode("ascii").split(":", 1)
            headers[name.lower()] = value.strip()
        return headers

    def receive(self):
        """(Header, payload) of the next frame; the key of a masked one is then in `masking_key`."""
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.read(8))
        header = Header(first >> 7, first >> 4 & 7, first & 15, second >> 7, length)
        if not header.masked:
            return header, self.read(length)
        self.masking_key = self.read(4)
        return header, xor(self.read(length), self.masking_key)

    def read(self, size):
        data = self.file.read(size)
        assert len(data) == size, f"end of stream after {data!r}, {size} bytes were expected"
        return data

    def expect(self, opcode, payload=b"", fin=1, masked=0):
        """Exactly this frame comes next, with no RSV bit and no mask unless asked for (§5.1)."""
        assert self.receive() == (Header(fin, 0, opcode, masked, len(payload)), payload)

    def expect_close(self, code=None, reason=None, masked=0):
        """A Close with this code comes next, or without a code an empty one. Returns its reason."""
        header, body = self.receive()
        assert header == Header(1, 0, CLOSE, masked, len(body))
        got = int.from_bytes(body[:2], "big") if body else None
        assert got == code, (got, body[2:])
        text = body[2:].decode()
        assert reason is None or text == reason
        return text

    def expect_end(self):
        """No byte follows, and the stream ends with a FIN, over TLS after a close_notify.

        A RST raises ConnectionResetError.
        """
        self.expect_cut()
        assert not getattr(self.sock, "cut", False), "the stream ends without a close_notify"

    def expect_cut(self):
        """Like `expect_end`, for an end in the middle of something, without a close_notify."""
        assert self.file.read() == b""

    def expect_silence(self):
        """Everything that the peer has sent so far was read."""
        self.sock.settimeout(0)
        try:
            assert self.file.peek(1) == b""
        finally:
            self.sock.settimeout(DEADLINE_S)

    def finish(self, code=1000):
        """The closing handshake, started by this side; then the server ends TCP (§7.1.1)."""
        self.send_frame(CLOSE, close_body(code))
        self.expect_close(code)
        self.expect_end()


def accept_for(key):
    """The Sec-WebSocket-Accept for this Sec-WebSocket-Key (§4.2.2 item 5.4)."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


def response(key, *fields, status="101 Switching Protocols"):
    """The bytes of a server's answer to this key (§4.2.2), with more header lines if given."""
    lines = (
        f"HTTP/1.1 {status}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_for(key)}",
        *fields,
    )
    return "\r\n".join((*lines, "", "")).encode()


class Background:
    """A function in its own thread; `result` returns what it returned, or raises what it raised."""

    def __init__(self, function, *arguments, **keywords):
        self._call = lambda: function(*arguments, **keywords)
        self._value = self.error = None
        self.has_raised = False
        self.thread = threading.Thread(
            target=self._run, name=f"test {getattr(function, '__name__', function)}"
        )
        self.thread.start()

    def _run(self):
        try:
            self._value = self._call()
        except BaseException as error:
            self.error = error

    def result(self, timeout=DEADLINE_S):
        self.thread.join(timeout)
        assert not self.thread.is_alive(), f"{self.thread.name} has not ended within {timeout} s"
        if self.error is not None:
            self.has_raised = True
            raise self.error
        return self._value


def fill(sock):
    """Write until no byte fits, and until the system has stopped moving bytes between its buffers.
    Returns how many were written.

    An acknowledgement may come 40 ms late and make room again: the socket must refuse for longer.
    """
    pause, refused, written = threading.Event(), 0, 0
    sock.setblocking(False)
    while refused < 30:
        try:
            written += sock.send(bytes(65536))
            refused = 0
        except BlockingIOError:
            refused += 1
            pause.wait(0.002)
    sock.setblocking(True)
    return written


def patiently(attempt, is_whole):
    """attempt(seconds) with a short time; with a longer one, if an answer was late for that."""
    results = map(attempt, (IN_TIME, 10 * IN_TIME, DEADLINE_S))
    return next(result for result in results if is_whole(result))


def eventually(condition, timeout=DEADLINE_S):
    """True as soon as the condition holds; False after `timeout` seconds.

    For what has no event to wait for.
    """
    pause, looks = threading.Event(), int(timeout / 0.002)
    return any(condition() or pause.wait(0.002) for _ in range(looks))
