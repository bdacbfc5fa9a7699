"""gateway/app/door/returning.py at a real door: which addresses of ours exist only because we wrote them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

import pytest

from gateway.app.door.returning import Returning
from gateway.delivery.departure import Tagging
from gateway.inbound.admission.counting import own_networks
from gateway.mail.address import Address
from gateway.mail.batv import Batv
from gateway.mail.srs import Srs
from tests.inbound.house import NOW, House, PlainEntry, PlainPolicy, open_house
from tests.inbound.talk import Talk

DAY = 86400.0
SRS = Srs("example.net", (b"k" * 32,))
BATV = Batv((b"k" * 32,))
ANN = Address("ann", "far.example")
NO_RETURN = "550 5.1.1 The return address is not one of ours, or has expired"
NOT_OURS = "550 5.7.1 A bounce of mail that was not sent from here"
SIGNING = Tagging(BATV, domains=frozenset({"example.net"}), exempt=frozenset({"w@example.net"}))


@asynccontextmanager
async def door(*, tagging: Tagging | None = None, own: tuple[str, ...] = ()) -> AsyncIterator[House]:
    """`own_networks` always holds loopback, from which these tests come."""
    networks = own_networks(own) if own else own_networks([])
    policy = PlainPolicy(entry=PlainEntry(aliases={"away@example.net": "carl@far.example"}))
    house: list[House] = []
    returning = Returning(lambda: SRS, lambda: tagging, networks, lambda: house[0].clock.now())
    async with open_house(policy=policy, edit=lambda ports: replace(ports, returns=returning)) as opened:
        house.append(opened)
        yield opened


async def rcpt(house: House, recipient: object, *, sender: str = "", source: str = "") -> str:
    talk = await Talk.to(house.port)
    try:
        await talk.say_hello()
        await talk.ask(f"MAIL FROM:<{sender}>")
        return await talk.ask(f"RCPT TO:<{recipient}>")
    finally:
        await talk.close()


async def test_a_bounce_of_what_we_forwarded_goes_on_to_who_wrote_it() -> None:
    async with door() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<>")
        path = SRS.forwarded(ANN, now=NOW)
        assert (await talk.ask(f"RCPT TO:<{path}>")).startswith("250 ")
        await talk.ask("DATA")
        assert (await talk.ask("Subject: failed\r\n\r\nnobody there\r\n.")).startswith("250 2.0.0 Accepted")
        await talk.close()
        ((acceptance, _),) = house.shelf.accepted
        (recipient,) = acceptance.recipients
        assert recipient.recipient.address == ANN
        assert recipient.destination == "mx:far.example"


async def test_an_answer_to_it_is_taken_from_anybody() -> None:
    async with door() as house:
        path = SRS.forwarded(ANN, now=NOW)
        assert (await rcpt(house, path, sender="carl@friend.example")).startswith("250 ")


async def test_what_was_forged_or_has_ended_is_refused_and_on_record() -> None:
    async with door() as house:
        path = SRS.forwarded(ANN, now=NOW)
        assert path is not None
        assert await rcpt(house, str(path).replace("ann", "eve")) == NO_RETURN
        assert await rcpt(house, "SRS0=anything@example.net") == NO_RETURN
        house.clock.advance(22 * DAY)
        assert await rcpt(house, path) == NO_RETURN
        assert [each.reason for each in house.shelf.refusals] == [
            "the address (SRS) is forged",
            "the address (SRS) is malformed",
            "the address (SRS) has expired",
        ]


async def test_nobody_relays_by_such_an_address_of_a_domain_that_is_not_ours() -> None:
    async with door() as house:
        path = SRS.forwarded(ANN, now=NOW)
        assert path is not None
        answer = await rcpt(house, Address(path.local, "elsewhere.example"))
        assert answer.startswith("550 5.7.1")


async def test_a_forgery_of_a_mailbox_of_ours_is_looked_up_like_any() -> None:
    """Somebody of ours wrote to an alias that leads outside and the path came back: the mailbox has to exist."""
    async with door() as house:
        assert (await rcpt(house, SRS.forwarded(Address("u", "example.net"), now=NOW))).startswith("250 ")
        assert (await rcpt(house, SRS.forwarded(Address("nobody", "example.net"), now=NOW))).startswith("550 5.1.1")


class Outside:
    """`own` networks without this machine, as if the client came from elsewhere."""

    def holds(self, ip: str, *, at: float) -> bool:
        return False


@asynccontextmanager
async def signing(refuse_at: Literal["rcpt", "data"] = "rcpt") -> AsyncIterator[House]:
    house: list[House] = []
    now = lambda: house[0].clock.now()  # noqa: E731
    returning = Returning(lambda: SRS, lambda: SIGNING, Outside(), now, refuse_at=refuse_at)  # type: ignore[arg-type]
    async with open_house(edit=lambda ports: replace(ports, returns=returning)) as opened:
        house.append(opened)
        yield opened


async def test_a_bounce_of_mail_that_we_never_sent_is_refused() -> None:
    async with signing() as house:
        assert await rcpt(house, "u@example.net") == NOT_OURS
        assert (await rcpt(house, "u@example.net", sender="ann@far.example")).startswith("250 ")
        assert (await rcpt(house, "w@example.net")).startswith("250 "), "exempt"
        assert house.shelf.refusals[0].reason == "a bounce for an address that sends with a tag, without one"


async def test_it_may_be_refused_after_the_data_so_that_a_call_back_is_answered() -> None:
    async with signing("data") as house:
        assert (await rcpt(house, "u@example.net")).startswith("250 ")
        for path, reply in (("", NOT_OURS), ("ann@far.example", "250 2.0.0 Accepted")):
            talk = await Talk.to(house.port)
            await talk.say_hello()
            await talk.ask(f"MAIL FROM:<{path}>")
            assert (await talk.ask("RCPT TO:<u@example.net>")).startswith("250 ")
            await talk.ask("DATA")
            assert (await talk.ask("Subject: t\r\n\r\n\r\n.")).startswith(reply)
            await talk.close()
        assert len(house.shelf.accepted) == 1
        (refusal,) = house.shelf.refusals
        assert (refusal.stage, refusal.reason) == ("data", "a bounce for an address that sends with a tag, without one")
        assert house.bench.seen[0][1].reverse_path is not None, "it was not even judged"


async def test_what_comes_next_in_the_session_is_judged_by_itself() -> None:
    async with signing("data") as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        for path, reply in (("", NOT_OURS), ("ann@far.example", "250 2.0.0 Accepted")):
            await talk.ask(f"MAIL FROM:<{path}>")
            await talk.ask("RCPT TO:<u@example.net>")
            await talk.ask("DATA")
            assert (await talk.ask("Subject: t\r\n\r\n\r\n.")).startswith(reply)
        await talk.close()
        assert len(house.shelf.accepted) == 1


async def test_a_bounce_with_a_tag_passes_for_seven_days_to_the_plain_mailbox() -> None:
    async with signing() as house:
        tagged = BATV.tagged(Address("u", "example.net"), now=NOW)
        house.clock.advance(7 * DAY)
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<>")
        assert (await talk.ask(f"RCPT TO:<{tagged}>")).startswith("250 ")
        await talk.ask("DATA")
        assert (await talk.ask("Subject: failed\r\n\r\n\r\n.")).startswith("250 ")
        await talk.close()
        ((acceptance, _),) = house.shelf.accepted
        assert [str(each.recipient.address) for each in acceptance.recipients] == ["u@example.net"]
        house.clock.advance(DAY)
        assert await rcpt(house, tagged) == NOT_OURS


@pytest.mark.parametrize("local", ["prvs=0840abcdef=u", "prvs=u", "PRVS=0840ABCDEF=u"])
async def test_a_tag_that_we_did_not_make_is_no_tag(local: str) -> None:
    async with signing() as house:
        assert await rcpt(house, f"{local}@example.net") == NOT_OURS


async def test_an_answer_to_a_tag_that_has_ended_still_arrives() -> None:
    """People answer old mail, and some programs to the reverse-path."""
    async with signing() as house:
        tagged = BATV.tagged(Address("u", "example.net"), now=NOW)
        house.clock.advance(100 * DAY)
        assert (await rcpt(house, tagged, sender="ann@far.example")).startswith("250 ")


async def test_our_own_networks_may_bounce_what_they_like() -> None:
    async with door(tagging=SIGNING) as house:
        assert (await rcpt(house, "u@example.net")).startswith("250 ")


async def test_switched_off_nothing_is_refused() -> None:
    async with door() as house:
        assert (await rcpt(house, "u@example.net")).startswith("250 ")
        assert (await rcpt(house, "prvs=0840abcdef=u@example.net")).startswith("550 5.1.1 No such")
