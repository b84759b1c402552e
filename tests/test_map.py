"""The map in the docstring of refws is complete and true, and imports go one way."""

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest

import refws

PACKAGE = Path(refws.__file__).parent
MODULES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
FLOORS = (
    "protocol",
    "raw_client",
    "interruption",
    "endpoint",
    "__init__",
    "course",
    "check",
    "commands",
    "__main__",
)
"""Parts of the package: each imports only from itself and from those before it."""

SECTION = r"(?:§[\d.]*\d|RFC \d+)"
ROW = re.compile(rf"( +)(\w+/|\w+\.py)  +(?:({SECTION}(?:, {SECTION})*)  +)?\S.*")
"""A line of the map: indentation, name, sections if there are any, and what the file is."""


def read_map():
    """(path of a file, its sections) for each line of the map."""
    folders = {}
    rows = []
    for row in map(ROW.fullmatch, inspect.getdoc(refws).splitlines()):
        if row is None:
            continue
        depth, name, sections = len(row[1]), row[2], row[3]
        folders = {indent: folder for indent, folder in folders.items() if indent < depth}
        if name.endswith("/"):
            folders[depth] = name
        else:
            rows.append(
                ("".join(folders.values()) + name, sections.split(", ") if sections else [])
            )
    return rows


MAP = read_map()


def test_the_map_has_each_module_once_and_none_that_does_not_exist():
    mapped = [path for path, _ in MAP]
    modules = {path for path in MODULES if not path.endswith("__init__.py")}
    assert {"missing from the map": sorted(modules - set(mapped))} == {"missing from the map": []}
    assert {"does not exist": sorted(set(mapped) - modules)} == {"does not exist": []}
    assert len(mapped) == len(set(mapped))


@pytest.mark.parametrize("path, sections", [row for row in MAP if row[1]])
def test_each_section_of_the_map_is_in_the_head_of_the_file(path, sections):
    head = ast.get_docstring(MODULES[path])
    missing = [one for one in sections if not re.search(rf"{re.escape(one)}(?![.\d]*\d)", head)]
    assert missing == [], f"{path} begins with: {head.splitlines()[0]}"


def test_every_module_has_a_head():
    assert [path for path, tree in MODULES.items() if not ast.get_docstring(tree)] == []


# Imports


def imports(path, tree):
    """Each module of refws that this one imports anywhere, as a path."""
    folder = ["refws", *path.split("/")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folder[: len(folder) - node.level + 1][1:]
            yield from targets([*base, *(node.module or "").split(".")], node.names)


def targets(words, names):
    """The files that `from WORDS import NAMES` reads."""
    base = "/".join(filter(None, words))
    for alias in names:
        inside = f"{base}/{alias.name}".strip("/")
        found = [f"{inside}.py", f"{inside}/__init__.py", f"{base}.py", f"{base}/__init__.py"]
        yield next(file.strip("/") for file in found if file.strip("/") in MODULES)


IMPORTS = {path: set(imports(path, tree)) for path, tree in MODULES.items()}


def floor(path):
    return FLOORS.index(path.split("/")[0].removesuffix(".py"))


def test_imports_go_one_way_only():
    upward = [
        f"{path} imports {imported}"
        for path, found in IMPORTS.items()
        for imported in found
        if floor(imported) > floor(path)
    ]
    assert upward == []


def test_what_judges_other_endpoints_imports_nothing_of_our_own():
    found = {
        imported
        for path, imports_of_it in IMPORTS.items()
        if path.startswith("check/")
        for imported in imports_of_it
    }
    parts = {"/".join(path.split("/")[:-1]) for path in found} - {""}
    others = {part for part in parts if part.split("/")[0] not in ("check", "protocol")}
    assert others <= {"course/explain", "course/text", "course/record"}


def test_no_import_is_part_of_a_circle():
    rest = dict(IMPORTS)
    while leaves := [path for path, found in rest.items() if not found & rest.keys()]:
        for path in leaves:
            del rest[path]
    assert rest == {}


def test_nothing_outside_the_standard_library_is_imported():
    imported = set()
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.partition(".")[0])
    assert "threading" in imported
    assert imported <= sys.stdlib_module_names


# Sizes

LONGEST = 400
"""Lines of the longest file of the protocol and of the endpoint: a chapter is read in a sitting."""

CHAPTERS = [path for path in MODULES if path.startswith(("protocol/", "endpoint/"))]


@pytest.mark.parametrize("path", CHAPTERS)
def test_no_chapter_is_longer_than_a_sitting(path):
    assert len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) <= LONGEST
