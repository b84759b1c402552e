"""RFC 9112: the labs as pages, without a script: path -> a step, or both settings side by side.

/lab/                   the labs
/lab/poison             one lab: its settings, each step of those that were played side by side
/lab/poison/off/2       its steps up to the second one, with the defence off
/lab/poison/off?again   begins that one again
"""

from __future__ import annotations

import re
from html import escape
from http import HTTPStatus

from ...protocol.http import Request, Response
from ..explain.values import HeadExplanation, Item
from ..text.drawing import draw, draw_line
from ..text.style import Style
from ..web.lesson_page import with_links
from ..web.site import TYPES, respond
from .labs import LABS
from .playing import ASKED_AGAIN, asking_again, measured, section, step_going_on
from .stage import Run, Stage
from .story import Crossed, Lab, Step
from .texts.english import ENGLISH
from .wires import MAX_ITEMS, bounded, explained, text_of

WORDS = ENGLISH.words

NARROW = Style(columns=40)
"""Of a drawing in a narrow window."""

ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|(?:[a-z]+\.)?localhost):[0-9]+(?:/(?:[\w.]*\w)?)?")
"""Of a page of a lab, in the story of a step."""

DOCUMENT = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>refws: {title}</title>
  <link rel="icon" href="/favicon.svg">
  <link rel="stylesheet" href="/page.css">
</head>
<body>
  <header>
    <h1>{title}</h1>
    <p>{warning} <a href="/lab/">{all_labs}</a></p>
  </header>
  <main id="lab">
{content}
  </main>
</body>
</html>
"""


class Pages:
    """The answers to requests for the pages of labs. For any number of threads."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def answer(self, request: Request) -> Response | None:
        """The page; a redirect after ?again, and from /; None for a path that no page has."""
        if request.absolute_path == "/":
            return moved("/lab/")  # the page of the server, with a WebSocket, is not there
        parts = request.absolute_path.strip("/").split("/")
        if parts[:1] != ["lab"] or len(parts) > 4:
            return None
        if len(parts) == 1:
            return page(ENGLISH.words.all_labs, index())
        lab = LABS.get(parts[1])
        if lab is None:
            return None
        if len(parts) == 2:
            return page(ENGLISH.labs[lab.name].title, self._side_by_side(lab))
        defence, number = parts[2], parts[3] if len(parts) == 4 else "0"
        if defence not in lab.defences or not number.isdecimal() or len(number) > 3:
            return None
        if request.query == "again":
            self._stage.again(lab, defence)
            return moved(f"/lab/{lab.name}/{defence}/1")
        # A tab that asks again for a step that was cut short must not end what another one plays.
        is_new = request.query not in ASKED_AGAIN
        run = self._stage.show(lab, defence, int(number), begins_again=is_new)
        done = run.has(int(number))  # asked first: later there may be more of it
        content = steps(run, int(number)) if done else steps_so_far(run, int(number))
        answer = page(ENGLISH.labs[lab.name].title, content)
        return answer if done else asking_again(answer, request, int(number))

    def _side_by_side(self, lab: Lab) -> str:
        """A column for each setting: what the steps came to that were played."""
        text = ENGLISH.labs[lab.name]
        runs = self._stage.shown(lab)
        heads = "".join(
            f"<th scope=col>{escape(defence)}<br><small>{escape(text.switch[defence])}</small>"
            f"<br>{play_links(lab, defence, runs.get(defence))}</th>"
            for defence in lab.defences
        )
        rows = "".join(
            f"<tr><th scope=row>{escape(step.title)}</th>"
            + "".join(cell(defence, runs.get(defence), name) for defence in lab.defences)
            + "</tr>"
            for name, step in text.steps.items()
        )
        return (
            f"<section><p>{escape(text.seen)} {with_links(lab.section)}, {lab.minutes} "
            f'{WORDS.minutes}.</p><table class="settings stacked"><thead><tr><td></td>{heads}</tr>'
            f"</thead><tbody>{rows}</tbody></table></section>"
            f"<section><p>{with_links(text.lesson)}</p></section>"
        )


# Parts of pages


def index() -> str:
    rows = "".join(
        f'<tr><th scope=row><a href="/lab/{name}">{escape(name)}</a></th>'
        f"<td>{escape(ENGLISH.labs[name].seen)}</td><td>{with_links(lab.section)}</td>"
        f"<td>{lab.minutes} {WORDS.minutes}</td></tr>"
        for name, lab in LABS.items()
    )
    return f'<section><table class="stacked"><tbody>{rows}</tbody></table></section>'


def play_links(lab: Lab, defence: str, run: Run | None) -> str:
    address = f"/lab/{lab.name}/{defence}"
    if run is None:
        return f'<a href="{address}/1">{WORDS.play}</a>'
    return (
        f'<a href="{address}/{len(run.steps)}">{WORDS.see}</a> '
        f'<a href="{address}?again">{WORDS.play_again}</a>'
    )


def cell(defence: str, run: Run | None, name: str) -> str:
    """What a step came to with one setting, whose name a narrow window shows in the cell."""
    step = next((step for step in run.steps if step.name == name), None) if run else None
    came_to = "–" if run is None or step is None else outcome(run, step)
    return f'<td data-setting="{escape(defence)}">{came_to}</td>'


def outcome(run: Run, step: Step) -> str:
    text = ENGLISH.labs[run.lab.name].steps[step.name].outcome_of(run.defence)
    verdict = WORDS.as_expected if step.came_out else WORDS.not_as_expected
    kind = "legal" if step.came_out else "illegal"
    words, *lines = text.format_map(step.facts).split("\n")
    drawn = f'<pre class="bytes">{escape(chr(10).join(lines))}</pre>' if lines else ""
    return f'<strong class="verdict {kind}">{verdict}</strong> {with_links(words)}{drawn}'


def steps(run: Run, count: int) -> str:
    """The first steps of a run, and the way on."""
    text = ENGLISH.labs[run.lab.name]
    address = f"/lab/{run.lab.name}"
    parts = steps_played(run, run.steps[:count])
    if run.error is not None:
        parts.append(f"<section><p>{escape(WORDS.why(run.error))}</p></section>")
    elif run.cast.ending.is_set():
        parts.append(
            f"<section><p>{WORDS.servers_ended} "
            f'<a href="{address}/{run.defence}?again">{WORDS.play_again}</a></p></section>'
        )
    following = min(count, len(run.steps)) + 1
    if following > len(text.steps) or (run.over and not run.cut_short and count >= len(run.steps)):
        way_on = f'<a class="button" href="{address}">{WORDS.side_by_side}</a>'
        lesson = f"<p>{with_links(text.lesson)}</p>"
        parts.append(f'{log_of(run)}<section id="on">{lesson}<p>{way_on}</p></section>')
    else:
        next_step = f"{address}/{run.defence}/{following}#step-{following}"
        parts.append(
            f'<section id="on"><p><a class="button" href="{next_step}">{WORDS.next}</a> '
            f'<a href="{address}">{WORDS.side_by_side}</a></p></section>'
        )
    return "\n".join(parts)


def steps_so_far(run: Run, count: int) -> str:
    """The same while the last one of them, or one before it, is played."""
    shown = run.steps[:count]
    return "\n".join([*steps_played(run, shown), step_going_on(run, len(shown))])


def steps_played(run: Run, shown: list[Step]) -> list[str]:
    """The setting, and these steps, with what was measured in each."""
    switch = ENGLISH.labs[run.lab.name].switch[run.defence]
    parts = [
        f"<section><p>{WORDS.switch}: <strong>{escape(run.defence)}</strong>: "
        f"{escape(switch)}. {with_links(run.lab.section)}</p></section>"
    ]
    return parts + [section_of(run, number, step) for number, step in enumerate(shown, 1)]


def log_of(run: Run) -> str:
    """What its servers have logged, if they stay."""
    if not run.lab.stays:
        return ""
    text = escape("\n".join(run.cast.log.so_far()))
    return f'<section><p>{WORDS.log}</p><pre class="bytes">{text}</pre></section>'


def section_of(run: Run, number: int, step: Step) -> str:
    text = ENGLISH.labs[run.lab.name].steps[step.name]
    wires = "".join(wire(crossed, items) for crossed, items in explained(step.crossed))
    story = with_addresses(text.story.format_map(step.facts))
    title = f"<h2>{number}. {escape(text.title)}</h2>"
    words = f"{title}<p>{story}</p><div>{outcome(run, step)}</div>"
    return section(number, words, wires + measured(run, step.name))


def with_addresses(text: str) -> str:
    """The text, escaped; an address of the lab, and a section, is a link beside the steps."""
    link = r'<a href="\g<0>" target="_blank" rel="noopener">\g<0></a>'
    return ADDRESS.sub(link, with_links(text))


def wire(crossed: Crossed, items: list[Item]) -> str:
    """What crossed in one direction: lines of text, and each head and frame drawn on demand."""
    lines = escape("\n".join(text_of(crossed, items)))
    text = f'<pre class="bytes" tabindex="0">{lines}</pre>' if lines else ""
    more = '<p class="note">... and {} more</p>'
    drawn = "".join(bounded([in_detail(item) for item in items], MAX_ITEMS, more))
    return f"<h3>{escape(crossed.way)}</h3>{text}{drawn}"


def in_detail(item: Item) -> str:
    """A line that opens the drawing of `explain`, once for each width of a window."""
    is_head = isinstance(item, HeadExplanation)
    line = WORDS.line_by_line if is_head else draw_line(item)
    return (
        f'<details><summary class="bytes">{escape(line)}</summary>'
        f'<pre class="wide" tabindex="0">{with_links(draw(item))}</pre>'
        f'<pre class="narrow" tabindex="0">{with_links(draw(item, NARROW))}</pre></details>'
    )


def page(title: str, content: str) -> Response:
    document = DOCUMENT.format(
        title=escape(title),
        warning=escape(WORDS.warning),
        all_labs=escape(WORDS.all_labs),
        content=content,
    )
    return respond(document, TYPES[".html"])


def moved(address: str) -> Response:
    return Response.text(HTTPStatus.SEE_OTHER, "", [("Location", address)])
