"""Bounces are our own mail: they leave signed where there is a key for our name, and else as they are."""

from __future__ import annotations

from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import FixedClock
from gateway.delivery.routes import Routes
from gateway.facts.auth import Auth
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from gateway.pipeline.signing import Signer
from gateway.pipeline.signing_key import SigningKey
from gateway.queue.custody import Custody
from tests.checks.dkim_signer import ed25519_key, rsa_key
from tests.delivery.deposits import delivering, put, store_at, until
from tests.delivery.sink import Sink, running

KEYS = (SigningKey("example.org", "s1", rsa_key()), SigningKey("example.org", "s1-ed25519", ed25519_key()))


async def bounce_from(custody: Custody, clock: FixedClock, signer: Signer) -> bytes:
    """What the sender gets when the next hop refuses."""
    async with running(Sink(script={"RCPT": "550 5.1.1 nobody"})) as sink, running(Sink(lmtp=True)) as store:
        await put(custody, clock, sink.route, "bob@elsewhere.example")
        routes = Routes(mailbox=store_at(store.port), domains={"example.net": "mailbox"})
        sign = lambda octets: signer.sign_own(octets, signed_at=clock.now())  # noqa: E731
        async with delivering(custody, clock, routes=routes, sign=sign):
            await until(lambda: len(store.taken) == 1)
    return store.taken[0].octets


async def test_a_bounce_verifies_as_delivered(custody: Custody, clock: FixedClock) -> None:
    octets = await bounce_from(custody, clock, Signer(lambda _: KEYS))
    zone = ZoneResolver({key.name: [{"TXT": key.record}] for key in KEYS})
    outcome = await check_dkim(zone, Message.from_wire(octets), now=clock.now())
    assert isinstance(outcome, Known)
    found = [(each.domain, each.selector, each.result) for each in outcome.value.signatures]
    assert found == [("example.org", key.selector, Auth.PASS) for key in KEYS]
    assert b"Action: failed" in octets


async def test_without_a_key_it_leaves_as_it_is(custody: Custody, clock: FixedClock) -> None:
    octets = await bounce_from(custody, clock, Signer(lambda _: ()))
    assert octets.startswith(b"From: Mail Delivery System <postmaster@mx.example.org>\r\n")
