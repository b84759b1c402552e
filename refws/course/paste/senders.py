"""Two speakers of a text -> which of them is the client."""

from __future__ import annotations

from collections.abc import Sequence

from ...protocol.frame import Side
from .plausible import HEADS, NO_FRAME, guess_sender, rate
from .values import Chunk


def with_senders(spoken: Sequence[tuple[str, bytes]]) -> tuple[tuple[Chunk, ...], str]:
    """The chunks with their senders, if there are two speakers, and a note that says why.

    The client is the one that sends a request, or masked frames.
    """
    speakers = list(dict.fromkeys(speaker for speaker, _ in spoken))
    if len(speakers) != 2:
        return tuple(Chunk(data) for _, data in spoken), ""
    client, why = find_client(spoken, speakers)
    sides = {speaker: Side.CLIENT if speaker == client else Side.SERVER for speaker in speakers}
    return tuple(Chunk(data, sides[speaker]) for speaker, data in spoken), why


def find_client(spoken: Sequence[tuple[str, bytes]], speakers: Sequence[str]) -> tuple[str, str]:
    for speaker, data in spoken:
        if len(data) < 2 or rate(data) == NO_FRAME:
            continue
        other = next(name for name in speakers if name != speaker)
        client = speaker if guess_sender(data)[0] is Side.CLIENT else other
        which = "first" if client == speakers[0] else "second"
        what = "the request" if data.startswith(HEADS) else "the masked frames"
        why = f"it sends {what}" if client == speaker else f"the other one does not send {what}"
        return client, f"the {which} of two speakers is the client: {why}"
    return speakers[0], "the first of two speakers is taken for the client: nothing shows it"
