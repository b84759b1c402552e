"""`python3 -m refws check`: options, runs against servers, the files, and the exit status."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from checks import ECHO, FRAMES, LIMITS, answering, careless, echo
from refws.check.groups import GROUPS
from refws.commands import replay
from refws.commands.check import autobahn as autobahn_module
from refws.commands.check import command as program
from refws.commands.check import options as options_module
from refws.commands.check.options import command_line
from refws.protocol.close_codes import CloseCode
from transports import KEY, LOCALHOST
from wire import CLOSE, DEADLINE_S, IN_TIME, SAMPLE_KEY, TEXT, close_body, response

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent.parent
NOWHERE = "ws://127.0.0.1:1/"


@pytest.fixture
def few(monkeypatch):
    """There are only the cases of these tests, and a server has longer than usual for an answer."""
    for module in (program, options_module):
        monkeypatch.setattr(module, "GROUPS", (FRAMES, LIMITS))
    monkeypatch.setattr(options_module, "TIMEOUT", DEADLINE_S)


@pytest.fixture
def check(capsys, few):
    """check(*arguments) gives the exit status, what was printed, and the errors."""

    def run(*arguments):
        try:
            status = program.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def good(serving):
    """The URI of a server that obeys the rules."""
    return serving(echo).uri


@pytest.fixture
def bad(nothing_left_behind):
    """The URI of a server that takes unmasked frames."""
    with answering(careless) as port:
        yield f"ws://127.0.0.1:{port}/"


# Exit status


def test_a_server_that_obeys_the_rules_passes(check, good):
    status, out, err = check(good)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].endswith("s: 2 pass")


def test_a_server_that_breaks_a_rule_fails_with_the_rule_and_its_bytes(check, bad):
    status, out, err = check(bad)
    assert (status, err) == (1, "")
    assert "FAIL 5.1-unmasked, §5.1" in out and "VIOLATION       §5.1" in out
    assert out.splitlines()[-1].endswith("s: 1 pass, 1 fail")


def test_with_strict_a_weak_case_has_a_status_of_its_own(check):
    def other_code(wire):
        wire.send(response(wire.receive_request()[1]["sec-websocket-key"]))
        header, _ = wire.receive()
        code = CloseCode.NORMAL_CLOSURE if header.masked else CloseCode.POLICY_VIOLATION
        wire.send_frame(CLOSE, close_body(code), masked=0)

    with answering(other_code) as port:
        arguments = (f"ws://127.0.0.1:{port}/", "--only", "5.1-*")
        status, out, _ = check(*arguments)
        assert status == 0 and "WEAK 5.1-unmasked" in out
        assert check(*arguments, "--strict")[0] == 3


def test_where_nothing_listens_the_message_says_what_to_do(check):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    status, out, err = check(f"ws://127.0.0.1:{port}/")
    assert (status, out) == (2, "")
    assert err.startswith(f"refws: cannot connect to 127.0.0.1:{port}, ")
    assert "start the server, or check host and port" in err


@pytest.mark.parametrize(
    "answer, words",
    [
        ("HTTP/1.1 404 Nothing\r\nContent-Length: 0\r\n\r\n", ["404 'Nothing'", "--path"]),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ["200 'OK'", "page"]),
        (
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            ["--header 'Authorization: ...'"],
        ),
        ("SSH-2.0-server\r\n\r\n", ["is it a WebSocket server", "wss://"]),
        ("", ["is it a WebSocket server", "wss://"]),
        (response(SAMPLE_KEY).decode(), ["response item 4", "mend this first", "BROKEN"]),
        ("HTTP/1.1 500 \x1b[2J\r\n\r\n", ["500"]),
    ],
)
def test_a_server_that_opens_no_connection_is_explained_with_its_bytes(check, answer, words):
    def answer_always(wire):
        wire.receive_request()
        wire.send(answer.encode())

    with answering(answer_always) as port:
        status, out, err = check(f"ws://127.0.0.1:{port}/")
    assert (status, out) == (2, "")
    assert err.startswith(f"refws: no WebSocket connection with 127.0.0.1:{port}, so nothing")
    assert "client -> server, byte 0: opening handshake" in err and "\x1b" not in err
    for word in words:
        assert word in " ".join(err.split())


def test_a_server_without_echo_is_checked_where_that_needs_none(check, serving):
    def swallow(connection):
        for _ in connection:
            pass

    status, out, _ = check(serving(swallow).uri, "--only", "5.1-*", "--timeout", "0.5")
    assert status == 0 and out.splitlines()[-1].endswith("s: 1 pass")


# The server's options


def test_the_options_are_in_each_request(check):
    requests = []

    def note(wire):
        requests.append(wire.receive_request())
        wire.send(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")

    with answering(note) as port:
        check(
            f"ws://127.0.0.1:{port}/other?x=1",
            *("--path", "/echo?a=b"),
            *("--header", "X-Group: 7"),
            *("--origin", "https://example.com"),
            *("--subprotocol", "chat", "--subprotocol", "superchat"),
        )
    line, headers = requests[-1]
    assert line == "GET /echo?a=b HTTP/1.1"
    assert headers["x-group"] == "7" and headers["origin"] == "https://example.com"
    assert headers["sec-websocket-protocol"] == "chat, superchat"


@pytest.mark.transport("tls", reason="it is about TLS")
def test_a_server_with_a_certificate_of_its_own_needs_insecure(check, serving):
    uri = serving(echo).uri
    status, out, err = check(uri)
    assert (status, out) == (2, "")
    assert "its certificate is self-signed" in err
    assert "--insecure takes any" in err and "--ca" not in err
    assert check(uri, "--insecure")[0] == 0


@pytest.mark.parametrize(
    "answer, options",
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", []), (b"", ["--timeout", IN_TIME])],
    ids=["answers", "is silent"],
)
def test_a_server_without_tls_is_for_ws(check, answer, options):
    def serve(wire):
        wire.file.read(1)
        wire.send(answer)
        wire.file.read()

    with answering(serve) as port:
        status, out, err = check(f"wss://127.0.0.1:{port}/", *options)
    assert (status, out) == (2, "")
    assert "use ws:// for a server without TLS" in err


# Bad command lines


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "give its URI, such as ws://127.0.0.1:9000/"),
        (["http://127.0.0.1/"], "ws:// in its place"),
        ([NOWHERE, "--path", "echo"], "give one that begins with /"),
        ([NOWHERE, "--path", "/%"], "two hexadecimal digits"),
        ([NOWHERE, "--insecure"], "use it with wss://"),
        ([NOWHERE, "--header", "Origin: x"], "give --origin URL"),
        ([NOWHERE, "--group", "none"], "invalid choice: 'none'"),
        ([NOWHERE, "--level", "may"], "invalid choice: 'may'"),
        ([NOWHERE, "--only", "9.9-*"], "no case is called '9.9-*': --list shows all 3"),
        ([NOWHERE, "--only", "5.1-unmaskd"], "did you mean 5.1-unmasked? --list shows all 3"),
        ([NOWHERE, "--only", "4.1-host"], "it is a case for a client, with --listen PORT"),
        ([NOWHERE, "--group", "masking"], "is a group of cases for clients: without --listen give"),
        ([NOWHERE, "--only", ""], "it is empty"),
        ([NOWHERE, "--tapes", "file/below"], "'file/below' cannot be a directory"),
        (
            [NOWHERE, "--expect", "no/such/a.json", "--update"],
            "argument --expect: 'no/such/a.json'",
        ),
        ([NOWHERE, "--group", "limits"], "no case is selected: "),
        ([NOWHERE, "--jobs", "0"], "from 1 to 64"),
        ([NOWHERE, "--timeout", "0"], "give seconds above 0"),
        ([NOWHERE, "--update"], "--update needs --expect FILE"),
        ([NOWHERE, "--json", "no/such/directory/a.json"], "give a file in a directory of yours"),
        ([NOWHERE, "--junit", "."], "give a file in a directory of yours"),
        ([NOWHERE, "--expect", "missing.json"], "there is no file 'missing.json': --update"),
        ([NOWHERE, "--course", "missing.toml"], "there is no course 'missing.toml': give"),
        ([NOWHERE, "--course", "default", "--only", "5.1-*"], "leave out --only"),
        (["--diff", "a.json"], "expected 2 arguments"),
        (["--diff", "a.json", "b.json"], "cannot use 'a.json', No such file"),
    ],
)
def test_a_bad_command_line_is_one_line_that_says_what_to_give(
    check, arguments, words, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options_module, "GROUPS", GROUPS)
    (tmp_path / "file").touch()
    status, out, err = check(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("refws: ") and err.count("\n") == 1
    assert words in err


def test_the_help_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        program.main(["--help"])
    out, _ = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 80
    for option in command_line()._option_string_actions:
        assert option in out


# Selection


def test_list_shows_the_selected_cases_with_level_and_rule_and_needs_no_server(check):
    status, out, err = check("--list", "--only", "5.*")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "frames: Frames",
        "  5.6-text  (MUST)",
        "      A text message comes back.",
        "  5.1-unmasked  (MUST)",
        "      A frame without a mask fails the connection.",
    ]
    assert "  10.4-slow  (SHOULD, slow)" in check("--list", "--slow")[1]
    assert "5.6-text" not in check("--list", "--slow", "--level", "should")[1]


def test_only_the_selected_cases_run(check, bad):
    status, out, _ = check(bad, "--only", "5.6-*")
    assert (status, out.splitlines()[-1][:6]) == (0, "1 case")


def test_the_cases_may_run_several_at_a_time(check, good):
    assert check(good, "--jobs", "4")[0] == 0


# Files


def test_all_files_are_written_and_a_tape_is_explained_by_replay(check, bad, tmp_path, capsys):
    files = {name: tmp_path / name for name in ("json", "junit", "markdown", "gradescope")}
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    course = tmp_path / "course.toml"
    course.write_text("[[stages]]\npoints = { frames = 10 }\n")
    status, out, err = check(bad, *options, "--tapes", tmp_path / "t", "--course", course)
    assert (status, err) == (1, "")
    assert json.loads(files["json"].read_text("utf-8"))["counts"]["fail"] == 1
    assert ET.parse(files["junit"]).getroot().get("failures") == "1"
    assert "## FAIL" in files["markdown"].read_text("utf-8")
    assert json.loads(files["gradescope"].read_text("utf-8"))["score"] == 5.0
    assert re.search(r"^in all +5 +10$", out, re.MULTILINE)
    (tape,) = (tmp_path / "t").iterdir()
    assert f"python3 -m refws replay {tape}" in out
    assert replay.main([str(tape)]) == 1
    assert "VIOLATION §5.1: an unmasked frame" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_named(check, good, tmp_path):
    target = tmp_path / "link"
    target.symlink_to(tmp_path / "no" / "such")
    status, out, err = check(good, "--json", target)
    assert status == 2 and "2 pass" in out
    assert err == (
        f"refws: cannot write '{target}', No such file or directory: give a file in a directory "
        "of yours\n"
    )


def test_the_other_files_are_written_where_one_cannot_be(check, bad, tmp_path):
    target = tmp_path / "link"
    target.symlink_to(tmp_path / "no" / "such")
    files = [tmp_path / name for name in ("junit", "markdown", "tapes")]
    words = ("--json", target, "--junit", files[0], "--markdown", files[1], "--tapes", files[2])
    status, out, err = check(bad, *words)
    assert (status, err.count("refws: cannot write")) == (2, 1)
    assert "1 fail" in out and all(file.exists() for file in files)


@pytest.mark.slow
def test_the_files_are_written_although_no_one_reads_the_report(bad, tmp_path):
    file = tmp_path / "report.json"
    words = [bad, "--only", "5.1-unmasked-text", "--json", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "refws", "check", *words],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
    assert json.loads(file.read_text("utf-8"))["counts"]["fail"] == 1


@pytest.mark.slow
def test_a_report_that_cannot_be_printed_is_an_error_in_one_line(good):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "refws", "check", good, "--only", "5.1-unmasked-text"]
        run = subprocess.run(command, cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2
    assert run.stderr == "refws: cannot print, No space left on device: print to another place\n"


def test_gradescope_gets_a_result_without_points_where_nothing_can_be_checked(check, tmp_path):
    course, results = tmp_path / "course.toml", tmp_path / "results.json"
    course.write_text("[[stages]]\npoints = { frames = 10 }\n")
    assert check(NOWHERE, "--course", course, "--gradescope", results)[0] == 2
    parsed = json.loads(results.read_text("utf-8"))
    assert parsed["score"] == 0 and "start the server" in parsed["output"]
    assert [test["max_score"] for test in parsed["tests"]] == [5.0, 5.0]


def test_stages_that_a_server_can_do_have_their_points_though_others_fail(check, bad, tmp_path):
    course = tmp_path / "course.toml"
    course.write_text('[[stages]]\npoints = { "5.1-*" = 3 }\n[[stages]]\npoints = { frames = 7 }\n')
    status, out, _ = check(bad, "--course", course)
    assert status == 1
    assert [line.split()[-2:] for line in out.splitlines()[-4:]] == [
        ["points", "of"],
        ["0", "3"],
        ["7", "7"],
        ["7", "10"],
    ]


# Comparing


def test_expect_fails_on_changes_only_and_update_writes_what_is_expected(
    check, bad, good, tmp_path
):
    known = tmp_path / "known.json"
    assert check(bad, "--expect", known, "--update")[0] == 0
    status, out, _ = check(bad, "--expect", known)
    assert (status, out.splitlines()[-1]) == (0, "no changes")
    status, out, _ = check(good, "--expect", known)
    assert status == 1
    assert out.splitlines()[-3:] == [
        "1 change:",
        " 5.1-unmasked: fail -> pass (better)",
        f"if that is right, --update writes it to {known}",
    ]
    assert check(good, "--expect", known, "--only", "5.6-*")[0] == 0


def test_diff_compares_two_files_without_a_server(check, bad, good, tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    check(bad, "--json", one)
    check(good, "--json", two)
    assert check("--diff", one, one) == (0, "no changes\n", "")
    status, out, err = check("--diff", two, one)
    assert (status, err) == (1, "") and "5.1-unmasked: pass -> fail (worse)" in out
    two.write_text("{}")
    status, out, err = check("--diff", two, one)
    assert (status, out) == (2, "") and "is no report of refws check: give a file" in err


# Ctrl-C


def test_after_ctrl_c_what_is_there_is_shown_and_update_writes_nothing(
    check, good, tmp_path, monkeypatch
):
    def interrupt(progress, result):
        if result.case is ECHO:
            raise KeyboardInterrupt

    monkeypatch.setattr(program.Progress, "note", interrupt)
    known = tmp_path / "known.json"
    status, out, err = check(good, "--expect", known, "--update")
    assert (status, err) == (130, "")
    assert out.splitlines()[-1] == "stopped by Ctrl-C: no result of 1 case"
    assert not known.exists()


def test_a_reader_of_the_output_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "refws", "check", "--list"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_message_of_a_server_is_escaped(check):
    def hostile(wire):
        careless_text = b"\x1b[2J"
        wire.send(response(wire.receive_request()[1]["sec-websocket-key"]))
        wire.receive()
        wire.send_frame(TEXT, careless_text, masked=0)

    with answering(hostile) as port:
        status, out, err = check(f"ws://127.0.0.1:{port}/", "--only", "5.1-*")
    assert status == 1 and "\x1b" not in out + err
    assert r"\x1b[2J" in out


# Autobahn's cases

FAKE_AUTOBAHN = """
import json, pathlib, sys
file = sys.argv[sys.argv.index("--json") + 1]
verdict = {"behavior": "BEHAVIOR", "behaviorClose": "OK", "milliseconds": 1, "sections": []}
pathlib.Path(__file__).with_name("words").write_text(" ".join(sys.argv[1:-1]))
if "BEHAVIOR" != "UNAVAILABLE":
    json.dump({"format": "autobahn-run 1", "cases": {"1.1.1": verdict}}, open(file, "w"))
sys.exit(3)
"""


@pytest.fixture
def autobahn(tmp_path, monkeypatch):
    """autobahn(behavior) puts a program that says so in the place of conformance/autobahn.py."""

    def install(behavior):
        program = tmp_path / "autobahn.py"
        program.write_text(FAKE_AUTOBAHN.replace("BEHAVIOR", behavior))
        monkeypatch.setattr(autobahn_module, "PROGRAM", program)

    return install


@pytest.mark.parametrize(
    "behavior, options, status",
    [("OK", [], 0), ("NON-STRICT", ["--strict"], 3), ("FAILED", [], 1)],
)
def test_autobahn_is_run_against_the_same_server_and_is_in_the_same_reports(
    check, good, autobahn, tmp_path, behavior, options, status
):
    autobahn(behavior)
    file = tmp_path / "run.json"
    words = ["--path", "/echo?x", "--autobahn", "--json", file, "--jobs", "2"]
    found, out, err = check(good, *words, *options)
    assert (found, err) == (status, "")
    authority = good.split("/")[2]
    assert (tmp_path / "words").read_text() == (
        f"server --url ws://{authority}/echo?x --agent checked --jobs 2 --cases ci --json"
    )
    names = [case["name"] for case in json.loads(file.read_text("utf-8"))["cases"]]
    assert names == ["5.6-text", "5.1-unmasked", "autobahn-1.1.1"]
    assert "autobahn: Autobahn's testsuite" in out


def test_the_results_of_an_earlier_run_may_be_given(check, good, tmp_path):
    file = tmp_path / "index.json"
    file.write_text('{"mine": {"1.1.1": {"behavior": "FAILED", "behaviorClose": "OK"}}}')
    status, out, err = check(good, "--autobahn-run", file)
    assert (status, err) == (1, "")
    assert "FAIL autobahn-1.1.1, Autobahn" in out


@pytest.mark.parametrize(
    "words, message",
    [
        (["--autobahn"], "--autobahn needs conformance/autobahn.py, which is in a checkout"),
        (["--autobahn", "--autobahn-run", "OTHER"], "give one of them"),
        (["--autobahn-run", "OTHER"], "is no run of one agent by Autobahn"),
        (["--autobahn-run", "MISSING"], "No such file or directory: give a file of yours"),
        (["--listen", "0", "--autobahn"], "give --command, too"),
    ],
)
def test_where_autobahn_cannot_be_had_nothing_runs_and_the_message_says_what_to_do(
    check, tmp_path, monkeypatch, words, message
):
    other = tmp_path / "other.json"
    other.write_text("{}")
    files = {"OTHER": other, "MISSING": tmp_path / "missing.json"}
    monkeypatch.setattr(autobahn_module, "PROGRAM", tmp_path / "missing.py")
    uri = [] if "--listen" in words else [NOWHERE]
    status, out, err = check(*uri, *(files.get(word, word) for word in words))
    assert (status, out) == (2, "")
    assert message in err and "cannot connect" not in err


@pytest.mark.parametrize("server, expected", [("good", 2), ("bad", 1)])
def test_if_autobahn_gives_nothing_the_other_cases_are_reported(
    check, autobahn, request, server, expected
):
    autobahn("UNAVAILABLE")
    status, out, err = check(request.getfixturevalue(server), "--autobahn")
    assert status == expected
    assert "frames: Frames" in out
    assert "refws: Autobahn's cases gave no results, exit status 3: what" in err


def test_ctrl_c_in_autobahns_cases_leaves_the_report_of_the_others(check, good, monkeypatch):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(autobahn_module, "run_program", interrupted)
    status, out, err = check(good, "--autobahn")
    assert (status, err) == (130, "")
    assert out.splitlines()[-1] == "stopped by Ctrl-C"


def test_ctrl_c_ends_the_program_that_runs_autobahns_cases(monkeypatch):
    wait, waited = subprocess.Popen.wait, []

    def interrupted_once(process, timeout=None):
        waited.append(process)
        if len(waited) == 1:
            raise KeyboardInterrupt
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        autobahn_module.run_program([sys.executable, "-S", "-c", "import signal; signal.pause()"])
    assert waited[0].returncode == -signal.SIGINT


def test_a_client_is_started_for_each_case_of_autobahn_too():
    options = command_line().parse_args(
        ["--listen", "0", "--autobahn", "--command", "node c.js {url}", "--slow", "--tapes", "t"]
    )
    words = list(autobahn_module.words_for(options))
    assert words[2:] == [
        *("client", "--command", "node c.js {case_url}", "--agent", "checked", "--jobs", "1"),
        *("--tapes", "t"),
    ]


# A client under test

CLIENT = f"{sys.executable} {PROJECT / 'tests' / 'programs' / 'checked_client.py'} {{url}}"


@pytest.fixture
def check_client(capsys, nothing_left_behind):
    """check_client(*arguments) runs cases for clients, on a free port."""

    def run(*arguments):
        status = program.main(["--listen", "0", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_a_client_that_obeys_the_rules_passes(check_client):
    only = ("4.1-method-get", "4.1-version-13", "5.5.2-ping")
    options = [word for name in only for word in ("--only", name)]
    status, out, err = check_client("--command", CLIENT, *options, "--jobs", 2)
    assert (status, out.splitlines()[0]) == (0, CLIENT)
    assert out.splitlines()[-1].endswith("s: 3 pass")
    assert "the command is started for each" in err


def test_a_client_over_tls_gets_a_url_for_it(check_client):
    code = "import ssl, sys; sys.path.insert(0, sys.argv[1]); from refws import connect; "
    code += "[c.send(m) for c in [connect(sys.argv[3], ssl=ssl.create_default_context("
    code += "cafile=sys.argv[2]))] for m in c]"
    command = shlex.join([sys.executable, "-c", code, str(PROJECT), LOCALHOST, "{url}"])
    files = ("--cert", LOCALHOST, "--key", KEY)
    status, out, err = check_client("--command", command, *files, "--only", "5.2-text")
    assert (status, out.splitlines()[-1].endswith("s: 1 pass")) == (0, True), out
    assert "with a URL of wss://127.0.0.1:" in err


def test_a_client_that_does_not_connect_fails(check_client):
    status, out, _ = check_client(
        "--command", f"{sys.executable} -c pass {{url}}", "--only", "4.1-method-get"
    )
    assert status == 1
    assert "the command ended with exit status 0, without a connection" in " ".join(out.split())


def test_a_run_ends_if_no_client_comes(check_client):
    status, out, err = check_client("--wait", "0.1", "--only", "4.1-method-get")
    assert (status, out) == (2, "")
    assert "listening for the client under test" in err
    what = "refws: nothing has connected for a case within 0.1 s, so nothing is checked: start it"
    assert err.splitlines()[-1].startswith(f"{what} with ws://127.0.0.1:")


def test_after_ctrl_c_what_a_client_has_run_is_reported(check_client, monkeypatch, tmp_path):
    def interrupt(progress, result):
        raise KeyboardInterrupt

    monkeypatch.setattr(program.Progress, "note", interrupt)
    report, known = tmp_path / "report.json", tmp_path / "known.json"
    files = ("--json", report, "--expect", known, "--update")
    only = ("--only", "4.1-method-get", "--only", "4.1-host")
    status, out, _ = check_client("--command", CLIENT, *only, *files)
    assert (status, known.exists()) == (130, False)
    assert out.splitlines()[-1] == "stopped by Ctrl-C: no result of 1 case"
    parsed = json.loads(report.read_text("utf-8"))
    assert parsed["interrupted"] is True
    assert [case["name"] for case in parsed["cases"]] == ["4.1-method-get"]


def test_the_port_of_another_program_is_named(check_client, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert program.main(["--listen", str(port), "--only", "4.1-method-get"]) == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--command", "x"], "give --listen PORT, too"),
        (["--wait", "1"], "give --listen PORT, too"),
        (["--cert", "x"], "give --listen PORT, too"),
        (["--listen", "0", "--key", "x"], "--key needs --cert"),
        (["--listen", "0", "--jobs", "2"], "--jobs with --listen needs --command"),
        (["--listen", "0", "--cert", "no.pem"], "cannot read 'no.pem', No such file or directory"),
        (["--listen", "0", "ws://h/"], "leave out the URI"),
        (["--listen", "0", "--course", "default"], "--course"),
        (["--listen", "70000"], "is not a port"),
        (["--listen", "0", "--only", "5.1-unmasked-text"], "no case is called"),
        ([], "or --listen PORT to check a client"),
    ],
)
def test_options_for_clients_that_make_no_sense_are_refused(capsys, arguments, words):
    try:
        status = program.main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert words in capsys.readouterr().err


def test_the_hint_for_a_client_is_about_a_client(check_client):
    client = "import socket, sys, urllib.parse as p; u = p.urlsplit(sys.argv[1]); s = "
    client += "socket.create_connection((u.hostname, u.port)); s.sendall(b'PUT / HTTP/1.1' + "
    client += "2 * bytes([13, 10])); s.recv(1)"
    command = shlex.join([sys.executable, "-c", client, "{url}"])
    status, out, _ = check_client("--command", command, "--only", "4.1-host")
    assert status == 1
    assert "hint            Write Host: host:port" in out


def test_empty_lines_that_a_client_has_printed_are_left_out(check_client):
    printing = "print('an answer', '', ' ', 'and more', '', sep=chr(10)); exit(3)"
    command = shlex.join([sys.executable, "-c", printing, "{url}"])
    status, out, _ = check_client("--command", command, "--only", "4.1-host")
    assert status == 1
    printed = [line.strip() for line in out.splitlines() if line.startswith(" it printed")]
    assert printed == ["it printed      an answer", "it printed      and more"]


@pytest.mark.slow
def test_a_client_that_prints_without_an_end_fills_no_disk(check_client):
    """It prints 64 MB and says so at the end; of that the end alone is kept."""
    code = "import sys; [sys.stdout.write('x' * 65536) for _ in range(1000)]; "
    code += "print(); print('the end'); sys.exit(3)"
    command = shlex.join([sys.executable, "-c", code, "{url}"])
    status, out, _ = check_client("--command", command, "--only", "4.1-host")
    assert status == 1
    assert "it printed      the end" in out


@pytest.mark.slow
def test_sigterm_ends_the_commands_too_and_what_has_run_is_reported(tmp_path):
    """The command connects to this test, so that it is known when it runs, and when it ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port})).recv(1)"
        client = shlex.join([sys.executable, "-c", code, "{url}"])
        words = ["--listen", "0", "--command", client, "--json", str(tmp_path / "a.json")]
        with subprocess.Popen(
            [sys.executable, "-m", "refws", "check", *words],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            running, _ = server.accept()
            process.send_signal(signal.SIGTERM)
            out = process.communicate(timeout=DEADLINE_S)[0].decode()
        with running:
            running.settimeout(DEADLINE_S)
            assert running.recv(1) == b""
    assert process.returncode == 130
    assert "stopped by Ctrl-C: no result of 168 cases" in out
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["interrupted"] is True


def test_of_a_long_line_that_a_client_has_printed_the_start_is_shown(check_client):
    command = shlex.join([sys.executable, "-c", "print('ab' * 5000); exit(3)", "{url}"])
    _, out, _ = check_client("--command", command, "--only", "4.1-host")
    printed = out.partition("it printed")[2].partition("...")[0]
    assert "".join(printed.split()) == "ab" * 100


def test_what_a_client_has_printed_is_shown_in_printable_characters(check_client):
    command = shlex.join([sys.executable, "-c", "print('no\\x1b[31m idea'); exit(3)", "{url}"])
    status, out, _ = check_client("--command", command, "--only", "4.1-host")
    assert status == 1
    assert r"it printed      no\x1b[31m idea" in out
