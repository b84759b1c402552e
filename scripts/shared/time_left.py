"""One line on stderr: what runs, and how long all of it will still take."""

import sys
import time

LOG_EVERY_S = 5


class Progress:
    """`total_s` is how long everything should take. A terminal has one line, a log one each 5 s."""

    def __init__(self, total_s: float) -> None:
        self.ends = time.monotonic() + total_s
        self.next_log = 0.0

    def show(self, what: str) -> None:
        now = time.monotonic()
        line = f"{what}, about {max(0, self.ends - now):.0f} s left"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif now >= self.next_log:
            self.next_log = now + LOG_EVERY_S
            print(line, file=sys.stderr, flush=True)

    def done(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
