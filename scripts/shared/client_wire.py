"""RFC 6455 §4.1, §5.2, RFC 7692 §7.1: the client's side of the wire for all scripts.

All scripts write frames with this file. It shares no code with refws on purpose: a measuring tool
that shares the server's code shares its mistakes.
"""

import base64
import dataclasses
import hashlib
import socket
import urllib.parse
from typing import Any

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
KEY = base64.b64encode(b"the sample nonce").decode()
MASKING_KEY = bytes.fromhex("37fa213d")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HEAD_LIMIT = 32 * 1024
FIN, RSV1 = 0x80, 0x40

DEFLATE_OFFER = "permessage-deflate; client_max_window_bits"
"""A browser's offer: the server may limit both windows, and both ends keep their contexts."""


class WireError(Exception):
    """The server did not answer as a WebSocket server does; the text says what it sent instead."""


def accept_value(key: str) -> str:
    """The Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (§4.2.2 item 5.4)."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def header(opcode: int, payload_length: int, masked: bool, rsv1: bool = False) -> bytes:
    """The header of a whole message in one frame, without the masking key (§5.2)."""
    mask_bit = 0x80 if masked else 0
    if payload_length <= 125:
        length = bytes([mask_bit | payload_length])
    elif payload_length <= 0xFFFF:
        length = bytes([mask_bit | 126]) + payload_length.to_bytes(2, "big")
    else:
        length = bytes([mask_bit | 127]) + payload_length.to_bytes(8, "big")
    return bytes([FIN | rsv1 * RSV1 | opcode]) + length


def masked(payload: bytes, key: bytes = MASKING_KEY) -> bytes:
    """The payload XORed with the repeated key (§5.3)."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


def client_frame(opcode: int, payload: bytes, rsv1: bool = False) -> bytes:
    """A masked frame, as a client sends it."""
    return header(opcode, len(payload), True, rsv1) + MASKING_KEY + masked(payload)


def server_frame(opcode: int, payload: bytes, rsv1: bool = False) -> bytes:
    """An unmasked frame, as a server sends it."""
    return header(opcode, len(payload), False, rsv1) + payload


def header_length(frame: bytes) -> int:
    """The length of the header of an unmasked frame, which its first two bytes give."""
    return {126: 4, 127: 10}.get(frame[1], 2)


def frame_length(data: bytes) -> int:
    """The length of the unmasked frame at the start of `data`.

    More than len(data) as long as its header is not complete.
    """
    if len(data) < 2:
        return 2
    start = header_length(data)
    if start == 2:
        return 2 + data[1]
    return start + int.from_bytes(data[2:start], "big") if len(data) >= start else start


def request(path: str, host: str, port: int, extensions: str = "") -> bytes:
    """The opening handshake of a client that is no browser, and so has no Origin (§4.1)."""
    offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    ).encode()


def check_response(head: bytes) -> dict[str, str]:
    """The header fields, names in lower case, of a response that opens the connection (§4.1).

    WireError for any other response.
    """
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    if status.split(" ")[1:2] != ["101"]:
        raise WireError(f"expected 101 Switching Protocols, got {status[:80]!r}")
    if fields.get("sec-websocket-accept") != accept_value(KEY):
        raise WireError(
            f"wrong Sec-WebSocket-Accept {fields.get('sec-websocket-accept')!r} (§4.2.2 item 5.4)"
        )
    return fields


@dataclasses.dataclass(frozen=True)
class Deflate:
    """What client and server agreed on for permessage-deflate (RFC 7692 §7.1)."""

    server_max_window_bits: int = 15
    client_max_window_bits: int = 15
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False


def agreed_deflate(answer: str | None) -> Deflate:
    """The agreement in an answer to DEFLATE_OFFER; WireError if it is anything else."""
    name, *parameters = (part.strip() for part in (answer or "").split(";"))
    if name != "permessage-deflate":
        raise WireError(f"permessage-deflate was not agreed on, the server's answer is {answer!r}")
    values: dict[str, Any] = {}
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key not in Deflate.__dataclass_fields__ or key in values:
            raise WireError(f"unknown or repeated parameter {key!r} in {answer!r} (RFC 7692 §7)")
        values[key] = deflate_value(key, value)
    return Deflate(**values)


def deflate_value(key: str, value: str) -> int | bool:
    if key.endswith("no_context_takeover") and not value:
        return True
    if key.endswith("max_window_bits") and value in ("8", "9", "10", "11", "12", "13", "14", "15"):
        return int(value)
    raise WireError(f"{key} with the value {value!r} (RFC 7692 §7.1)")


def read_head(connection: socket.socket) -> bytes:
    """A head without its empty line; WireError at the end of the stream or above 32 KiB."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(head) > HEAD_LIMIT:
            raise WireError(f"no complete HTTP head, only {head[:80]!r}")
        head += byte
    return head[:-4]


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """The next `size` bytes; WireError if the stream ends first."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise WireError(f"the stream ended after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def parse_address(uri: str) -> tuple[str, int, str]:
    """Host, port and path of a ws:// URI (§3); ValueError for any other text."""
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme != "ws" or not parts.hostname:
        raise ValueError(f"{uri!r} is no address; write ws://HOST:PORT/PATH")
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    return parts.hostname, parts.port or 80, path


def open_websocket(host: str, port: int, path: str, timeout_s: float) -> socket.socket:
    """An open WebSocket connection as a socket with that timeout; OSError or WireError."""
    return handshake(host, port, path, timeout_s)[0]


def open_deflate(
    host: str, port: int, path: str, timeout_s: float
) -> tuple[socket.socket, Deflate]:
    """The same with permessage-deflate, and the agreement; WireError if the server declines it."""
    connection, fields = handshake(host, port, path, timeout_s, DEFLATE_OFFER)
    try:
        return connection, agreed_deflate(fields.get("sec-websocket-extensions"))
    except BaseException:
        connection.close()
        raise


def handshake(
    host: str, port: int, path: str, timeout_s: float, extensions: str = ""
) -> tuple[socket.socket, dict[str, str]]:
    """The connection once it is open, and the header fields of the answer."""
    connection = socket.create_connection((host, port), timeout_s)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request(path, host, port, extensions))
        return connection, check_response(read_head(connection))
    except BaseException:
        connection.close()
        raise
