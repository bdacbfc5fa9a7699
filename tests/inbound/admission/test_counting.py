"""gateway/inbound/admission/counting.py, at a real door: rates, harvests, bans, and what doors know of each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from gateway.counters import keeper
from gateway.facts.outcome import Known
from gateway.inbound.admission.counting import client_name
from gateway.mail import replies
from gateway.policy.lists import Entry, EntryList
from gateway.policy.policy import Bans, Doing, RateLimit, Whose
from gateway.policy.quantities import NEVER, Rate
from tests.inbound.house import House, PlainEntry, PlainGroup, PlainLimits, PlainPolicy, open_house
from tests.inbound.talk import Talk


def limit(whose: Whose, doing: Doing, number: int, seconds: float = 3600.0) -> RateLimit:
    return RateLimit(whose, doing, Rate(number, seconds), "default.yaml:7")


def policy(*rates: RateLimit, bans: Bans | None = None, **more: object) -> PlainPolicy:
    group = PlainGroup("counted", limits=PlainLimits(rates=rates))
    return PlainPolicy(everyone=group, bans=bans or Bans(), **more)  # type: ignore[arg-type]


async def said_by(house: House, *commands: str) -> list[str]:
    """The replies of one session, from its greeting on, as far as it goes; nine characters of each."""
    talk = await Talk.to(house.port)
    said = [(await talk.line())[:9]]
    for command in commands:
        if said[-1] == "":
            break
        said.append((await talk.ask(command))[:9])
    await talk.close()
    return said


async def test_connections_of_a_client() -> None:
    async with open_house(policy=policy(limit(Whose.CLIENT, Doing.CONNECTIONS, 2))) as house:
        said = [(await said_by(house))[0] for _ in range(3)]
        assert said[:2] == ["220 mx.ex", "220 mx.ex"]
        assert said[2] == str(replies.CONNECTING_TOO_FAST)[:9]
        house.clock.advance(7200.0)
        assert (await said_by(house))[0] == "220 mx.ex"
    (refusal,) = house.shelf.refusals
    assert (refusal.stage, refusal.rule, refusal.reason) == (
        "connect", "counted", "more than 2/h connections (client)",
    )  # fmt: skip


async def test_messages_of_a_sender_domain_whoever_sends_them() -> None:
    rates = (limit(Whose.SENDER_DOMAIN, Doing.MESSAGES, 1),)
    async with open_house(policy=policy(*rates)) as house:
        said = await said_by(
            house, "EHLO c.example", "MAIL FROM:<ann@a.example>", "RSET", "MAIL FROM:<bob@A.example>",
            "MAIL FROM:<eve@b.example>", "RSET", "MAIL FROM:<>", "RSET", "MAIL FROM:<>",
        )  # fmt: skip
    assert said[2:] == [
        "250 2.1.0", "250 2.0.0", "451 4.7.1", "250 2.1.0", "250 2.0.0", "250 2.1.0", "250 2.0.0", "250 2.1.0",
    ]  # fmt: skip


async def test_recipients_of_a_network_and_messages_of_a_recipient() -> None:
    rates = (limit(Whose.NETWORK, Doing.RECIPIENTS, 3), limit(Whose.RECIPIENT, Doing.MESSAGES, 1))
    async with open_house(policy=policy(*rates)) as house:
        said = await said_by(
            house, "EHLO c.example", "MAIL FROM:<ann@a.example>", "RCPT TO:<u@example.net>", "RCPT TO:<U@example.net>",
            "RCPT TO:<v@example.net>", "RCPT TO:<w@example.net>", "RCPT TO:<many1@example.net>",
        )  # fmt: skip
    assert said[3:] == ["250 2.1.5", "451 4.7.1", "250 2.1.5", "250 2.1.5", "451 4.7.1"]
    assert [each.reason for each in house.shelf.refusals] == [
        "more than 1/h messages (recipient)",
        "more than 3/h recipients (network)",
    ]


async def test_a_harvester_is_hung_up_on_and_not_let_in_for_a_while() -> None:
    async with open_house(
        policy=policy(limit(Whose.CLIENT, Doing.UNKNOWN_RECIPIENTS, 3)), limits={"errors": 50}
    ) as house:
        asks = [f"RCPT TO:<name{n}@example.net>" for n in range(6)]
        said = await said_by(house, "EHLO c.example", "MAIL FROM:<ann@a.example>", *asks)
        assert said[3:] == ["550 5.1.1", "550 5.1.1", "550 5.1.1", str(replies.TOO_MANY_UNKNOWN)[:9], ""]
        assert (await said_by(house))[0] == str(replies.TOO_MANY_ERRORS)[:9]
        house.clock.advance(7200.0)
        assert (await said_by(house))[0] == "220 mx.ex"
    last = [each for each in house.shelf.refusals if each.stage == "rcpt"][-1]
    assert last.reason == "more than 3/h unknown recipients (client)"


async def test_errors_of_a_client_in_all_its_sessions() -> None:
    async with open_house(policy=policy(limit(Whose.CLIENT, Doing.ERRORS, 4))) as house:
        for _ in range(2):
            await said_by(house, "WHAT", "WHAT", "WHAT")
        await eventually(lambda: said_first(house, str(replies.TOO_MANY_ERRORS)))


async def said_first(house: House, reply: str) -> bool:
    return (await said_by(house))[0] == reply[:9]


async def eventually(question: Callable[[], object]) -> None:
    for _ in range(100):
        if await question():  # type: ignore[misc]
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


BANS = Bans(600.0, (limit(Whose.CLIENT, Doing.UNKNOWN_RECIPIENTS, 2, 86400.0),))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bans are known to all in no time."""
    monkeypatch.setattr(keeper, "ROUND", 0.02)


async def abuse(house: House) -> None:
    asks = [f"RCPT TO:<name{n}@example.net>" for n in range(4)]
    await said_by(house, "EHLO c.example", "MAIL FROM:<ann@a.example>", *asks)


async def test_who_abuses_us_is_shut_out_until_the_ban_ends(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.server.own_networks", lambda trusted: EntryList(()))
    async with open_house(policy=policy(bans=BANS)) as house:
        await abuse(house)
        (ban,) = await house.counters.bans()
        assert (ban.network, ban.by, ban.reason) == ("127.0.0.1/32", "postern", "more than 2/d unknown recipients")
        await eventually(lambda: said_first(house, str(replies.BANNED)))
        house.clock.advance(601.0)
        assert (await said_by(house))[0] == "220 mx.ex"
        await house.counters.ban("127.0.0.0/8", seconds=60.0, reason="by hand", by="ana")
        await eventually(lambda: said_first(house, str(replies.BANNED)))
        assert await house.counters.unban("127.0.0.0/8")
        await eventually(lambda: said_first(house, "220 mx.example.net"))
    assert {each.reason for each in house.shelf.refusals if each.stage == "connect"} == {
        "banned by postern: more than 2/d unknown recipients",
        "banned by ana: by hand",
    }


async def test_a_session_that_is_open_ends_with_its_next_message(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.server.own_networks", lambda trusted: EntryList(()))
    async with open_house(policy=policy()) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await house.counters.ban("127.0.0.1", seconds=60.0, reason="by hand", by="ana")

        async def is_known() -> bool:
            return house.counters.ban_of("127.0.0.1") is not None

        await eventually(is_known)
        assert (await talk.ask("MAIL FROM:<ann@a.example>")) == str(replies.BANNED)
        assert await talk.is_closed()
        await talk.close()


async def test_our_own_networks_are_never_shut_out(quick: None) -> None:
    async with open_house(policy=policy(bans=BANS)) as house:
        await abuse(house)
        assert await house.counters.bans() == []
        await house.counters.ban("127.0.0.1", seconds=60.0, reason="by mistake", by="ana")
        await asyncio.sleep(0.2)
        assert house.counters.ban_of("127.0.0.1") is not None
        assert (await said_by(house))[0] == "220 mx.ex"


async def test_who_the_policy_names_is_never_shut_out(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.server.own_networks", lambda trusted: EntryList(()))
    friends = EntryList([Entry("127.0.0.0/24", "ana", "monitoring", NEVER)])
    async with open_house(policy=policy(bans=replace(BANS, never=friends))) as house:
        await abuse(house)
        assert await house.counters.bans() == []
        await house.counters.ban("127.0.0.0/8", seconds=60.0, reason="wide", by="ana")
        await asyncio.sleep(0.2)
        assert (await said_by(house))[0] == "220 mx.ex"


async def test_two_processes_know_of_each_others_connections(quick: None) -> None:
    """Two doors over one file are what two edge processes are to each other."""
    group = PlainGroup("narrow", limits=PlainLimits(connections=2))
    async with (
        open_house(policy=PlainPolicy(everyone=group), processes=2) as one,
        open_house(policy=PlainPolicy(everyone=group), processes=2, folder=one.folder) as two,
    ):
        talks = [await Talk.to(one.port), await Talk.to(two.port)]
        assert [(await talk.line())[:4] for talk in talks] == ["220 ", "220 "]
        for house in (one, two):
            await eventually(partial(said_first, house, str(replies.TOO_MANY_CONNECTIONS)))
        await talks[0].close()
        await eventually(lambda: said_first(two, "220 mx.example.net"))
        await talks[1].close()


async def test_the_policy_knows_what_a_client_did_before() -> None:
    seen = []

    class Remembering(PlainPolicy):
        def group_for(self, client, now, *, mail_from=None):
            seen.append(client.past)
            return super().group_for(client, now, mail_from=mail_from)

    async with open_house(policy=Remembering()) as house:
        await said_by(house, "EHLO c.example", "MAIL FROM:<>", "RCPT TO:<nobody@example.net>", "WHAT")
        await house.front._household.admission.settle()
        seen.clear()
        await said_by(house)
    past = next(each.value for each in seen if isinstance(each, Known))
    assert (past.connections, past.messages, past.unknown_recipients, past.errors) == (1, 1, 1, 2)


# ---------------------------------------------------------------- aliases


ENTRY = PlainEntry(aliases={"sales@example.net": "u@example.net", "gone@example.net": "nobody@example.net",
                            "away@example.net": "eve@elsewhere.example"})  # fmt: skip


async def taken(house: House, *recipients: str) -> list[tuple[str, str, str]]:
    talk = await Talk.to(house.port)
    await talk.begin(*recipients)
    await talk.send(b"Subject: t\r\n\r\nhello\r\n.\r\n")
    assert (await talk.line()).startswith("250 ")
    await talk.close()
    acceptance, _ = house.shelf.accepted[-1]
    return [(str(each.recipient.address), each.destination, each.recipient.original) for each in acceptance.recipients]


async def test_an_alias_is_queued_for_whom_it_stands() -> None:
    async with open_house(policy=PlainPolicy(entry=ENTRY)) as house:
        assert await taken(house, "Sales@example.net") == [("u@example.net", "mailbox", "rfc822;Sales@example.net")]
        assert await taken(house, "sales@example.net", "u@example.net") == [
            ("u@example.net", "mailbox", "rfc822;sales@example.net")
        ]
        assert await taken(house, "away@example.net") == [
            ("eve@elsewhere.example", "mx:elsewhere.example", "rfc822;away@example.net")
        ]
        assert (await said_by(house, "EHLO c.example", "MAIL FROM:<>", "RCPT TO:<gone@example.net>"))[-1] == "550 5.1.1"


async def test_a_catch_all_gets_what_nobody_else_does() -> None:
    entry = replace(ENTRY, catch_all="v@example.net")
    async with open_house(policy=PlainPolicy(entry=entry)) as house:
        assert await taken(house, "nobody@example.net", "u@example.net") == [
            ("v@example.net", "mailbox", "rfc822;nobody@example.net"),
            ("u@example.net", "mailbox", ""),
        ]
        assert (await said_by(house, "EHLO c.example", "MAIL FROM:<>", "RCPT TO:<doubt@example.net>"))[
            -1
        ] == "451 4.4.3"


@pytest.mark.parametrize(
    ("ip", "name"),
    [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1:2", "2001:db8::/64"), ("x", "x")],
)
def test_what_counts_as_one_client(ip: str, name: str) -> None:
    assert client_name(ip) == name
