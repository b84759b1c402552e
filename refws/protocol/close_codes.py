"""RFC 6455 §7.4: the status codes of a Close, what each means, and which a Close frame may carry.

0 to 999        not used
1000 to 2999    for the protocol: §7.4.1, and the registry of §11.7
3000 to 3999    for libraries and frameworks, registered with IANA
4000 to 4999    for applications, by their own agreement
"""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """The assigned codes of §7.4.1, and 1012 to 1014, which IANA registered later (§11.7).

    `meaning` says in one line what a code tells the peer or the application.
    """

    meaning: str

    def __new__(cls, code: int, meaning: str = "") -> CloseCode:
        # The default is for CloseCode(1000), which looks a code up and gives no meaning.
        self = int.__new__(cls, code)
        self._value_ = code
        self.meaning = meaning
        return self

    NORMAL_CLOSURE = 1000, "normal closure: all is done"
    GOING_AWAY = 1001, "going away: the program or page stops"
    PROTOCOL_ERROR = 1002, "protocol error: a rule of the RFC was broken"
    UNSUPPORTED_DATA = 1003, "unsupported data: text or binary where only the other is accepted"
    NO_STATUS_RCVD = 1005, "no code: the Close was empty"
    ABNORMAL_CLOSURE = 1006, "abnormal closure: no Close arrived"
    INVALID_DATA = 1007, "invalid data: such as text that is not UTF-8"
    POLICY_VIOLATION = 1008, "policy violation: legal, but against a rule or limit of the receiver"
    MESSAGE_TOO_BIG = 1009, "message too big: above the limit of the receiver"
    MANDATORY_EXTENSION = 1010, "mandatory extension: the client needs one that was not agreed on"
    INTERNAL_ERROR = 1011, "internal error: of the server"
    SERVICE_RESTART = 1012, "service restart: connect again in a while"
    TRY_AGAIN_LATER = 1013, "try again later: the server has too much to do"
    BAD_GATEWAY = 1014, "bad gateway: a server that this one relies on failed"
    TLS_HANDSHAKE = 1015, "TLS handshake: it failed, so there was no connection"


REPORTED_ONLY = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}
"""§7.4.1: reported to an application where no code arrived; a Close frame must not carry them."""

ASSIGNED_ON_WIRE = frozenset(CloseCode) - REPORTED_ONLY

LIBRARY_AND_PRIVATE = range(3000, 5000)
"""§7.4.2: 3000 to 3999 belong to libraries, 4000 to 4999 to applications."""


def is_valid_on_wire(code: int) -> bool:
    """True for a code that a Close frame may carry (§7.4.1, §7.4.2), in either direction."""
    return code in ASSIGNED_ON_WIRE or code in LIBRARY_AND_PRIVATE
