"""Captures for tests: IP packets -> pcap and pcapng files, and the bytes that a reader finds."""

import io
import struct

from refws.course.record.pcap import packets
from refws.course.record.recordings import open_recording
from refws.course.record.tape import Address, Chunk, Gap, Opened
from refws.protocol.frame import Side
from wire import SAMPLE_KEY, TEXT, frame, request, response

V4 = Opened(0.0, 1, Address("192.0.2.1", 50_000), Address("192.0.2.2", 8080))
V6 = Opened(0.0, 1, Address("2001:db8::1", 50_000), Address("2001:db8::2", 8080))

REQUEST = request("/chat")
RESPONSE = response(SAMPLE_KEY)
HELLO = frame(TEXT, b"Hello")
LARGE = frame(TEXT, b"x" * 5000)
ANSWER = frame(TEXT, b"Hello", masked=0)

SESSION = (
    V4,
    Chunk(0.001, 1, Side.CLIENT, REQUEST),
    Chunk(0.002, 1, Side.SERVER, RESPONSE),
    Chunk(0.003, 1, Side.CLIENT, HELLO),
    Chunk(0.004, 1, Side.SERVER, ANSWER),
    Chunk(0.005, 1, Side.CLIENT, LARGE),
    Chunk(0.006, 1, Side.CLIENT, HELLO),
    Chunk(0.007, 1, Side.SERVER, b""),
    Chunk(0.008, 1, Side.CLIENT, b""),
)


def ip_packets(entries=SESSION):
    """[(seconds, IP packet)] of these entries, with all that TCP adds."""
    return list(packets(entries))


def pcap(packets, link=101, order="<", magic=0xA1B2C3D4, unit=1_000_000, snap=None):
    """A pcap file of (seconds, bytes); `snap` is the most bytes of a packet that are kept."""
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)]
    for seconds, data in packets:
        whole, fraction = divmod(round(seconds * unit), unit)
        kept = data[:snap]
        parts.append(struct.pack(order + "IIII", whole, fraction, len(kept), len(data)) + kept)
    return b"".join(parts)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order="<"):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order="<", link=101, options=b"", snap=0):
    return block(order, 1, struct.pack(order + "HHI", link, 0, snap) + options)


def enhanced(order, seconds, data, unit=1_000_000, number=0):
    ticks = round(seconds * unit)
    header = struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    return block(order, 6, header + data)


def pcapng(packets, order="<", link=101, options=b"", unit=1_000_000):
    """A pcapng file of (seconds, bytes), with one section, one interface and enhanced blocks."""
    blocks = (enhanced(order, seconds, data, unit) for seconds, data in packets)
    return b"".join([section(order), interface(order, link, options), *blocks])


def read(capture, port=None):
    """(entries, notes) of a capture."""
    reader = open_recording(io.BytesIO(capture), port)
    return list(reader), list(reader.notes())


def sent(entries, number=1):
    """What each side of a connection has sent; a gap is shown as its size."""
    found = {side: [] for side in Side}
    for entry in entries:
        if entry.connection != number or isinstance(entry, Opened):
            continue
        parts = found[entry.sender]
        if isinstance(entry, Gap):
            parts.append(entry.size)
        elif parts and isinstance(parts[-1], bytes) and entry.data:
            parts[-1] += entry.data
        else:
            parts.append(entry.data)
    return found


WHOLE = {
    Side.CLIENT: [REQUEST + HELLO + LARGE + HELLO, b""],
    Side.SERVER: [RESPONSE + ANSWER, b""],
}
"""What `sent` gives for the whole session."""
