"""Captures of networks: files of both formats, link layers, IP, and TCP put together again.

Sessions with known bytes are taken apart into packets, and the packets are changed as networks and
programs that capture change them. What the reader finds is compared with the known bytes.
"""

import io
import itertools
import random
import struct
from dataclasses import replace

import pytest

from capturing import (
    ANSWER,
    HELLO,
    LARGE,
    REQUEST,
    RESPONSE,
    SESSION,
    V4,
    V6,
    WHOLE,
    block,
    enhanced,
    interface,
    ip_packets,
    option,
    pcap,
    pcapng,
    read,
    section,
    sent,
)
from refws.course.record.capture import connections
from refws.course.record.capture.reader import CaptureReader
from refws.course.record.capture.reassembly import MAX_HELD_SEGMENTS
from refws.course.record.capture.segments import segment_of
from refws.course.record.pcap import write_pcap
from refws.course.record.recordings import Rewound, open_recording
from refws.course.record.tape import Address, BadRecording, Chunk, Gap, Opened
from refws.protocol.frame import Side
from wire import SAMPLE_KEY, response

PACKETS = ip_packets()
PACKETS_V6 = ip_packets((V6, *SESSION[1:]))

# Files


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1_000_000), (0xA1B23C4D, 1_000_000_000)])
def test_a_pcap_file_of_either_byte_order_and_unit_has_the_bytes_and_times(order, magic, unit):
    began = 1_700_000_000
    late = [(began + seconds, packet) for seconds, packet in PACKETS]
    reader = open_recording(io.BytesIO(pcap(late, 101, order, magic, unit)))
    entries = list(reader)
    assert isinstance(reader, CaptureReader) and reader.recorded == began
    assert sent(entries) == WHOLE and list(reader.notes()) == []
    assert replace(entries[0], seconds=0.0) == V4
    assert [round(entry.seconds, 6) for entry in entries[1:4]] == [0.001, 0.002, 0.003]


def test_packets_of_the_modified_pcap_format_have_longer_headers():
    capture = pcap(PACKETS[:1], magic=0xA1B2CD34)
    parts = [capture[:24]]
    for _, packet in PACKETS:
        parts.append(struct.pack("<IIII8x", 0, 0, len(packet), len(packet)) + packet)
    assert sent(read(b"".join(parts))[0]) == WHOLE


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("resolution", "unit"), [(None, 10**6), (3, 10**3), (9, 10**9), (0x80 | 20, 2**20)]
)
def test_a_pcapng_file_of_either_byte_order_has_times_in_the_unit_of_its_interface(
    order, resolution, unit
):
    options = b"" if resolution is None else option(order, 9, bytes([resolution]))
    options += option(order, 14, struct.pack(order + "q", 1_000_000_000)) + option(order, 0, b"")
    entries, notes = read(pcapng(PACKETS, order, options=options, unit=unit))
    assert sent(entries) == WHOLE and notes == []
    times = [entry.seconds for entry in entries[1:4]]
    assert times == pytest.approx([0.001, 0.002, 0.003], abs=2 / unit)


def test_a_pcapng_file_may_have_sections_of_both_byte_orders_and_other_blocks():
    half = len(PACKETS) // 2
    names = block("<", 4, b"names of hosts, in no format that is read")
    capture = pcapng(PACKETS[:half]) + names + pcapng(PACKETS[half:], ">")
    assert sent(read(capture)[0]) == WHOLE


def test_simple_and_old_packet_blocks_are_read_too():
    simple, old = PACKETS[: len(PACKETS) // 2], PACKETS[len(PACKETS) // 2 :]
    blocks = [section(), interface()]
    blocks += [block("<", 3, struct.pack("<I", len(packet)) + packet) for _, packet in simple]
    for _, packet in old:
        header = struct.pack("<HHIIII", 0, 0, 0, 0, len(packet), len(packet))
        blocks.append(block("<", 2, header + packet))
    assert sent(read(b"".join(blocks))[0]) == WHOLE


def test_each_packet_has_the_link_type_of_its_own_interface():
    blocks = [section(), interface(link=1), interface(link=101)]
    blocks += [enhanced("<", seconds, packet, number=1) for seconds, packet in PACKETS]
    assert sent(read(b"".join(blocks))[0]) == WHOLE


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_file_that_is_cut_anywhere_is_read_up_to_there(make):
    capture = make(PACKETS)
    ends = {len(make(PACKETS[:count])) for count in range(len(PACKETS))}
    for size in {*range(4, len(capture), 97), *ends}:
        entries, notes = read(capture[:size])
        for side, parts in sent(entries).items():
            start = b"".join(part for part in parts if isinstance(part, bytes))
            assert WHOLE[side][0].startswith(start)
        assert any("ends within a packet" in note for note in notes) == (size not in ends)


@pytest.mark.parametrize(
    ("capture", "words"),
    [
        (pcap([]).replace(b"\2\0\4\0", b"\3\0\4\0"), "byte 4: a pcap file of version 3.4"),
        (pcap([]) + struct.pack("<IIII", 0, 0, 2**31, 9), "byte 32: a packet of which 2147483648"),
        (section()[:8] + b"abcd" + bytes(16), "byte 8: 61 62 63 64; expected 1a 2b 3c 4d"),
        (section() + struct.pack("<II", 6, 13) + bytes(5), "byte 32: a block of 13 bytes"),
        (section() + struct.pack("<II", 6, 8), "byte 32: a block of 8 bytes"),
        (section() + struct.pack("<II", 6, 2**30), "at most"),
        (section() + enhanced("<", 0, b""), "after the block of its interface"),
        (section() + interface()[:-4] + bytes(4), "0 as the length at the end of a block"),
        (section() + block("<", 1, b"\1"), "do not fit its type"),
        (section() + interface() + block("<", 6, bytes(12) + b"\xff\xff\0\0"), "do not fit"),
        (section() + 4097 * interface(), "one more interface; expected at most 4096"),
    ],
)
def test_a_damaged_file_is_one_error_with_the_place(capture, words):
    with pytest.raises(BadRecording) as error:
        read(capture)
    assert error.value.what == "is a damaged capture" and words in str(error.value)


def test_a_compressed_capture_is_not_read_and_says_what_to_do():
    with pytest.raises(BadRecording, match="gunzip"):
        read(b"\x1f\x8b\x08\x00")


def test_a_file_that_is_begun_again_gives_each_byte_once_in_any_pieces():
    for size in (1, 3, 4, 5, 100):
        file = Rewound(b"abcd", io.BytesIO(b"efghij").read1)
        pieces = iter(lambda file=file, size=size: file.read(size), b"")
        assert b"".join(pieces) == b"abcdefghij"


class Pipe:
    """A file that gives one part of a capture at each read, and counts them."""

    def __init__(self, parts):
        self.parts = parts
        self.reads = 0

    def read1(self, size):
        self.reads += 1
        return self.parts[self.reads - 1] if self.reads <= len(self.parts) else b""

    read = read1


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_capture_is_read_while_it_is_written(make):
    """Packet by packet: nothing waits for the end of the file."""
    wholes = [make(PACKETS[:count]) for count in range(len(PACKETS) + 1)]
    parts = [wholes[0], *(b[len(a) :] for a, b in itertools.pairwise(wholes))]
    pipe = Pipe(parts)
    request = next(index for index, (_, packet) in enumerate(PACKETS) if len(packet) > 40)
    entries = iter(open_recording(pipe))
    assert isinstance(next(entries), Opened) and next(entries).data == REQUEST
    assert pipe.reads == 1 + request + 1


# Link layers


def on_ethernet(packet):
    return bytes(12) + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet + b"padding"


def on_vlan(packet):
    return bytes(12) + b"\x88\xa8\0\1\x81\x00\0\2" + on_ethernet(packet)[12:]


def on_cooked(packet):
    return bytes(14) + on_ethernet(packet)[12:14] + packet


def on_cooked_2(packet):
    return on_ethernet(packet)[12:14] + bytes(18) + packet


def on_loopback(family, order):
    return lambda packet: family.to_bytes(4, order) + packet


def on_pktap(packet):
    return struct.pack("<III", 108, 1, 1).ljust(108, b"\0") + on_ethernet(packet)


def on_ppp(packet):
    return (b"\0\x21" if packet[0] >> 4 == 4 else b"\0\x57") + packet


def on_pppoe(packet):
    return bytes(12) + b"\x88\x64\x11\0\0\1\0\0" + on_ppp(packet)


LINKED = [
    (1, on_pppoe),
    (9, on_ppp),
    (50, lambda packet: b"\xff\x03" + on_ppp(packet)),
    (1, on_ethernet),
    (1, on_vlan),
    (113, on_cooked),
    (276, on_cooked_2),
    (0, on_loopback(2, "little")),
    (0, on_loopback(30, "big")),
    (108, on_loopback(24, "big")),
    (101, bytes),
    (12, bytes),
    (228, bytes),
    (229, bytes),
    (258, on_pktap),
    (1 | 2**29 | 2**26, on_ethernet),
]


@pytest.mark.parametrize(("link", "wrap"), LINKED)
@pytest.mark.parametrize("packets", [PACKETS, PACKETS_V6])
def test_ip_is_found_on_every_link_layer(link, wrap, packets):
    wrapped = [(seconds, wrap(packet)) for seconds, packet in packets]
    entries, notes = read(pcap(wrapped, link))
    assert sent(entries) == WHOLE and notes == []


def test_packets_of_other_link_layers_are_counted_and_said():
    entries, notes = read(pcap(PACKETS, 127))
    assert entries == []
    assert f"{len(PACKETS)} packets of link type 127 (IEEE 802.11 with radiotap)" in notes[1]


def test_other_protocols_are_no_error():
    others = [
        (0.0, bytes(60)),
        (0.0, on_ethernet(b"\0")),
        (0.0, on_ethernet(b"\x45" + bytes(8) + b"\x11" + bytes(10))),
        (0.0, b""),
    ]
    entries, notes = read(pcap(others, 1))
    assert entries == [] and "4 packets, 3 of them not IP, 1 of them not TCP" in notes[0]


# IP


def ipv4_with_options(packet):
    return (
        b"\x47"
        + packet[1:2]
        + (len(packet) + 8).to_bytes(2)
        + packet[4:20]
        + bytes(8)
        + packet[20:]
    )


def ipv6_with(*headers):
    """Extension headers (type, bytes after the type of the next one) in front of TCP."""

    def change(packet):
        kinds = [kind for kind, _ in headers] + [6]
        added = b"".join(
            bytes([following]) + body
            for following, (_, body) in zip(kinds[1:], headers, strict=True)
        )
        length = int.from_bytes(packet[4:6]) + len(added)
        return (
            packet[:4] + length.to_bytes(2) + bytes(kinds[:1]) + packet[7:40] + added + packet[40:]
        )

    return change


OPTIONS = b"\1" + bytes(14)
ATOMIC_FRAGMENT = bytes(7)
AUTHENTICATION = b"\4" + bytes(22)


@pytest.mark.parametrize(
    ("packets", "change"),
    [
        (PACKETS, ipv4_with_options),
        (PACKETS, lambda packet: packet[:2] + bytes(2) + packet[4:]),  # length not filled in yet
        (PACKETS_V6, ipv6_with((0, OPTIONS), (60, OPTIONS), (43, bytes(7)))),
        (PACKETS_V6, ipv6_with((44, ATOMIC_FRAGMENT))),
        (PACKETS_V6, ipv6_with((51, AUTHENTICATION))),
        (PACKETS_V6, lambda packet: packet[:4] + bytes(2) + packet[6:]),
    ],
)
def test_headers_of_ip_may_be_longer_and_lengths_missing(packets, change):
    changed = [(seconds, change(packet)) for seconds, packet in packets]
    entries, notes = read(pcap(changed))
    assert sent(entries) == WHOLE and notes == []


@pytest.mark.parametrize(
    ("packets", "change"),
    [
        (PACKETS, lambda packet: packet[:6] + b"\x20\0" + packet[8:]),
        (PACKETS, lambda packet: packet[:6] + b"\0\x05" + packet[8:]),
        (PACKETS_V6, ipv6_with((44, b"\0\0\1\0\0\0\0"))),
    ],
)
def test_fragments_of_ip_are_said_and_not_guessed(packets, change):
    entries, notes = read(pcap([(seconds, change(packet)) for seconds, packet in packets]))
    assert entries == []
    assert f"{len(packets)} fragments of IP packets left out: they are not put together" in notes


def test_no_bytes_of_a_packet_are_an_exception():
    for packet in (PACKETS[4][1], PACKETS_V6[4][1]):
        for size in range(len(packet)):
            segment_of(packet[:size], 0)
            segment_of(packet[:size], len(packet) - size)


# TCP


def data_packets(packets):
    """The indices of the packets that carry data."""
    return [index for index, (_, packet) in enumerate(packets) if len(packet) > 40]


def swapped(packets):
    """Each two neighbours with data of one side in the other order."""
    mixed = list(packets)
    indices = [index for index in data_packets(packets) if packets[index][1][20:22] != b"\x1f\x90"]
    for one, other in itertools.pairwise(indices[2::2]):
        mixed[one], mixed[other] = mixed[other], mixed[one]
    return mixed


def test_retransmissions_are_dropped_and_segments_put_in_order():
    twice = [packet for packet in PACKETS for _ in range(2)]
    again = PACKETS[:-4] + PACKETS[4:]
    for packets in (twice, again, swapped(PACKETS), swapped(twice)):
        entries, notes = read(pcap(packets))
        assert sent(entries) == WHOLE and notes == []


def test_overlapping_segments_give_each_byte_once():
    """The first segments of a side, joined, arrive after the first one and before the second."""
    first, second = (PACKETS[index][1] for index in data_packets(PACKETS)[4:6])
    assert first[12:20] == second[12:20] and first[20:22] == second[20:22]
    joined = first[:2] + (len(first) + len(second) - 40).to_bytes(2) + first[4:] + second[40:]
    index = data_packets(PACKETS)[5]
    packets = [*PACKETS[:index], (0.0, joined), *PACKETS[index:]]
    assert sent(read(pcap(packets))[0]) == WHOLE


def test_sequence_numbers_pass_their_end():
    number = (2**32 - 500) * pow(1_000_003, -1, 2**32) % 2**32
    entries = [Opened(0.0, number, V4.client, V4.server)]
    entries += [Chunk(c.seconds, number, c.sender, c.data) for c in SESSION[1:]]
    assert sent(read(pcap(ip_packets(entries)))[0]) == WHOLE


def test_a_shuffled_capture_has_all_bytes_or_says_what_is_missing():
    for seed in range(20):
        packets = PACKETS[:6] + random.Random(seed).sample(PACKETS[6:], len(PACKETS) - 6)
        entries, notes = read(pcap(packets))
        assert sent(entries) == WHOLE and notes == []


def without(packets, *indices):
    return [packet for index, packet in enumerate(packets) if index not in indices]


def test_a_gap_inside_a_payload_is_said_and_the_next_frame_is_found():
    client = [index for index in data_packets(PACKETS) if len(PACKETS[index][1]) > 1000]
    entries, notes = read(pcap(without(PACKETS, client[1])))
    before = len(REQUEST + HELLO) + 1440
    stream = REQUEST + HELLO + LARGE + HELLO
    assert sent(entries)[Side.CLIENT] == [stream[:before], 1440, stream[before + 1440 :], b""]
    assert "1440 bytes of WebSocket connections missing in the capture" in notes[0]


def test_missing_packets_at_the_end_are_said_by_what_the_other_side_acknowledges():
    last = data_packets(PACKETS)[-1]
    entries, notes = read(pcap(without(PACKETS, last, *range(len(PACKETS) - 4, len(PACKETS)))))
    assert sent(entries)[Side.CLIENT] == [REQUEST + HELLO + LARGE, len(HELLO)]
    assert f"{len(HELLO)} bytes" in notes[0]


def test_what_waits_for_a_missing_segment_is_bounded():
    chunk = b"x" * 10
    entries = [V4, Chunk(0.0, 1, Side.CLIENT, REQUEST), Chunk(0.0, 1, Side.SERVER, RESPONSE)]
    entries += [Chunk(1.0, 1, Side.CLIENT, chunk)] * (MAX_HELD_SEGMENTS + 3)
    packets = ip_packets(entries)
    lost = data_packets(packets)[2]
    alone = [packet for packet in without(packets, lost) if packet[1][20:22] != b"\x1f\x90"]
    found = sent(read(pcap([*packets[:4], *alone]))[0])[Side.CLIENT]
    assert found == [REQUEST, 10, chunk * (MAX_HELD_SEGMENTS + 2)]


def test_a_gap_is_given_up_once_it_was_acknowledged_and_does_not_wait_for_the_end():
    lost = data_packets(PACKETS)[2]
    more = [Chunk(1.0, 1, Side.CLIENT, HELLO)] * 40
    packets = ip_packets([*SESSION[:-2], *more, *SESSION[-2:]])
    entries = read(pcap(without(packets, lost)))[0]
    gap = next(index for index, entry in enumerate(entries) if isinstance(entry, Gap))
    assert gap < len(entries) - 20


def test_a_reset_ends_both_directions():
    reset = bytearray(PACKETS[3][1])
    reset[33] = 0x14  # RST and ACK, with the number after the last byte
    size = len(REQUEST + HELLO + LARGE + HELLO)
    number = int.from_bytes(reset[24:28]) + size
    reset = reset[:2] + b"\0\x28" + reset[4:24] + number.to_bytes(4) + reset[28:40]
    entries, _ = read(pcap([*PACKETS[:-4], (1.0, bytes(reset))]))
    assert sent(entries) == WHOLE


def test_the_same_ports_may_carry_a_second_connection():
    second = [Opened(5.0, 2, V4.client, V4.server)]
    second += [Chunk(c.seconds + 5, 2, c.sender, c.data) for c in SESSION[1:]]
    for first in (SESSION, SESSION[:-2]):
        entries = read(pcap(ip_packets([*first, *second])))[0]
        assert sent(entries, 2) == WHOLE
        assert sent(entries, 1)[Side.CLIENT] == WHOLE[Side.CLIENT]


# Which connections


def test_connections_without_a_handshake_are_said_by_kind():
    tls = Opened(0.0, 2, Address("192.0.2.1", 50_001), Address("192.0.2.2", 443))
    http = Opened(0.0, 3, Address("192.0.2.1", 50_002), Address("192.0.2.2", 80))
    other = Opened(0.0, 4, Address("192.0.2.1", 50_003), Address("192.0.2.2", 22))
    entries, notes = read(
        pcap(
            ip_packets(
                [
                    tls,
                    Chunk(0.0, 2, Side.CLIENT, b"\x16\x03\x01\x00\x05hello"),
                    http,
                    Chunk(0.0, 3, Side.CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                    other,
                    Chunk(0.0, 4, Side.SERVER, b"SSH-2.0-x\r\n"),
                ]
            )
        )
    )
    assert entries == []
    assert "1 connection with TLS, 1 connection with HTTP, but no opening handshake" in notes[0]
    assert "1 connection with neither HTTP nor TLS" in notes[0] and "--port" in notes[0]
    assert (
        "1 connection with TLS (port 443): its frames cannot be seen without its keys" in notes[1]
    )


def test_a_handshake_may_follow_other_requests_of_its_connection():
    before = [
        V4,
        Chunk(0.0, 1, Side.CLIENT, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"),
        Chunk(0.0, 1, Side.SERVER, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno!"),
    ]
    assert sent(read(pcap(ip_packets([*before, *SESSION[1:]])))[0]) == WHOLE


def test_a_head_may_arrive_byte_by_byte():
    slow = [Chunk(0.0, 1, Side.CLIENT, bytes([byte])) for byte in REQUEST]
    assert sent(read(pcap(ip_packets([V4, *slow, *SESSION[2:]])))[0]) == WHOLE


def test_a_capture_may_begin_after_the_syn():
    assert sent(read(pcap(PACKETS[3:]))[0]) == WHOLE
    entries, notes = read(pcap(PACKETS[5:]))  # after the request
    assert sent(entries) == {**WHOLE, Side.CLIENT: [HELLO + LARGE + HELLO, b""]}
    assert entries[0].at_handshake is None and notes[0].startswith("#1: opened before the capture")


def test_a_connection_that_was_open_before_is_read_if_its_port_is_given():
    frames_only = PACKETS[7:]
    assert read(pcap(frames_only))[0] == []
    entries, notes = read(pcap(frames_only), 8080)
    assert entries[0] == Opened(0.0, 1, V4.client, V4.server, at_handshake=None)
    assert sent(entries) == {
        Side.CLIENT: [HELLO + LARGE + HELLO, b""],
        Side.SERVER: [ANSWER, b""],
    }
    assert "the first bytes are taken for the start of a message" in notes[0]
    assert read(pcap(frames_only), 9000)[1][0].endswith("; none is to or from port 9000")
    advice = "give its server's port with --port 8080, which the capture has"
    assert read(pcap(frames_only))[1][0].endswith(advice)


def test_tls_on_the_port_of_the_server_is_said():
    tls = Chunk(0.0, 1, Side.CLIENT, b"\x16\x03\x01\x00\x05hello")
    entries, notes = read(pcap(ip_packets([V4, tls])), 8080)
    assert entries == [] and notes[0].endswith("1 connection with TLS")
    assert notes[1].startswith("1 connection with TLS (port 8080): its frames cannot be seen")


def test_a_tunnel_through_a_proxy_is_read_from_the_handshake_on():
    before = [
        V4,
        Chunk(0.0, 1, Side.CLIENT, b"CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        Chunk(0.0, 1, Side.SERVER, b"HTTP/1.1 200 Connection established\r\n\r\n"),
    ]
    assert sent(read(pcap(ip_packets([*before, *SESSION[1:]])))[0]) == WHOLE


@pytest.mark.parametrize(("port", "side"), [(50_000, Side.CLIENT), (8080, Side.SERVER)])
def test_a_capture_of_one_side_says_so(port, side):
    packets = [packet for packet in PACKETS if packet[1][20:22] == port.to_bytes(2)]
    entries, notes = read(pcap(packets))
    assert sent(entries)[side] == WHOLE[side] and sent(entries)[side.peer] == []
    assert notes == ["#1: the capture has the packets of one side only"]


def test_another_upgrade_is_no_handshake():
    head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n"
    answer = response(SAMPLE_KEY).replace(b"websocket", b"h2c")
    chunks = [Chunk(0.0, 1, Side.CLIENT, head), Chunk(0.0, 1, Side.SERVER, answer)]
    assert read(pcap(ip_packets([V4, *chunks])))[0] == []


def test_what_begins_like_a_request_does_not_wait_for_ever():
    """The end of the head does not arrive; what follows later is found nevertheless."""
    rest = [Chunk(0.0, 1, Side.CLIENT, b"x" * 1000)] * 20
    answers = [Chunk(0.0, 1, Side.SERVER, b"y" * 1000)] * 80
    for waiting in (rest, answers):
        before = [V4, Chunk(0.0, 1, Side.CLIENT, b"GET / HTTP/1.1\r\n"), *waiting]
        assert sent(read(pcap(ip_packets([*before, *SESSION[1:]])))[0]) == WHOLE


def test_the_connection_that_is_idle_longest_is_ended_above_the_limit(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    second = [
        entry
        for number in (2, 3)
        for entry in (
            Opened(1.0, number, Address("192.0.2.1", 50_000 + number), V4.server),
            Chunk(1.0, number, Side.CLIENT, REQUEST),
        )
    ]
    entries, notes = read(pcap(ip_packets([*SESSION[:4], *second])))
    assert sent(entries)[Side.CLIENT] == [REQUEST + HELLO, b""]
    assert sent(entries, 3)[Side.CLIENT] == [REQUEST]
    assert "1 idle connection left: too many were open at once" in notes


# Packets that are not kept whole


@pytest.mark.parametrize("snap", [68, 96])
def test_a_short_snap_length_shows_the_heads_and_what_is_missing(snap):
    entries, notes = read(pcap(PACKETS, snap=snap))
    data = snap - 40
    assert sent(entries)[Side.CLIENT][:2] == [REQUEST[:data], len(REQUEST) - data]
    assert sent(entries)[Side.SERVER][:2] == [RESPONSE[:data], len(RESPONSE) - data]
    for side, parts in sent(entries).items():
        sizes = sum(part if isinstance(part, int) else len(part) for part in parts)
        assert sizes == len(WHOLE[side][0])
    assert any(f"cut off after {snap} bytes" in note and "-s 0" in note for note in notes)


# The writer


def test_a_capture_that_is_written_again_has_the_same_bytes_and_gaps():
    lost = data_packets(PACKETS)[5]
    entries = read(pcap(without(PACKETS, lost)))[0]
    file = io.BytesIO()
    write_pcap(file, entries, 0.0)
    assert sent(read(file.getvalue())[0]) == sent(entries)
