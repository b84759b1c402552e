"""The limit of one thread per connection in Python: a loop that only counts bytes.

After a minimal opening handshake nothing is parsed, unmasked or checked. Bytes are received into
one buffer and added up; for each frame's length of them, a frame made beforehand goes back. The
path of the request says what is exchanged: /OPCODE/PAYLOAD_LENGTH. No server of this architecture
can be faster, so scripts/bench gives every other server as a ratio of this one.

    python3 -m scripts.bench.bare_loop PORT
"""

import contextlib
import functools
import re
import socket
import sys
import threading

from scripts.shared import client_wire as wire

BUFFER_SIZE = 256 * 1024


@functools.cache
def sample_payload(size: int) -> bytes:
    """The payload that both sides of the benchmark know: letters, so that it is valid text too."""
    alphabet = b"abcdefghijklmnopqrstuvwxyz"
    return (alphabet * (size // len(alphabet) + 1))[:size]


def answer_handshake(connection: socket.socket) -> tuple[int, int]:
    """Answer a handshake; the opcode and payload length that the client has announced."""
    head = wire.read_head(connection).decode("latin-1")
    target = re.match(r"GET /(\d+)/(\d+) ", head)
    key = re.search(r"(?im)^sec-websocket-key: *(\S+)", head)
    if target is None or key is None:
        raise wire.WireError(f"expected GET /OPCODE/LENGTH and a key, got {head[:80]!r}")
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + wire.accept_value(key[1]).encode() + b"\r\n\r\n"
    )
    return int(target[1]), int(target[2])


def echo(connection: socket.socket) -> None:
    """Answer one client until it goes, even if it goes before its handshake."""
    with connection, contextlib.suppress(OSError, wire.WireError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opcode, payload_length = answer_handshake(connection)
        payload = sample_payload(payload_length)
        count(
            connection, len(wire.client_frame(opcode, payload)), wire.server_frame(opcode, payload)
        )


def count(connection: socket.socket, frame_size: int, reply: bytes) -> None:
    """The loop itself: two system calls for each message and one addition."""
    buffer = bytearray(BUFFER_SIZE)
    receive, send = connection.recv_into, connection.sendall
    pending = 0
    while received := receive(buffer):
        pending += received
        while pending >= frame_size:
            pending -= frame_size
            send(reply)


def serve(port: int) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    try:
        serve(int(sys.argv[1]))
    except KeyboardInterrupt:
        pass
