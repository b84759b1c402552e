"""Who judges: Autobahn's testsuite, which needs Python 2.7, or kosoku, which has the same cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import environment
from environment import Say, Unavailable
from report import CLIENT, SERVER

AUTOBAHN, KOSOKU = "autobahn", "kosoku"
KOSOKU_REQUIREMENT = "kosoku==0.1.0"

CASE_SET = """
import json, sys
from autobahntestsuite import case
from autobahntestsuite.caseset import CaseSet
cases = CaseSet(
    case.CaseSetname, case.CaseBasename, case.Cases, case.CaseCategories, case.CaseSubCategories
)
"""

LIST_CASES = f"""{CASE_SET}
print('\\n'.join(cases.CasesIndices))
"""

DESCRIBE = f"""{CASE_SET}
found = cases.CasesById[sys.argv[1]]
texts = found.DESCRIPTION, found.EXPECTATION
print(json.dumps([t if isinstance(t, unicode) else t.decode('utf8', 'replace') for t in texts]))
"""

KEEP_BYTES = """
from autobahntestsuite import wstest, fuzzing
keep = fuzzing.binLogData
fuzzing.binLogData = lambda data, maxlen=131072: keep(data, maxlen)
class fast:
    @staticmethod
    def wrap(text, width):
        return [text[i:i + width] for i in range(0, len(text), width)]
fuzzing.textwrap = fast
"""
"""By default a report keeps 64 bytes of what is sent or received at once: too few for a tape.

The time of textwrap.wrap, for the pages, grows with the square: two minutes for 64 KiB.
"""

FUZZING_CLIENT = f"""{KEEP_BYTES}
wstest.run()
"""

FUZZING_SERVER = f"""{KEEP_BYTES}
import functools
fuzzing.listenWS = functools.partial(fuzzing.listenWS, interface='127.0.0.1')
wstest.run()
"""
"""By default it would listen on every address of the machine."""

RUN_KOSOKU = "from kosoku._cli import main; main()"
LIST_KOSOKU = "from kosoku.cases import CASES; print(*CASES)"
DESCRIBE_KOSOKU = """
import json, sys
from kosoku.cases import CASES
print(json.dumps([CASES[sys.argv[1]].DESCRIPTION, CASES[sys.argv[1]].EXPECTATION]))
"""

LISTING_S = 60


@dataclass(frozen=True)
class Testsuite:
    """The real testsuite, installed in `directory`."""

    directory: Path

    passing = (0,)
    """The exit statuses of a fuzzing client that finished."""

    cannot_judge = MappingProxyType[str, tuple[str, ...]]({SERVER: (), CLIENT: ()})
    """Patterns of cases whose verdict on a server or a client cannot be trusted."""

    prints_cases = True
    """It prints each case as it starts."""

    ends_with_reports = False
    """As a server it goes on after a client has asked for the reports."""

    @property
    def name(self) -> str:
        """Name and version as they are among the requirements."""
        lines = environment.REQUIREMENTS.read_text("utf-8").splitlines()
        [line] = [line for line in lines if line.startswith("autobahntestsuite==")]
        return line.replace("==", " ")

    @property
    def _python(self) -> tuple[str | Path, ...]:
        """Without PYTHONPATH (`-E`), and printing at once (`-u`)."""
        return self.directory / "bin" / "python", "-E", "-u"

    def cases(self) -> list[str]:
        """All case ids that it knows. Blocks for about a second. Unavailable."""
        return _listed(self._output(LIST_CASES), self.directory)

    def description(self, case: str) -> list[str]:
        """What the case sends and what it expects, as HTML; empty if the testsuite does not run."""
        return _texts(self._output(DESCRIBE, case))

    def _output(self, *program: str) -> str:
        command = (*self._python, "-c", *program)
        return environment.output(*command, directory=self.directory, timeout=LISTING_S)

    def fuzzing_client(self, spec: Path) -> list[str | Path]:
        """The command that runs the cases of a spec file and prints each as it starts."""
        return [*self._python, "-c", FUZZING_CLIENT, "--mode", "fuzzingclient", "--spec", spec]

    def fuzzing_server(self, spec: Path) -> list[str | Path]:
        """The command that serves the cases of a spec file and prints each as it starts."""
        options = ("--mode", "fuzzingserver", "--webport", "0", "--spec", spec)
        return [*self._python, "-c", FUZZING_SERVER, *options]


@dataclass(frozen=True)
class Kosoku:
    """The testsuite's cases with a runner of today; `python` is its environment's.

    It needs no Python 2.7 and takes less time than the testsuite. It gives the same verdicts as the
    testsuite in all cases that it can judge. But:

    - Once permessage-deflate is agreed on, it takes an answer that is not compressed for an ERROR,
      though RFC 7692 §6 allows it. Hence `cannot_judge`, for messages of 16 bytes.
    - As a server it declines every offer without client_no_context_takeover in 13.2, 13.5 and 13.6,
      though RFC 7692 §7.1.1.2 needs no offer of that.
    - Its wire log has no heads and 64 bytes of each write and read, and it prints nothing before a
      portion of the cases is done.
    - Servers that do not close delay it, some of them without end. So it does not judge the peers.
    - It does not speak TLS, and knows a case by its number, not by `casetuple`.
    """

    python: Path

    passing = (0, 1)
    """It ends with 1 when a case is FAILED."""

    cannot_judge = MappingProxyType[str, tuple[str, ...]](
        {
            SERVER: ("12.*.1", "13.*.1"),
            CLIENT: ("12.*.1", "13.*.1", "13.2.*", "13.5.*", "13.6.*"),
        }
    )
    prints_cases = False

    ends_with_reports = True
    """As a server it writes them, and ends, as soon as a client has asked for them."""

    @property
    def name(self) -> str:
        return KOSOKU_REQUIREMENT.replace("==", " ")

    def cases(self) -> list[str]:
        """All case ids that it knows. Blocks for about a second. Unavailable."""
        return _listed(self._output(LIST_KOSOKU), self.python.parent.parent)

    def description(self, case: str) -> list[str]:
        """What the case sends and what it expects, as HTML; empty if kosoku does not run."""
        return _texts(self._output(DESCRIBE_KOSOKU, case))

    def _output(self, *program: str) -> str:
        return environment.output(self.python, "-c", *program, timeout=LISTING_S)

    def fuzzing_client(self, spec: Path) -> list[str | Path]:
        """The command that runs the cases of a spec file; it prints nothing before the end."""
        told = json.loads(spec.read_text("utf-8"))
        return [*self._command(told["outdir"], told["cases"]), told["servers"][0]["url"]]

    def fuzzing_server(self, spec: Path) -> list[str | Path]:
        """The command that serves the cases of a spec file until a client asks for the reports."""
        told = json.loads(spec.read_text("utf-8"))
        mode = ("--mode", "fuzzingserver", urlsplit(told["url"]).netloc)
        return [*self._command(told["outdir"], told["cases"]), *mode]

    def _command(self, directory: str, cases: Sequence[str]) -> list[str | Path]:
        included = [word for case in cases for word in ("--include", case)]
        return [self.python, "-c", RUN_KOSOKU, "--outdir", directory, *included]


Referee = Testsuite | Kosoku


def _listed(output: str, directory: Path) -> list[str]:
    if not output:
        raise Unavailable(f"the testsuite does not run; delete {directory} and run this again")
    return output.split()


def _texts(output: str) -> list[str]:
    texts: list[str] = json.loads(output) if output else []
    return texts


def testsuite(say: Say) -> Testsuite:
    """The installed testsuite; made on the first call, in one to two minutes. Unavailable."""
    return Testsuite(environment.testsuite(say))


def kosoku() -> Kosoku:
    """Installed; made on the first call, in seconds. Unavailable."""
    return Kosoku(environment.python_packages(KOSOKU, [KOSOKU_REQUIREMENT]))


def choose(wanted: str | None, tested: str, say: Say, *, tls: bool = False) -> Referee:
    """The wanted one; by default the testsuite or, if it is unavailable, kosoku. Unavailable."""
    if wanted == KOSOKU:
        return _kosoku(tls)
    if wanted == AUTOBAHN:
        return testsuite(say)
    try:
        return testsuite(say)
    except Unavailable as error:
        referee = _instead(str(error), tls)
        left_out = ", ".join(referee.cannot_judge[tested])
        say(f"{error}.\nUntil then {referee.name} judges, without {left_out}.")
        return referee


def _instead(reason: str, tls: bool) -> Kosoku:
    try:
        return _kosoku(tls)
    except Unavailable as error:
        raise Unavailable(f"{reason}; and {error}") from None


def _kosoku(tls: bool) -> Kosoku:
    if tls:
        raise Unavailable("kosoku does not speak TLS: test over ws://, or with the testsuite")
    return kosoku()


def installed() -> Referee | None:
    """The testsuite or kosoku if it is installed already; installs nothing."""
    if directory := environment.installed_testsuite():
        return Testsuite(directory)
    if python := environment.installed_python(KOSOKU, [KOSOKU_REQUIREMENT]):
        return Kosoku(python)
    return None
