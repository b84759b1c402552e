"""The cases, one file for each group, in the order in which a course teaches them."""

from __future__ import annotations

from ..case import Group
from .closing import CLOSING
from .control import CONTROL
from .deflate import DEFLATE
from .fragmentation import FRAGMENTATION
from .framing import FRAMING
from .http import HTTP
from .limits import LIMITS
from .negotiation import NEGOTIATION
from .opening import OPENING
from .request import REQUEST
from .utf8 import UTF_8

GROUPS: tuple[Group, ...] = (
    OPENING,
    REQUEST,
    NEGOTIATION,
    FRAMING,
    FRAGMENTATION,
    UTF_8,
    CONTROL,
    CLOSING,
    DEFLATE,
    LIMITS,
    HTTP,
)
