"""Docstrings, comments and messages are in plain words; some that read badly are listed here.

python3 tests/test_words.py     counts them, file by file
"""

import ast
import collections
import pathlib
import re
import tokenize

PROJECT = pathlib.Path(__file__).resolve().parent.parent

PLAINER = {
    r"behind(?! (?:a proxy|its proxies))": "after, or what it is",
    r"nobody": "no one, or unused",
    r"those of": "'s, as in X's",
    r"be it": "whether, or also if",
    r"puts? up with": "accepts",
    r"any more": "no longer, or more",
    r"so many": "n, or that many",
    r"lets? go": "released",
    r"what came": "what it is: the data, the message, the result",
    r"told": "reported, passed, or printed",
    r"stands(?! for)": "is",
    r"in one go": "at once",
    r"anew": "again",
    r"all but": "all except, or nearly all",
    r"who(?:so)?ever": "the thread that, the caller, or anyone",
    r"what(?:so)?ever": "any, or for any",
    r"what comes": "what it is: the data, the message, the result",
    r"any longer": "no longer",
    r"all the same": "nevertheless",
    r"as far as": "if, up to, or the part that",
    r"while (?:they|it) lives?": "while it is open, or runs",
    r"lives? on": "stays open",
    r"(?:be|was|were) had": "is available, or can be installed",
    r"ma(?:de|kes?) no end": "has not ended",
    r"hold(?:s|ing)? up": "blocks",
    r"none such": "none",
    r"what there is of": "the part of",
    r"be that as": "also if",
    r"the news": "how it ended",
    r"no telling": "unknown",
    r"begins? so": "begins with it",
    r"as (?:no one|the peer (?:does|is|has))": "because",
}
"""Regular expressions of words -> what to write instead."""

STARTS = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING)


def pattern_of(words):
    return rf"\b{words}\b".replace(" ", r"\s+")


ANY = re.compile("|".join(map(pattern_of, PLAINER)), re.IGNORECASE)
"""All of them at once, because most texts have none."""


def texts_of(path):
    """(number of its first line, text) of each docstring, and of each block of comments."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    code = [token for token in tokens if token.type not in SKIPPED]
    for i, token in enumerate(code):
        begins = i == 0 or code[i - 1].type in STARTS
        if token.type == tokenize.STRING and begins and code[i + 1].type == tokenize.NEWLINE:
            yield token.start[0], token.string
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    for number in comments:
        if number - 1 not in comments:
            block = []
            while number + len(block) in comments:
                block.append(comments[number + len(block)].lstrip("#"))
            yield number, "\n".join(block)


def strings_of(path):
    """(number of its first line, text) of each string, also of each part of an f-string."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def readme(path):
    yield 1, path.read_text(encoding="utf-8")


def findings(path, texts=texts_of):
    """(line number, words found, what to write instead), by line."""
    found = []
    for first_line, text in texts(path):
        if not ANY.search(text):
            continue
        for words, instead in PLAINER.items():
            for match in re.finditer(pattern_of(words), text, re.IGNORECASE):
                line = first_line + text.count("\n", 0, match.start())
                found.append((line, " ".join(match[0].split()), instead))
    return sorted(found)


def files(*folders):
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def report(paths, texts=texts_of):
    return [
        f'{path.relative_to(PROJECT)}:{line}: "{words}"; write instead: {instead}'
        for path in paths
        for line, words, instead in findings(path, texts)
    ]


def test_refws_uses_plain_words():
    lines = report(files("refws"))
    assert lines == [], "\n" + "\n".join(lines)


def test_the_messages_of_refws_use_plain_words():
    lines = report(files("refws"), strings_of)
    assert lines == [], "\n" + "\n".join(lines)


def test_the_readme_uses_plain_words():
    lines = report([PROJECT / "README.md"], readme)
    assert lines == [], "\n" + "\n".join(lines)


def test_the_scripts_use_plain_words():
    lines = report(files("scripts", "conformance"))
    assert lines == [], "\n" + "\n".join(lines)


def test_words_are_found_in_docstrings_and_comments_over_the_ends_of_lines(tmp_path):
    (tmp_path / "file.py").write_text(
        '"""A key stands in a head.\n\nNobody is\ntold."""\n'
        "a = 'told'  # one of\n"
        "# a block, those\n"
        "# of others\n"
        "b = 1\n"
        '"""A server behind a proxy, not behind a wall; it stands for nothing."""\n'
    )
    assert [(line, words) for line, words, _ in findings(tmp_path / "file.py")] == [
        (1, "stands"),
        (3, "Nobody"),
        (4, "told"),
        (6, "those of"),
        (9, "behind"),
    ]


def test_words_are_found_in_strings_and_in_parts_of_f_strings(tmp_path):
    (tmp_path / "file.py").write_text('a = "it was told"\nb = f"{a} and nobody"\n')
    assert [(line, words) for line, words, _ in findings(tmp_path / "file.py", strings_of)] == [
        (1, "told"),
        (2, "nobody"),
    ]


if __name__ == "__main__":
    counts = collections.Counter({path: len(findings(path)) for path in files("refws")})
    for path, count in counts.most_common():
        if count:
            print(f"{count:4} {path.relative_to(PROJECT)}")
    print(f"{counts.total():4} in all")
