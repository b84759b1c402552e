"""The lesson as a page at `/lesson`: steps -> HTML, every text of a step escaped.

An answer is closed until the reader opens it, without a script.
"""

from __future__ import annotations

import re
from html import escape

from ..lesson import INTRODUCTION, SERVER, STEPS, Step

SECTION = re.compile(r"(?:RFC (\d+) )?§(\d+(?:\.\d+)*)")

DOCUMENT = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>refws: the lesson</title>
  <link rel="icon" href="/favicon.svg">
  <link rel="stylesheet" href="/page.css">
</head>
<body>
  <header>
    <h1>The lesson</h1>
    <p>RFC&nbsp;6455 step by step, each with a command to try.
      <a href="/">To the page with a WebSocket</a></p>
  </header>
  <main id="lesson">
    <section>
      <p>{introduction}</p>
{server}
    </section>
{steps}
  </main>
</body>
</html>
"""

STEP = """    <section id="step-{number}" aria-labelledby="title-{number}">
      <h2 id="title-{number}">{number}. {title}</h2>
      <p class="note">{section}</p>
{paragraphs}
{commands}
{question}
    </section>"""

QUESTION = """      <p><strong>Question:</strong> {question}</p>
      <details>
        <summary>Answer</summary>
        <p>{answer}</p>
      </details>"""

COMMAND = '      <pre class="bytes" tabindex="0"><kbd>{command}</kbd>{output}</pre>'


def lesson_page(steps: tuple[Step, ...] = STEPS) -> str:
    """The document with these steps."""
    sections = [section_of(number, step) for number, step in enumerate(steps, 1)]
    return DOCUMENT.format(
        introduction=escape(INTRODUCTION),
        server=command_block(SERVER),
        steps="\n".join(sections),
    )


def section_of(number: int, step: Step) -> str:
    paragraphs = [f"      <p>{escape(text)}</p>" for text in step.text.split("\n\n")]
    commands = [command_block(step.command, step.output)]
    if step.live:
        commands.append(command_block(step.live, step.live_output))
    return STEP.format(
        number=number,
        title=escape(step.title),
        section=with_links(step.section),
        paragraphs="\n".join(paragraphs),
        commands="\n".join(commands),
        question=QUESTION.format(question=escape(step.question), answer=escape(step.answer)),
    )


def command_block(command: str, output: str = "") -> str:
    """A command, and its output below."""
    printed = f"\n<samp>{escape(output)}</samp>" if output else ""
    return COMMAND.format(command=escape(command), output=printed)


def with_links(sections: str) -> str:
    """Names of sections, each as a link to the text of its RFC."""
    return SECTION.sub(link_of, escape(sections))


def link_of(found: re.Match[str]) -> str:
    rfc, section = found[1] or "6455", found[2]
    address = f"https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}"
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{found[0]}</a>'
