"""Boxes, lines and text -> an SVG file that needs no other file, for light and dark pages.

Text is the only part that a peer can choose. It is escaped here, and its characters must be
printable: `refws.course.text.characters` makes them so.
"""

from __future__ import annotations

from html import escape

FONT_SIZE = 14
SMALL_SIZE = 11

STYLE = """
svg { color-scheme: light dark; --page: #ffffff; --text: #1c2430; --muted: #566173;
  --line: #8a94a3; --box: #f4f5f7; --payload: #dcebfb; --key: #fdf0cc;
  --good: #166b33; --bad: #a32020; --bad-ground: #fdecea }
@media (prefers-color-scheme: dark) {
  svg { --page: #12161c; --text: #e6eaf0; --muted: #a3aebd; --line: #6c7888; --box: #1b212a;
    --payload: #17395c; --key: #4d3d0c; --good: #79d491; --bad: #ff9b92; --bad-ground: #3a1d1c }
}
text { fill: var(--text); white-space: pre;
  font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
.small { font-size: 11px }
.title { font-weight: bold }
.muted { fill: var(--muted) }
.good { fill: var(--good) }
.bad { fill: var(--bad) }
.page { fill: var(--page) }
.box { fill: var(--box); stroke: var(--line) }
.key { fill: var(--key); stroke: var(--line) }
.payload { fill: var(--payload); stroke: var(--line) }
.blamed { fill: var(--bad-ground); stroke: var(--bad); stroke-width: 2 }
.line { stroke: var(--line); fill: none }
.arrow { stroke: var(--text); fill: none }
.broken { stroke: var(--bad); fill: none; stroke-width: 2 }
.dashed { stroke-dasharray: 5 4 }
"""


class Canvas:
    """A picture that grows downwards. Places and sizes are whole pixels."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.height = 0
        self._parts: list[str] = []

    def text(self, x: int, y: int, words: str, kind: str = "", anchor: str = "start") -> None:
        """Words on the line at `y`; `x` is where they start, end, or have their middle."""
        place = f'x="{x}" y="{y}" text-anchor="{anchor}"'
        self._parts.append(f'<text {place} class="{kind}">{escape(words)}</text>')

    def box(self, x: int, y: int, width: int, height: int, kind: str) -> None:
        size = f'width="{width}" height="{height}"'
        self._parts.append(f'<rect x="{x}" y="{y}" {size} class="{kind}"/>')

    def line(self, start: tuple[int, int], end: tuple[int, int], kind: str) -> None:
        (x1, y1), (x2, y2) = start, end
        self._parts.append(f'<path d="M{x1} {y1}L{x2} {y2}" class="{kind}"/>')

    def arrow(self, y: int, start: int, end: int, kind: str) -> None:
        """A horizontal line at `y` with a head at its end."""
        back = end - 9 if end > start else end + 9
        self.line((start, y), (end, y), kind)
        head = kind.replace(" dashed", "")
        self._parts.append(f'<path d="M{back} {y - 5}L{end} {y}L{back} {y + 5}" class="{head}"/>')

    def document(self, title: str) -> str:
        """The file. `title` is what a screen reader says."""
        size = f'width="{self.width}" height="{self.height}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {self.width} {self.height}" role="img">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
            f'<rect {size} class="page"/>\n' + "\n".join(self._parts) + "\n</svg>\n"
        )
