"""gateway/app/door/greylisting.py at a real door, with a real nameserver and real counters: who comes back, from where,
and who never has to. Clients of other networks are made by XCLIENT."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count

import pytest

from gateway.app.door.acquaintances import Acquaintances
from gateway.app.door.correspondents import Correspondents
from gateway.app.door.greylisting import Greylister
from gateway.app.door.judging import Judging
from gateway.app.door.stripping import Stripping
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.resolver import Resolver
from gateway.clock import SystemClock
from gateway.facts.connection import ClientFact
from gateway.facts.content import AuthorFact, MailClass, SpamFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known
from gateway.inbound.admission.counting import own_networks
from gateway.inbound.ports import Ports
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message
from gateway.pipeline.sealing import Sealer
from gateway.pipeline.signing import Signer
from gateway.pipeline.stamp import Stamper
from gateway.policy.language.parse import read
from gateway.settings import Dns
from tests.dns_server import DnsServer
from tests.inbound.house import House, open_house
from tests.inbound.talk import MESSAGE, Talk

ZONE = {
    "pool.example": [{"SPF": "v=spf1 ip4:192.0.2.0/25 ip4:203.0.113.64/26 -all"}],
    "plain.example": [{"A": "198.51.100.1"}],
    "slow.example": ["TIMEOUT"],
}
POLICY = """
version: 1
recipients: [{domain: example.net, route: mailbox}]
rules:
  - {id: suspect, when: 'spam.score >= 4.0', then: greylist, on_unknown: next}
greylist: {delay: 3min}
groups:
  - {id: named, when: 'client.helo == "named.example"'}
  - {id: strangers, greylist: GREYLIST}
"""
COME_BACK = "451 4.7.1 Greylisted, try again in some minutes"
TAKEN = "250 2.1.5 Recipient OK"

STAMPER = Stamper(hostname="mx.example.net", signer=Signer(lambda domain: ()))


@dataclass
class Scanner:
    """Finds this score; SPF is asked for."""

    resolver: Resolver
    score: float = 0.0

    async def scan(self, message: Message, envelope: Envelope, client: ClientFact, *, received_at: float) -> Evidence:
        path = str(envelope.reverse_path or "")
        return Evidence(
            received_at,
            envelope.direction.value,
            client,
            path,
            tuple(str(each.address) for each in envelope.recipients),
            MessageFact(message.size, authors=(AuthorFact("A", path, "x.example"),), from_fields=1),
            spf=await check_spf(self.resolver, ip=client.ip, helo=client.helo, reverse_path=path),
            spam=Known(SpamFact(MailClass.SPAM, {}, self.score)),
        )


@dataclass
class Street:
    """A door, and the world in front of it."""

    house: House
    dns: DnsServer
    scanner: Scanner

    async def rcpt(self, ip: str, sender: str, *recipients: str, helo: str = "mx.a.example") -> list[str]:
        """The replies to RCPT."""
        talk = await self._from(ip, sender, helo)
        said = [await talk.ask(f"RCPT TO:<{each}>") for each in recipients or ("u@example.net",)]
        await talk.close()
        return said

    async def mail(self, ip: str, sender: str, *, helo: str = "mx.a.example") -> str:
        """The reply to the end of DATA, or to RCPT where that refuses."""
        talk = await self._from(ip, sender, helo)
        said = await talk.ask("RCPT TO:<u@example.net>")
        if said == TAKEN:
            assert (await talk.ask("DATA")).startswith("354 ")
            await talk.send(MESSAGE + b".\r\n")
            said = (await talk.reply())[-1]
        await talk.close()
        return said

    async def _from(self, ip: str, sender: str, helo: str) -> Talk:
        talk = await Talk.to(self.house.port)
        await talk.line()
        await talk.ask("EHLO balancer.example")
        address = f"IPV6:{ip}" if ":" in ip else ip
        assert (await talk.ask(f"XCLIENT ADDR={address} NAME=[UNAVAILABLE]")).startswith("220 ")
        assert (await talk.ask(f"EHLO {helo}")).startswith("250 ")
        assert (await talk.ask(f"MAIL FROM:<{sender}>")).startswith("250 ")
        return talk


@asynccontextmanager
async def opened(greylist: str = "rcpt", trusted: tuple[str, ...] = ()) -> AsyncIterator[Street]:
    policy = read({"default.yaml": POLICY.replace("GREYLIST", greylist)})
    async with DnsServer.running(ZONE) as dns:
        settings = Dns(nameservers=[f"127.0.0.1:{dns.port}"], query_timeout=0.2, check_timeout=0.3)
        resolver = Resolver.from_settings(settings, clock=SystemClock())
        scanner = Scanner(resolver)

        def edit(ports: Ports) -> Ports:
            greylister = Greylister(ports.counters, resolver, own=own_networks(trusted))
            judge = Judging(
                scanner,  # type: ignore[arg-type]
                STAMPER,
                lambda: policy,
                counters=ports.counters,
                greylister=greylister,
                acquaintances=Acquaintances(ports.counters),
                stripping=Stripping(STAMPER, Sealer("mx.example.net", lambda domain: ()), count(100).__next__),
            )
            return replace(ports, greylist=greylister, judge=judge)

        try:
            async with open_house(
                policy=policy,  # type: ignore[arg-type]
                edit=edit,
                trusted=trusted,
                listen={"xclient_networks": ["127.0.0.0/8"]},
            ) as house:
                yield Street(house, dns, scanner)
        finally:
            await resolver.close()


# ---------------------------------------------------------------- at RCPT


async def test_the_first_try_is_451_the_retry_250_and_the_network_is_known_from_then_on() -> None:
    async with opened() as street:
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [COME_BACK]
        street.house.clock.advance(179.0)
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [COME_BACK]
        street.house.clock.advance(1.0)
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [TAKEN]
        assert await street.rcpt("198.51.100.99", "carl@plain.example", "v@example.net") == [TAKEN]
        assert await street.rcpt("203.0.113.200", "ann@plain.example") == [COME_BACK]


async def test_a_retry_from_another_address_of_the_same_spf_record_passes() -> None:
    async with opened() as street:
        assert await street.rcpt("192.0.2.7", "ann@pool.example", helo="a.one.example") == [COME_BACK]
        (waiting,) = await street.house.counters.waiting()
        assert waiting.pool == "spf pool.example"
        street.house.clock.advance(180.0)
        assert await street.rcpt("203.0.113.70", "ann@pool.example", helo="b.two.example") == [TAKEN]
        assert await street.rcpt("192.0.2.100", "new@pool.example", helo="c.three.example") == [TAKEN]
        # An address that the record does not name is not of the pool.
        assert await street.rcpt("198.51.100.7", "ann@pool.example", helo="d.four.example") == [COME_BACK]
    assert "pool.example TXT" in street.dns.udp


async def test_a_whole_ipv6_network_counts_as_one() -> None:
    async with opened() as street:
        assert await street.rcpt("2001:db8::1", "ann@plain.example") == [COME_BACK]
        street.house.clock.advance(180.0)
        assert await street.rcpt("2001:db8::ffff:2", "ann@plain.example") == [TAKEN]
        assert await street.rcpt("2001:db8:0:1::1", "ann@plain.example") == [COME_BACK]


async def test_one_recipient_that_passed_lets_the_others_in() -> None:
    async with opened() as street:
        both = ("u@example.net", "v@example.net")
        assert await street.rcpt("198.51.100.7", "ann@plain.example", *both) == [COME_BACK, COME_BACK]
        street.house.clock.advance(180.0)
        assert await street.rcpt("198.51.100.7", "ann@plain.example", *both, "w@example.net") == [TAKEN] * 3


async def test_the_refusal_is_on_record_with_the_line_that_says_so() -> None:
    async with opened() as street:
        await street.rcpt("198.51.100.7", "ann@plain.example")
        (refusal,) = street.house.shelf.refusals
    assert (refusal.stage, refusal.rule, refusal.client_ip) == ("rcpt", "strangers", "198.51.100.7")
    assert (refusal.reverse_path, refusal.recipient) == ("ann@plain.example", "u@example.net")
    assert refusal.reason == "greylisted: counts as 198.51.100.0/24 a.example, is let in after 180 s"


async def test_only_groups_that_say_so_and_unknown_recipients_are_refused_at_once() -> None:
    async with opened() as street:
        assert await street.rcpt("198.51.100.7", "ann@plain.example", helo="named.example") == [TAKEN]
        said = await street.rcpt("198.51.100.7", "ann@plain.example", "nobody@example.net")
        assert said[0].startswith("550 ")
        assert await street.house.counters.waiting() == []


async def test_unproven_spares_those_whom_spf_vouches_for() -> None:
    async with opened("unproven") as street:
        assert await street.rcpt("192.0.2.7", "ann@pool.example") == [TAKEN]
        assert await street.rcpt("198.51.100.7", "ann@pool.example") == [COME_BACK]
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [COME_BACK]


async def test_bounces_and_our_own_networks_and_correspondents_never_wait() -> None:
    async with opened(trusted=("198.51.100.0/28",)) as street:
        assert await street.rcpt("203.0.113.200", "") == [TAKEN]
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [TAKEN]
        assert await street.rcpt("198.51.100.77", "ann@plain.example") == [COME_BACK]
        wrote = Evidence(0.0, "outbound", ClientFact(""), "u@example.net", ("Ann@plain.example",), MessageFact(1))
        await Correspondents(street.house.counters).wrote(wrote)
        assert await street.rcpt("198.51.100.77", "ann@plain.example") == [TAKEN]
        assert await street.rcpt("198.51.100.77", "ann@plain.example", "v@example.net") == [COME_BACK]


async def test_while_the_dns_is_silent_the_network_counts_and_mail_comes_in() -> None:
    async with opened() as street:
        assert await street.rcpt("192.0.2.7", "ann@slow.example") == [COME_BACK]
        street.house.clock.advance(180.0)
        assert await street.rcpt("192.0.2.9", "ann@slow.example") == [TAKEN]


async def test_who_waits_is_let_in_by_hand_at_the_next_try() -> None:
    async with opened() as street:
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [COME_BACK]
        (waiting,) = await street.house.counters.waiting()
        await street.house.counters.release([waiting.id])
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [TAKEN]


async def test_nobody_waits_who_cannot_be_written_down() -> None:
    async with opened() as street:
        await street.house.counters.close()
        assert await street.rcpt("198.51.100.7", "ann@plain.example") == [TAKEN]


# ---------------------------------------------------------------- after DATA, and both


@pytest.mark.parametrize("score", [0.0, 3.9])
async def test_mail_below_the_score_is_never_delayed(score: float) -> None:
    async with opened("null") as street:
        street.scanner.score = score
        assert (await street.mail("198.51.100.7", "ann@plain.example")).startswith("250 ")
        assert await street.house.counters.waiting() == []


async def test_a_suspect_comes_back_from_another_address_of_its_spf_record() -> None:
    async with opened("null") as street:
        street.scanner.score = 5.0
        assert (await street.mail("192.0.2.7", "ann@pool.example", helo="a.one.example")).startswith("451 4.7.1 ")
        street.house.clock.advance(180.0)
        assert (await street.mail("203.0.113.70", "ann@pool.example", helo="b.two.example")).startswith("250 ")


async def test_who_came_back_at_rcpt_need_not_come_back_after_data() -> None:
    async with opened() as street:
        street.scanner.score = 5.0
        for ip, sender in (("198.51.100.7", "ann@plain.example"), ("192.0.2.7", "ann@pool.example")):
            assert await street.mail(ip, sender) == COME_BACK
            street.house.clock.advance(180.0)
            assert (await street.mail(ip, sender)).startswith("250 ")
