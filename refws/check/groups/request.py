"""RFC 6455 §4.2.1 items 3 to 6, §4.4, §11.3: Upgrade, Connection, the key and the version."""

from __future__ import annotations

from ..case import Case, Group, Level
from ..opening import added, with_line, without
from ..outcomes import Answers, Outcome, Refuses
from .handshakes import KEY, OPENS, REFUSAL, VERSION, opens, refuses

# Upgrade and Connection, items 3 and 4


def without_upgrade(name: str, rule: str, header: str, value: str | None) -> Case:
    """It asks for no WebSocket connection, so a server may also take it for a plain request."""
    edit = without(header) if value is None else with_line(header, value)
    requirement = "6455-4.2.1-07" if header == "Upgrade" else "6455-4.2.1-08"
    return refuses(name, rule, requirement, edit, weak=(ANSWERS,))


ANSWERS = Answers()

UPGRADE = (
    opens(
        "4.2.1-upgrade-in-mixed-case",
        "The case of websocket in Upgrade does not matter: WebSocket.",
        "6455-4.2.1-07",
        with_line("Upgrade", "WebSocket"),
    ),
    opens(
        "4.2.1-upgrade-in-upper-case",
        "The case of websocket in Upgrade does not matter: WEBSOCKET.",
        "6455-4.2.1-07",
        with_line("Upgrade", "WEBSOCKET"),
    ),
    opens(
        "4.2.1-upgrade-list",
        "Upgrade is a list: websocket may be one protocol of several.",
        "6455-4.2.1-07",
        with_line("Upgrade", "x-refws, websocket"),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    opens(
        "4.2.1-upgrade-in-two-lines",
        "Two lines of Upgrade are one list.",
        "6455-4.2.1-07",
        with_line("Upgrade", "x-refws"),
        added("Upgrade", "websocket"),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    without_upgrade(
        "4.2.1-no-upgrade",
        "A request without Upgrade opens no connection.",
        "Upgrade",
        None,
    ),
    without_upgrade(
        "4.2.1-empty-upgrade",
        "A request with an empty Upgrade opens no connection.",
        "Upgrade",
        "",
    ),
    without_upgrade(
        "4.2.1-upgrade-to-another-protocol",
        "A request that asks for another protocol opens no WebSocket connection.",
        "Upgrade",
        "x-refws",
    ),
    without_upgrade(
        "4.2.1-upgrade-to-websockets",
        "A protocol whose name begins with websocket is another one.",
        "Upgrade",
        "websockets",
    ),
    without_upgrade(
        "4.2.1-upgrade-with-kelvin-sign",
        "Case is that of ASCII: the Kelvin sign, a k for Unicode, is no k in websocket.",
        "Upgrade",
        "websoc\u212aet".encode().decode("latin-1"),
    ),
    opens(
        "4.2.1-connection-in-lower-case",
        "The case of Upgrade in Connection does not matter: upgrade.",
        "6455-4.2.1-08",
        with_line("Connection", "upgrade"),
    ),
    opens(
        "4.2.1-connection-in-upper-case",
        "The case of Upgrade in Connection does not matter: UPGRADE.",
        "6455-4.2.1-08",
        with_line("Connection", "UPGRADE"),
    ),
    opens(
        "4.2.1-connection-of-firefox",
        "Connection is a list: Firefox sends keep-alive, Upgrade.",
        "6455-4.2.1-08",
        with_line("Connection", "keep-alive, Upgrade"),
    ),
    opens(
        "4.2.1-connection-without-spaces",
        "The elements of Connection need no space between them.",
        "6455-4.2.1-08",
        with_line("Connection", "keep-alive,Upgrade,x-refws"),
    ),
    opens(
        "4.3-connection-with-tabs",
        "A tab between the elements of Connection is like a space.",
        "6455-4.3-01",
        with_line("Connection", "keep-alive\t,\tUpgrade\t,\tx-refws"),
    ),
    opens(
        "4.2.1-connection-with-empty-elements",
        "Empty elements of Connection are ignored.",
        "6455-4.2.1-08",
        with_line("Connection", ", Upgrade ,,"),
    ),
    opens(
        "4.2.1-connection-in-two-lines",
        "Two lines of Connection are one list.",
        "6455-4.2.1-08",
        with_line("Connection", "keep-alive"),
        added("Connection", "Upgrade"),
    ),
    without_upgrade(
        "4.2.1-no-connection",
        "A request without Connection opens no connection.",
        "Connection",
        None,
    ),
    without_upgrade(
        "4.2.1-connection-keep-alive",
        "A request whose Connection does not say Upgrade opens no connection.",
        "Connection",
        "keep-alive",
    ),
    without_upgrade(
        "4.2.1-connection-upgraded",
        "A token that begins with Upgrade is another one.",
        "Connection",
        "Upgraded",
    ),
    without_upgrade(
        "4.2.1-connection-without-comma",
        "Without a comma keep-alive Upgrade is no list, and there is no Upgrade in it.",
        "Connection",
        "keep-alive Upgrade",
    ),
)

# The key, item 5


def bad_key(name: str, rule: str, key: str, weak: tuple[Outcome, ...] = ()) -> Case:
    return refuses(name, rule, "6455-4.2.1-09", with_line(KEY, key), weak=weak)


NOT_DECODED = (OPENS,)
"""§4.2.2 item 4: a server need not decode the key, so it need not know how many bytes it has."""

KEYS = (
    opens(
        "4.2.1-key-with-spare-bits",
        "The last four bits of a key are not used: the key of §4.1 has a 1 there (erratum 3150).",
        "6455-4.2.1-09",
        with_line(KEY, "AQIDBAUGBwgJCgsMDQ4PEC=="),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    refuses(
        "4.2.1-no-key",
        "A request without a key is refused.",
        "6455-4.2.1-09",
        without(KEY),
    ),
    bad_key(
        "4.2.1-empty-key",
        "A request with an empty key is refused.",
        "",
    ),
    bad_key(
        "4.2.1-key-of-12-bytes",
        "A key of 12 bytes is refused: it must have 16.",
        "MDEyMzQ1Njc4OTAx",
        NOT_DECODED,
    ),
    bad_key(
        "4.2.1-key-of-15-bytes",
        "A key of 15 bytes is refused: it must have 16.",
        "MDEyMzQ1Njc4OTAxMjM0",
        NOT_DECODED,
    ),
    bad_key(
        "4.2.1-key-of-17-bytes",
        "A key of 17 bytes is refused, though it has 24 characters as one of 16 bytes.",
        "MDEyMzQ1Njc4OTAxMjM0NTY=",
        NOT_DECODED,
    ),
    bad_key(
        "4.2.1-key-of-32-bytes",
        "A key of 32 bytes is refused: it must have 16.",
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        NOT_DECODED,
    ),
    bad_key(
        "4.2.1-key-without-padding",
        "A key without its padding is not base64.",
        "dGhlIHNhbXBsZSBub25jZQ",
    ),
    bad_key(
        "4.2.1-key-with-early-padding",
        "A key with padding before its end is not base64.",
        "dGhlIHNh==BsZSBub25jZQ==",
    ),
    bad_key(
        "4.2.1-key-with-late-characters",
        "A key with characters after its padding is not base64.",
        "dGhlIHNhbXBsZSBub25jZQ==AAAA",
    ),
    bad_key(
        "4.2.1-key-in-base64url",
        "The base64 of URLs, with - and _, is not the base64 of a key.",
        "dGhlIHNhbXBsZSBub25j_A==",
    ),
    bad_key(
        "4.2.1-key-with-a-space",
        "A key with a space inside is not base64.",
        "dGhlIHNhbXBs ZSBub25jZQ==",
    ),
    bad_key(
        "4.2.1-key-with-other-signs",
        "A key with signs that base64 does not have is refused.",
        "dGhlIHNhbXBsZSBub25j!!==",
    ),
    refuses(
        "11.3.1-key-twice",
        "Two lines with a key are refused, though both have the same one.",
        "6455-11.3.1-01",
        with_line(KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        added(KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ),
    refuses(
        "11.3.1-two-keys",
        "Two lines with different keys are refused.",
        "6455-11.3.1-01",
        with_line(KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        added(KEY, "AAAAAAAAAAAAAAAAAAAAAA=="),
    ),
)

# The version, item 6


def bad_version(name: str, rule: str, version: str) -> Case:
    return refuses(name, rule, "6455-4.2.1-10", with_line(VERSION, version))


def other_version(name: str, rule: str, version: str, weak: tuple[Outcome, ...] = ()) -> Case:
    """§4.4: the answer must name the version of the server; 426 is what §4.2.2 proposes."""
    edit = with_line(VERSION, version)
    weak = (*weak, Refuses(header=NAMES_13))
    return refuses(name, rule, "6455-4.4-03", edit, best=UPGRADE_TO_13, weak=weak)


NAMES_13 = f"{VERSION}: 13"
UPGRADE_TO_13 = Refuses((426,), NAMES_13)

DRAFT = (OPENS,)
"""Some servers also speak the drafts that had this version."""

VERSIONS = (
    refuses(
        "4.2.1-no-version",
        "A request without a version is refused.",
        "6455-4.2.1-10",
        without(VERSION),
    ),
    bad_version("4.2.1-empty-version", "A request with an empty version is refused.", ""),
    other_version("4.4-version-14", "Version 14 is refused, and the answer names 13.", "14"),
    other_version("4.4-version-255", "Version 255 is refused, and the answer names 13.", "255"),
    other_version("4.4-version-0", "Version 0 is refused, and the answer names 13.", "0"),
    other_version("4.4-version-7", "Version 7 is refused, and the answer names 13.", "7", DRAFT),
    other_version("4.4-version-8", "Version 8 is refused, and the answer names 13.", "8", DRAFT),
    refuses(
        "9110-15.5.22-upgrade-in-426",
        "The answer to another version is an error; if it is 426, it has an Upgrade header.",
        "6455-4.2.2-10",
        with_line(VERSION, "14"),
        best=Refuses((426,), "Upgrade"),
        weak=(Refuses((*range(400, 426), *range(427, 600))),),
    ),
    bad_version("4.3-version-256", "A version above 255 is refused.", "256"),
    bad_version("4.3-version-with-zero", "A version has no 0 before it: 013.", "013"),
    bad_version("4.3-version-with-point", "A version is a whole number: 13.0 is none.", "13.0"),
    bad_version("4.3-version-in-words", "A version is a number: thirteen is none.", "thirteen"),
    bad_version(
        "4.3-version-and-no-break-space",
        "White space is a space or a tab; a no-break space, byte A0, is not.",
        "13\xa0",
    ),
    bad_version(
        "4.3-list-of-versions",
        "A request has one version, and no list: 13, 8.",
        "13, 8",
    ),
    refuses(
        "11.3.5-version-twice",
        "Two lines with a version are refused, though both say 13.",
        "6455-11.3.5-03",
        added(VERSION, "13"),
    ),
    refuses(
        "11.3.5-two-versions",
        "Two lines with different versions are refused.",
        "6455-11.3.5-03",
        added(VERSION, "8"),
    ),
)

REQUEST = Group(
    "request",
    "What the request must have",
    (*UPGRADE, *KEYS, *VERSIONS),
)
