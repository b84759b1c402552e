"""RFC 6455 §7.4: the status codes of a Close, and which of them may stand in a Close frame."""

from enum import IntEnum


class CloseCode(IntEnum):
    """The assigned codes of §7.4.1, and 1012 to 1014, which IANA registered later (§11.7)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


REPORTED_ONLY = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}
"""§7.4.1: an application is told these; they never stand in a Close frame."""

ASSIGNED_ON_WIRE = frozenset(CloseCode) - REPORTED_ONLY

LIBRARY_AND_PRIVATE = range(3000, 5000)
"""§7.4.2: 3000 to 3999 belong to libraries (registered with IANA), 4000 to 4999 to applications."""


def is_valid_on_wire(code: int) -> bool:
    """True for a code that a Close frame may carry (§7.4.1, §7.4.2), in either direction."""
    return code in ASSIGNED_ON_WIRE or code in LIBRARY_AND_PRIVATE
