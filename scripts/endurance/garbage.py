"""What a senseless client sends: random bytes, broken heads, broken frames."""

import random
from collections.abc import Iterator

from scripts.shared import client_wire as wire

GARBAGE_REPEATS = 3


def garbage(source: random.Random, address: tuple[str, int]) -> Iterator[bytes]:
    request = wire.request("/echo", *address)
    for _ in range(GARBAGE_REPEATS):
        yield from random_bytes(source)
        yield from broken_heads(source, request)
        yield from (request + frame for frame in broken_frames(source))


def random_bytes(source: random.Random) -> Iterator[bytes]:
    for size in (1, 100, 10_000, 1_000_000):
        yield source.randbytes(size)
    yield bytes(100_000)
    yield b"\n" * 100_000
    yield b"\r\n" * 50_000
    yield b"SSH-2.0-OpenSSH_9.6\r\n"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)
    yield bytes([22, 3, 1]) + source.randbytes(500)


def broken_heads(source: random.Random, request: bytes) -> Iterator[bytes]:
    yield request.replace(b"\r\n", b"\n")
    yield request.replace(b"GET", b"POST")
    yield request.replace(b"HTTP/1.1", b"HTTP/9.9")
    yield request.replace(b"GET /echo HTTP/1.1", b"GET /echo")
    yield request.replace(b"Host:", b"Host :")
    yield request.replace(b"Upgrade: websocket", b"Upgrade: \x00\xff")
    yield request.replace(b"/echo", b"/" + b"a" * 100_000)
    yield request.replace(b"Host:", b"a: " + b"b" * 1_000_000 + b"\r\nHost:")
    yield request.replace(b"Host:", b"a: b\r\n" * 10_000 + b"Host:")
    yield request.replace(b"Host:", b"Content-Length: -1\r\nHost:")
    yield request.replace(b"Host:", b"Content-Length: 100000000\r\nHost:") + bytes(1000)
    yield request.replace(b"Host:", b"Transfer-Encoding: chunked\r\nHost:") + b"ffffffff\r\n"
    cut = source.randrange(1, len(request))
    yield request[:cut] + source.randbytes(20) + request[cut:]


def broken_frames(source: random.Random) -> Iterator[bytes]:
    yield wire.server_frame(wire.TEXT, b"not masked")
    yield wire.client_frame(wire.TEXT, b"\xff\xfe not UTF-8")
    yield wire.client_frame(0x3, b"reserved opcode")
    yield wire.client_frame(0x0, b"continues nothing")
    yield wire.client_frame(wire.PING, bytes(126))
    yield wire.client_frame(wire.CLOSE, b"\x03")
    yield wire.client_frame(wire.CLOSE, (1005).to_bytes(2, "big"))
    yield b"\x82\xff" + b"\xff" * 8 + source.randbytes(100)
    yield b"\x82\xff" + (1 << 40).to_bytes(8, "big") + source.randbytes(100)
    yield b"\xf2" + source.randbytes(1000)
