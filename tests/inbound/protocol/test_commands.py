from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.protocol import commands
from gateway.inbound.protocol.commands import BadCommand
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.envelope import Body

OURS = Address("postmaster", "example.net")


@pytest.mark.parametrize(
    ("argument", "path", "parameters"),
    [
        ("FROM:<a@b.example>", "a@b.example", {}),
        ("from: <a@b.example>", "a@b.example", {}),
        ("FROM:<>", "", {}),
        ("FROM:<> SIZE=10 smtputf8", "", {"SIZE": "10", "SMTPUTF8": None}),
        ('FROM:<"a>b"@c.example>', '"a>b"@c.example', {}),
        ('FROM:<"a\\">b"@c.example>  SIZE=1', '"a\\">b"@c.example', {"SIZE": "1"}),
        ("FROM:<@x.example,@y.example:a@b.example>", "a@b.example", {}),
    ],
)
def test_paths_and_parameters(argument: str, path: str, parameters: dict[str, str | None]) -> None:
    found = commands.path_and_parameters(argument, keyword="FROM:", malformed=replies.BAD_SENDER_SYNTAX)
    assert found == (path, parameters)


@pytest.mark.parametrize(
    "argument",
    ["", "FROM", "FROM:", "FROM:a@b.example", "FROM:<a", "FROM:<a>b", "FROM:<a><b>", "TO:<a@b.example>", 'FROM:<"a>'],
)
def test_what_is_no_path(argument: str) -> None:
    with pytest.raises(BadCommand) as caught:
        commands.path_and_parameters(argument, keyword="FROM:", malformed=replies.BAD_SENDER_SYNTAX)
    assert caught.value.reply is replies.BAD_SENDER_SYNTAX


@pytest.mark.parametrize("rest", ["SIZE=", "=1", "SIZE=1 SIZE=2", "SIZE=a=b", "SI_ZE=1", "-A=1"])
def test_parameters_that_break_the_syntax(rest: str) -> None:
    with pytest.raises(BadCommand) as caught:
        commands.path_and_parameters(f"FROM:<> {rest}", keyword="FROM:", malformed=replies.BAD_SENDER_SYNTAX)
    assert caught.value.reply is replies.BAD_SYNTAX


def test_all_parameters_of_mail() -> None:
    given = {"SIZE": "12", "BODY": "8bitmime", "SMTPUTF8": None, "RET": "hdrs", "ENVID": "QQ+2B3", "AUTH": "<>"}
    found = commands.mail_parameters(given)
    assert (found.size, found.body, found.smtputf8) == (12, Body.EIGHT_BIT_MIME, True)
    assert (found.ret, found.envid) == ("HDRS", "QQ+2B3")


def test_a_parameter_that_we_do_not_know() -> None:
    with pytest.raises(BadCommand) as caught:
        commands.mail_parameters({"BY": "120;R"})
    assert caught.value.reply is replies.BAD_PARAMETER


def test_parameters_of_rcpt() -> None:
    found = commands.recipient_parameters({"NOTIFY": "success,DELAY", "ORCPT": "rfc822;a+40b.example"})
    assert (found.notify, found.original) == (frozenset({"SUCCESS", "DELAY"}), "rfc822;a+40b.example")


@pytest.mark.parametrize(
    "path",
    ["a%b@us", "a!b@us", '"a@b"@us', "a@b@us", "b!a", "a%b", '"a!b"@us'],
)
def test_paths_that_ask_to_route(path: str) -> None:
    assert commands.asks_to_route(path)


@pytest.mark.parametrize("path", ["a@us", '"a b"@us', "a+b=c@us", "postmaster"])
def test_paths_that_do_not(path: str) -> None:
    assert not commands.asks_to_route(path)


@pytest.mark.parametrize("name", ["a", "a.example", "a.example.", "[192.0.2.1]", "[IPv6:::1]", "my_host"])
def test_host_names(name: str) -> None:
    assert commands.is_host_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a..b", "<a>", "[192.0.2]", "[x]", "é.example", "a" * 64, "a\n"])
def test_no_host_names(name: str) -> None:
    assert not commands.is_host_name(name)


@given(st.binary(max_size=200))
def test_any_line_is_a_verb_or_a_bad_command(line: bytes) -> None:
    try:
        verb, argument = commands.split(line)
    except BadCommand:
        return
    assert verb == verb.upper()
    assert argument == argument.strip(" \t")


@given(st.text(max_size=100))
def test_any_argument_is_read_or_a_bad_command(text: str) -> None:
    try:
        path, given = commands.path_and_parameters(
            f"TO:<{text}> {text}", keyword="TO:", malformed=replies.BAD_RECIPIENT_SYNTAX
        )
        commands.recipient_parameters(given)
        commands.mail_parameters(given)
        commands.forward_path(path, postmaster=OURS)
    except BadCommand as bad:
        assert bad.reply.is_permanent


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("TO:<u..v@example.net>", "u..v@example.net"),
        ("TO:<u@example.net> FOO=bar", "u@example.net"),
        ("TO: u@example.net ", "u@example.net"),
        ("FROM:<a@sender.example", "a@sender.example"),
        ("FROM:<>", ""),
        ("FROM", ""),
        ("TO:" + "x" * 300, "x" * 256),
    ],
)
def test_a_path_that_cannot_be_read_is_kept_as_it_was_written(argument: str, path: str) -> None:
    assert commands.path_as_written(argument) == path


@pytest.mark.parametrize(
    ("address", "original"),
    [
        ("u@example.net", "rfc822;u@example.net"),
        ("u+list=a@example.net", "rfc822;u+2Blist+3Da@example.net"),
        ('"a b"@example.net', 'rfc822;"a+20b"@example.net'),
        ("ü@example.net", "utf-8;ü@example.net"),
    ],
)
def test_an_orcpt_of_ours_can_be_read_as_any_other(address: str, original: str) -> None:
    assert commands.original_recipient(Address.parse(address)) == original
    assert commands.recipient_parameters({"ORCPT": original}).original == original
