"""Outgoing mail through the whole product: keys are made and rotated by the command line, the DNS is a real server on
loopback, and what the next hop gets verifies."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
import subprocess
import sys
import time
from typing import Any

import dkim
import pytest

from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from tests.delivery import sink
from tests.delivery.sink import Sink
from tests.dns_server import DnsServer
from tests.e2e.gateway import PASSWORD, PATIENCE, ROOT, Gateway, running
from tests.folders import passable_folder

pytestmark = pytest.mark.slow

LETTER = (
    b"From: Alice <alice@example.org>\r\nTo: Carol <carol@partner.example>\r\nSubject: Minutes  of Tuesday\r\n"
    b"Date: Fri, 21 Nov 2025 20:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
    b"Hello Carol, \r\n\r\nthe minutes are ready.\t\r\n.\r\nAlice\r\n\r\n\r\n"
)


class Product:
    """The running gateway, its DNS server and its next hop."""

    def __init__(self, gateway: Gateway, names: DnsServer, hop: Sink) -> None:
        self.gateway, self.names, self.hop = gateway, names, hop

    async def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.gateway.environment, "POSTERN_NAMESERVERS": f"127.0.0.1:{self.names.port}"}
        argv = [sys.executable, "-m", "gateway", *words]
        return await asyncio.to_thread(
            subprocess.run,
            argv,
            capture_output=True,
            text=True,
            env=environment,
            cwd=ROOT,
            check=False,
            timeout=PATIENCE,
        )

    async def keys(self) -> list[dict[str, Any]]:
        shown = await self.command("dkim", "dns", "example.org", "--json")
        found: list[dict[str, Any]] = json.loads(shown.stdout)
        return found

    async def publish(self) -> dict[str, Any]:
        """The operator puts all records into the DNS."""
        zone = {each["name"]: [{"TXT": each["record"]}] for each in await self.keys()}
        self.names.zone = ZoneResolver(zone)
        return zone

    async def submit(self) -> bytes:
        """Alice sends the letter; what the next hop got."""
        before = len(self.hop.taken)
        await asyncio.to_thread(self._submit)
        async with asyncio.timeout(PATIENCE):
            while len(self.hop.taken) == before:
                await asyncio.sleep(0.05)
        return self.hop.taken[-1].octets

    def _submit(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("127.0.0.1", self.gateway.ports["submission"], timeout=PATIENCE) as client:
            client.starttls(context=context)
            client.login("alice@example.org", PASSWORD)
            client.sendmail("alice@example.org", ["carol@partner.example"], LETTER)


async def verified(octets: bytes, zone: dict[str, Any]) -> list[tuple[str, str]]:
    """Selector and algorithm of every signature; all of them hold, for us and for dkimpy."""
    outcome = await check_dkim(ZoneResolver(zone), Message.from_wire(octets), now=time.time())
    assert isinstance(outcome, Known)
    signatures = outcome.value.signatures

    def records(name: bytes, timeout: int = 5) -> bytes:
        return str(zone[name.decode().rstrip(".")][0]["TXT"]).encode()

    assert [each.result for each in signatures] == [Auth.PASS] * len(signatures)
    assert all(dkim.DKIM(octets).verify(index, dnsfunc=records) for index in range(len(signatures)))
    return [(each.selector, each.algorithm) for each in signatures]


async def test_outgoing_mail_is_signed_with_what_the_dns_shows() -> None:
    with passable_folder() as folder:
        async with DnsServer.running({}) as names, sink.running(Sink()) as hop:
            extra = {"POSTERN_NAMESERVERS": f"127.0.0.1:{names.port}"}
            product_run = running(folder / "data", **extra)
            gateway = await asyncio.to_thread(product_run.__enter__)
            try:
                product = Product(gateway, names, hop)
                added = await product.command("domain", "add", "partner.example", "--route", hop.route)
                assert added.returncode == 0, added.stderr

                assert b"DKIM-Signature" not in await product.submit(), "no keys yet"
                made = await product.command("dkim", "keygen", "example.org", "--selector", "one")
                assert made.returncode == 0, made.stderr
                assert b"DKIM-Signature" not in await product.submit(), "the DNS does not show them yet"

                zone = await product.publish()
                seen = await product.command("dkim", "rotate", "example.org")
                assert "one signs from now on" in seen.stdout
                octets = await product.submit()
                assert octets.endswith(LETTER)
                first = [("one", "rsa-sha256"), ("one-ed25519", "ed25519-sha256")]
                assert await verified(octets, zone) == first

                again = await product.command("dkim", "rotate", "example.org", "--selector", "two")
                assert again.returncode == 0, again.stderr
                assert await verified(await product.submit(), zone) == first, "the new keys are not shown yet"
                zone = await product.publish()
                await product.command("dkim", "rotate", "example.org")
                assert await verified(await product.submit(), zone) == [
                    ("two", "rsa-sha256"),
                    ("two-ed25519", "ed25519-sha256"),
                ]
                assert await verified(octets, zone) == first, "mail under way still verifies"
                assert (await product.command("dkim", "dns", "example.org")).returncode == 0
            finally:
                await asyncio.to_thread(product_run.__exit__, None, None, None)
