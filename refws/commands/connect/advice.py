"""What a message advises a program to do -> the same in the words of the command line."""

from __future__ import annotations

import re

AS_OPTIONS = {
    "additional_headers={'Authorization': 'Basic ...'}": "--header 'Authorization: Basic ...'",
    "additional_headers={'Authorization': ...}": "--header 'Authorization: ...'",
    "subprotocols=[...]": "--subprotocol NAME",
    "compression=...": "--deflate",
    "origin=...": "--origin URL",
    "sock=...": "--resolve NAME:PORT:ADDRESS",
    "(max_line_size)": "(--max-line-size)",
    "(max_header_lines)": "(--max-header-lines)",
    "(max_head_size)": "(--max-head-size)",
    ", or a higher max_size": ", or a higher --max-message-size",
}
"""What messages say to give to `connect` of the library -> the same on the command line."""

IN_A_PROGRAM = re.compile(r", in a program with [a-z_.=]+\([^()]*\)")
"""The part of a message that is for programs alone."""


def in_options(message: str) -> str:
    """The message with options in the place of arguments of the library's `connect`."""
    for argument, option in AS_OPTIONS.items():
        message = message.replace(argument, option)
    shorter = "; --auth user:password is short for Basic" if "--header 'Auth" in message else ""
    return IN_A_PROGRAM.sub("", message) + shorter
