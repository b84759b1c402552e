"""A tape as a capture file: read again by a small reader of its own, which adds up every checksum
word by word.
"""

import io
import struct
from ipaddress import ip_address

import pytest

from refws.course.record.pcap import write_pcap
from refws.course.record.tape import Address, Chunk, Opened
from refws.protocol.frame import Side

V4 = Opened(0.0, 1, Address("192.0.2.1", 50_000), Address("192.0.2.2", 8080))
V6 = Opened(0.0, 1, Address("2001:db8::1", 50_000), Address("2001:db8::2", 8080))
MIXED = Opened(0.0, 1, Address("192.0.2.1", 50_000), Address("2001:db8::2", 8080))
UNKNOWN = Opened(0.0, 7, None, None)

FIN, SYN, PSH, ACK = 1, 2, 8, 16


class Packet:
    """A packet of the capture, taken apart as RFC 791, RFC 8200 and RFC 9293 draw it."""

    def __init__(self, seconds, data):
        self.seconds = seconds
        self.version = data[0] >> 4
        if self.version == 4:
            assert (
                data[0] & 15 == 5 and data[9] == 6 and int.from_bytes(data[2:4], "big") == len(data)
            )
            assert ones_sum(data[:20]) == 0xFFFF
            hosts, segment = data[12:20], data[20:]
        else:
            assert data[6] == 6 and int.from_bytes(data[4:6], "big") == len(data) - 40
            hosts, segment = data[8:40], data[40:]
        self.source, self.target = (
            ip_address(hosts[: len(hosts) // 2]),
            ip_address(hosts[len(hosts) // 2 :]),
        )
        ports = struct.unpack("!HHIIBB", segment[:14])
        self.source_port, self.target_port, self.sequence, self.acknowledged, offset, self.flags = (
            ports
        )
        assert ones_sum(hosts + struct.pack("!HH", 6, len(segment)) + segment) == 0xFFFF
        assert offset == 5 << 4
        self.payload = segment[20:]


def ones_sum(data):
    """The one's complement sum of RFC 1071; 0xffff over bytes with their checksum in them."""
    total = 0
    for index in range(0, len(data), 2):
        total += int.from_bytes(data[index : index + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total


def capture(*entries, began=0.0):
    """The packets that are written for these entries."""
    file = io.BytesIO()
    count = write_pcap(file, entries, began)
    file.seek(0)
    magic, major, minor, zone, figures, snap_length, link = struct.unpack("<IHHiIII", file.read(24))
    assert (magic, major, minor, zone, figures, link) == (0xA1B2C3D4, 2, 4, 0, 0, 101)
    packets = []
    while header := file.read(16):
        seconds, microseconds, kept, length = struct.unpack("<IIII", header)
        assert kept == length <= snap_length and microseconds < 1_000_000
        packets.append(Packet(seconds + microseconds / 1e6, file.read(kept)))
    assert len(packets) == count
    return packets


def stream(packets, port):
    """What a port has sent, put together by its sequence numbers, and the number after its last
    byte.
    """
    sent = [packet for packet in packets if packet.source_port == port]
    assert sent[0].flags & SYN
    data, following = b"", (sent[0].sequence + 1) % 2**32
    for packet in sent[1:]:
        assert packet.sequence == following
        data += packet.payload
        following = (following + len(packet.payload) + bool(packet.flags & FIN)) % 2**32
    return data, following


@pytest.mark.parametrize(
    ("opened", "hosts"),
    [
        (V4, ("192.0.2.1", "192.0.2.2")),
        (V6, ("2001:db8::1", "2001:db8::2")),
        (MIXED, ("::ffff:192.0.2.1", "2001:db8::2")),
    ],
)
def test_both_streams_come_out_as_they_went_in_between_their_hosts_and_ports(opened, hosts):
    request, answer = bytes(range(256)) * 300, b"answer"
    packets = capture(
        opened,
        Chunk(0.1, 1, Side.CLIENT, request),
        Chunk(0.2, 1, Side.SERVER, answer),
        Chunk(0.3, 1, Side.CLIENT, b"more"),
        Chunk(0.4, 1, Side.SERVER, b""),
        Chunk(0.5, 1, Side.CLIENT, b""),
    )
    assert stream(packets, 50_000)[0] == request + b"more"
    assert stream(packets, 8080)[0] == answer
    client, server = (ip_address(hosts[0]), 50_000), (ip_address(hosts[1]), 8080)
    ends = {
        ((packet.source, packet.source_port), (packet.target, packet.target_port))
        for packet in packets
    }
    assert ends == {(client, server), (server, client)}


def test_tcp_opens_with_three_packets_and_each_direction_ends_with_a_fin():
    late = Chunk(2, 1, Side.CLIENT, b"late")
    packets = capture(V4, Chunk(1, 1, Side.SERVER, b""), late, Chunk(3, 1, Side.CLIENT, b""))
    assert [(packet.source_port, packet.flags) for packet in packets] == [
        (50_000, SYN),
        (8080, SYN | ACK),
        (50_000, ACK),
        (8080, FIN | ACK),
        (50_000, ACK),
        (50_000, PSH | ACK),
        (8080, ACK),
        (50_000, FIN | ACK),
        (8080, ACK),
    ]


def test_every_byte_is_acknowledged_by_the_other_side_and_none_that_was_not_sent():
    chunks = [(Side.CLIENT, bytes(5000)), (Side.SERVER, b"b"), (Side.CLIENT, b"")]
    packets = capture(V4, *(Chunk(0, 1, sender, data) for sender, data in chunks))
    following = {}
    for packet in packets:
        if packet.flags & ACK:
            assert packet.acknowledged == following[packet.target_port]
        size = len(packet.payload) + bool(packet.flags & (SYN | FIN))
        following[packet.source_port] = (packet.sequence + size) % 2**32


def test_no_packet_is_larger_than_an_ethernet_frame_takes():
    packets = capture(V6, Chunk(0, 1, Side.CLIENT, bytes(100_000)))
    assert max(len(packet.payload) for packet in packets) + 20 + 40 == 1500


def test_without_addresses_the_server_has_port_80_and_each_client_a_port_of_its_own():
    packets = capture(
        UNKNOWN, Chunk(0, 8, Side.CLIENT, b"no open line"), Chunk(0, 7, Side.SERVER, b"x")
    )
    assert {packet.source_port for packet in packets} - {80} == {
        packets[0].source_port,
        packets[3].source_port,
    }
    assert packets[0].source_port != packets[3].source_port
    assert {packet.target_port for packet in packets if packet.source_port != 80} == {80}


def test_times_count_from_the_start_of_the_recording():
    packets = capture(V4, Chunk(1.25, 1, Side.CLIENT, b"a"), began=1_700_000_000.5)
    assert [packets[0].seconds, packets[3].seconds] == pytest.approx(
        [1_700_000_000.5, 1_700_000_001.75], abs=1e-6
    )


@pytest.mark.parametrize(("began", "seconds"), [(-5.0, 0), (2.0**40, 2**32 - 1)])
def test_a_time_that_the_format_cannot_hold_becomes_the_nearest_one(began, seconds):
    assert int(capture(V4, began=began)[0].seconds) == seconds


def test_sequence_numbers_may_pass_their_end():
    """The first ones hang on the number of the connection; one of these begins just below 2**32."""
    number = (2**32 - 500) * pow(1_000_003, -1, 2**32) % 2**32
    opened = Opened(0.0, number, V4.client, V4.server)
    packets = capture(opened, Chunk(0, number, Side.CLIENT, bytes(3000)))
    assert packets[0].sequence > 2**32 - 1000
    assert stream(packets, 50_000)[0] == bytes(3000)


def test_an_empty_tape_is_a_capture_without_packets():
    assert capture() == []
