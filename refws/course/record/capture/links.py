"""The bytes of a captured packet -> the IP packet in it, for each kind of network."""

from __future__ import annotations

from collections.abc import Callable

from ..pcap import LINKTYPE_RAW

IPV4, IPV6 = 0x0800, 0x86DD
"""EtherTypes."""

VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
"""EtherTypes of IEEE 802.1Q: two bytes of a tag follow, then the next EtherType."""

PPPOE = 0x8864
"""The EtherType of RFC 2516: 6 bytes about the session follow, then PPP."""

PPP_PROTOCOLS = (b"\x00\x21", b"\x00\x57")
"""RFC 1332, RFC 5072: IPv4 and IPv6 in PPP."""

FAMILIES = (2, 10, 23, 24, 28, 30)
"""The numbers of IPv4 and of IPv6 on various systems, as loopback interfaces write them."""

PKTAP_FIELDS = 12
"""Bytes of a PKTAP header that are read."""


def ethernet(data: bytes) -> bytes:
    """Two addresses of 6 bytes, then the EtherType."""
    return by_type(data[12:14], data[14:])


def cooked(data: bytes) -> bytes:
    """Linux's `any` interface: 14 bytes about the packet, then the EtherType."""
    return by_type(data[14:16], data[16:])


def cooked_2(data: bytes) -> bytes:
    """The same, version 2: the EtherType, then 18 bytes about the packet."""
    return by_type(data[:2], data[20:])


def loopback(data: bytes) -> bytes:
    """The address family in 4 bytes, in the byte order of the machine or of the network."""
    family = data[:4]
    known = int.from_bytes(family, "little") in FAMILIES or int.from_bytes(family) in FAMILIES
    return data[4:] if known else b""


def ppp(data: bytes) -> bytes:
    """RFC 1662: two bytes that may be left out, then the protocol."""
    data = data.removeprefix(b"\xff\x03")
    return data[2:] if data[:2] in PPP_PROTOCOLS else b""


def raw(data: bytes) -> bytes:
    """No link layer: the packet begins with its IP header."""
    return data


def pktap(data: bytes) -> bytes:
    """macOS: the length of this header, 4 other bytes, the link type of the packet after it."""
    length, link = int.from_bytes(data[:4], "little"), int.from_bytes(data[8:12], "little")
    return LINKS[link](data[length:]) if length >= PKTAP_FIELDS and link in LINKS else b""


def by_type(kind: bytes, data: bytes) -> bytes:
    """The IP packet after its EtherType and any VLAN tags; no bytes if it is another protocol."""
    while int.from_bytes(kind) in VLAN_TAGS:
        kind, data = data[2:4], data[4:]
    if int.from_bytes(kind) == PPPOE:
        return ppp(data[6:])
    return data if int.from_bytes(kind) in (IPV4, IPV6) else b""


LINKS: dict[int, Callable[[bytes], bytes]] = {
    0: loopback,
    1: ethernet,
    9: ppp,
    12: raw,
    14: raw,
    50: ppp,
    LINKTYPE_RAW: raw,
    108: loopback,
    113: cooked,
    149: pktap,
    228: raw,
    229: raw,
    258: pktap,
    276: cooked_2,
}
"""Link types, as https://www.tcpdump.org/linktypes.html numbers them -> how to find the packet."""

OTHER_LINKS = {
    105: "IEEE 802.11",
    127: "IEEE 802.11 with radiotap",
    147: "a private type",
    189: "USB",
    220: "USB",
    239: "NFLOG",
    249: "USB",
    252: "exported PDUs",
    253: "Netlink",
}
"""Names of some of the others."""


def link_name(link: int) -> str:
    """A link type that is not read, in words."""
    return f"link type {link} ({OTHER_LINKS[link]})" if link in OTHER_LINKS else f"link type {link}"
