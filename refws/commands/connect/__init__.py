"""`python3 -m refws connect`: a client for terminals and pipes."""

from .command import main
from .options import command_line

__all__ = ["command_line", "main"]
