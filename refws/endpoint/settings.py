"""The limits and times of connections, with their only defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from logging import Logger, LoggerAdapter, getLogger
from typing import Any, Literal

from ..protocol.deflate.negotiation import DeflateSettings
from ..protocol.heads import HeadLimits

MAX_CONNECTIONS = 1000
"""Connections that a server has open at a time, unless `serve` gets another number."""

MAX_CONNECTIONS_PER_ADDRESS: int | None = None
"""How many of them may be from one address, or one /64 of IPv6; no limit unless `serve` gets one.

It is off because all users of a proxy, or of a school, may have one address.
"""


def is_number(value: Any, *kinds: type) -> bool:
    """True and False count as no numbers: they are a sign of another meaning."""
    return isinstance(value, kinds) and not isinstance(value, bool)


def is_time(value: Any) -> bool:
    """A number above 0, also inf, but no whole number that cannot be added to a time."""
    try:
        return is_number(value, int, float) and float(value) > 0
    except OverflowError:
        return False


def check_limit(name: str, limit: Any, least: int) -> None:
    """ValueError unless the limit is a whole number of at least `least`, or None."""
    if limit is not None and (not is_number(limit, int) or limit < least):
        use = f"a whole number of at least {least}, or None for no limit"
        raise ValueError(f"{name} is {limit!r}; use {use}")


@dataclass(frozen=True, slots=True)
class Settings(HeadLimits):
    """How a connection behaves. Times in seconds, also inf; sizes in bytes, None for no limit.

    A head of the opening handshake always has limits: see `HeadLimits`.
    A peer that stays silent is given up one second after `ping_timeout` (`heartbeat.SECOND_LOOK`).
    ValueError for a value that cannot be used.
    """

    open_timeout: float | None = 10
    ping_interval: float | None = 20
    ping_timeout: float | None = 20
    close_timeout: float = 5
    send_timeout: float = 20
    max_size: int | None = 2**20
    max_fragments: int | None = 1024
    compression: DeflateSettings | None = None
    logger: Logger = field(default_factory=lambda: getLogger("refws"))

    def __post_init__(self) -> None:
        HeadLimits.__post_init__(self)
        for name in ("open_timeout", "ping_interval", "ping_timeout"):
            if getattr(self, name) is not None:
                self._check_seconds(name, ", or None for no limit")
        for name in ("close_timeout", "send_timeout"):
            self._check_seconds(name)
        check_limit("max_size", self.max_size, 0)
        check_limit("max_fragments", self.max_fragments, 1)
        if not isinstance(self.logger, Logger | LoggerAdapter):
            raise TypeError(f"logger is {self.logger!r}; use logging.getLogger(...)")

    def _check_seconds(self, name: str, otherwise: str = "") -> None:
        seconds = getattr(self, name)
        if not is_time(seconds):
            raise ValueError(f"{name} is {seconds!r}; use a number of seconds above 0{otherwise}")


DEFAULTS = Settings()


def compression_settings(
    compression: Literal["deflate"] | DeflateSettings | None,
) -> DeflateSettings | None:
    """What the argument `compression` of `serve` and `connect` means; TypeError if it has none."""
    if compression == "deflate":
        return DeflateSettings()
    if not isinstance(compression, DeflateSettings | None):
        raise TypeError(
            f"compression is {compression!r}; use None, 'deflate' or DeflateSettings(...)"
        )
    return compression
