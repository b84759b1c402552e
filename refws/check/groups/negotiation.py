"""RFC 6455 §4.2.1 items 8 and 9, §4.2.2 item 4, §4.3, §9.1: subprotocols and extensions.

An unknown one is no fault: it is left out of the answer. A malformed list is one. But a server that
knows no subprotocol, or no extension, need not read that header, and may then open without one.
"""

from __future__ import annotations

from ..case import Case, Group, Level
from ..opening import added, with_line, without
from ..outcomes import AnyOf, Opens, Outcome
from .handshakes import EXTENSIONS, OPENS, PROTOCOL, REFUSAL, REFUSES, opens, refuses

NO_SUBPROTOCOL = Opens(without=PROTOCOL)
NO_EXTENSION = Opens(extensions=())
DEFLATE_AT_MOST = Opens(extensions=("permessage-deflate",))


def subprotocols(name: str, rule: str, *lines: str, best: Outcome = NO_SUBPROTOCOL) -> Case:
    """A list of subprotocols that no one knows: a server may take any, and may ask for its own."""
    edits = (without(PROTOCOL), *(added(PROTOCOL, line) for line in lines))
    weak = (OPENS, *REFUSAL)
    return opens(name, rule, "6455-4.2.2-14", *edits, best=best, weak=weak, level=Level.SHOULD)


def bad_subprotocols(name: str, rule: str, value: str) -> Case:
    return refuses(name, rule, "6455-4.3-02", with_line(PROTOCOL, value), weak=(NO_SUBPROTOCOL,))


SUBPROTOCOLS = (
    opens(
        "4.2.2-no-subprotocol-without-list",
        "A server names no subprotocol if the client listed none.",
        "6455-4.2.2-15",
        without(PROTOCOL),
        best=NO_SUBPROTOCOL,
    ),
    subprotocols(
        "4.2.2-unknown-subprotocol",
        "A subprotocol that the server does not know is not in the answer.",
        "unknown.refws.example",
    ),
    subprotocols(
        "4.2.2-three-unknown-subprotocols",
        "The answer names one subprotocol at most, and only one that the client listed.",
        "one.refws.example, two.refws.example, three.refws.example",
    ),
    subprotocols(
        "11.3.4-subprotocols-in-two-lines",
        "Two lines of subprotocols are one list.",
        "one.refws.example",
        "two.refws.example",
    ),
    subprotocols(
        "4.3-subprotocols-with-empty-elements",
        "Empty elements in the list of subprotocols are ignored.",
        ", one.refws.example,,two.refws.example\t,",
    ),
    subprotocols(
        "4.3-subprotocol-of-all-signs",
        "A subprotocol is a token: many signs are allowed in it.",
        "!#$%&'*+-.^_`|~0Az",
    ),
    subprotocols(
        "4.2.1-subprotocol-twice",
        "A client must not list a subprotocol twice; what a server does then is its choice.",
        "one.refws.example, one.refws.example",
        best=AnyOf((OPENS, REFUSES)),
    ),
    bad_subprotocols(
        "4.3-empty-list-of-subprotocols",
        "A list of subprotocols has at least one.",
        "",
    ),
    bad_subprotocols(
        "4.3-list-of-commas",
        "A list of subprotocols has at least one, and not just commas.",
        ", ,",
    ),
    bad_subprotocols(
        "4.3-subprotocol-with-space",
        "A subprotocol is a token: no space is in it.",
        "one refws",
    ),
    bad_subprotocols(
        "4.3-subprotocol-with-parentheses",
        "A subprotocol is a token: no parenthesis is in it.",
        "refws(1)",
    ),
    bad_subprotocols(
        "4.3-subprotocol-in-quotes",
        "A subprotocol is a token: no quote is in it.",
        '"refws"',
    ),
    bad_subprotocols(
        "4.3-subprotocol-not-ascii",
        "A subprotocol is a token: no byte above 7F is in it.",
        "refws-\xe9",
    ),
)


def offers(name: str, rule: str, *lines: str, best: Opens = NO_EXTENSION) -> Case:
    edits = (without(EXTENSIONS), *(added(EXTENSIONS, line) for line in lines))
    return opens(name, rule, "6455-4.2.2-17", *edits, best=best)


def bad_offers(name: str, rule: str, value: str, requirement: str = "6455-4.3-05") -> Case:
    return refuses(name, rule, requirement, with_line(EXTENSIONS, value), weak=(NO_EXTENSION,))


EXTENSION_OFFERS = (
    offers(
        "4.2.2-no-extension-without-offer",
        "A server names no extension if the client offered none.",
    ),
    offers(
        "4.2.2-unknown-extension",
        "An extension that the server does not know is not in the answer.",
        "x-refws",
    ),
    offers(
        "4.2.2-unknown-extension-with-parameters",
        "An unknown extension may have parameters, with a value and without one.",
        "x-refws; level=3; fast",
    ),
    offers(
        "9.1-extension-with-a-longer-name",
        "A name that begins with permessage-deflate is the name of another extension.",
        "permessage-deflate-refws",
    ),
    offers(
        "4.2.2-unknown-extension-then-deflate",
        "Of several offers the answer names only what the server knows.",
        "x-refws, permessage-deflate",
        best=DEFLATE_AT_MOST,
    ),
    offers(
        "11.3.2-extensions-in-two-lines",
        "Two lines of extensions are one list.",
        "x-refws",
        "permessage-deflate",
        best=DEFLATE_AT_MOST,
    ),
    offers(
        "9.1-value-in-quotes",
        "The value of a parameter may be in quotes.",
        'x-refws; level="3"',
    ),
    offers(
        "9.1-value-with-backslash-in-quotes",
        "In quotes a backslash is before a character that stands for itself.",
        'x-refws; name="re\\fws"',
    ),
    offers(
        "4.3-extensions-with-white-space",
        "There may be white space around the parts of an offer.",
        "x-refws\t;  level = 3 ,\tx-refws-2 ; fast",
    ),
    offers(
        "4.3-extensions-with-empty-elements",
        "Empty elements in the list of extensions are ignored.",
        ", x-refws,, ,",
    ),
    bad_offers(
        "9.1-empty-list-of-extensions",
        "A list of extensions has at least one.",
        "",
    ),
    bad_offers(
        "9.1-list-of-commas",
        "A list of extensions has at least one, and not just commas.",
        ", ,",
    ),
    bad_offers(
        "9.1-extension-without-name",
        "An offer begins with the name of an extension.",
        "permessage-deflate, ; fast",
    ),
    bad_offers(
        "9.1-extension-with-space",
        "The name of an extension is a token: no space is in it.",
        "permessage-deflate, x refws",
    ),
    bad_offers(
        "9.1-extension-with-slash",
        "The name of an extension is a token: no slash is in it.",
        "permessage-deflate, x-refws/2",
    ),
    bad_offers(
        "9.1-empty-parameter",
        "After a semicolon there is a parameter.",
        "permessage-deflate, x-refws;",
    ),
    bad_offers(
        "9.1-parameter-without-name",
        "A parameter begins with its name.",
        "permessage-deflate, x-refws; =3",
    ),
    bad_offers(
        "9.1-parameter-without-value",
        "After an equals sign there is a value.",
        "permessage-deflate, x-refws; level=",
    ),
    bad_offers(
        "9.1-value-with-space",
        "The value of a parameter is a token: no space is in it.",
        "permessage-deflate, x-refws; level=3 4",
    ),
    bad_offers(
        "9.1-space-in-quotes",
        "Also in quotes the value of a parameter is a token.",
        'permessage-deflate, x-refws; level="3 4"',
        "6455-4.3-06",
    ),
    bad_offers(
        "9.1-quote-without-end",
        "A quote that begins also ends.",
        'permessage-deflate, x-refws; level="3',
    ),
)

NEGOTIATION = Group(
    "negotiation",
    "Subprotocols and extensions",
    (*SUBPROTOCOLS, *EXTENSION_OFFERS),
)
