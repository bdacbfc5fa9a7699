"""What EHLO offers is what there is: each extension is proven by using it, and nothing is there that is not offered."""

from __future__ import annotations

import ssl

import pytest

from gateway.inbound.ports import Door
from gateway.inbound.verbs import VERBS
from gateway.inbound.verbs.greeting import claims_to_be
from tests.inbound.house import PlainGroup, PlainLimits, PlainPolicy, open_house
from tests.inbound.talk import Talk

USES = {
    "PIPELINING": ["NOOP\r\nNOOP", "250", "250"],
    "SIZE": ["MAIL FROM:<a@b.example> SIZE=10", "250"],
    "8BITMIME": ["MAIL FROM:<a@b.example> BODY=8BITMIME", "250"],
    "SMTPUTF8": ["MAIL FROM:<ä@b.example> SMTPUTF8", "250"],
    "ENHANCEDSTATUSCODES": ["NOOP", "250 2.0.0"],
    "DSN": ["MAIL FROM:<a@b.example> RET=HDRS ENVID=x\r\nRCPT TO:<u@example.net> NOTIFY=NEVER ORCPT=x;y", "250", "250"],
    "CHUNKING": ["MAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.net>\r\nBDAT 2 LAST\r\n", "250", "250", "250"],
    "LIMITS": ["NOOP", "250"],
    "STARTTLS": ["STARTTLS", "220"],
    "AUTH": ["AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=", "235"],
    "XCLIENT": ["XCLIENT ADDR=192.0.2.1", "220"],
    "HELP": ["HELP", "214"],
}
"""What to say and how it is answered. `LIMITS` has no command; `limits.smtp` proves the numbers."""

VERB_OF = {"BDAT": "CHUNKING", "STARTTLS": "STARTTLS", "AUTH": "AUTH", "XCLIENT": "XCLIENT", "HELP": "HELP"}
PLAIN_SMTP = {"HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "QUIT"}


async def ready(house, door: Door, *, encrypted: bool) -> tuple[Talk, dict[str, str]]:
    talk = await Talk.to(house.ports[door], tls=door is Door.SUBMISSIONS)
    assert (await talk.line()).startswith("220 ")
    await talk.send(b"EHLO client.example\r\n")
    lines = await talk.reply()
    if encrypted and door is not Door.SUBMISSIONS:
        await talk.ask("STARTTLS")
        await talk.start_tls()
        await talk.send(b"EHLO client.example\r\n")
        lines = await talk.reply()
    return talk, {name: values for name, _, values in (line[4:].partition(" ") for line in lines[1:])}


@pytest.mark.parametrize(
    ("door", "encrypted"),
    [(Door.MX, False), (Door.MX, True), (Door.SUBMISSION, False), (Door.SUBMISSION, True), (Door.SUBMISSIONS, True)],
)
async def test_what_is_offered_works_and_what_is_not_offered_does_not(
    door: Door, encrypted: bool, tls: ssl.SSLContext
) -> None:
    async with open_house(tls=tls, listen={"xclient_networks": ["127.0.0.1"]}) as house:
        probe, offered = await ready(house, door, encrypted=encrypted)
        await probe.close()
        assert offered.keys() <= USES.keys(), "an extension without a proof"
        for name, (words, *expected) in USES.items():
            talk, _ = await ready(house, door, encrypted=encrypted)
            needs_user = door.is_submission and words.startswith("MAIL")
            if needs_user and encrypted:
                await talk.ask(USES["AUTH"][0])
                words = words.replace("a@b.example", "alice@example.net").replace("ä@b.example", "alice@example.net")
            if not needs_user or encrypted:
                await talk.send(words.encode() + b"\r\n")
                said = [(await talk.reply())[-1] for _ in expected]
                works = all(line.startswith(start) for line, start in zip(said, expected, strict=True))
                assert works == (name in offered), f"{name}: {said}"
            await talk.close()


def test_every_verb_is_plain_smtp_or_of_an_extension_or_refused() -> None:
    refused = {verb for verb, method in VERBS.items() if method.__name__ == "not_implemented"}
    assert VERBS.keys() == PLAIN_SMTP | VERB_OF.keys() | refused


async def test_what_ehlo_says_is_the_groups(tls: ssl.SSLContext) -> None:
    policy = PlainPolicy(groups={"127.0.0.1": PlainGroup("few", limits=PlainLimits(size=9000, recipients=7))})
    async with open_house(tls=tls, policy=policy, limits={"transactions": 5}) as house:
        talk, offered = await ready(house, Door.MX, encrypted=False)
        assert (offered["SIZE"], offered["LIMITS"]) == ("9000", "MAILMAX=5 RCPTMAX=7")
        await talk.close()


@pytest.mark.parametrize("name", ["mx.example.net", "MX.Example.Net.", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_who_claims_to_be_us(name: str) -> None:
    ip = "2001:db8::1" if "IPv6" in name else "192.0.2.1"
    assert claims_to_be(name, hostname="mx.example.net", ip=ip)


@pytest.mark.parametrize("name", ["example.net", "mx.example.net.evil.example", "[192.0.2.2]", "192.0.2.1"])
def test_who_does_not(name: str) -> None:
    assert not claims_to_be(name, hostname="mx.example.net", ip="192.0.2.1")
