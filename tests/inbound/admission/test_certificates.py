"""Client certificates, shown by real clients in real handshakes."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.facts.connection import CertificateFact, ClientFact
from gateway.inbound.admission.certificates import REMEMBERED
from gateway.inbound.ports import Door
from gateway.inbound.protocol.tls import RenewableCertificate
from gateway.mail import replies
from gateway.policy.policy import CertificateDemand
from tests.inbound.house import House, PlainGroup, PlainPolicy, client_context, make_certificate, open_house
from tests.inbound.talk import MESSAGE, Talk

REQUIRED = str(replies.CERTIFICATE_REQUIRED)


@dataclass(frozen=True)
class Papers:
    """A certificate with its key, as files of a client."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def make_papers(folder: Path, name: str, *, issuer: Papers | None = None) -> Papers:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = datetime.fromtimestamp(time.time(), UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    file = folder / f"{name}.pem"
    papers = Papers(certificate, key, file)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(papers.pem + private)
    return papers


@dataclass(frozen=True)
class Office:
    """Who issues papers, and some of them."""

    authority: Papers
    bank: Papers
    stranger: Papers
    """It vouches for itself."""
    own: RenewableCertificate


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("office")
    authority = make_papers(folder, "authority")
    bank = make_papers(folder, "mx.bank.example", issuer=authority)
    own = RenewableCertificate(*make_certificate(folder))
    return Office(authority, bank, make_papers(folder, "stranger"), own)


def demand(office: Office, **wanted: frozenset[str]) -> CertificateDemand:
    return CertificateDemand(str(office.authority.file), **wanted)


@asynccontextmanager
async def house_with(office: Office, wanted: CertificateDemand | None) -> AsyncIterator[House]:
    policy = PlainPolicy(everyone=PlainGroup(certificate=wanted))
    tls = office.own.context
    async with open_house(policy=policy, tls=tls, asking=lambda file: office.own.asking(Path(file))) as house:
        yield house


def context_of(papers: Papers | None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = client_context()
    context.maximum_version = version
    if papers is not None:
        context.load_cert_chain(papers.file)
    return context


async def answer_to(house: House, papers: Papers | None, **given: ssl.TLSVersion) -> str:
    """What MAIL is answered after a handshake with these papers; empty where the handshake failed."""
    talk = await Talk.to(house.port)
    try:
        await talk.say_hello()
        assert (await talk.ask("STARTTLS")).startswith("220 ")
        await talk.writer.start_tls(context_of(papers, **given))
        said = await talk.ask("EHLO client.example")
        return said and await talk.ask("MAIL FROM:<a@sender.example>")
    except (ssl.SSLError, ConnectionError):
        return ""
    finally:
        await talk.close()


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
async def test_one_that_the_authority_issued_is_good(office: Office, version: ssl.TLSVersion) -> None:
    async with house_with(office, demand(office)) as house:
        assert (await answer_to(house, office.bank, version=version)).startswith("250 ")


@VERSIONS
async def test_without_one_the_session_is_encrypted_and_mail_is_refused(
    office: Office, version: ssl.TLSVersion
) -> None:
    async with house_with(office, demand(office)) as house:
        assert await answer_to(house, None, version=version) == REQUIRED
        refusal = house.shelf.refusals[-1]
        assert (refusal.stage, refusal.rule) == ("mail", "everyone")


async def test_in_clear_mail_is_refused(office: Office) -> None:
    async with house_with(office, demand(office)) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        assert await talk.ask("MAIL FROM:<a@sender.example>") == REQUIRED
        await talk.close()


async def test_it_must_hold_one_of_the_names(office: Office) -> None:
    async with house_with(office, demand(office, names=frozenset({"mx.bank.example", "b"}))) as house:
        assert (await answer_to(house, office.bank)).startswith("250 ")
    async with house_with(office, demand(office, names=frozenset({"other.bank.example"}))) as house:
        assert await answer_to(house, office.bank) == REQUIRED
        assert office.bank.fingerprint in house.shelf.refusals[-1].reason


async def test_it_must_have_one_of_the_fingerprints(office: Office) -> None:
    async with house_with(office, demand(office, fingerprints=frozenset({office.bank.fingerprint}))) as house:
        assert (await answer_to(house, office.bank)).startswith("250 ")
    async with house_with(office, demand(office, fingerprints=frozenset({office.authority.fingerprint}))) as house:
        assert await answer_to(house, office.bank) == REQUIRED


async def test_the_file_may_hold_the_certificate_itself(office: Office, tmp_path: Path) -> None:
    pinned = tmp_path / "pinned.pem"
    pinned.write_bytes(office.stranger.pem + office.bank.pem)
    async with house_with(office, CertificateDemand(str(pinned))) as house:
        assert (await answer_to(house, office.stranger)).startswith("250 ")
        assert (await answer_to(house, office.bank)).startswith("250 ")


@VERSIONS
async def test_who_shows_one_that_nobody_can_verify_may_encrypt_at_the_next_try(
    office: Office, version: ssl.TLSVersion
) -> None:
    async with house_with(office, demand(office)) as house:
        assert await answer_to(house, office.stranger, version=version) == ""
        async with asyncio.timeout(20):  # counters that are too slow for a busy machine forget, and it is asked again
            while (said := await answer_to(house, office.stranger, version=version)) == "":
                pass
        assert said == REQUIRED
        house.clock.advance(REMEMBERED + 1)
        assert (await answer_to(house, office.bank, version=version)).startswith("250 ")


async def test_nobody_is_asked_where_nothing_is_demanded(office: Office) -> None:
    async with house_with(office, None) as house:
        assert (await answer_to(house, office.stranger)).startswith("250 ")
        assert (await answer_to(house, office.bank)).startswith("250 ")


async def test_what_was_proved_is_a_fact_of_the_message(office: Office) -> None:
    async with house_with(office, demand(office)) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.send(b"STARTTLS\r\n")
        await talk.line()
        await talk.writer.start_tls(context_of(office.bank))
        assert (await talk.ask("EHLO client.example")).startswith("250 ")
        for said in ("MAIL FROM:<a@sender.example>", "RCPT TO:<u@example.net>"):
            assert (await talk.ask(said)).startswith("250 ")
        await talk.ask("DATA")
        await talk.send(MESSAGE + b".\r\n")
        assert (await talk.line()).startswith("250 ")
        _, _, client = house.bench.seen[-1]
        wanted = CertificateFact(office.bank.fingerprint, ("mx.bank.example",), str(office.authority.file))
        assert client.certificate == wanted
        await talk.close()


async def test_it_is_asked_for_where_tls_begins_with_the_connection(office: Office) -> None:
    async with house_with(office, demand(office)) as house:
        context = context_of(office.bank)
        reader, writer = await asyncio.open_connection("127.0.0.1", house.ports[Door.SUBMISSIONS], ssl=context)
        talk = Talk(reader, writer)
        await talk.say_hello()
        await talk.ask("AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=")
        assert (await talk.ask("MAIL FROM:<alice@example.net>")).startswith("250 ")
        await talk.close()


async def test_without_the_file_there_is_no_tls_now(office: Office, tmp_path: Path) -> None:
    async with house_with(office, CertificateDemand(str(tmp_path / "nothing.pem"))) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        assert await talk.ask("STARTTLS") == str(replies.TLS_NOT_AVAILABLE)
        assert (await talk.ask("NOOP")).startswith("250 ")
        await talk.close()


async def test_a_file_that_changes_is_read_again(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    file.write_bytes(office.stranger.pem)
    async with house_with(office, CertificateDemand(str(file))) as house:
        assert (await answer_to(house, office.stranger)).startswith("250 ")
        file.write_bytes(office.authority.pem)
        assert (await answer_to(house, office.bank)).startswith("250 ")


def test_a_certificate_that_was_verified_for_another_demand_is_none() -> None:
    proved = CertificateFact("ab" * 32, ("mx.bank.example",), "others.pem")
    assert not CertificateDemand("bank.pem").is_met_by(proved)
    assert CertificateDemand("others.pem").is_met_by(proved)
    assert not CertificateDemand("").is_met_by(ClientFact("192.0.2.1").certificate)
