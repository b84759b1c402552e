"""Each default has one home; signatures, options and help texts repeat none that differs."""

import dataclasses
import inspect

import pytest

import refws
from refws.commands import serve
from refws.commands.connect import options as connect
from refws.endpoint.server_handshake import ServerOptions
from refws.endpoint.settings import MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, Settings

SETTINGS = {field.name: field.default for field in dataclasses.fields(Settings)}
OF_THE_SERVER = inspect.signature(refws.serve).parameters

OPTIONS = {
    "--port": "port",
    "--max-connections": "max_connections",
    "--server-header": "server_header",
    "--open-timeout": "open_timeout",
    "--ping-interval": "ping_interval",
    "--ping-timeout": "ping_timeout",
    "--close-timeout": "close_timeout",
    "--send-timeout": "send_timeout",
    "--max-message-size": "max_size",
    "--max-fragments": "max_fragments",
    "--max-line-size": "max_line_size",
    "--max-header-lines": "max_header_lines",
    "--max-head-size": "max_head_size",
}
"""Options, and the parameters of `serve` and `connect` whose default they have."""


def options(parser):
    """(the action of argparse, the home of its default) of each option that has one."""
    actions = {name: action for action in parser._actions for name in action.option_strings}
    return [(actions[name], OPTIONS[name]) for name in OPTIONS.keys() & actions.keys()]


@pytest.mark.parametrize("function", [refws.serve, refws.connect])
def test_the_signatures_have_the_defaults_of_the_settings(function):
    parameters = inspect.signature(function).parameters
    given = {name: parameters[name].default for name in SETTINGS}
    assert given.pop("logger") is None, "the logger of Settings, unless the caller has another"
    assert given == {name: value for name, value in SETTINGS.items() if name != "logger"}


def test_a_server_and_its_options_have_the_same_limit_of_connections():
    assert OF_THE_SERVER["max_connections"].default is MAX_CONNECTIONS
    assert ServerOptions(print).max_connections is MAX_CONNECTIONS


def test_a_server_and_its_options_have_no_limit_for_each_address_unless_asked_for():
    assert MAX_CONNECTIONS_PER_ADDRESS is None
    assert OF_THE_SERVER["max_connections_per_address"].default is MAX_CONNECTIONS_PER_ADDRESS
    assert ServerOptions(print).max_connections_per_address is MAX_CONNECTIONS_PER_ADDRESS
    actions = serve.command_line()._actions
    (action,) = [one for one in actions if one.dest == "max_connections_per_address"]
    assert action.default is MAX_CONNECTIONS_PER_ADDRESS
    assert "(default: no limit)" in action.help


@pytest.mark.parametrize(
    "parser, number", [(serve.command_line(), 13), (connect.command_line(), 7)]
)
def test_the_options_have_these_defaults_too_and_the_help_shows_them(parser, number):
    found = options(parser)
    assert len(found) == number
    for action, name in found:
        default = SETTINGS[name] if name in SETTINGS else OF_THE_SERVER[name].default
        assert action.default == default, name
        assert "(default: %(default)s)" in action.help, name


def test_without_a_host_the_server_listens_where_the_library_does_as_the_help_says():
    default = OF_THE_SERVER["host"].default
    (action,) = [one for one in serve.command_line()._actions if one.dest == "host"]
    assert action.default is None
    assert f"(default: {default})" in action.help


@pytest.mark.parametrize("parser", [serve.command_line(), connect.command_line()])
def test_compression_is_off_unless_asked_for(parser):
    assert SETTINGS["compression"] is None
    assert parser.get_default("deflate") is False


def test_every_setting_has_an_option_of_the_server_except_the_logger():
    assert {name for name in SETTINGS if name not in OPTIONS.values()} == {"compression", "logger"}
