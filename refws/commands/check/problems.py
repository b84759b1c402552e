"""Why a server cannot be checked -> lines that say what to do, with the bytes of both sides."""

from __future__ import annotations

from collections.abc import Iterator

from ...check.case import Case
from ...check.engine import Abilities, Grade, run
from ...check.outcomes import Opens
from ...check.report.crossed import draw_crossed
from ...check.report.text import NO_ECHO, hint_for
from ...check.target import Target
from ...course.text.characters import escape_words
from ...course.text.drawing import labelled
from ...protocol.client.advice import advise, show_status
from ..connect.advice import in_options

VALID_REQUEST = Case("4.1-opening", "A valid request is answered with a valid 101.", "", Opens())


def describe_problem(target: Target, abilities: Abilities) -> Iterator[str]:
    """What the server answers to a valid opening handshake, what is wrong, and what to do."""
    result = run(VALID_REQUEST, target, Abilities())
    response = None if result.observed is None else result.observed.response
    yield f"refws: no WebSocket connection with {target.uri.authority}, so nothing is checked"
    seen = abilities.problem if result.grade is Grade.PASS else result.seen
    if response is not None and response.status_code != 101:
        yield from labelled("seen", escape_words(show_status(response)))
        yield from labelled("what to do", escape_words(in_options(advise(response))))
        yield from labelled("", f"if other paths are WebSocket endpoints, {NO_ECHO}")
    elif response is not None:
        yield from labelled("seen", escape_words(seen))
        yield from labelled("what to do", "mend this first: each case begins with such a handshake")
    else:
        other = "ws://" if target.context else "wss://"
        advice = f"is it a WebSocket server, and not one for {other}? Its log may say why"
        yield from labelled("seen", escape_words(seen))
        yield from labelled("what to do", advice)
    if hint := hint_for(result):
        yield from labelled("hint", hint)
    if result.crossed:
        yield ""
        yield from draw_crossed(result)
