"""The pages of labs while a step is played, without a script: the browser asks again and again.

Each answer has the readings that are there. The last one, once the step is over, asks for no other.
"""

from __future__ import annotations

from dataclasses import replace
from html import escape

from ...protocol.http import Headers, Request, Response
from .readings import Reading, parts
from .stage import Run
from .texts.english import ENGLISH

WORDS = ENGLISH.words

ASKED_AGAIN = ("tick", "tock")
"""The query of a page that a browser has asked for again, each time the other one.

For its own address, with a fragment, it would ask no one.
"""


def step_going_on(run: Run, played: int) -> str:
    """The step after those that are played; its story is there as soon as something is measured."""
    words, beside = "", ""
    for name, text in list(ENGLISH.labs[run.lab.name].steps.items())[played : played + 1]:
        facts = [reading.facts for reading in readings_in(run, name)]
        story = f"<p>{escape(text.story.format_map(facts[0]))}</p>" if facts else ""
        words = f"<h2>{played + 1}. {escape(text.title)}</h2>{story}"
        beside = measured(run, name)
    going_on = f"<p>{escape(WORDS.going_on)}</p>"
    return section(played + 1, words + going_on, beside)


def section(number: int, words: str, beside: str) -> str:
    """A step: its story, and what crossed and was measured, beside it or below."""
    wires = f'<div class="wires">{beside}</div>' if beside else ""
    return f'<section id="step-{number}" class="step"><div>{words}</div>{wires}</section>'


def measured(run: Run, name: str) -> str:
    """The readings in a step, a line each, and what their columns are. "" if there are none."""
    rows = [
        " ".join(f"<span>{escape(part)}</span>" for part in parts(reading))
        for reading in readings_in(run, name)
    ]
    if not rows:
        return ""
    columns = f"{ENGLISH.labs[run.lab.name].steps[name].measured} {WORDS.bars}"
    lines = "\n".join(rows)
    return f'<p>{escape(columns)}</p><pre class="readings" tabindex="0">{lines}</pre>'


def readings_in(run: Run, name: str) -> list[Reading]:
    return [reading for reading in run.cast.readings.so_far() if reading.step == name]


def asking_again(response: Response, asked: Request, number: int) -> Response:
    """The same, with the header that makes a browser ask again at once, and show this step."""
    query = ASKED_AGAIN[asked.query == ASKED_AGAIN[0]]
    refresh = ("Refresh", f"0; url={asked.absolute_path}?{query}#step-{number}")
    return replace(response, headers=Headers([*response.headers.raw_items(), refresh]))
