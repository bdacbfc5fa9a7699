from __future__ import annotations

import asyncio

import pytest

from gateway.facts.connection import DnsblFact
from gateway.facts.outcome import Known, Unknown
from gateway.inbound import session
from gateway.inbound.admission import addressees, admission
from gateway.mail import replies
from gateway.policy.policy import Doing, RateLimit, Whose
from gateway.policy.quantities import Rate
from tests.inbound.house import Inquiry, PlainEntry, PlainGroup, PlainLimits, PlainPolicy, open_house
from tests.inbound.talk import MESSAGE, Talk

BLOCKED = PlainPolicy(groups={"127.0.0.1": PlainGroup("blocked", reject="blocked_client")})


async def test_a_blocked_group_is_refused_at_the_greeting_and_recorded() -> None:
    async with open_house(policy=BLOCKED) as house:
        talk = await Talk.to(house.port)
        assert await talk.line() == str(replies.BLOCKED_CLIENT)
        assert await talk.ask("MAIL FROM:<a@sender.example>") == str(replies.BAD_SEQUENCE)
        assert await talk.ask("QUIT") == str(replies.BYE)
        assert await talk.is_closed()
        await talk.close()
    (refusal,) = house.shelf.refusals
    assert (refusal.stage, refusal.rule, refusal.client_ip) == ("connect", "blocked", "127.0.0.1")


async def test_the_group_sees_what_the_lists_say() -> None:
    class ByList(PlainPolicy):
        def group_for(self, client, now, *, mail_from=None) -> PlainGroup:
            listed = isinstance(client.dnsbl, Known) and client.dnsbl.value.score >= 2.0
            return PlainGroup("listed", reject="blocked_client") if listed else PlainGroup()

    inquiry = Inquiry(reverse=Known("host.example"), listed=Known(DnsblFact(2.0, (("bl.example", "127.0.0.2"),))))
    async with open_house(policy=ByList(), inquiry=inquiry) as house:
        talk = await Talk.to(house.port)
        assert await talk.line() == str(replies.BLOCKED_CLIENT)
        await talk.close()
        house.inquiry.listed = Known(DnsblFact(1.0))
        talk = await Talk.to(house.port)
        await talk.begin()
        await talk.send(MESSAGE + b".\r\n")
        await talk.line()
        await talk.close()
    client = house.shelf.accepted[0][0].client
    assert (client.reverse_name, client.dnsbl) == (Known("host.example"), Known(DnsblFact(1.0)))


async def test_a_dead_resolver_does_not_keep_clients_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "INQUIRY_PATIENCE", 0.05)
    async with open_house(inquiry=Inquiry(delay=60.0)) as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        await talk.send(MESSAGE + b".\r\n")
        await talk.line()
        await talk.close()
    client = house.shelf.accepted[0][0].client
    assert (client.reverse_name, client.dnsbl) == (Unknown("timed out"), Unknown("timed out"))


async def test_who_speaks_before_the_greeting() -> None:
    async with open_house(inquiry=Inquiry(delay=0.2)) as house:
        talk = await Talk.to(house.port)
        await talk.send(b"EHLO early.example\r\n")
        assert await talk.line() == str(replies.SPOKE_TOO_EARLY)
        assert await talk.ask("QUIT") == str(replies.BYE), "what came before the refusal has its answer"
        assert await talk.is_closed()
        await talk.close()


async def test_who_is_refused_at_the_greeting_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FAREWELL_PATIENCE", 0.05)
    async with open_house(policy=BLOCKED) as house:
        talk = await Talk.to(house.port)
        assert await talk.line() == str(replies.BLOCKED_CLIENT)
        assert await talk.line() == str(replies.IDLE_TOO_LONG)
        assert await talk.is_closed()
        await talk.close()


async def test_who_is_refused_at_the_greeting_and_goes_on_is_sent_away() -> None:
    async with open_house(policy=BLOCKED, limits={"errors": 2}) as house:
        talk = await Talk.to(house.port)
        assert await talk.line() == str(replies.BLOCKED_CLIENT)
        assert [await talk.ask("EHLO spam.example") for _ in range(2)] == [str(replies.BAD_SEQUENCE)] * 2
        assert await talk.ask("EHLO spam.example") == str(replies.TOO_MANY_ERRORS)
        assert await talk.is_closed()
        await talk.close()


async def test_nothing_is_taken_that_could_not_be_stored() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        house.shelf.ready = (False, "only 3 MiB of disk are free")
        assert await talk.ask("MAIL FROM:<a@sender.example>") == str(replies.NO_SPACE)
        other = await Talk.to(house.port)
        assert await other.line() == str(replies.TOO_BUSY)
        house.shelf.ready = (True, "")
        assert (await talk.ask("MAIL FROM:<a@sender.example>")).startswith("250 ")
        await talk.close()
        await other.close()
    assert [each.stage for each in house.shelf.refusals] == ["mail", "connect"]


async def test_the_limits_of_the_group_go_before_those_of_the_settings() -> None:
    policy = PlainPolicy(everyone=PlainGroup("small", limits=PlainLimits(size=500, recipients=1)))
    async with open_house(policy=policy) as house:
        talk = await Talk.to(house.port)
        await talk.line()
        await talk.send(b"EHLO client.example\r\n")
        assert "250-SIZE 500" in await talk.reply()
        assert (await talk.ask("MAIL FROM:<> SIZE=501")).startswith("552 5.3.4")
        await talk.ask("MAIL FROM:<>")
        await talk.ask("RCPT TO:<u@example.net>")
        assert (await talk.ask("RCPT TO:<v@example.net>")).startswith("452 4.5.3")
        await talk.ask("DATA")
        await talk.send(b"x" * 499 + b"\r\n.\r\n")
        assert (await talk.line()).startswith("552 5.3.4")
        await talk.close()
    assert [each.rule for each in house.shelf.refusals if each.stage == "rcpt"] == ["small"]


TWO_IN_TEN_SECONDS = RateLimit(Whose.CLIENT, Doing.MESSAGES, Rate(2, 10.0))


async def test_too_many_transactions_a_second() -> None:
    policy = PlainPolicy(everyone=PlainGroup("slow", limits=PlainLimits(rates=(TWO_IN_TEN_SECONDS,))))
    async with open_house(policy=policy) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        said = []
        for _ in range(3):
            said.append((await talk.ask("MAIL FROM:<>"))[:9])
            await talk.ask("RSET")
        assert said == ["250 2.1.0", "250 2.1.0", "451 4.7.1"]
        house.clock.advance(15.1)
        assert (await talk.ask("MAIL FROM:<>")).startswith("250 ")
        await talk.close()
    assert [(each.stage, each.rule) for each in house.shelf.refusals] == [("mail", "slow")]


async def test_a_recipient_that_cannot_be_checked_may_be_accepted_by_policy() -> None:
    class Lenient(PlainPolicy):
        def recipient_entry(self, address: str) -> PlainEntry:
            return PlainEntry("mx", on_unknown="accept")

    async with open_house(policy=Lenient()) as house:
        talk = await Talk.to(house.port)
        await talk.begin("doubt@example.net")
        await talk.send(b".\r\n")
        await talk.line()
        await talk.close()
    assert house.shelf.accepted[0][0].recipients[0].destination == "mx:example.net"


async def test_a_directory_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addressees, "VALIDATION_PATIENCE", 0.05)
    async with open_house() as house:

        async def never(address: object, entry: object, *, size: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(type(house.front._household.ports.validation), "validate", staticmethod(never))
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<>")
        assert await talk.ask("RCPT TO:<u@example.net>") == str(replies.CANNOT_VERIFY)
        await talk.close()
