"""Docstrings and comments are in plain words; a few that read badly are listed, with better ones.

python3 tests/test_words.py     counts them, file by file
"""

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
    r"begun anew": "started again",
    r"what came": "what it is: the data, the message, the result",
    r"told": "reported, passed, or printed",
    r"stands(?! for)": "is",
}
"""Regular expressions of words -> what to write instead."""

STARTS = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING)


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


def findings(path):
    """(line number, words found, what to write instead), by line."""
    found = []
    for first_line, text in texts_of(path):
        for words, instead in PLAINER.items():
            pattern = rf"\b{words}\b".replace(" ", r"\s+")
            for match in re.finditer(pattern, text, re.IGNORECASE):
                line = first_line + text.count("\n", 0, match.start())
                found.append((line, " ".join(match[0].split()), instead))
    return sorted(found)


def files(*folders):
    return sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))


def report(*folders):
    return [
        f'{path.relative_to(PROJECT)}:{line}: "{words}"; write instead: {instead}'
        for path in files(*folders)
        for line, words, instead in findings(path)
    ]


def test_refws_uses_plain_words():
    lines = report("refws")
    assert lines == [], "\n" + "\n".join(lines)


def test_the_scripts_use_plain_words():
    lines = report("scripts", "conformance")
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


if __name__ == "__main__":
    counts = collections.Counter({path: len(findings(path)) for path in files("refws")})
    for path, count in counts.most_common():
        if count:
            print(f"{count:4} {path.relative_to(PROJECT)}")
    print(f"{counts.total():4} in all")
