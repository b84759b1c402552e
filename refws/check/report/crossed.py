"""RFC 6455 §5: the bytes of a case -> both sides as `python3 -m refws explain` draws them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...course.explain.conversation import Conversation
from ...course.explain.values import FrameExplanation, HeadExplanation, Item
from ...course.text.characters import WIDTH
from ...course.text.drawing import draw, draw_line
from ...course.text.style import PLAIN, SHORT_ARROWS, Style
from ...protocol.frame import Side
from ..engine import PROBE, Result

MAX_BLOCKS = 6
"""Frames of a case that are drawn bit by bit; if there are more, each has one line."""

FIRST, LAST = 12, 12
"""The texts that are shown of a long case, from its start and from its end."""

Event = tuple[float, Item | Side]
"""Seconds, and a head, a frame, or the side whose direction ends."""


def draw_crossed(result: Result, style: Style = PLAIN, full: bool = True) -> Iterator[str]:
    """Lines: each head and frame of both sides in their order, with its time.

    With `full`, the ones that matter are drawn bit by bit.
    """
    events = list(explained(result))
    frames = sum(isinstance(item, FrameExplanation) for _, item in events)
    blocks = full and frames <= MAX_BLOCKS
    texts = [text_of(event, result, blocks, style) for event in events]
    left_out = len(texts) - FIRST - LAST
    if left_out > 0:
        texts[FIRST:-LAST] = [f"{'':14}... and {left_out} more: --tapes DIR keeps them all"]
    for text in texts:
        yield from text.splitlines()


def explained(result: Result) -> Iterator[Event]:
    conversation = Conversation(at_handshake=True)
    ended: set[Side] = set()
    seconds = 0.0
    for seconds, sender, data in result.crossed:
        if data:
            yield from ((seconds, item) for item in conversation.feed(sender, data))
        elif sender not in ended:
            ended.add(sender)
            yield seconds, sender
    yield from ((seconds, item) for item in conversation.pending())


def text_of(event: Event, result: Result, blocks: bool, style: Style) -> str:
    seconds, item = event
    time = f"{seconds * 1000:9.1f} ms  "
    if isinstance(item, Side):
        return f"{time}{SHORT_ARROWS[item]} end of the stream"
    if blocks and matters(item, result):
        return f"{time.rstrip()}\n{draw(item, style)}\n"
    return draw_line(item, replace(style, columns=WIDTH), time)


def matters(item: Item, result: Result) -> bool:
    """Not the heads that only open the connection, nor the probe and its echo."""
    if isinstance(item, HeadExplanation):
        opened = result.observed is not None and result.observed.agreement is not None
        return bool(result.case.opening.edits) or not opened
    return not isinstance(item, FrameExplanation) or item.plain_start != PROBE
