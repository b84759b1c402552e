"""Copies -> a tape, which `python3 -m refws replay` explains again."""

from __future__ import annotations

from collections.abc import Iterator

from ...protocol.frame import Side
from ..record.recorder import RecordedConnection, Recorder
from .copies import Copy, Ended, Judged, Opened, Over, Passed
from .looking import LookerOn


class Tape(LookerOn):
    """Writes all connections to a tape. It stops at the first byte of one that was left out."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__("tape", explains=False)
        self._recorder = recorder
        self._recorded: dict[int, RecordedConnection] = {}

    def look(self, copy: Copy) -> Iterator[None]:
        yield
        if isinstance(copy, Opened):
            recorded = self._recorder.record(copy.client, copy.server, copy.time)
            if recorded is not None and copy.server is not None:
                self._recorded[copy.connection] = recorded
            return
        recorded = self._recorded.get(copy.connection)
        if recorded is None or isinstance(copy, Judged):
            return
        if copy.left_out or isinstance(copy, Over):
            del self._recorded[copy.connection]
        if copy.left_out:
            self._logger.warning(
                "the tape lacks connection %d from here on, because the disk is too slow",
                copy.connection,
            )
        elif isinstance(copy, Passed):
            self._recorder.note(recorded, copy.sender, copy.data, copy.time)
        elif isinstance(copy, Ended):
            self._recorder.note(recorded, copy.sender, b"", copy.time)
        else:
            for side in Side:
                self._recorder.note(recorded, side, b"", copy.time)
