"""Signatures and seals of ours before opendkim and Mail::DKIM, and theirs before us."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.checks.authentication.arc import check_arc
from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.dns.resinfo import results_field
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import ArcFact, Auth
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from gateway.pipeline.sealing import Sealer
from tests.checks.dkim_signer import pem
from tests.dns_server import DnsServer
from tests.pipeline.test_signing import BOTH, LETTER, NOW, RSA, submitted

SCRIPT = Path(__file__).with_name("second_opinion.pl")
HOST = "mx.example.com"
ZONE = {key.name: [{"TXT": key.record}] for key in BOTH}
SEALER = Sealer(HOST, lambda _: BOTH)
OPENDKIM = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin")
LETTERS = {
    "usual": LETTER,
    "bare": b"From: bob@example.com\r\n\r\n",
    "blanks": LETTER + b" \t \r\n\t x  y \t\r\n\r\n\r\n",
    "folded": LETTER.replace(b"Two  words", b"\r\n Two\r\n\t words \t").replace(b"Subject:", b"SUBJECT: "),
    "utf-8": LETTER.replace(b"Two", "Zwölf".encode()),
    "long": LETTER + b"0123456789 " * 5000 + b"\r\n",
}

pytestmark = pytest.mark.peers


def _has_mail_dkim() -> bool:
    perl = shutil.which("perl")
    return bool(perl) and not subprocess.run([perl, "-MMail::DKIM", "-e1"], capture_output=True, check=False).returncode


needs_mail_dkim = pytest.mark.skipif(not _has_mail_dkim(), reason="Mail::DKIM is not installed: libmail-dkim-perl")


async def ran(*command: str, octets: bytes = b"") -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate(octets)
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def mail_dkim(octets: bytes) -> list[str]:
    async with DnsServer.running(ZONE) as server:
        return (await ran("perl", str(SCRIPT), "verify", str(server.port), octets=octets)).splitlines()


def sealed(letter: bytes) -> bytes:
    changed = results_field(HOST, arc=Known(ArcFact(Auth.NONE))) + letter + b"-- \r\nchecked\r\n"
    return SEALER.seal(Message.from_wire(changed), sealed_at=NOW) + changed


@pytest.mark.skipif(OPENDKIM is None, reason="opendkim is not installed")
@pytest.mark.parametrize("name", LETTERS)
async def test_opendkim_accepts_both_signatures(name: str, tmp_path: Path) -> None:
    keys, message, settings = tmp_path / "keys", tmp_path / "message.eml", tmp_path / "opendkim.conf"
    keys.write_text("".join(f"{key.name} {key.record}\n" for key in BOTH))
    message.write_bytes(submitted(LETTERS[name]))
    settings.write_text(f"Mode v\nSyslog no\nTestPublicKeys {keys}\n")
    said = " ".join((await ran(str(OPENDKIM), "-x", str(settings), "-t", str(message), "-vv")).split())
    assert "dkim=pass (2048-bit key) header.d=example.com header.i=@example.com header.a=rsa-sha256" in said
    assert "dkim=pass header.d=example.com header.i=@example.com header.a=ed25519-sha256" in said


@needs_mail_dkim
@pytest.mark.parametrize("name", LETTERS)
async def test_mail_dkim_accepts_the_rsa_signature(name: str) -> None:
    """The one of Debian 12 knows no Ed25519, and passes over it."""
    assert "rsa-sha256 pass" in await mail_dkim(submitted(LETTERS[name]))


@needs_mail_dkim
@pytest.mark.parametrize("name", LETTERS)
async def test_mail_dkim_accepts_our_seal_and_not_what_was_changed_under_it(name: str) -> None:
    octets = sealed(LETTERS[name])
    assert "arc pass" in await mail_dkim(octets)
    assert "arc fail" in await mail_dkim(octets.replace(b"checked", b"chucked"))


@needs_mail_dkim
async def test_we_accept_what_mail_dkim_signs_and_seals_and_it_what_we_seal_then(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(pem(RSA.private))  # type: ignore[arg-type]
    signature = await ran("perl", str(SCRIPT), "sign", str(key), octets=LETTER)
    signed = signature.encode() + LETTER
    dkim = await check_dkim(ZoneResolver(ZONE), Message.from_wire(signed), now=NOW)
    assert isinstance(dkim, Known) and [each.result for each in dkim.value.signatures] == [Auth.PASS]

    stated = b"Authentication-Results: lists.example; spf=pass smtp.mailfrom=bob@example.com; arc=none\r\n" + signed
    fields = await ran("perl", str(SCRIPT), "seal", str(key), "lists.example", octets=stated)
    theirs = fields.encode() + stated
    arc = await check_arc(ZoneResolver(ZONE), Message.from_wire(theirs), now=NOW)
    assert arc == Known(ArcFact(Auth.PASS, 1, "example.com"))

    changed = results_field(HOST, arc=arc) + theirs + b"-- \r\nchecked\r\n"
    ours = SEALER.seal(Message.from_wire(changed), sealed_at=NOW) + changed
    assert "arc pass" in await mail_dkim(ours)
    assert (await check_arc(ZoneResolver(ZONE), Message.from_wire(ours), now=NOW)) == Known(
        ArcFact(Auth.PASS, 2, "example.com")
    )
