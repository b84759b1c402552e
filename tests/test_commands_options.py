"""A bad command line of any command is one line, which says what to write, and exit status 2."""

import re

import pytest

from refws.commands import connect, elsewhere, serve_options
from refws.commands.options import CommandLine


@pytest.fixture
def refusal(capsys):
    """refusal(*words) gives the line for these words."""
    parser = CommandLine(prog="prog", allow_abbrev=False)
    parser.elsewhere = {"-H": "write --header"}
    parser.too_many, parser.missing = "one is enough", "give PLACE"
    parser.add_argument("place")
    parser.add_argument("-x", "--execute")
    parser.add_argument("--origin", action="append")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--trace", action="store_const", const="lines")
    parser.add_argument("--trace=full", dest="trace", action="store_const", const="full")

    def refuse(*words):
        with pytest.raises(SystemExit) as stop:
            parser.parse_args(words)
        assert stop.value.code == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("refws: ") and err.count("\n") == 1
        return err.removeprefix("refws: ").removesuffix("; see prog --help\n")

    refuse.parser = parser
    return refuse


@pytest.mark.parametrize(
    "words, line",
    [
        (["-y", "hi", "p"], "there is no option '-y'"),
        (["p", "-H", "a: b"], "there is no option '-H': write --header"),
        (["p", "-H1"], "there is no option '-H1': write --header"),
        (["p", "--orgin", "o"], "there is no option '--orgin': did you mean --origin?"),
        (["p", "--orgin=o"], "there is no option '--orgin': did you mean --origin?"),
        (["p", "--tarce"], "there is no option '--tarce': did you mean --trace?"),
        (["p", "--tls"], "there is no option '--tls'"),
        (["p", "--quiet=1"], "there is no option '--quiet=1': write --quiet"),
        (["p", "--trace=ful"], "there is no option '--trace=ful': write --trace or --trace=full"),
        (["-help"], "there is no option '-help': did you mean --help?"),
        (["p", "q"], "there is no place for q: one is enough"),
        (["p", "a\nb\x1b[2J"], "there is no place for a\\nb\\x1b[2J: one is enough"),
        ([], "place is missing: give PLACE"),
        (
            ["p", "-x"],
            "--execute needs a value; one that begins with - is joined with =, as in "
            "--execute=-value",
        ),
        (
            ["p", "--origin", "-x"],
            "--origin needs a value; one that begins with - is joined with =, as in "
            "--origin=-value",
        ),
    ],
)
def test_it_names_the_option_that_does_not_exist_and_what_to_write(words, line, refusal):
    assert refusal(*words) == line


@pytest.mark.parametrize(
    "words, name, value",
    [
        (["-x", "- item", "p"], "execute", "- item"),
        (["-xhi", "p"], "execute", "hi"),
        (["-x", "-1", "p"], "execute", "-1"),
        (["--execute=--nothing", "p"], "execute", "--nothing"),
        (["--trace=full", "p"], "trace", "full"),
        (["--", "-no-option"], "place", "-no-option"),
        (["-"], "place", "-"),
    ],
)
def test_what_only_looks_like_an_option_is_taken(words, name, value, refusal):
    assert getattr(refusal.parser.parse_args(words), name) == value


# Options of other programs

PARSERS = {"connect": connect.command_line(), "serve": serve_options.command_line()}
TABLES = {"connect": elsewhere.CONNECT, "serve": elsewhere.SERVE}


def options_of(command):
    return set(PARSERS[command]._option_string_actions)


@pytest.mark.parametrize("command", TABLES)
def test_what_other_programs_call_an_option_is_none_here(command):
    assert PARSERS[command].elsewhere is TABLES[command]
    assert options_of(command) & TABLES[command].keys() == set()


@pytest.mark.parametrize(
    "command, name, instead",
    [(command, *row) for command, table in TABLES.items() for row in table.items()],
)
def test_an_option_of_another_program_is_answered_with_options_that_exist(
    command, name, instead, capsys
):
    with pytest.raises(SystemExit) as stop:
        PARSERS[command].parse_args([name, "x", "ws://h/"])
    assert stop.value.code == 2
    line = f"refws: there is no option {name!r}: {instead}; see python3 -m refws {command} --help\n"
    assert capsys.readouterr() == ("", line)
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z=-]*", instead))
    assert named <= options_of("connect") | options_of("serve") | {"-m"}
