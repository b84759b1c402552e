"""Two readers of the same bytes: refws explains a tape, tshark dissects the capture made of it.

Or both read a capture of a network.

    python3 scripts/checks/tshark.py             records a session with every kind of frame first
    python3 scripts/checks/tshark.py FILE ...    tapes of `python3 -m refws --record TAPE`, captures

Exit status: 0 if they agree on every field, 1 if not, 2 without tshark (Debian's package of that
name).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from refws import Connection, connect, serve
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import FrameExplanation, Item
from refws.course.record.capture.reader import MAGIC_SIZE, CaptureReader, is_capture
from refws.course.record.pcap import write_pcap
from refws.course.record.recorder import Recorder
from refws.course.record.tape import Chunk, Gap, Opened
from refws.course.record.tape_reader import TapeReader
from refws.protocol.deflate.negotiation import DeflateSettings
from refws.protocol.frame import BINARY, CLOSE, CONT, TEXT, Side, encode_frame, is_control

DEADLINE_S = 60
KEEP_ALL = 2**30
NO_TAKEOVER = DeflateSettings(
    threshold=0, server_no_context_takeover=True, client_no_context_takeover=True
)
"""tshark 4.0 does not inflate fragments, and loses its window with them."""

Direction = tuple[int, Side]
"""The number of a connection, and the side that sends."""

Fields = dict[str, object]
"""A frame: names of tshark's fields -> numbers or bytes."""


# A session


def record(tape: str) -> None:
    """Record three connections with all kinds of frames: plain, compressed, in fragments."""
    recorder = Recorder(tape, redact=False)
    try:
        have_session(recorder, None, send_messages, send_fragments, send_control_frames)
        have_session(recorder, DeflateSettings(threshold=0), send_messages, send_control_frames)
        have_session(recorder, NO_TAKEOVER, send_compressed_fragments, send_messages)
    finally:
        recorder.close()


def have_session(
    recorder: Recorder, compression: DeflateSettings | None, *steps: Callable[[Connection], None]
) -> None:
    """The server echoes what the client sends in all steps; in the last step it runs them too."""

    def answer(connection: Connection) -> None:
        for message in connection:
            if message == "your turn":
                for step in steps:
                    step(connection)
            connection.send(message)

    with serve(
        answer, port=0, trace=recorder.choose, compression=compression, ping_interval=None
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            talk(server.address[1], compression, steps)
        finally:
            server.stop()
            thread.join(DEADLINE_S)


def talk(
    port: int, compression: DeflateSettings | None, steps: Sequence[Callable[[Connection], None]]
) -> None:
    """First the client's steps, then the server's: tshark mixes up fragments of both directions."""
    uri = f"ws://127.0.0.1:{port}/"
    with connect(
        uri, compression=compression, ping_interval=None, close_timeout=DEADLINE_S
    ) as connection:
        for step in steps:
            step(connection)
        connection.send("your turn")
        while connection.recv(DEADLINE_S) != "your turn":
            pass
        connection.ping(b"the last one")
        connection.close(4321, "auf Wiederhören")


def send_messages(connection: Connection) -> None:
    """Send text and binary in the three forms of the length; earlier ones help to compress."""
    for length in (0, 1, 125, 126, 65535, 65536):
        connection.send(
            ("Grüße, 世界. " * (length // 10 + 1)).encode()[:length].decode(errors="ignore")
        )
        connection.send("x" * length)
        connection.send(noise(length))


def send_fragments(connection: Connection) -> None:
    """Send two messages in three frames each; none is empty, because tshark skips those."""
    for opcode in (TEXT, BINARY):
        send_frame(connection, opcode, b"in three ", False)
        connection.ping(f"between {opcode}")
        send_frame(connection, CONT, b"x" * 300, False)
        send_frame(connection, CONT, b" fragments", True)


def send_frame(connection: Connection, opcode: int, payload: bytes, fin: bool) -> None:
    key = bytes.fromhex("37fa213d") if connection.side is Side.CLIENT else None
    connection.send_raw(encode_frame(opcode, payload, fin, False, key))


def send_compressed_fragments(connection: Connection) -> None:
    connection.send(["a text ", "in two fragments"])
    connection.send([b"binary", noise(300)])


def send_control_frames(connection: Connection) -> None:
    connection.ping(b"")
    connection.ping(noise(125))
    connection.pong(b"unasked")


def noise(length: int) -> bytes:
    """Bytes that hardly shrink, always the same."""
    return b"".join((i * i * 2_654_435_761 % 2**32).to_bytes(4) for i in range(length // 4 + 1))[
        :length
    ]


# A packet for each frame: after a fragment, tshark 4.0 ignores a whole message in that packet
# packet


def recut(entries: Iterable[Opened | Chunk]) -> Iterator[Opened | Chunk]:
    """The same bytes, so that each entry is one head or frame, or the end."""
    conversations: dict[int, Conversation] = {}
    waiting: dict[Direction, bytes] = {}
    for entry in entries:
        if isinstance(entry, Opened) or not entry.data:
            yield entry
            continue
        conversation = conversations.setdefault(entry.connection, Conversation(at_handshake=True))
        rest = waiting.get((entry.connection, entry.sender), b"") + entry.data
        for item in conversation.feed(entry.sender, entry.data):
            size = size_of(item)
            yield replace(entry, data=rest[:size])
            rest = rest[size:]
        waiting[entry.connection, entry.sender] = rest


def size_of(item: Item) -> int:
    if isinstance(item, FrameExplanation):
        return len(item.header_bytes) + len(item.masking_key) + item.payload_received
    return item.length


# What refws says


@dataclass
class Message:
    """The message that the fragments of a direction make so far."""

    fragments: tuple[bytes, ...] = ()
    inflated: bytes = b""


def explained(entries: Sequence[Opened | Chunk]) -> dict[Direction, list[Fields]]:
    """Each whole frame of each direction."""
    conversations: dict[int, Conversation] = {}
    frames: dict[Direction, list[Fields]] = {}
    messages: dict[Direction, Message] = {}
    for entry in entries:
        if isinstance(entry, Opened):
            conversations[entry.connection] = Conversation(at_handshake=True, shown=KEEP_ALL)
        else:
            direction = entry.connection, entry.sender
            for item in conversations[entry.connection].feed(entry.sender, entry.data):
                if isinstance(item, FrameExplanation):
                    message = messages.setdefault(direction, Message())
                    frames.setdefault(direction, []).append(fields_of(item, message))
    return frames


def fields_of(frame: FrameExplanation, message: Message) -> Fields:
    """The frame in the words of tshark."""
    value = {field.name: field.value for field in frame.fields}
    fields: Fields = {
        "websocket.fin": value["FIN"],
        "websocket.rsv": value["RSV1"] << 2 | value["RSV2"] << 1 | value["RSV3"],
        "websocket.opcode": value["opcode"],
        "websocket.mask": value["MASK"],
        "websocket.payload_length": value["length"],
    }
    if frame.deflate:
        fields["websocket.pmc"] = value["RSV1"]
    if "extended length" in value:
        bits = next(field.bits for field in frame.fields if field.name == "extended length")
        fields[f"websocket.payload_length_ext_{bits}"] = value["extended length"]
    if frame.masking_key:
        fields["websocket.masking_key"] = frame.masking_key
    return fields | (
        control_fields(frame) if is_control(frame.header.opcode) else data_fields(frame, message)
    )


def control_fields(frame: FrameExplanation) -> Fields:
    if not frame.plain_start:
        return {}
    if frame.header.opcode == CLOSE:
        assert frame.close is not None
        reason = (
            {"websocket.payload.close.reason": frame.close.reason.encode()}
            if frame.close.reason
            else {}
        )
        return {"websocket.payload.close.status_code": frame.close.code, **reason}
    return {f"websocket.payload.{frame.name}": frame.plain_start}


def data_fields(frame: FrameExplanation, message: Message) -> Fields:
    """The payload of a data frame, and of its message if it ends here, in the fields of tshark.

    tshark ignores empty frames. It shows a compressed message that inflates to nothing as it was on
    the wire.
    """
    if frame.header.opcode != CONT:
        message.fragments, message.inflated = (), b""
    message.fragments += (frame.plain_start,)
    message.inflated += frame.content_start
    if not frame.plain_start:
        return {}
    if not frame.header.fin:
        return (
            {"websocket.payload.continue": frame.plain_start} if frame.header.opcode == CONT else {}
        )
    fields: Fields = {"fragments": message.fragments} if len(message.fragments) > 1 else {}
    return {**fields, "content": message.inflated or frame.plain_start}


# What tshark says


def dissected(entries: Sequence[Opened | Chunk], capture: str) -> dict[Direction, list[Fields]]:
    """Each frame that tshark finds in the capture."""
    directions = {}
    for entry in entries:
        if isinstance(entry, Opened):
            assert entry.client is not None and entry.server is not None
            directions[entry.client.port, entry.server.port] = entry.connection, Side.CLIENT
            directions[entry.server.port, entry.client.port] = entry.connection, Side.SERVER
    frames: dict[Direction, list[Fields]] = {}
    for packet in packets(capture):
        ports = port_of(packet, "tcp.srcport"), port_of(packet, "tcp.dstport")
        frames.setdefault(directions[ports], []).extend(frames_of(packet))
    return frames


def port_of(packet: ElementTree.Element, name: str) -> int:
    return next(
        int(field.get("show", "")) for field in packet.iter("field") if field.get("name") == name
    )


def packets(capture: str) -> Iterator[ElementTree.Element]:
    """The packets with frames; OSError or CalledProcessError if tshark cannot read the capture."""
    order = "tcp.reassemble_out_of_order:TRUE"
    command = ["tshark", "-r", capture, "-o", order, "-Y", "websocket", "-T", "pdml"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=DEADLINE_S)
    yield from ElementTree.fromstring(done.stdout).iter("packet")


def frames_of(packet: ElementTree.Element) -> Iterator[Fields]:
    """The frames in a packet: a "websocket" part, and what follows it up to the next one."""
    frame: list[ElementTree.Element] = []
    for part in packet.iter("proto"):
        if part.get("name") == "websocket" and frame:
            yield fields_found(frame)
            frame = []
        if part.get("name") == "websocket" or frame:
            frame.append(part)
    if frame:
        yield fields_found(frame)


NUMBERS = (
    "websocket.fin",
    "websocket.rsv",
    "websocket.pmc",
    "websocket.opcode",
    "websocket.mask",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
    "websocket.payload.close.status_code",
)
BYTES = (
    "websocket.masking_key",
    "websocket.payload.continue",
    "websocket.payload.ping",
    "websocket.payload.pong",
    "websocket.payload.close.reason",
)
CONTENT = ("websocket.payload.text", "data")


def fields_found(parts: list[ElementTree.Element]) -> Fields:
    fields: Fields = {}
    fragments: tuple[bytes, ...] = ()
    for element in (field for part in parts for field in part.iter("field")):
        name, shown, wire = (element.get(word, "") for word in ("name", "show", "value"))
        if name in NUMBERS:
            fields[name] = int(shown, 0)
        elif name in BYTES:
            fields[name] = bytes.fromhex(wire)
        elif name in CONTENT:
            fields["content"] = bytes.fromhex(wire)
        elif name == "websocket.fragment":
            fragments += (bytes.fromhex(wire),)
    return {**fields, "fragments": fragments} if fragments else fields


# Both


def compare(tape: str, capture: str) -> tuple[int, list[str]]:
    """The number of frames, and every field on which the two differ. Writes the capture."""
    with open(tape, "rb") as file:
        reader = TapeReader(file)
        entries = list(recut(reader))
    with open(capture, "wb") as file:
        write_pcap(file, entries, reader.recorded)
    return compare_entries(entries, capture)


def compare_capture(capture: str) -> tuple[int, list[str]]:
    """The same for a capture of a network, which has all bytes of its connections."""
    with open(capture, "rb") as file:
        entries = [entry for entry in CaptureReader(file) if not isinstance(entry, Gap)]
    return compare_entries(entries, capture)


def compare_entries(entries: Sequence[Opened | Chunk], capture: str) -> tuple[int, list[str]]:
    ours, theirs = explained(entries), dissected(entries, capture)
    differences = [
        line for direction, frames in ours.items() for line in differ(direction, frames, theirs)
    ]
    differences += [
        f"{direction}: frames for tshark alone" for direction in theirs.keys() - ours.keys()
    ]
    return sum(map(len, ours.values())), differences


def differ(
    direction: Direction, ours: list[Fields], theirs: dict[Direction, list[Fields]]
) -> Iterator[str]:
    """A line for each difference in one direction."""
    where = f"connection {direction[0]}, {direction[1].value}"
    found = theirs.get(direction, [])
    if len(ours) != len(found):
        yield f"{where}: {len(ours)} frames for refws, {len(found)} for tshark"
    for number, (one, other) in enumerate(zip(ours, found, strict=False), 1):
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name) and not is_fragment_not_inflated(name, one, other):
                words = f"{one.get(name)!r:.60} for refws, {other.get(name)!r:.60} for tshark"
                yield f"{where}, frame {number}, {name}: {words}"


def is_fragment_not_inflated(name: str, one: Fields, other: Fields) -> bool:
    """True if tshark shows the fragments of a compressed message joined, as version 4.0 does."""
    fragments = one.get("fragments")
    return (
        name == "content"
        and isinstance(fragments, tuple)
        and other.get(name) == b"".join(fragments)
    )


def main(files: list[str]) -> int:
    if which("tshark") is None:
        print("tshark is missing: install it, on Debian with `apt install tshark`", file=sys.stderr)
        return 2
    status = 0
    with tempfile.TemporaryDirectory() as directory:
        if not files:
            files = [f"{directory}/session.tape"]
            record(files[0])
        for path in files:
            with open(path, "rb") as file:
                of_network = is_capture(file.read(MAGIC_SIZE))
            found = compare_capture(path) if of_network else compare(path, f"{directory}/pcap")
            count, differences = found
            print(*differences, f"{path}: {count} frames, {len(differences)} differences", sep="\n")
            status = 1 if differences or not count else status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
