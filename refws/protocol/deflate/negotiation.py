"""RFC 7692 §5, §7.1: offers of permessage-deflate in a header -> the parameters that both keep to.

    permessage-deflate; server_no_context_takeover; client_max_window_bits=10
    name              ; the sender of each message  ; the window that it looks back into, as a power
                        begins with an empty window   of two: here 1024 bytes

A server answers with `choose_offer`; a client asks with `offer` and reads the answer with
`check_answer`. Parameters named client_... are about what the client sends, parameters named
server_... about what the server sends (§7). codec.py compresses the messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import Fault, HandshakeError
from ..extensions import FIELD, Extension
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

USUAL_WINDOW_BITS = 12
"""The largest window of a sender whose settings name no number: 4 KiB, for the memory it costs."""


@dataclass(frozen=True)
class DeflateSettings:
    """How an endpoint wants to use permessage-deflate. ValueError for a value out of range.

    Window bits are the most that the sender of that direction uses: a number, which the peer is
    asked for; True for `USUAL_WINDOW_BITS` without asking; None for no limit of our own. The
    defaults open a connection to every server that takes the offer of a browser, which is the offer
    they make: permessage-deflate; client_max_window_bits. A server with the defaults adds nothing
    to its answer that the offer does not name.

    What a client asks of the server, `server_max_window_bits` and `server_no_context_takeover`, is
    a wish. It is offered first; further offers in the same request leave it out (§5). A server that
    takes one of those may send with a window of 15 bits and with context takeover, and the client
    inflates that: in 32 KiB of memory instead of 2 ** bits bytes. A server keeps to its own limits
    when it sends, and limits the client where that is allowed (§7.1.2.2).
    `no_context_takeover` frees the memory of its direction after every message; in return each
    message compresses worse, because it cannot refer to earlier ones.

    `level` is zlib's: 1 is fastest, 9 makes the shortest payloads. `mem_level` is zlib's, too. The
    defaults take less memory than zlib's own (15 bits, 8) and less time than its `level` 6, because
    a server holds one compressor for each connection; in return messages become a little longer. A
    message of less than `threshold` bytes is not compressed, because it fits one packet in any
    case; but it is if it is sent in fragments, because its length is not known at the first one.

    §8: an attacker who can put chosen text next to a secret, and sees the lengths of the messages
    over TLS, can learn the secret (CRIME). Do not compress such messages.
    """

    server_max_window_bits: int | bool | None = True
    client_max_window_bits: int | bool | None = True
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    level: int = 3
    mem_level: int = 5
    threshold: int = 64

    def __post_init__(self) -> None:
        for name in (SERVER_MAX_WINDOW_BITS, CLIENT_MAX_WINDOW_BITS):
            bits = getattr(self, name)
            if bits is not None and bits is not True:
                self._check_range(name, MIN_WINDOW_BITS, MAX_WINDOW_BITS, ", True or None")
        self._check_range("level", 1, 9)
        self._check_range("mem_level", 1, 9)
        for name in (SERVER_NO_CONTEXT_TAKEOVER, CLIENT_NO_CONTEXT_TAKEOVER):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}; use True or False")
        if not _is_whole_number(self.threshold) or self.threshold < 0:
            raise ValueError(
                f"threshold is {self.threshold!r}; use 0, which compresses every message, or more"
            )

    def _check_range(self, name: str, least: int, most: int, otherwise: str = "") -> None:
        value = getattr(self, name)
        if not _is_whole_number(value) or value not in range(least, most + 1):
            raise ValueError(f"{name} is {value!r}; use {least} to {most}{otherwise}")


def _is_whole_number(value: object) -> bool:
    """True and False count as none: they are a sign of another meaning."""
    return isinstance(value, int) and not isinstance(value, bool)


def window_limit(bits: int | bool | None) -> int:
    """The most window bits that a setting allows."""
    return USUAL_WINDOW_BITS if bits is True else bits or MAX_WINDOW_BITS


def _asked_for(bits: int | bool | None) -> int:
    """The number of window bits to ask the peer for; 0 if the setting names none."""
    return 0 if bits is True else bits or 0


@dataclass(frozen=True)
class Parameters:
    """The agreed parameters (§5): what both endpoints keep to."""

    server_max_window_bits: int = MAX_WINDOW_BITS
    client_max_window_bits: int = MAX_WINDOW_BITS
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False


# Both sides: the parameters of one element of the header


def _find_parameter_faults(extension: Extension, in_offer: bool) -> Iterator[Fault]:
    """Each reason of §7 to decline an offer, or, in an answer, to fail the connection."""
    counts = Counter(name for name, _ in extension.parameters)
    for name, count in counts.items():
        if name not in SECTIONS:
            yield _fault("RFC 7692 §7", f"parameter {quote(name)}", f"only {', '.join(SECTIONS)}")
        elif count > 1:
            yield _fault("RFC 7692 §7", f"{name} {count} times", "at most once")
    for name, value in extension.parameters:
        if name in SECTIONS and not _is_valid(name, value, in_offer):
            seen, expected = f"{name} with {_show(value)}", _expected_value(name, in_offer)
            yield _fault(SECTIONS[name], seen, expected)


def _fault(section: str, seen: str, expected: str) -> Fault:
    return Fault(section, seen, expected, FIELD)


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


def _is_acceptable(offer: Extension) -> bool:
    return offer.name == NAME and not any(_find_parameter_faults(offer, in_offer=True))


def _names(extension: Extension, parameter: str) -> bool:
    return parameter in dict(extension.parameters)


def _read_parameters(extension: Extension) -> Parameters:
    """The parameters of an extension without faults; a window without a value is the largest."""
    values = dict(extension.parameters)
    return Parameters(
        int(values.get(SERVER_MAX_WINDOW_BITS) or MAX_WINDOW_BITS),
        int(values.get(CLIENT_MAX_WINDOW_BITS) or MAX_WINDOW_BITS),
        SERVER_NO_CONTEXT_TAKEOVER in values,
        CLIENT_NO_CONTEXT_TAKEOVER in values,
    )


def _format(parameters: Iterable[tuple[str, int | bool]]) -> str:
    """The value of the header; True makes a parameter without value, False or 0 leaves it out."""
    shown = (name if value is True else f"{name}={value}" for name, value in parameters if value)
    return "; ".join([NAME, *shown])


ANY_OFFER = Extension(NAME, ((CLIENT_MAX_WINDOW_BITS, None),))
"""An offer that every valid answer fits."""


# Server side


def choose_offer(
    offers: Iterable[Extension], settings: DeflateSettings
) -> tuple[Parameters, str] | None:
    """The agreed parameters and the header of the answer, for the first offer that is valid.

    None if no offer is valid: that is no error, the connection is then not compressed (§5).
    """
    for extension in offers:
        if _is_acceptable(extension):
            return _accept(extension, settings)
    return None


def _accept(extension: Extension, settings: DeflateSettings) -> tuple[Parameters, str]:
    agreed = _agree(extension, settings)
    named = _names(extension, SERVER_MAX_WINDOW_BITS)
    says_server_bits = named or agreed.server_max_window_bits < MAX_WINDOW_BITS
    says_client_bits = agreed.client_max_window_bits < MAX_WINDOW_BITS
    answer = (
        (SERVER_NO_CONTEXT_TAKEOVER, agreed.server_no_context_takeover),
        (CLIENT_NO_CONTEXT_TAKEOVER, agreed.client_no_context_takeover),
        (SERVER_MAX_WINDOW_BITS, says_server_bits and agreed.server_max_window_bits),
        (CLIENT_MAX_WINDOW_BITS, says_client_bits and agreed.client_max_window_bits),
    )
    return agreed, _format(answer)


def _agree(extension: Extension, settings: DeflateSettings) -> Parameters:
    """What a valid offer and our settings agree on: of two values the one that saves memory.

    The client's window is limited only if the offer has client_max_window_bits, because a client
    without it need not know how to keep to a smaller one (§7.1.2.2). For the server's window, an
    offer without server_max_window_bits is answered without it unless our settings have a number:
    the server may use a smaller window than agreed on, and need not say so.
    """
    asked = _read_parameters(extension)
    server_bits = window_limit(settings.server_max_window_bits)
    client_bits = window_limit(settings.client_max_window_bits)
    named = _names(extension, SERVER_MAX_WINDOW_BITS)
    if not named and settings.server_max_window_bits is True:
        server_bits = MAX_WINDOW_BITS
    if not _names(extension, CLIENT_MAX_WINDOW_BITS):
        client_bits = MAX_WINDOW_BITS
    return Parameters(
        min(asked.server_max_window_bits, server_bits),
        min(asked.client_max_window_bits, client_bits),
        asked.server_no_context_takeover or settings.server_no_context_takeover,
        asked.client_no_context_takeover or settings.client_no_context_takeover,
    )


# Client side


def offer(settings: DeflateSettings) -> str:
    """The value of Sec-WebSocket-Extensions in the request: one offer or more, the best one first.

    Each further one asks less of the server, and the last one nothing: a server that cannot limit
    its window declines the offer (§7.1.2.1) and takes the next. But some refuse the whole request
    because of a parameter in its first offer, so nothing is asked for unless the settings say so.
    """
    window, resets = (
        _asked_for(settings.server_max_window_bits),
        settings.server_no_context_takeover,
    )
    offers = (
        _format(
            (
                (SERVER_NO_CONTEXT_TAKEOVER, no_takeover),
                (CLIENT_NO_CONTEXT_TAKEOVER, settings.client_no_context_takeover),
                (SERVER_MAX_WINDOW_BITS, bits),
                (CLIENT_MAX_WINDOW_BITS, settings.client_max_window_bits or 0),
            )
        )
        for no_takeover, bits in ((resets, window), (resets, 0), (False, 0))
    )
    return ", ".join(dict.fromkeys(offers))


def check_answer(answered: Iterable[Extension], offered: Iterable[Extension]) -> Parameters | None:
    """The agreed parameters, if the answer fits one of the offers; None if it declines them all.

    HandshakeError with every fault of the answer: the client must fail the connection (§5, §7). An
    answer that fits no offer has the faults that it has as an answer to the first.
    """
    answered = tuple(answered)
    faults = [_foreign(extension) for extension in answered if extension.name != NAME]
    accepted = [extension for extension in answered if extension.name == NAME]
    if len(accepted) > 1:
        seen = f"{NAME} accepted {len(accepted)} times"
        faults.append(_fault("RFC 7692 §5", seen, "at most once"))
    for extension in accepted:
        faults += _find_parameter_faults(extension, in_offer=False)
    if accepted and not faults:
        faults += _find_misfits(accepted[0], filter(_is_acceptable, offered))
    if faults:
        raise HandshakeError(faults)
    return _read_parameters(accepted[0]) if accepted else None


def _foreign(extension: Extension) -> Fault:
    seen = f"extension {quote(extension.name)} in the answer"
    return _fault("§4.1", seen, "only what the client offered")


def _find_misfits(answer: Extension, offers: Iterable[Extension]) -> list[Fault]:
    """Faults of an answer to the first offer, which it may have; none if it fits any offer."""
    misfits = [list(_find_ungranted(answer, offer)) for offer in offers]
    if not misfits:
        expected = "it to be declined, because no offer of it is valid"
        return [_fault("RFC 7692 §7", f"{NAME} accepted", expected)]
    return [] if [] in misfits else misfits[0]


def _find_ungranted(extension: Extension, offered: Extension) -> Iterator[Fault]:
    """Faults of an answer that does not grant the offer, or has what the offer did not allow."""
    answer, asked = _read_parameters(extension), _read_parameters(offered)
    if answer.server_max_window_bits > asked.server_max_window_bits:
        seen = f"a window of {answer.server_max_window_bits} bits"
        expected = f"{SERVER_MAX_WINDOW_BITS} of at most {asked.server_max_window_bits}, as offered"
        yield _fault(SECTIONS[SERVER_MAX_WINDOW_BITS], seen, expected)
    if asked.server_no_context_takeover and not answer.server_no_context_takeover:
        seen, expected = f"no {SERVER_NO_CONTEXT_TAKEOVER}", "it to be repeated from the offer"
        yield _fault(SECTIONS[SERVER_NO_CONTEXT_TAKEOVER], seen, expected)
    if _names(extension, CLIENT_MAX_WINDOW_BITS) and not _names(offered, CLIENT_MAX_WINDOW_BITS):
        expected = "it to be left out, because the offer did not have it"
        yield _fault(SECTIONS[CLIENT_MAX_WINDOW_BITS], CLIENT_MAX_WINDOW_BITS, expected)
