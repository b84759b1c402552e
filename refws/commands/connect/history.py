"""The lines that were typed in earlier sessions, where Python has readline: a file of one's own.

It is refws/connect_history below XDG_STATE_HOME, by default ~/.local/state. What is typed may be a
secret, so only its owner may read the file, and `--no-history` neither reads nor writes it.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

MAX_LINES = 1000
"""Lines that are kept, the newest."""


def history_file() -> Path:
    """RuntimeError if this user has no home directory."""
    state = os.environ.get("XDG_STATE_HOME")
    folder = Path(state) if state else Path.home() / ".local" / "state"
    return folder / "refws" / "connect_history"


class History:
    """The history of readline, from one session to the next."""

    def __init__(self, readline: ModuleType) -> None:
        self._readline = readline
        self._known = 0

    def __enter__(self) -> None:
        self.load()

    def __exit__(self, *_: object) -> None:
        self.save()

    def load(self) -> None:
        """Offer the lines of earlier sessions. Without a file that can be read there are none."""
        try:
            lines = read_lines(history_file())
        except (OSError, RuntimeError):
            lines = []
        for line in lines[-MAX_LINES:]:
            self._readline.add_history(line)
        self._known = self._readline.get_current_history_length()

    def save(self) -> None:
        """Add the lines of this session to the file, in which another session may have added its.

        A home that cannot be written costs the history, and no word: the session has gone well.
        """
        length = self._readline.get_current_history_length()
        items = (self._readline.get_history_item(i) for i in range(self._known + 1, length + 1))
        if lines := [line for line in items if line]:
            try:
                path = history_file()
                write_lines(path, [*read_lines(path), *lines][-MAX_LINES:])
            except (OSError, RuntimeError):
                pass


def read_lines(path: Path) -> list[str]:
    """[] if there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[:-1]
    except FileNotFoundError:
        return []


def write_lines(path: Path, lines: list[str]) -> None:
    """Replace the file by one that only its owner may read and write."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for line in lines)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
