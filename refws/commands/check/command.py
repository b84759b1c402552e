"""`python3 -m refws check`: arguments -> a run, its reports and the exit status."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from threading import current_thread, main_thread
from time import monotonic

from ...check.autobahn import PREFIX, BadRun
from ...check.case import Group, Level
from ...check.clients.groups import CLIENT_GROUPS
from ...check.course import DEFAULT, BadCourse, Course, give_marks, load_course, with_cases
from ...check.engine import Abilities, Grade
from ...check.groups import GROUPS
from ...check.guard import Guard
from ...check.report.as_json import BadReport, as_json, read_grades
from ...check.report.comparison import compare, draw_changes, without_others
from ...check.report.points import as_gradescope, draw_points
from ...check.report.progress import Progress
from ...check.report.text import draw_report
from ...check.runner import Report, Selection, run_groups, select
from ...check.survey import survey
from ...check.target import Target
from ...course.text.characters import escape_words
from ...course.text.style import Style
from ...course.text.terminal import drop_output, make_printable, uses_color
from ...endpoint.tls.certificates import client_context
from ...interruption import INTERRUPTED
from ..options import CommandLine
from .autobahn import NoAutobahn, add_autobahn, check_autobahn
from .files import CannotWrite, write, write_files
from .listen import CannotListen, check_clients, security_from
from .options import chosen_uri, command_line, new_file
from .problems import describe_problem, why_unreached


class CannotCheck(Exception):
    """Nothing can be checked, or a file cannot be read or written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, once the command line is found to make sense."""

    options: argparse.Namespace
    groups: tuple[Group, ...]
    course: Course | None


def main(arguments: list[str] | None = None) -> int:
    """Check the server, and report. The exit status is explained in --help."""
    parser = command_line()
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        make_printable(stream)
    try:
        return act(parser, options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (CannotCheck, CannotWrite, BadCourse, BadReport, BadRun, NoAutobahn) as error:
        problem = str(error)
    except OSError as error:
        file, advice = f"cannot use {error.filename!r}", "give a file of yours"
        if error.filename is None:
            file, advice = "cannot print", "print to another place"
        problem = f"{file}, {error.strerror}: {advice}"
    print(f"refws: {escape_words(problem)}", file=sys.stderr)
    return 2


def act(parser: CommandLine, options: argparse.Namespace) -> int:
    """Do what the options say; the exit status."""
    if options.diff:
        return show_changes(read_grades(options.diff[0]), read_grades(options.diff[1]))
    plan = make_plan(parser, options)
    if options.list:
        say(*list_cases(plan.groups))
        return 0
    if options.uri is None and options.listen is None:
        ways = "give its URI, such as ws://127.0.0.1:9000/, or --listen PORT to check a client"
        parser.error(f"no server is given: {ways}")
    if options.expect and not options.update:
        expected_grades(options.expect)  # so that a wrong file is found before the run
    check_autobahn(parser, options)
    with sigterm_as_ctrl_c():
        if options.listen is not None:
            return report_on(plan, listen(plan))
        return check(plan, make_target(parser, options))


# Before the run


def make_plan(parser: CommandLine, options: argparse.Namespace) -> Plan:
    if options.update and not options.expect:
        parser.error("--update needs --expect FILE, the file to write")
    if options.update:
        try:
            new_file(options.expect)
        except argparse.ArgumentTypeError as error:
            parser.error(f"argument --expect: {error}")
    for_clients = (options.command, options.wait, options.cert)
    if options.listen is None and any(for_clients):
        parser.error("--command, --wait and --cert are for clients: give --listen PORT, too")
    if options.key and not options.cert:
        parser.error("--key needs --cert, the certificate that it belongs to")
    if options.listen is not None and (options.uri or options.course or options.gradescope):
        parser.error("--listen checks a client: leave out the URI, --course and --gradescope")
    if options.listen is not None and options.jobs > 1 and not options.command:
        parser.error("--jobs with --listen needs --command, which starts the clients: give it, too")
    course = None
    if options.course or options.gradescope:
        if options.only or options.group or options.level:
            parser.error("--course chooses the cases itself: leave out --only, --group and --level")
        course = load_course(options.course or DEFAULT)
    return Plan(options, chosen_groups(options, course), course)


def chosen_groups(options: argparse.Namespace, course: Course | None) -> tuple[Group, ...]:
    """The groups with the selected cases. CannotCheck or BadCourse if there are none."""
    catalogue = GROUPS if options.listen is None else CLIENT_GROUPS
    for glob in options.only:
        if not select(catalogue, Selection((glob,), slow=True)):
            raise CannotCheck(f"no case is called {glob!r}: {meant_case(glob, catalogue)}")
    known = [group.name for group in catalogue]
    for name in options.group:
        if name not in known:
            others, way = ("clients", "without") if catalogue is GROUPS else ("servers", "with")
            advice = f"{way} --listen give {', '.join(known)}"
            raise CannotCheck(f"{name} is a group of cases for {others}: {advice}")
    levels = tuple(Level(level) for level in options.level)
    groups = select(
        catalogue, Selection(tuple(options.only), tuple(options.group), levels, options.slow)
    )
    if course is not None:
        names = {case.name for _, valued in with_cases(course, groups) for case, _ in valued}
        groups = select(groups, Selection(tuple(names), slow=True))
    if not groups:
        advice = "give fewer of --only, --group and --level, or --slow; --list shows what is left"
        raise CannotCheck(f"no case is selected: {advice}")
    return groups


def meant_case(glob: str, catalogue: tuple[Group, ...]) -> str:
    """What may have been meant with a glob that fits no case."""
    others = GROUPS if catalogue is CLIENT_GROUPS else CLIENT_GROUPS
    if select(others, Selection((glob,), slow=True)):
        whose = "a server" if catalogue is CLIENT_GROUPS else "a client, with --listen PORT"
        return f"it is a case for {whose}"
    everything = [case.name for group in catalogue for case in group.cases]
    nearest = get_close_matches(glob, everything, n=1)
    meant = f"did you mean {nearest[0]}? " if nearest else ""
    return f"{meant}--list shows all {len(everything)}"


def list_cases(groups: tuple[Group, ...]) -> Iterator[str]:
    for group in groups:
        yield f"{group.name}: {group.title}"
        for case in group.cases:
            slow = ", slow" if case.slow else ""
            yield f"  {case.name}  ({case.level.name}{slow})"
            yield f"      {case.rule}"


def make_target(parser: CommandLine, options: argparse.Namespace) -> Target:
    uri = chosen_uri(options)
    if options.insecure and not uri.secure:
        parser.error("--insecure is for TLS: use it with wss://, or leave it out")
    return Target(
        uri,
        client_context(insecure=options.insecure) if uri.secure else None,
        options.origin,
        tuple(options.subprotocol or ()),
        options.header,
        options.timeout,
    )


# The run


def check(plan: Plan, target: Target) -> int:
    """Survey the server, run the cases, write all reports; the exit status."""
    try:
        abilities = survey(target)
    except OSError as error:
        reason = why_unreached(error, reached(plan.options))
        return give_up(plan, [f"refws: {escape_words(reason)}"])
    if abilities.problem:
        return give_up(plan, list(describe_problem(target, abilities)))
    return report_on(plan, run_plan(plan, target, abilities))


def listen(plan: Plan) -> Report:
    """Run the cases with the client that connects."""
    options = plan.options
    progress = Progress(sum(len(group.cases) for group in plan.groups), sys.stderr)
    started, began = datetime.now(UTC), monotonic()
    try:
        results = check_clients(
            "127.0.0.1",
            options.listen,
            plan.groups,
            options.command,
            progress.note,
            security=security_from(options.cert, options.key) if options.cert else None,
            timeout=options.timeout,
            wait=options.wait,
            jobs=options.jobs,
        )
    except CannotListen as error:
        raise CannotCheck(str(error)) from None
    finally:
        progress.end()
    address = options.command or "the client that connected"
    seconds = monotonic() - began
    is_early = len(results) < sum(len(group.cases) for group in plan.groups)
    return Report(address, frozenset(), plan.groups, tuple(results), started, seconds, is_early)


def report_on(plan: Plan, report: Report) -> int:
    """Write the files, print the report; the exit status."""
    report, problem = completed(plan.options, report)
    stages = give_marks(plan.course, plan.groups, report.results) if plan.course else ()
    written = write_files(plan.options, report, stages)
    style = Style(uses_color(sys.stdout))
    say(*draw_report(report, style))
    if stages:
        say("", *draw_points(stages, style))
    say(*written.lines)
    for each in filter(None, (problem, *written.problems)):
        print(f"refws: {escape_words(each)}", file=sys.stderr)
    if written.problems:
        return 2
    if problem:
        return 1 if report.graded(Grade.FAIL) else 2
    return exit_status(plan.options, report)


def completed(options: argparse.Namespace, report: Report) -> tuple[Report, str]:
    """The report with Autobahn's cases, if the options ask for them; and why they are missing."""
    if report.interrupted:
        return report, ""
    try:
        return add_autobahn(options, report), ""
    except (NoAutobahn, BadRun) as error:
        return report, str(error)
    except KeyboardInterrupt:
        return replace(report, interrupted=True), ""


def reached(options: argparse.Namespace) -> argparse.Namespace:
    """The options as the command connect has them: no proxy, no Unix socket."""
    return argparse.Namespace(uri=options.uri, unix=None, proxy=None)


def give_up(plan: Plan, lines: list[str]) -> int:
    """Say why nothing is checked; for Gradescope, that is a run without points."""
    print(*lines, sep="\n", file=sys.stderr)
    if plan.course is not None and plan.options.gradescope:
        stages = give_marks(plan.course, plan.groups, ())
        write(plan.options.gradescope, as_gradescope(stages, 0.0, "\n".join(lines)))
    return 2


def run_plan(plan: Plan, target: Target, abilities: Abilities) -> Report:
    progress = Progress(sum(len(group.cases) for group in plan.groups), sys.stderr)
    try:
        report = run_groups(
            plan.groups,
            Guard(target, abilities).judge,
            str(target.uri).partition("?")[0],
            abilities.lacks,
            plan.options.jobs,
            progress.note,
        )
    finally:
        progress.end()
    return replace(report, remarks=abilities.remarks)


# After the run


def exit_status(options: argparse.Namespace, report: Report) -> int:
    if report.interrupted:
        return INTERRUPTED
    if options.update:
        write(options.expect, as_json(report))
        return 0
    if options.expect:
        return compare_with_expected(options.expect, report)
    if report.graded(Grade.FAIL):
        return 1
    return 3 if options.strict and report.graded(Grade.WEAK) else 0


def compare_with_expected(path: str, report: Report) -> int:
    grades = {result.case.name: result.grade.value for result in report.results}
    expected = expected_grades(path)
    known = {case.name for group in (*GROUPS, *CLIENT_GROUPS) for case in group.cases}
    known |= {name for name in expected if name.startswith(PREFIX)}
    status = show_changes(without_others(expected, grades, known), grades)
    if status:
        say(f"if that is right, --update writes it to {path}")
    return status


def expected_grades(path: str) -> dict[str, str]:
    try:
        return read_grades(path)
    except FileNotFoundError:
        raise CannotCheck(f"there is no file {path!r}: --update writes it") from None


def show_changes(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """Print the changes; 1 if there are any, otherwise 0."""
    changes = compare(before, after)
    say(*draw_changes(changes))
    return 1 if changes else 0


def say(*lines: str) -> None:
    """Print them. A reader that has gone away, such as `head`, changes nothing else of the run."""
    try:
        if lines:
            print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        drop_output()


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """A run that CI ends ends its commands, too, and reports what has run."""
    if current_thread() is not main_thread():  # only that one may say what a signal does
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
