"""The files of refws -> the places that name a section of an RFC.

A place is a function, a method, a class, a constant or the head of a file. It names a section in a
docstring, a comment or a message. A section without a document is one of RFC 6455, but in the
docstrings and comments of a file whose head begins with another RFC, one of that RFC.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import refws

PACKAGE = Path(refws.__file__).parent

SEARCHED = ("protocol", "endpoint", "raw_client.py", "course")
"""The parts of the map where sections are looked for; the command line is not among them."""

WEBSOCKET = 6455

NUMBER = r"(\d+(?:\.\d+)*)"
ITEM = r"(?: ((?:response )?item) " + NUMBER + ")?"
REFERENCE = re.compile(rf"(?:RFC (\d+) )?§{NUMBER}{ITEM}")
ASKED = re.compile(rf"(?:(?:RFC ?)?(\d{{3,}})[ -])?§?{NUMBER}{ITEM}", re.IGNORECASE)
BETWEEN = re.compile(r",? (?:and |or )?")
"""Between the sections of a list: the RFC that its first one names is the RFC of all."""

ROW = re.compile(r"( *)(\w+/|\w+\.py)(?:  .*)?")
"""A line of the map of refws, with a folder or a file."""


@dataclass(frozen=True, order=True)
class Section:
    """A section of an RFC, or an item of a list in it."""

    rfc: int
    number: tuple[int, ...]
    items: str = ""
    """The name of the list: "item" or "response item"."""
    item: tuple[int, ...] = ()

    def __str__(self) -> str:
        document = "" if self.rfc == WEBSOCKET else f"RFC {self.rfc} "
        item = f" {self.items} {dotted(self.item)}" if self.items else ""
        return f"{document}§{dotted(self.number)}{item}"

    @property
    def whole(self) -> Section:
        """The section without the item."""
        return Section(self.rfc, self.number)

    def is_in(self, other: Section) -> bool:
        """Whether this is the other section or item, or a part of it."""
        if self.rfc != other.rfc or not begins_with(self.number, other.number):
            return False
        if not other.items:
            return True
        same_list = (self.number, self.items) == (other.number, other.items)
        return same_list and begins_with(self.item, other.item)


@dataclass(frozen=True)
class Place:
    """A part of a file that names these sections; `name` is empty for the head of the file."""

    file: str
    line: int
    name: str
    docstring: str
    lines: tuple[tuple[Section, str], ...]
    """The sections, each with the first line that names it."""

    def names(self, section: Section) -> bool:
        return any(one.is_in(section) for one, _ in self.lines)

    def words(self, section: Section) -> str:
        """The first line of its docstring; without one, the first line that names the section."""
        named = (line for one, line in self.lines if one.is_in(section))
        return self.docstring.partition("\n")[0] or next(named)


@dataclass
class Part:
    """A function, class or constant with its lines, or a whole module."""

    name: str
    line: int
    first_line: int
    last_line: int
    docstring: str


# Sections in a text


def dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def begins_with(number: tuple[int, ...], start: tuple[int, ...]) -> bool:
    return number[: len(start)] == start


def parse_section(text: str) -> Section:
    """The section in 5.4, §5.4, "§4.2.1 item 3", 7692-7.2.1 or "RFC 7692 7.2.1"."""
    found = ASKED.fullmatch(" ".join(text.split()))
    if found is None:
        expected = "give one such as 5.4 or 7692-7.2.1"
        raise argparse.ArgumentTypeError(f"{text!r} is not a section: {expected}")
    return section_from(found, int(found[1] or WEBSOCKET))


def section_from(found: re.Match[str], rfc: int) -> Section:
    if found[3] is None:
        return Section(rfc, numbers(found[2]))
    return Section(rfc, numbers(found[2]), found[3].lower(), numbers(found[4]))


def sections_in(text: str, default: int = WEBSOCKET) -> Iterator[Section]:
    """The sections that a text names, in its order."""
    text = " ".join(text.split())
    rfc, end = default, 0
    for found in REFERENCE.finditer(text):
        in_list = end > 0 and BETWEEN.fullmatch(text, end, found.start())
        rfc = int(found[1] or (rfc if in_list else default))
        end = found.end()
        yield section_from(found, rfc)


def rfc_of(head: str) -> int:
    """The RFC of the sections without a document, in a file with this head."""
    found = re.match(r"RFC (\d+)", head)
    return int(found[1]) if found else WEBSOCKET


def nearest(section: Section, named: Iterable[Section]) -> list[Section]:
    """The longest named section that this one is in, and the named ones before and after it.

    Also the section of another RFC with this number, which may be meant.
    """
    every = sorted({one.whole for one in named})
    there = [one for one in every if one.rfc == section.rfc]
    around = [one for one in there if section.is_in(one)][-1:]
    i = bisect(there, section)
    same_number = [one for one in every if one.number == section.number]
    return sorted({*around, *there[max(i - 1, 0) : i + 1], *same_number})


# The files


def files_of(package: Path, text: str) -> Iterator[Path]:
    """The files of a package in the order of its map; a folder's own file comes first in it."""
    folders: dict[int, str] = {}
    for row in map(ROW.fullmatch, text.splitlines()):
        if row is None:
            continue
        depth, name = len(row[1]), row[2]
        folders = {indent: folder for indent, folder in folders.items() if indent < depth}
        path = package.joinpath(*folders.values(), name)
        if name.endswith("/"):
            folders[depth] = name
            path /= "__init__.py"
        if path.is_file():
            yield path


@cache
def all_places() -> tuple[Place, ...]:
    """By floor, file and line, in the order of the map."""
    files = [
        path
        for path in files_of(PACKAGE, refws.__doc__ or "")
        if path.relative_to(PACKAGE).parts[0] in SEARCHED
    ]
    return tuple(place for path in files for place in places_of(path))


def as_list(section: Section, places: list[Place], passed: set[tuple[str, str]]) -> str:
    """Two lines for each place; `passed` has the file and name of those on the tour."""
    lines = []
    for place in places:
        mark = "*" if (place.file, place.name) in passed else " "
        lines.append(f"  {mark} {place.file}:{place.line}  {place.name or '(head of the file)'}")
        lines.append(f"        {place.words(section)}")
    return "\n".join([f"{section}: {len(places)} named; * is on the tour", "", *lines, ""])


def hint(section: Section) -> str:
    """One line for a section that no place names: the nearest ones that some place names."""
    named = [one for place in all_places() for one, _ in place.lines]
    if near := nearest(section, named):
        return f"no place names {section}; the nearest named: {', '.join(map(str, near))}"
    documents = ", ".join(map(str, sorted({one.rfc for one in named})))
    return f"no place names {section}, nor another section of that RFC; named: RFC {documents}"


def places_of(path: Path) -> list[Place]:
    """The places of a file that name a section, by line."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    module = ast.parse(source)
    head = Part("", 1, 1, len(lines), ast.get_docstring(module) or "")
    parts = [head, *parts_of(module, "", lines)]
    found: dict[int, dict[Section, int]] = {}
    for line, text, default in texts_of(source, module, rfc_of(head.docstring)):
        for section in sections_in(text, default):
            found.setdefault(owner(parts, line), {}).setdefault(section, line)
    file = path.relative_to(PACKAGE.parent).as_posix()
    return [
        place_of(file, parts[i], lines, sections)
        for i, sections in sorted(found.items(), key=lambda one: parts[one[0]].line)
    ]


def place_of(file: str, part: Part, lines: list[str], sections: dict[Section, int]) -> Place:
    named = tuple((one, line_with(one, lines[first - 1 :])) for one, first in sections.items())
    return Place(file, part.line, part.name, part.docstring.strip(), named)


def line_with(section: Section, lines: list[str]) -> str:
    """The first line that names it; the first one if the name is cut by the end of a line."""
    number = f"§{dotted(section.number)}"
    return next((line for line in lines if number in line), lines[0]).strip()


def parts_of(node: ast.Module | ast.ClassDef, prefix: str, lines: list[str]) -> Iterator[Part]:
    """The functions and classes in it, also inside classes, and the constants of a module.

    A comment directly above a part belongs to it, and a docstring below a constant.
    """
    for child, below in zip(node.body, [*node.body[1:], None], strict=True):
        last = child.end_lineno or child.lineno
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
            name, docstring = prefix + child.name, ast.get_docstring(child) or ""
        elif isinstance(child, ast.Assign | ast.AnnAssign) and isinstance(node, ast.Module):
            target = child.targets[0] if isinstance(child, ast.Assign) else child.target
            first, name, docstring = child.lineno, ast.unparse(target), docstring_in(below)
            if docstring and below is not None:
                last = below.end_lineno or last
        else:
            continue
        while lines[first - 2].lstrip().startswith("#"):
            first -= 1
        yield Part(name, child.lineno, first, last, docstring)
        if isinstance(child, ast.ClassDef):
            yield from parts_of(child, f"{name}.", lines)


def docstring_in(statement: ast.stmt | None) -> str:
    """The text of a statement that is nothing but a string."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return str(statement.value.value)
    return ""


def texts_of(source: str, module: ast.Module, rfc: int) -> Iterator[tuple[int, str, int]]:
    """(line, text, RFC of a section without a document) of docstrings, comments and strings."""
    documented = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value, rfc if id(node) in documented else WEBSOCKET
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string, rfc


def owner(parts: list[Part], line: int) -> int:
    """The index of the innermost part with this line."""
    inside = [i for i, part in enumerate(parts) if part.first_line <= line <= part.last_line]
    return min(inside, key=lambda i: parts[i].last_line - parts[i].first_line)
