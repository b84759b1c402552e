"""RFC 7617: a login by user name and password, in both directions, and in front of a server."""

import re
from base64 import b64encode

import pytest

from refws import basic_auth
from refws.endpoint import basic_auth as module
from refws.protocol.credentials import basic_credentials, parse_basic
from wire import TEXT, request

ALADDIN = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
"""The example of RFC 7617 §2: Aladdin, "open sesame"."""

SECRET = "hunter2"


def encoded(octets):
    return b64encode(octets).decode()


# The value of Authorization


@pytest.mark.parametrize(
    "user, password, value",
    [
        ("Aladdin", "open sesame", ALADDIN),
        ("test", "123\u00a3", "Basic dGVzdDoxMjPCow=="),  # RFC 7617 §2.1
        ("", "", "Basic Og=="),
        ("a", "b:c", "Basic " + encoded(b"a:b:c")),
    ],
)
def test_7617_2_user_and_password_become_the_value_and_are_read_from_it(user, password, value):
    assert basic_credentials(user, password) == value
    assert parse_basic(value) == (user, password)


@pytest.mark.parametrize("value", [ALADDIN.replace("Basic", "bAsIc"), f"  {ALADDIN}\t"])
def test_9110_11_1_the_case_of_the_scheme_does_not_matter_nor_space_around_the_value(value):
    assert parse_basic(value) == ("Aladdin", "open sesame")


def test_7617_2_a_user_name_with_a_colon_cannot_be_sent():
    with pytest.raises(ValueError, match="no colon"):
        basic_credentials("a:b", "c")


@pytest.mark.parametrize(
    "value, section, seen",
    [
        ("", "§2", "another scheme"),
        (SECRET, "§2", "another scheme"),
        (f"Bearer {SECRET}", "§2", "another scheme"),
        (encoded(f"u:{SECRET}".encode()), "§2", "another scheme"),
        ("Basic", "§2", "without a colon"),
        (f"Basic u:{SECRET}", "§2", "not base64"),
        ("Basic " + encoded(f"us:{SECRET}".encode()).rstrip("="), "§2", "not base64"),
        (f"Basic {encoded(SECRET.encode())} {SECRET}", "§2", "not base64"),
        ("Basic \u00fc", "§2", "not base64"),
        ("Basic " + encoded(SECRET.encode()), "§2", "without a colon"),
        ("Basic " + encoded("u:£".encode("latin-1")), "§2.1", "not UTF-8"),
        ("Basic " + encoded(f"u:{SECRET}\n".encode()), "§2", "control character"),
        ("Basic " + encoded(f"\0:{SECRET}".encode()), "§2", "control character"),
        ("Basic " + encoded(f"u\x7f:{SECRET}".encode()), "§2", "control character"),
    ],
)
def test_7617_2_a_value_that_breaks_a_rule_says_which_and_repeats_no_secret(value, section, seen):
    found = parse_basic(value)
    assert found.section == f"RFC 7617 {section}"
    assert seen in found.seen
    assert (found.field, found.status) == ("Authorization", 401)
    assert SECRET not in str(found) and encoded(SECRET.encode())[:8] not in str(found)


# In front of a server


def name(connection):
    connection.send(connection.username)


def opened_by(running, *values):
    """(status, headers, body) of the answer to a handshake with these Authorization lines."""
    client = running.connect()
    client.send(request("/", *(f"Authorization: {value}" for value in values)))
    status, headers = client.receive_head()
    if status == 101:
        return status, headers, client.receive()[1].decode()
    return status, headers, client.file.read().decode()


USERS = [("Aladdin", "open sesame"), ("Abū", "سمسم"), ("empty", "")]


@pytest.mark.parametrize(
    "credentials", [USERS, tuple(USERS), iter(USERS), [list(user) for user in USERS]], ids=type
)
def test_7617_each_user_of_a_list_is_let_in_and_the_handler_knows_who_it_is(serving, credentials):
    running = serving(name, process_request=basic_auth(credentials=credentials))
    for user, password in USERS:
        status, _, said = opened_by(running, basic_credentials(user, password))
        assert (status, said) == (101, user)


def test_7617_one_pair_is_one_user(serving):
    running = serving(name, process_request=basic_auth("r", ("ab", "cd")))
    assert opened_by(running, basic_credentials("ab", "cd"))[::2] == (101, "ab")
    assert opened_by(running, basic_credentials("a", "b"))[0] == 401


@pytest.mark.parametrize(
    "values, seen",
    [
        ([], "no Authorization header"),
        ([ALADDIN, ALADDIN], "2 Authorization headers"),
        ([f"Bearer {SECRET}"], "another scheme"),
        ([basic_credentials("Aladdin", SECRET)], "wrong user name or password"),
        ([basic_credentials("aladdin", "open sesame")], "wrong user name or password"),
        ([basic_credentials("Aladdin", "")], "wrong user name or password"),
        ([basic_credentials("Aladdin", "open sesame ")], "wrong user name or password"),
        ([basic_credentials("", "open sesame")], "wrong user name or password"),
        ([basic_credentials("empty", "open sesame")], "wrong user name or password"),
    ],
)
def test_7617_2_all_others_get_401_that_asks_for_a_login_and_says_why(serving, log, values, seen):
    running = serving(name, process_request=basic_auth("the lab", USERS))
    status, headers, body = opened_by(running, *values)
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="the lab", charset="UTF-8"')
    assert "RFC 7617 §2\n" in body and re.search(f"seen: +.*{seen}", body) and "expected:" in body
    assert any(seen in line for line in log.messages)
    for text in (body, *log.messages):
        assert SECRET not in text and "sesame" not in text and "laddin" not in text


def test_7617_a_plain_request_needs_the_login_too(serving):
    def page(connection, request):
        return login(connection, request) or connection.respond(200, connection.username)

    login = basic_auth(credentials=("Aladdin", "open sesame"))
    running = serving(name, process_request=page)
    for fields, expected in ([], 401), ([f"Authorization: {ALADDIN}"], 200):
        client = running.connect()
        client.send("\r\n".join(("GET / HTTP/1.1", "Host: a", *fields, "", "")).encode())
        assert client.receive_head()[0] == expected
        assert ("Aladdin" in client.file.read().decode()) == (expected == 200)


def test_a_function_may_decide_and_is_asked_only_for_what_can_be_read(serving):
    asked = []

    def check(user, password):
        asked.append((user, password))
        return user == "Aladdin"

    running = serving(name, process_request=basic_auth(check_credentials=check))
    assert opened_by(running, ALADDIN)[::2] == (101, "Aladdin")
    assert opened_by(running, basic_credentials("u", "p"))[0] == 401
    assert opened_by(running, "Basic ?")[0] == 401
    assert asked == [("Aladdin", "open sesame"), ("u", "p")]


def test_a_function_that_fails_is_500_and_no_login(serving, log):
    def check(user, password):
        raise OSError("the database is gone")

    running = serving(name, process_request=basic_auth(check_credentials=check))
    assert opened_by(running, ALADDIN)[0] == 500
    assert "the database is gone" in log.text


def test_every_pair_is_compared_whichever_matches(monkeypatch):
    """So the time of an answer does not say which user exists."""
    compared = []

    def compare(given, known):
        compared.append(known)
        return given == known

    monkeypatch.setattr(module.hmac, "compare_digest", compare)
    check = module.checker(USERS)
    for user, password in [*USERS, ("nobody", "x")]:
        compared.clear()
        assert check(user, password) == ((user, password) in USERS)
        assert compared == [basic_credentials(*pair).encode() for pair in USERS]


@pytest.mark.parametrize(
    "realm, quoted",
    [("", '""'), ("a lab", '"a lab"'), ('say "hi" \\', r'"say \"hi\" \\"'), ("Küche", '"Küche"')],
)
def test_9110_5_6_4_the_realm_is_a_quoted_string(realm, quoted):
    assert module.challenge_for(realm) == f'Basic realm={quoted}, charset="UTF-8"'


def yes(user, password):
    return True


async def later(user, password):
    return True


@pytest.mark.parametrize(
    "arguments, error, what_to_use",
    [
        ({}, ValueError, "use credentials=(user, password), or a list"),
        (
            {"credentials": ("a", "b"), "check_credentials": yes},
            ValueError,
            "or check_credentials, a function of user and password",
        ),
        (
            {"credentials": "ab"},
            TypeError,
            "credentials is of type str; use credentials=(user, password)",
        ),
        ({"credentials": b"ab"}, TypeError, "no pair of str; use credentials=(user, password)"),
        (
            {"credentials": 5},
            TypeError,
            "credentials is of type int; use credentials=(user, password)",
        ),
        ({"credentials": {"ada": SECRET}}, TypeError, "use credentials=(user, password)"),
        ({"credentials": ("a", "b", "c")}, TypeError, "use credentials=(user, password)"),
        ({"credentials": [("a", None)]}, TypeError, "use credentials=(user, password)"),
        ({"credentials": [(b"a", SECRET)]}, TypeError, "use credentials=(user, password)"),
        ({"credentials": ("a:b", SECRET)}, ValueError, "choose others"),
        ({"credentials": [("a", SECRET + "\n")]}, ValueError, "choose others"),
        ({"check_credentials": 5}, TypeError, "use a function"),
        ({"check_credentials": later}, TypeError, "use def without async"),
        ({"credentials": ("a", "b"), "realm": None}, TypeError, "use a str"),
        ({"credentials": ("a", "b"), "realm": "a\r\nb"}, ValueError, "control character"),
        ({"credentials": ("a", "b"), "realm": "€"}, ValueError, "no latin-1"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_at_once_without_their_secrets(
    arguments, error, what_to_use
):
    with pytest.raises(error, match=re.escape(what_to_use)) as caught:
        basic_auth(**arguments)
    assert SECRET not in str(caught.value)


def test_a_frame_after_the_login_reaches_the_handler(serving):
    def echo(connection):
        for message in connection:
            connection.send(f"{connection.username}: {message}")

    running = serving(echo, process_request=basic_auth(credentials=USERS))
    client = running.open("/", f"Authorization: {ALADDIN}")
    client.send_frame(TEXT, b"open")
    client.expect(TEXT, b"Aladdin: open")
    client.finish()
