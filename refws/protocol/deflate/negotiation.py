"""RFC 7692, permessage-deflate: offers -> agreed parameters (§7.1), message -> compressed payload
and back (§7.2).

`choose_offer` is for the server, `offer` and `check_answer` are for the client; `Deflater` and
`Inflater` are the two directions of a connection, `server_pair` and `client_pair` build them from
what was agreed. The parameters named client_... are about what the client sends, those named
server_... about what the server sends (§7).

Memory of a connection in KiB, as tracemalloc counts it (CPython 3.11, zlib 1.2.13). A `Deflater`
holds it from its first message on, an `Inflater` between messages; before the first, and without
context takeover after each, 0.2.

    window bits              8     9    10    11    12    13    14    15
    Deflater, mem_level 5   24    24    26    30    38    54    86   150    2 ** (bits + 2) + 2 ** (mem_level + 9) bytes
    Deflater, mem_level 8  136   136   138   142   150   166   198   262
    Inflater               0.4   0.7     1     2     5     9    18    36    its window: 2 ** bits bytes, and an eighth
    in a message           7.8   8.3     9    12    16    24    41    75    twice that and 7 KiB, as zlib keeps its own

What an `Inflater` returns comes on top: at most 64 KiB at once, whatever goes in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import Fault, HandshakeError
from ..extensions import Extension
from ..http import quote

NAME = "permessage-deflate"

SERVER_NO_CONTEXT_TAKEOVER = "server_no_context_takeover"
CLIENT_NO_CONTEXT_TAKEOVER = "client_no_context_takeover"
SERVER_MAX_WINDOW_BITS = "server_max_window_bits"
CLIENT_MAX_WINDOW_BITS = "client_max_window_bits"

SECTIONS = {
    SERVER_NO_CONTEXT_TAKEOVER: "RFC 7692 §7.1.1.1",
    CLIENT_NO_CONTEXT_TAKEOVER: "RFC 7692 §7.1.1.2",
    SERVER_MAX_WINDOW_BITS: "RFC 7692 §7.1.2.1",
    CLIENT_MAX_WINDOW_BITS: "RFC 7692 §7.1.2.2",
}

MIN_WINDOW_BITS = 8
MAX_WINDOW_BITS = 15
WINDOW_BITS = re.compile("[89]|1[0-5]")


@dataclass(frozen=True)
class DeflateSettings:
    """What an endpoint wants of permessage-deflate. ValueError for what does not exist.

    A number of window bits is the most that the sender of that direction may use. As a client, an
    endpoint asks for what is set here and fails the handshake if a server accepts without granting
    it. As a server, it keeps its own direction to it, and limits the client where that is allowed
    (§7.1.2.2). None says nothing about the window: as a client, do not mention it; as a server,
    take what the client asks for. `no_context_takeover` frees the memory of its direction after
    every message, and costs compression.

    The defaults, 12 bits, `mem_level` 5 and `level` 3, take a seventh of the memory of zlib's own,
    15, 8 and 6, and at most the same time, often half of it; JSON in messages of 1 KiB becomes 5 to
    25 % longer than with those. `level` is zlib's, 1 is fastest, 9 smallest. A message of less than
    `threshold` bytes stays plain: it fits one packet, whose headers are about as long; and with an
    empty window, JSON below 32 bytes does not get shorter at all.

    §8: who can put text of his choice beside a secret, and sees the lengths over TLS, learns the
    secret (CRIME). Do not compress such messages.
    """

    server_max_window_bits: int | None = 12
    client_max_window_bits: int | None = 12
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    level: int = 3
    mem_level: int = 5
    threshold: int = 64

    def __post_init__(self) -> None:
        for name in (SERVER_MAX_WINDOW_BITS, CLIENT_MAX_WINDOW_BITS):
            if getattr(self, name) is not None:
                self._check_range(name, MIN_WINDOW_BITS, MAX_WINDOW_BITS, " or None")
        self._check_range("level", 1, 9)
        self._check_range("mem_level", 1, 9)
        if self.threshold < 0:
            raise ValueError(
                (
                    f"threshold is {self.threshold}; use 0 to compress every message, or a number "
                    "of bytes"
                )
            )

    def _check_range(self, name: str, least: int, most: int, otherwise: str = "") -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or value not in range(least, most + 1):
            raise ValueError(f"{name} is {value!r}; use {least} to {most}{otherwise}")


@dataclass(frozen=True)
class Parameters:
    """The agreed parameters (§5): what both endpoints keep to."""

    server_max_window_bits: int = MAX_WINDOW_BITS
    client_max_window_bits: int = MAX_WINDOW_BITS
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False


# Both sides: the parameters of one element of the header


def find_faults(extension: Extension, in_offer: bool) -> Iterator[Fault]:
    """Every reason of §7 to decline an offer, or to fail a connection for an answer, that lies in
    its parameters.
    """
    counts = Counter(name for name, _ in extension.parameters)
    for name, count in counts.items():
        if name not in SECTIONS:
            yield Fault("RFC 7692 §7", f"parameter {quote(name)}", f"only {', '.join(SECTIONS)}")
        elif count > 1:
            yield Fault("RFC 7692 §7", f"{name} {count} times", "at most once")
    for name, value in extension.parameters:
        if name in SECTIONS and not _is_valid(name, value, in_offer):
            yield Fault(
                SECTIONS[name], f"{name} with {_show(value)}", _expected_value(name, in_offer)
            )


def _is_valid(name: str, value: str | None, in_offer: bool) -> bool:
    if name in (SERVER_NO_CONTEXT_TAKEOVER, CLIENT_NO_CONTEXT_TAKEOVER):
        return value is None
    if value is None:
        return name == CLIENT_MAX_WINDOW_BITS and in_offer
    return WINDOW_BITS.fullmatch(value) is not None


def _expected_value(name: str, in_offer: bool) -> str:
    if name in (SERVER_NO_CONTEXT_TAKEOVER, CLIENT_NO_CONTEXT_TAKEOVER):
        return "no value"
    bits = f"{MIN_WINDOW_BITS} to {MAX_WINDOW_BITS}, without leading zeros"
    return f"no value, or {bits}" if name == CLIENT_MAX_WINDOW_BITS and in_offer else bits


def _show(value: str | None) -> str:
    return "no value" if value is None else f"the value {quote(value)}"


def _read_parameters(extension: Extension) -> Parameters:
    """Its parameters, if `find_faults` found none. A window that it does not name, or not in bits,
    is the largest.
    """
    values = dict(extension.parameters)
    return Parameters(
        int(values.get(SERVER_MAX_WINDOW_BITS) or MAX_WINDOW_BITS),
        int(values.get(CLIENT_MAX_WINDOW_BITS) or MAX_WINDOW_BITS),
        SERVER_NO_CONTEXT_TAKEOVER in values,
        CLIENT_NO_CONTEXT_TAKEOVER in values,
    )


def _format(parameters: Iterable[tuple[str, int | bool]]) -> str:
    """The header value; a parameter that is True has no value, one that is False or 0 is left out."""
    shown = (name if value is True else f"{name}={value}" for name, value in parameters if value)
    return "; ".join([NAME, *shown])


# Server side


def choose_offer(
    offers: Iterable[Extension], settings: DeflateSettings
) -> tuple[Parameters, str] | None:
    """The agreed parameters and the Sec-WebSocket-Extensions of the answer, for the first offer
    that is valid.

    None if there is none: that is no error, the connection goes on without compression (§5).
    """
    for extension in offers:
        if extension.name == NAME and not any(find_faults(extension, in_offer=True)):
            return _accept(extension, settings)
    return None


def _accept(extension: Extension, settings: DeflateSettings) -> tuple[Parameters, str]:
    """A hint is used, as it saves memory. What the client does not let a server limit, stays as it
    is (§7.1.2.2).
    """
    asked = _read_parameters(extension)
    mentioned = dict(extension.parameters)
    limits_client = CLIENT_MAX_WINDOW_BITS in mentioned
    server_bits = min(
        asked.server_max_window_bits, settings.server_max_window_bits or MAX_WINDOW_BITS
    )
    client_bits = min(
        asked.client_max_window_bits, settings.client_max_window_bits or MAX_WINDOW_BITS
    )
    agreed = Parameters(
        server_bits,
        client_bits if limits_client else MAX_WINDOW_BITS,
        asked.server_no_context_takeover or settings.server_no_context_takeover,
        asked.client_no_context_takeover or settings.client_no_context_takeover,
    )
    says_server_bits = (
        SERVER_MAX_WINDOW_BITS in mentioned or agreed.server_max_window_bits < MAX_WINDOW_BITS
    )
    says_client_bits = agreed.client_max_window_bits < MAX_WINDOW_BITS
    answer = (
        (SERVER_NO_CONTEXT_TAKEOVER, agreed.server_no_context_takeover),
        (CLIENT_NO_CONTEXT_TAKEOVER, agreed.client_no_context_takeover),
        (SERVER_MAX_WINDOW_BITS, says_server_bits and agreed.server_max_window_bits),
        (CLIENT_MAX_WINDOW_BITS, says_client_bits and agreed.client_max_window_bits),
    )
    return agreed, _format(answer)


# Client side


def offer(settings: DeflateSettings) -> str:
    """The Sec-WebSocket-Extensions of the opening handshake.

    One offer without a fall-back: a server that accepted a second one, with fewer requests, would
    take away the limits of the first, and a server that cannot grant them declines. The connection
    is then uncompressed.
    """
    return _format(
        (
            (SERVER_NO_CONTEXT_TAKEOVER, settings.server_no_context_takeover),
            (CLIENT_NO_CONTEXT_TAKEOVER, settings.client_no_context_takeover),
            (SERVER_MAX_WINDOW_BITS, settings.server_max_window_bits or 0),
            (CLIENT_MAX_WINDOW_BITS, settings.client_max_window_bits or 0),
        )
    )


def check_answer(answered: Iterable[Extension], settings: DeflateSettings) -> Parameters | None:
    """The agreed parameters if the server's answer to `offer(settings)` is valid; None if it
    declined.

    HandshakeError with every fault of the answer: the client must fail the connection (§5, §7).
    """
    answered = tuple(answered)
    faults = [_foreign(extension) for extension in answered if extension.name != NAME]
    accepted = [extension for extension in answered if extension.name == NAME]
    if len(accepted) > 1:
        faults.append(
            Fault("RFC 7692 §5", f"{NAME} accepted {len(accepted)} times", "at most once")
        )
    for extension in accepted:
        faults += find_faults(extension, in_offer=False)
    if not faults:
        faults += [
            fault for extension in accepted for fault in _find_ungranted(extension, settings)
        ]
    if faults:
        raise HandshakeError(faults)
    return _read_parameters(accepted[0]) if accepted else None


def _foreign(extension: Extension) -> Fault:
    return Fault(
        "§4.1", f"extension {quote(extension.name)} in the answer", "only what the client offered"
    )


def _find_ungranted(extension: Extension, settings: DeflateSettings) -> Iterator[Fault]:
    """What the offer asked for and the answer does not grant, and what the offer did not allow."""
    answer = _read_parameters(extension)
    most = settings.server_max_window_bits or MAX_WINDOW_BITS
    if answer.server_max_window_bits > most:
        seen = f"a window of {answer.server_max_window_bits} bits"
        yield Fault(
            SECTIONS[SERVER_MAX_WINDOW_BITS],
            seen,
            f"{SERVER_MAX_WINDOW_BITS} of at most {most}, as offered",
        )
    if settings.server_no_context_takeover and not answer.server_no_context_takeover:
        seen = f"no {SERVER_NO_CONTEXT_TAKEOVER}"
        yield Fault(
            SECTIONS[SERVER_NO_CONTEXT_TAKEOVER], seen, "it to be repeated, as it was in the offer"
        )
    if settings.client_max_window_bits is None and CLIENT_MAX_WINDOW_BITS in dict(
        extension.parameters
    ):
        seen = CLIENT_MAX_WINDOW_BITS
        yield Fault(
            SECTIONS[CLIENT_MAX_WINDOW_BITS], seen, "it to be left out, as it was in the offer"
        )


# Both sides: the payloads of compressed messages
