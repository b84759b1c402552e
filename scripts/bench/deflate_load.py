"""The load of scripts/bench --deflate: JSON of 1 KiB, compressed beforehand, every echo compared.

The messages are a cycle of 64 different ones. They have 64 KiB, more than the largest window, so
that none is found whole in the window, only their keys and words are. A client that keeps its
context compresses the second turn of the cycle with the first in its window. From then on the
window holds the same at the same place of each turn, so the frames of the second turn serve for all
later ones. The server does all the work of a context, the client does none.

The echoes differ in length, so a frame's length is read from its header; all of them are kept, and
inflated after the clock has stopped. One message is in flight on each connection.
"""

import dataclasses
import functools
import itertools
import json
import random
import selectors
import socket
import statistics
import time
import zlib
from collections.abc import Iterable

from scripts.bench.load import STALL_S, Load, Scenario, check_end
from scripts.shared import client_wire as wire

MESSAGES = 64
MESSAGE_LENGTH = 1024
SEED = 7692
RECEIVE_SIZE = 16 * 1024

TAIL = b"\x00\x00\xff\xff"
"""RFC 7692 §7.2.1: cut off by the sender, put back by the receiver."""

WORDS = (
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "island",
    "juniper",
    "kestrel",
    "lagoon",
    "meadow",
    "nectar",
    "orchid",
    "pebble",
    "quartz",
    "river",
    "summit",
    "thicket",
    "valley",
    "willow",
)
STATES = ("open", "paid", "packed", "sent", "returned")


@functools.cache
def messages() -> tuple[bytes, ...]:
    """The cycle, the same in each run: keys repeat, numbers and words differ, 1024 bytes each."""
    source = random.Random(SEED)
    return tuple(message(source, number) for number in range(MESSAGES))


def message(source: random.Random, number: int) -> bytes:
    """A JSON document with as many items as fit, filled up with a remark."""
    items: list[dict[str, object]] = []
    document = {"type": "orders", "sequence": 41_000 + number, "items": items, "remark": ""}
    while len(as_json(document | {"items": [*items, new := item(source)]})) <= MESSAGE_LENGTH:
        items.append(new)
    words = " ".join(source.choices(WORDS, k=MESSAGE_LENGTH // 4))
    return as_json(document | {"remark": words[: MESSAGE_LENGTH - len(as_json(document))]})


def item(source: random.Random) -> dict[str, object]:
    return {
        "id": source.randrange(10**8),
        "time": f"2024-{source.randint(1, 12):02}-{source.randint(1, 28):02}"
        f"T{source.randrange(24):02}:{source.randrange(60):02}:{source.randrange(60):02}Z",
        "name": f"{source.choice(WORDS)} {source.choice(WORDS)}",
        "price": source.randrange(100, 50_000) / 100,
        "quantity": source.randint(1, 20),
        "state": source.choice(STATES),
        "gift": source.random() < 0.1,
    }


def as_json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@functools.cache
def frames(
    window_bits: int, no_context_takeover: bool
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The masked frames of the first turn, and of all later ones; with zlib's defaults."""
    payloads = compress(messages() * 2, max(window_bits, 9), no_context_takeover)
    made = tuple(wire.client_frame(wire.TEXT, payload, rsv1=True) for payload in payloads)
    return made[:MESSAGES], made[MESSAGES:]


def compress(texts: Iterable[bytes], window_bits: int, no_context_takeover: bool) -> list[bytes]:
    """RFC 7692 §7.2.1."""
    deflater = zlib.compressobj(wbits=-window_bits)
    payloads = []
    for text in texts:
        payloads.append((deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)])
        if no_context_takeover:
            deflater = zlib.compressobj(wbits=-window_bits)
    return payloads


def check_echoes(echoes: Iterable[bytes], agreed: wire.Deflate) -> None:
    """WireError for the first frame that does not hold the next message (RFC 7692 §7.2.2)."""
    inflater = zlib.decompressobj(-agreed.server_max_window_bits)
    for number, (echo, expected) in enumerate(zip(echoes, itertools.cycle(messages()))):
        payload = echo[wire.header_length(echo) :]
        if echo[0] == wire.FIN | wire.RSV1 | wire.TEXT:
            try:
                payload = inflater.decompress(payload + TAIL)
            except zlib.error as error:
                raise wire.WireError(f"echo {number}: {error}") from error
            if agreed.server_no_context_takeover:
                inflater = zlib.decompressobj(-agreed.server_max_window_bits)
        elif echo[0] != wire.FIN | wire.TEXT:
            raise wire.WireError(
                f"echo {number} is no text message in one frame: {echo[:20].hex(' ')}"
            )
        if payload != expected:
            raise wire.WireError(f"echo {number} is another message: {payload[:60]!r}")


@dataclasses.dataclass
class Link:
    """One connection: the frames to send, and the echoes received."""

    connection: socket.socket
    agreed: wire.Deflate
    echoes: list[bytes] = dataclasses.field(default_factory=list)
    part: bytes = b""

    def __post_init__(self) -> None:
        first, later = frames(
            self.agreed.client_max_window_bits, self.agreed.client_no_context_takeover
        )
        self.frames = itertools.chain(first, itertools.cycle(later))

    def send(self) -> None:
        self.connection.sendall(next(self.frames))

    def receive(self) -> bool:
        """Receive once; True if an echo is now whole. Blocks as the socket does."""
        piece = self.connection.recv(RECEIVE_SIZE)
        if not piece:
            raise wire.WireError(f"the server ended the stream or was silent for {STALL_S} s")
        self.part += piece
        if len(self.part) < wire.frame_length(self.part):
            return False
        self.echoes.append(self.part)
        self.part = b""
        return True

    def receive_whole(self) -> None:
        while not self.receive():
            pass


class DeflateLoad(Load):
    """The cycle of messages on each connection, permessage-deflate agreed on."""

    def __init__(self, scenario: Scenario, host: str, port: int, path: str) -> None:
        super().__init__(scenario)
        self.links: list[Link] = []
        try:
            for _ in range(scenario.connections):
                connection, agreed = wire.open_deflate(host, port, path, STALL_S)
                self.sockets.append(connection)
                self.links.append(Link(connection, agreed))
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Exchange the whole first turn, which fills the server's window; then send one frame."""
        for link in self.links:
            for _ in range(MESSAGES):
                link.send()
                link.receive_whole()
            link.send()

    def drive(self, until: float) -> int:
        return (
            self.drive_one(self.links[0], until) if len(self.links) == 1 else self.drive_many(until)
        )

    def drive_one(self, link: Link, until: float) -> int:
        link.connection.settimeout(None)
        now, receive, send = time.perf_counter, link.receive, link.send
        echoed = 0
        while now() < until:
            if receive():
                echoed += 1
                send()
        return echoed

    def drive_many(self, until: float) -> int:
        now = time.perf_counter
        echoed = 0
        with selectors.DefaultSelector() as selector:
            for link in self.links:
                link.connection.setblocking(False)
                selector.register(link.connection, selectors.EVENT_READ, link)
            while now() < until:
                for key, _ in selector.select(STALL_S):
                    if key.data.receive():
                        echoed += 1
                        key.data.send()
        return echoed

    def reply_length(self) -> float:
        """The average without the first turn, in which the windows fill."""
        later = (echo for link in self.links for echo in link.echoes[MESSAGES:])
        return statistics.fmean(len(echo) - wire.header_length(echo) for echo in later)

    def finish(self) -> None:
        for link in self.links:
            link.connection.settimeout(STALL_S)
            link.receive_whole()
            check_echoes(link.echoes, link.agreed)
            check_end(link.connection)
