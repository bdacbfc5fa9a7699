"""gateway/delivery/callahead.py against a host that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from gateway.delivery.callahead import CallAhead, Presence, presence_of
from gateway.delivery.relay import Timeouts
from gateway.delivery.routes import Endpoint, Language
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.replies import Reply
from tests.delivery.sink import CLOSE, HANG, Act, Sink, running

BOB = Address("bob", "example.net")


def call(*sinks: Sink, patience: float = 5.0, command: float = 5.0) -> CallAhead:
    async def doors(_route: object) -> list[Endpoint]:
        return [
            Endpoint(Language.LMTP if sink.lmtp else Language.SMTP, host="127.0.0.1", port=sink.port) for sink in sinks
        ]

    timeouts = Timeouts(connect=2.0, command=command)
    return CallAhead(doors=doors, greet_as="mx.example.org", timeouts=timeouts, patience=patience)


async def ask(script: Mapping[str, Act], **more: object) -> tuple[Outcome[Presence], Sink]:
    async with running(Sink(script=script, **more)) as sink:  # type: ignore[arg-type]
        return await call(sink).ask(BOB, None), sink  # type: ignore[arg-type]


async def test_it_asks_up_to_rcpt_with_the_null_reverse_path_and_hands_nothing_over() -> None:
    outcome, sink = await ask({})
    assert outcome == Known(Presence.EXISTS)
    assert [each for each in sink.commands if each.startswith(("MAIL", "RCPT", "DATA"))] == [
        "MAIL FROM:<>",
        "RCPT TO:<bob@example.net>",
    ]
    assert sink.taken == []


@pytest.mark.parametrize(
    ("said", "presence"),
    [
        ("550 5.1.1 no such user", Presence.ABSENT),
        ("550 no such user", Presence.ABSENT),
        ("553 5.1.3 bad", Presence.ABSENT),
        ("550 5.2.1 disabled", Presence.ABSENT),
        ("452 4.2.2 full", Presence.FULL),
        ("552 5.2.2 full", Presence.FULL),
        ("251 will forward", Presence.EXISTS),
    ],
)
async def test_what_the_next_hop_says_of_the_address(said: str, presence: Presence) -> None:
    assert (await ask({"RCPT": said}))[0] == Known(presence)


@pytest.mark.parametrize(
    "script",
    [
        {"RCPT": "550 5.7.1 you are on a list"},
        {"RCPT": "554 5.7.1 go away"},
        {"RCPT": "451 4.7.1 greylisted"},
        {"RCPT": "421 4.3.2 shutting down"},
        {"RCPT": CLOSE},
        {"MAIL": "550 5.7.1 no bounces here"},
        {"greeting": "554 no"},
        {"EHLO": CLOSE},
    ],
    ids=lambda script: " ".join(map(str, next(iter(script.items())))),
)
async def test_a_host_that_refuses_us_has_said_nothing_of_the_address(script: Mapping[str, Act]) -> None:
    assert isinstance((await ask(script))[0], Unknown)


async def test_an_lmtp_store_is_asked_too() -> None:
    assert (await ask({"RCPT": "550 5.1.1 no"}, lmtp=True))[0] == Known(Presence.ABSENT)


async def test_nobody_waits_for_a_host_that_hangs() -> None:
    async with running(Sink(script={"RCPT": HANG})) as sink:
        assert isinstance(await call(sink, command=0.1).ask(BOB, None), Unknown)  # type: ignore[arg-type]
        assert isinstance(await call(sink, patience=0.1).ask(BOB, None), Unknown)  # type: ignore[arg-type]


async def test_the_next_host_is_asked_when_the_first_is_down() -> None:
    async with running(Sink(script={"RCPT": "550 5.1.1 no"})) as sink:
        down = Sink(port=1)
        assert await call(down, sink).ask(BOB, None) == Known(Presence.ABSENT)  # type: ignore[arg-type]
        assert isinstance(await call(down).ask(BOB, None), Unknown)  # type: ignore[arg-type]


async def test_an_internationalised_address_needs_a_host_that_takes_it() -> None:
    async with running(Sink()) as sink:
        assert isinstance(await call(sink).ask(Address("bücher", "example.net"), None), Unknown)  # type: ignore[arg-type]
    async with running(Sink(extensions=("SMTPUTF8",))) as sink:
        assert await call(sink).ask(Address("bücher", "example.net"), None) == Known(Presence.EXISTS)  # type: ignore[arg-type]


async def test_no_route_is_doubt() -> None:
    async def nowhere(_route: object) -> Reply:
        return replies.NO_SUCH_DOMAIN

    assert isinstance(await CallAhead(doors=nowhere, greet_as="x").ask(BOB, None), Unknown)  # type: ignore[arg-type]


async def test_only_so_many_calls_at_a_time() -> None:
    async with running(Sink(delay=0.0, script={})) as sink:
        caller = call(sink)
        outcomes = await asyncio.gather(*(caller.ask(Address(f"u{n}", "example.net"), None) for n in range(60)))  # type: ignore[arg-type]
        assert set(outcomes) == {Known(Presence.EXISTS)}
        assert sink.most_open <= 21


def test_a_positive_word_is_enough() -> None:
    assert presence_of(replies.RECIPIENT_OK) == Known(Presence.EXISTS)
