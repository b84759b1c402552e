"""`python3 -m refws connect`: a client for terminals and pipes."""

from .command import main

__all__ = ["main"]
