"""The cases for clients, in the order in which they run: later ones use what earlier ones show."""

from __future__ import annotations

from ...case import Group
from .answers import ANSWERS
from .control import CLOSING, CONTROL
from .deflate import DEFLATE
from .frames import FRAMES
from .masking import MASKING
from .messages import FRAGMENTATION, UTF_8
from .request import REQUEST

CLIENT_GROUPS: tuple[Group, ...] = (
    REQUEST,
    ANSWERS,
    FRAMES,
    FRAGMENTATION,
    UTF_8,
    CONTROL,
    MASKING,
    CLOSING,
    DEFLATE,
)
