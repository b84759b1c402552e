"""The table of labs, in the order in which to take them."""

from __future__ import annotations

from . import (
    bomb,
    first,
    flood,
    fragments,
    guess,
    heartbeat,
    hijack,
    key,
    never_reading,
    poison,
    polling,
    slow,
)
from .story import Lab

LABS: dict[str, Lab] = {
    module.LAB.name: module.LAB
    for module in (
        first,
        polling,
        key,
        fragments,
        poison,
        hijack,
        heartbeat,
        slow,
        never_reading,
        flood,
        bomb,
        guess,
    )
}
