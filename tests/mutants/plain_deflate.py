"""RFC 7692: permessage-deflate of the plain server: its answer to an offer, and both directions."""

import re
import zlib

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"
LAST_BLOCK = b"\x01\x00\x00\xff\xff"
"""An empty block with BFINAL=1: only where it is found as such, nothing before it is missing."""

WINDOW = 2**15
WINDOW_BITS = re.compile(r"[89]|1[0-5]")
OWS = " \t"

SERVER_RESETS, CLIENT_RESETS = "server_no_context_takeover", "client_no_context_takeover"
SERVER_BITS, CLIENT_BITS = "server_max_window_bits", "client_max_window_bits"


class TooLarge(Exception):
    """The message is larger than it may be."""


def agree(offers, broken):
    """The parameters of the answer to these offers, by their names; None to decline them all."""
    offers = [[part.strip(OWS) for part in offer.split(";")] for offer in offers.split(",")]
    for name, *parameters in offers[:1] if "first-offer-only" in broken else offers:
        is_ours = name == NAME or (name.startswith(NAME) and "names-by-their-start" in broken)
        pairs = [parse_parameter(parameter) for parameter in parameters]
        if is_ours and all(is_valid(*pair, broken) for pair in pairs) and is_once(pairs, broken):
            return answer_to(dict(pairs), broken)
    return None


def parse_parameter(text):
    """Its name, and its value without quotes; None without a value."""
    name, equals, value = (part.strip(OWS) for part in text.partition("="))
    return name, value.replace('"', "").replace("\\", "") if equals else None


def is_valid(name, value, broken):
    """zlib makes no window of 8 bits, so that is declined."""
    if name in (SERVER_RESETS, CLIENT_RESETS):
        return value is None
    if name == CLIENT_BITS:
        return value is None or bits_of(value, broken) > 0
    if name == SERVER_BITS:
        return value is not None and bits_of(value, broken) > 8
    return "unknown-parameter-taken" in broken


def bits_of(value, broken):
    """The number; 0 if there is none from 8 to 15."""
    if "bits-with-a-zero-taken" in broken:
        value = value.lstrip("0")
    return int(value) if WINDOW_BITS.fullmatch(value) else 0


def is_once(pairs, broken):
    return len(dict(pairs)) == len(pairs) or "parameter-twice-taken" in broken


def answer_to(offered, broken):
    agreed = {}
    if SERVER_RESETS in offered:
        agreed[SERVER_RESETS] = None
    if SERVER_BITS in offered and "server-bits-not-repeated" not in broken:
        agreed[SERVER_BITS] = offered[SERVER_BITS]
    if "client-bits-not-asked-for" in broken:
        agreed[CLIENT_BITS] = "15"
    return agreed


def as_header(agreed, broken):
    """The value of Sec-WebSocket-Extensions."""
    parameters = [name if value is None else f"{name}={value}" for name, value in agreed.items()]
    value = "; ".join([NAME, *parameters])
    return f"{value}, {value}" if "deflate-answered-twice" in broken else value


class Inflater:
    """§7.2.2: for the messages of the client, in their order, each of `limit` bytes at most."""

    def __init__(self, limit, broken):
        self.limit = limit
        self.broken = broken
        self.window = b""

    def inflate(self, payload):
        """The message, empty if the payload is. zlib.error or TooLarge if there is none."""
        if not payload:
            return b""
        tail = b"" if "tail-not-appended" in self.broken else TAIL
        message, rest = b"", payload + tail + LAST_BLOCK
        while rest:
            inflater = zlib.decompressobj(-15, zdict=self.window)
            part = inflater.decompress(rest, self.limit + 1 - len(message))
            message += part
            if len(message) > self.limit:
                raise TooLarge
            if not inflater.eof:
                raise zlib.error("a block without its end")
            self.window = (self.window + part)[-WINDOW:]
            rest = inflater.unused_data
            if "final-block-ends-the-message" in self.broken:
                break
        if "window-not-kept" in self.broken:
            self.window = b""
        return message


class Deflater:
    """§7.2.1: for the messages of the server, with what was agreed on."""

    def __init__(self, agreed, broken):
        self.bits = int(agreed.get(SERVER_BITS) or 15)
        if "server-bits-ignored" in broken:
            self.bits = 15
        self.resets = SERVER_RESETS in agreed and "server-takes-over-nevertheless" not in broken
        self.broken = broken
        self.reset()

    def reset(self):
        self.deflater = zlib.compressobj(
            wbits=15 if "deflate-with-a-header" in self.broken else -self.bits
        )

    def deflate(self, message):
        if self.resets:
            self.reset()
        payload = self.deflater.compress(message) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        if not message and "empty-message-without-payload" in self.broken:
            return b""
        return payload if "tail-left" in self.broken else payload.removesuffix(TAIL)
