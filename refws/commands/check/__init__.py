"""`python3 -m refws check`: any WebSocket server or client, marked rule by rule."""

from .command import main
from .options import command_line

__all__ = ["command_line", "main"]
