"""RFC 7692 §5, §7, §7.1: offers of permessage-deflate, and which answers fit them.

Each answer is checked against its offer while it is read: one that does not fit opens nothing.
"""

from __future__ import annotations

from ..case import Case, Level, Need
from ..opening import VALID, Opening, replaced
from ..outcomes import Compresses, DoesNotCompress, Opens, Outcome
from ..survey import OFFER
from .handshakes import REFUSAL

NAME = "permessage-deflate"

DEFLATE = frozenset({Need.DEFLATE})

COMPRESSES = Compresses()


def accepted(
    name: str,
    offer: str,
    rule: str,
    requirement: str,
    best: Compresses = COMPRESSES,
    weak: tuple[Outcome, ...] = (Opens(),),
    level: Level = Level.MUST,
) -> Case:
    """A valid offer: best is an answer that takes it; a server may decline any."""
    return Case(
        name,
        rule,
        requirement,
        best,
        weak,
        opening=Opening(offer=offer),
        needs=DEFLATE,
        level=level,
    )


def declined(name: str, parameters: str, rule: str, requirement: str = "7692-7-04") -> Case:
    """An offer that must be declined: 101 without it. To refuse the request is more than asked.

    §10.7: an endpoint may also drop TCP when it does not understand what it reads.
    """
    return Case(
        name,
        rule,
        requirement,
        DoesNotCompress(),
        REFUSAL,
        opening=Opening(offer=f"{NAME}; {parameters}"),
        needs=DEFLATE,
    )


TAKEN = (
    Case(
        "7692-5-no-offer",
        "Without an offer of permessage-deflate, a server must not answer with it.",
        "6455-4.2.2-19",
        DoesNotCompress(),
        opening=VALID,
    ),
    accepted(
        "7692-7.1.3-offer-without-parameters",
        NAME,
        "To an offer without client_max_window_bits the answer has none either.",
        "7692-7.1.2.2-10",
    ),
    accepted(
        "7692-7.1.2.2-client-max-window-bits-without-value",
        OFFER,
        "An answer to client_max_window_bits leaves it out, or gives it a value from 8 to 15.",
        "7692-7.1.2.2-08",
    ),
    *(
        accepted(
            f"7692-7.1.2.2-client-max-window-bits-{bits}",
            f"{NAME}; client_max_window_bits={bits}",
            "client_max_window_bits may have a value from 8 to 15: it is a hint for the answer.",
            "7692-7.1.2.2-02",
        )
        for bits in (8, 10, 15)
    ),
    accepted(
        "7692-7.1.1.1-server-no-context-takeover",
        f"{NAME}; server_no_context_takeover",
        "A server should support server_no_context_takeover, and then repeats it in the answer.",
        "7692-7.1.1.1-06",
        level=Level.SHOULD,
    ),
    accepted(
        "7692-7.1.1.2-client-no-context-takeover",
        f"{NAME}; client_no_context_takeover",
        "client_no_context_takeover is a hint: the answer may have it or not, without a value.",
        "7692-7.1.1.2-04",
    ),
    accepted(
        "7692-7.1.2.1-server-max-window-bits-15",
        f"{NAME}; server_max_window_bits=15",
        "A server that takes server_max_window_bits repeats it, with this value or a smaller one.",
        "7692-7.1.2.1-07",
        level=Level.CHOICE,
    ),
    accepted(
        "7692-7.1-all-four-parameters",
        f"{NAME}; client_no_context_takeover; server_no_context_takeover;"
        " client_max_window_bits=12; server_max_window_bits=11",
        "All four parameters may be in one offer; what the answer grants must fit each of them.",
        "7692-5-12",
        Compresses(11),
        level=Level.CHOICE,
    ),
    accepted(
        "7692-5.2-value-in-quotes",
        f'{NAME}; server_max_window_bits="10"',
        'A value may be in quotes: "10" means 10.',
        "7692-5.2-01",
        Compresses(10),
        level=Level.CHOICE,
    ),
)

SEVERAL = (
    accepted(
        "7692-7.1.3-fallback",
        f"{NAME}; client_max_window_bits; server_max_window_bits=10,"
        f" {NAME}; client_max_window_bits",
        "Of several offers a server takes the first one that it supports.",
        "7692-5-03",
        Compresses(10),
        level=Level.CHOICE,
    ),
    accepted(
        "7692-7-unknown-parameter-then-a-valid-offer",
        f"{NAME}; x_refws, {NAME}; client_max_window_bits",
        "If the first offer must be declined, the next one is judged by itself.",
        "7692-7-02",
        weak=(Opens(), *REFUSAL),
    ),
    accepted(
        "9.1-unknown-extension-before-the-offer",
        f"x-refws-unknown; a=1, {OFFER}",
        "An extension that a server does not know is left out of the answer, the others are not.",
        "6455-9.1-10",
    ),
    Case(
        "9.1-offers-in-two-header-lines",
        "Two lines of Sec-WebSocket-Extensions are one list.",
        "6455-9.1-04",
        COMPRESSES,
        (Opens(),),
        opening=Opening(
            (replaced(b"unknown, ", b"unknown\r\nSec-WebSocket-Extensions: "),),
            f"x-refws-unknown, {OFFER}",
        ),
        needs=DEFLATE,
    ),
    Case(
        "9.1-unknown-extension-alone",
        "An extension that a server does not know is no error: it is left out of the answer.",
        "6455-9.1-10",
        Opens(),
        opening=Opening(offer="x-refws-unknown"),
    ),
)

VALUES = {"7": "too-small", "16": "too-large", "08": "with-a-zero-before-it", "text": "no-number"}

DECLINED = (
    declined(
        "7692-7-unknown-parameter",
        "x_refws",
        "An offer with a parameter that RFC 7692 does not define must be declined.",
        "7692-7-03",
    ),
    declined(
        "7692-7-unknown-parameter-with-value",
        "client_max_window_bits; x_refws=10",
        "An offer with a parameter that RFC 7692 does not define must be declined.",
        "7692-7-03",
    ),
    declined(
        "7692-7-parameter-twice",
        "server_no_context_takeover; server_no_context_takeover",
        "An offer with a parameter twice must be declined.",
        "7692-7-05",
    ),
    declined(
        "7692-7-parameter-twice-with-two-values",
        "client_max_window_bits=10; client_max_window_bits=12",
        "An offer with a parameter twice must be declined.",
        "7692-7-05",
    ),
    *(
        declined(
            f"7692-7-{side}-max-window-bits-{how}",
            f"{side}_max_window_bits={value}",
            "Window bits are a number from 8 to 15 without a zero before it; others are declined.",
        )
        for side in ("server", "client")
        for value, how in VALUES.items()
    ),
    declined(
        "7692-7-server-max-window-bits-without-value",
        "server_max_window_bits",
        "In an offer server_max_window_bits must have a value.",
    ),
    *(
        declined(
            f"7692-7-{side}-no-context-takeover-with-value",
            f"{side}_no_context_takeover=1",
            "server_no_context_takeover and client_no_context_takeover have no value.",
        )
        for side in ("server", "client")
    ),
)

OFFERS: tuple[Case, ...] = (*TAKEN, *SEVERAL, *DECLINED)
