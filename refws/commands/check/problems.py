"""Why a server cannot be checked -> lines that say what to do, with the bytes of both sides."""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Iterator

from ...check.engine import Abilities, Grade, Result, run
from ...check.guard import VALID_REQUEST, is_unreached
from ...check.report.crossed import draw_crossed
from ...check.report.text import NO_ECHO, hint_for
from ...check.target import Target
from ...course.text.characters import escape_words
from ...course.text.style import labelled
from ...endpoint.tls.certificates import CERTIFICATE_FAULTS, readable
from ...protocol.client.advice import advise, show_status
from ...protocol.frame import Side
from ..connect.advice import in_options
from ..connect.failures import place, what_to_do

FIRST = "mend this first: each case begins with such a handshake"

GONE = (
    "the server has ended, or hangs: see what it has printed, and start it again. It must serve "
    "one connection after another, and an error of one must not end it"
)


def why_unreached(error: OSError, options: argparse.Namespace) -> str:
    """Why there is no connection at all, and what to do, in the options of this command."""
    where = place(options)
    if isinstance(error, ssl.SSLCertVerificationError):
        fault, _ = CERTIFICATE_FAULTS.get(error.verify_code, ("is not accepted", ""))
        advice = "--insecure takes any, which is fine for a server of yours"
        return f"no TLS with {where}: its certificate {fault} ({error.verify_message}): {advice}"
    if isinstance(error, ssl.SSLError):
        return what_to_do(readable(error, Side.CLIENT), options)
    if isinstance(error, TimeoutError) and "handshake" in str(error):
        advice = "use ws:// for a server without TLS; for a slow one give a longer --timeout"
        return f"no answer to the TLS handshake from {where}: {advice}"
    return what_to_do(error, options)


def describe_problem(target: Target, abilities: Abilities) -> Iterator[str]:
    """What the server answers to a valid opening handshake, what is wrong, and what to do."""
    result = run(VALID_REQUEST, target, Abilities())
    response = None if result.observed is None else result.observed.response
    yield f"refws: no WebSocket connection with {target.uri.authority}, so nothing is checked"
    if response is not None and response.status_code != 101:
        yield from labelled("seen", escape_words(show_status(response)))
        yield from labelled("what to do", escape_words(in_options(advise(response))))
        yield from labelled("", f"if other paths are WebSocket endpoints, {NO_ECHO}")
    else:
        is_later = response is None or result.grade is Grade.PASS
        seen = abilities.problem if is_later else result.seen
        yield from labelled("seen", escape_words(seen))
        yield from labelled("what to do", advice_on(result, target, abilities))
    if hint := hint_for(result):
        yield from labelled("hint", hint)
    if result.crossed:
        yield ""
        yield from draw_crossed(result)


def advice_on(result: Result, target: Target, abilities: Abilities) -> str:
    """What to do about an answer that is no refusal."""
    if abilities.ended or is_unreached(result):
        return GONE
    theirs = (part.data for part in result.crossed if part.sender is Side.SERVER)
    if b"".join(theirs).startswith(b"HTTP/"):
        return FIRST
    other = "ws://" if target.context else "wss://"
    return f"is it a WebSocket server, and not one for {other}? Its log may say why"
