"""Groups and recipients of a real policy at a real door: what clients of different groups are told, may do, and must do
first."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.alerts import Alerts
from gateway.app.door.doorkeeping import Inquiry
from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.reputation.atlas import Atlas
from gateway.facts.connection import NetworkFact
from gateway.facts.outcome import Known
from gateway.inbound.ports import Door, Ports
from gateway.mail import replies
from gateway.policy.language.parse import read
from gateway.policy.policy import Policy
from tests.checks.reputation.maps import country, network, write_map
from tests.inbound.house import House, open_house
from tests.inbound.talk import MESSAGE, Talk

RECIPIENTS = """
recipients:
  - {domain: example.net, route: mx}
  - {address: v@example.net, route: mx, size: 2KiB}
  - {address: full@example.net, route: mx}
  - {address: full@reject.example, route: mx, on_full: reject}
"""


def policy(groups: str, more: str = "") -> Policy:
    return read({"default.yaml": f"version: 1\n{more}groups:\n{groups}{RECIPIENTS}"}, folder="policies")


async def call(house: House, ip: str = "127.0.0.1", door: Door = Door.MX) -> Talk:
    """A client that has another address of this machine."""
    port = house.ports[door]
    return Talk(*await asyncio.open_connection("127.0.0.1", port, local_addr=(ip, 0), limit=2**22))


async def said_by(house: House, *commands: str, ip: str = "127.0.0.1") -> list[str]:
    """The last line of each reply, from the greeting on."""
    talk = await call(house, ip)
    said = [await talk.line()]
    for command in commands:
        said.append(await talk.ask(command))
    await talk.close()
    return said


THREE = """
  - id: blocked
    when: 'client.ip == "127.0.0.4"'
    then: {reject: blocked_client}
  - id: trusted
    when: 'client.ip.in_network("127.0.0.2/32")'
    banner: ESMTP Welcome, partner
    limits: {size: 100MiB, recipients: 300}
  - id: suspect
    when: 'client.ip == "127.0.0.3"'
    banner: ESMTP
    limits: {size: 1MiB, recipients: 2}
  - {id: everyone}
"""


async def test_three_clients_of_three_groups_are_told_three_things() -> None:
    async with open_house(policy=policy(THREE)) as house:  # type: ignore[arg-type]
        told = {}
        for last in (1, 2, 3):
            talk = await call(house, f"127.0.0.{last}")
            banner = await talk.line()
            await talk.send(b"EHLO client.example\r\n")
            lines = [line[4:] for line in await talk.reply()]
            sizes = [line for line in lines if line.startswith(("SIZE", "LIMITS"))]
            told[last] = (banner, sizes)
            await talk.close()
        blocked = await said_by(house, ip="127.0.0.4")
        recipients = [f"RCPT TO:<many{number}@example.net>" for number in range(3)]
        suspect = await said_by(house, "EHLO c.example", "MAIL FROM:<a@b.example>", *recipients, ip="127.0.0.3")
        too_large = await said_by(house, "EHLO c.example", f"MAIL FROM:<> SIZE={2**20 + 1}", ip="127.0.0.3")
    assert told == {
        1: ("220 mx.example.net ESMTP Postern", [f"SIZE {50 * 2**20}", "LIMITS MAILMAX=1000 RCPTMAX=100"]),
        2: ("220 mx.example.net ESMTP Welcome, partner", [f"SIZE {100 * 2**20}", "LIMITS MAILMAX=1000 RCPTMAX=300"]),
        3: ("220 mx.example.net ESMTP", [f"SIZE {2**20}", "LIMITS MAILMAX=1000 RCPTMAX=2"]),
    }
    assert blocked == [str(replies.BLOCKED_CLIENT)]
    assert [line[:9] for line in suspect[-3:]] == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
    assert too_large[-1] == str(replies.TOO_LARGE)
    places = {(each.stage, each.rule) for each in house.shelf.refusals}
    assert places == {("connect", "blocked"), ("rcpt", "suspect"), ("mail", "suspect")}


# ---------------------------------------------------------------- maps


@asynccontextmanager
async def house_with_maps(folder: Path, groups: str) -> AsyncIterator[House]:
    made = policy(groups)
    networks = write_map(
        folder / "asn.mmdb", {"127.0.0.2/32": network(64500, "Example"), "127.0.0.3/32": network(1, "")}
    )
    countries = write_map(folder / "country.mmdb", {"127.0.0.3/32": country("NO")})
    atlas = Atlas(networks=networks, countries=countries)
    resolver = ZoneResolver({})

    def with_atlas(ports: Ports) -> Ports:
        return replace(ports, inquiry=Inquiry(resolver, lambda: made, Alerts(ports.counters), atlas=atlas))

    async with open_house(policy=made, edit=with_atlas) as house:  # type: ignore[arg-type]
        yield house


async def test_networks_and_countries_choose_the_group(tmp_path: Path) -> None:
    groups = """
  - {id: by-asn, when: 'client.asn == 64500', then: {reject: blocked_client}}
  - {id: by-country, when: 'client.country in ["NO", "SE"]', banner: ESMTP Hei}
  - {id: everyone}
"""
    async with house_with_maps(tmp_path, groups) as house:
        said = {ip: (await said_by(house, ip=ip))[0] for ip in ("127.0.0.1", "127.0.0.2", "127.0.0.3")}
        talk = await call(house, "127.0.0.3")
        await talk.begin()
        await talk.send(MESSAGE + b".\r\n")
        await talk.line()
        await talk.close()
    assert said == {
        "127.0.0.1": "220 mx.example.net ESMTP Postern",
        "127.0.0.2": str(replies.BLOCKED_CLIENT),
        "127.0.0.3": "220 mx.example.net ESMTP Hei",
    }
    client = house.shelf.accepted[0][0].client
    assert (client.network, client.country, client.door) == (Known(NetworkFact(1)), Known("NO"), "mx"), "on record"


# ---------------------------------------------------------------- TLS

PARTNERS = """
  - id: must-encrypt
    when: 'mail.from.under("partner.example")'
    require: tls
  - {id: everyone}
"""
ALL_AT_MX = """
  - id: mx-encrypts
    when: 'client.door == "mx"'
    require: tls
  - {id: everyone}
"""


@pytest.mark.parametrize(
    ("groups", "others"), [(PARTNERS, "250 2.1.0"), (ALL_AT_MX, "530 5.7.0")], ids=["sender domain", "listener"]
)
async def test_tls_may_be_required(tls: ssl.SSLContext, groups: str, others: str) -> None:
    async with open_house(policy=policy(groups), tls=tls) as house:  # type: ignore[arg-type]
        plain = await said_by(
            house, "EHLO c.example", "MAIL FROM:<ann@mail.partner.example>", "MAIL FROM:<ann@other.example>"
        )
        talk = await call(house)
        await talk.say_hello()
        assert (await talk.ask("STARTTLS")).startswith("220 ")
        await talk.start_tls()
        await talk.ask("EHLO c.example")
        encrypted = await talk.ask("MAIL FROM:<ann@mail.partner.example>")
        await talk.close()
    assert plain[2] == str(replies.TLS_REQUIRED)
    assert plain[3][:9] == others
    assert encrypted.startswith("250 2.1.0")
    refusal = house.shelf.refusals[0]
    assert (refusal.stage, refusal.rule) == ("mail", policy(groups).groups[0].id)
    assert refusal.reverse_path == "ann@mail.partner.example"


# ---------------------------------------------------------------- the sender's domain


async def test_a_group_may_ask_for_the_domain_of_the_sender_once_it_is_known() -> None:
    groups = """
  - {id: nobody, when: 'client.sender_domain in ["no-such-domain", "no-host"]', then: {reject: policy}}
  - {id: bounces, when: 'mail.from == ""', limits: {recipients: 1}}
  - {id: everyone}
"""
    async with open_house(policy=policy(groups)) as house:  # type: ignore[arg-type]
        said = await said_by(
            house, "EHLO c.example", "MAIL FROM:<a@nowhere.example>", "MAIL FROM:<a@b.example>", "RSET",
            "MAIL FROM:<>", "RCPT TO:<u@example.net>", "RCPT TO:<w@example.net>",
        )  # fmt: skip
    assert [line[:9] for line in said[2:]] == [
        "550 5.7.1", "250 2.1.0", "250 2.0.0", "250 2.1.0", "250 2.1.5", "452 4.5.3",
    ]  # fmt: skip


# ---------------------------------------------------------------- the recipient's size, and its room


async def test_a_recipient_may_take_less_than_its_sender_may_send() -> None:
    async with open_house(policy=policy("  - {id: everyone, limits: {size: 4KiB}}\n")) as house:  # type: ignore[arg-type]
        talk = await call(house)
        await talk.say_hello()
        assert (await talk.ask("MAIL FROM:<a@b.example> SIZE=4097")) == str(replies.TOO_LARGE), "at MAIL"
        await talk.ask("MAIL FROM:<a@b.example> SIZE=3000")
        assert (await talk.ask("RCPT TO:<u@example.net>")).startswith("250 ")
        assert (await talk.ask("RCPT TO:<v@example.net>")) == str(replies.TOO_LARGE), "at RCPT"
        await talk.ask("DATA")
        await talk.send(b"x" * 3000 + b"\r\n.\r\n")
        assert (await talk.line()).startswith("250 "), "who takes more gets it"
        await talk.close()
    (refused_at_mail, refused_at_rcpt) = house.shelf.refusals
    assert (refused_at_mail.rule, refused_at_rcpt.recipient) == ("everyone", "v@example.net")
    assert refused_at_rcpt.reason == "declared 3000 octets, the recipient's limit is 2048"


@pytest.mark.parametrize("declared", ["", " SIZE=10"])
async def test_a_declared_size_that_lied_is_refused_after_the_data(declared: str) -> None:
    async with open_house(policy=policy("  - {id: everyone}\n")) as house:  # type: ignore[arg-type]
        for octets, answer in ((3000, "552 5.3.4"), (2000, "250 2.0.0")):
            talk = await call(house)
            await talk.say_hello()
            await talk.ask(f"MAIL FROM:<a@b.example>{declared}")
            assert (await talk.ask("RCPT TO:<u@example.net>")).startswith("250 ")
            assert (await talk.ask("RCPT TO:<v@example.net>")).startswith("250 ")
            await talk.ask("DATA")
            await talk.send(b"x" * octets + b"\r\n.\r\n")
            assert (await talk.line())[:9] == answer
            await talk.ask(f"MAIL FROM:<a@b.example>{declared}")
            await talk.ask("RCPT TO:<v@example.net>")
            await talk.send(b"BDAT %d LAST\r\n" % octets + b"x" * (octets - 2) + b"\r\n")
            assert (await talk.line())[:9] == answer, "in a chunk"
            await talk.close()


async def test_a_full_mailbox_is_for_now_or_for_good_as_the_policy_says() -> None:
    async with open_house(policy=policy("  - {id: everyone}\n")) as house:  # type: ignore[arg-type]
        said = await said_by(
            house, "EHLO c.example", "MAIL FROM:<a@b.example>", "RCPT TO:<full@example.net>",
            "RCPT TO:<full@reject.example>",
        )  # fmt: skip
    assert said[-2:] == ["452 4.2.2 Mailbox is full", "552 5.2.2 Mailbox is full"]
