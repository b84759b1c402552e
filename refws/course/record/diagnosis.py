"""RFC 6455 §7.1.7: what arrives on a connection -> the hint for its end, if the peer erred."""

from __future__ import annotations

import threading

from ...endpoint.connection import Connection
from ...endpoint.taps import Tap
from ...protocol.frame import Side
from ..explain.conversation import Conversation
from ..explain.values import CutOff, Illegal, Item, NotRead


class Diagnosis:
    """The trace of one client's connection, which says at its end what the server did wrong.

    `choose` is for `connect(..., trace=...)`. Its tap runs in the threads that send and receive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._conversation: Conversation | None = None
        self._hint = ""

    def choose(self, connection: Connection) -> Tap:
        settings = connection.settings
        self._conversation = Conversation(
            at_handshake=True,
            keep_going=False,
            max_size=settings.max_size,
            max_fragments=settings.max_fragments,
            head_limits=settings,
        )
        return self._note

    def _note(self, sender: Side, data: bytes) -> bool:
        """Whether the trace goes on: it ends with the first hint."""
        with self._lock:
            if self._conversation is not None and not self._hint:
                self._keep(self._conversation.feed(sender, data))
            return not self._hint

    def hint(self) -> str:
        """What the first frame of the server that broke a rule looks like; "" if that is unknown.

        Once the connection has ended, also what a frame that is cut off looks like.
        """
        with self._lock:
            if self._conversation is not None and not self._hint:
                self._keep(self._conversation.finish())
            return self._hint

    def _keep(self, items: list[Item]) -> None:
        for item in items:
            if isinstance(item, NotRead) or item.sender is Side.CLIENT or self._hint:
                continue
            if isinstance(item.verdict, Illegal | CutOff):
                self._hint = item.verdict.hint
