"""gateway/checks/redirects/web_head.py"""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.redirects.web_head import MAX_HEAD, dial, location_of, read_answer, tls_context
from gateway.checks.redirects.web_place import WebPlace
from gateway.facts.outcome import Known, Unknown
from tests.checks.redirects.service import Reply, Service, moved, running

PLACE = WebPlace("http", "short.example", 80, "/a?b")
AWAY = "https://far.example/x"
MALFORMED = Unknown("its answer is malformed")


async def asked(reply: Reply, *, place: WebPlace = PLACE) -> tuple[Known[str] | Unknown, Service]:
    async with running({"/a?b": reply}) as service:
        return await location_of(place, "8.8.8.8", dial=service.dial), service


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_location_is_told(status: int) -> None:
    location, service = await asked(moved(AWAY, status))
    assert location == Known(AWAY)
    assert service.heads == [
        b"HEAD /a?b HTTP/1.1\r\nHost: short.example\r\nUser-Agent: Postern\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    ]


async def test_a_real_connection_is_made_to_the_very_address() -> None:
    async with running({"/": moved(AWAY)}) as service:
        place = WebPlace("http", "nobody.resolves.this.example", service.port, "/")
        assert await location_of(place, "127.0.0.1", dial=dial) == Known(AWAY)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (moved(AWAY, 200), Unknown("it answered 200")),
        (moved(AWAY, 304), Unknown("it answered 304")),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Unknown("it answered 404")),
        (b"HTTP/1.1 301 Moved\r\n\r\n", Unknown("it names no address")),
        (b"HTTP/1.1 301\r\nlocation:/b\r\n\r\n", Known("/b")),
        (b"HTTP/1.1 301 x\r\nLocation: a\r\nLOCATION: a\r\n\r\n", Known("a")),
        (b"HTTP/1.1 301 x\r\nLocation: a\r\nLocation: b\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: a\rb\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: a\nb\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: a\x00b\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: a\r\n b\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation : a\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: a\r\nGET / HTTP/1.1\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: \xff\xfe\r\n\r\n", MALFORMED),
        (b"HTTP/1.1 301 x\r\nLocation: a%0d%0aSet-Cookie:x\r\n\r\n", Known("a%0d%0aSet-Cookie:x")),
        (b"HTTP/1.1 301 x\r\nLocation: " + b"a" * 2001 + b"\r\n\r\n", Unknown("it names a long address")),
        (b"HTTP/2 301 x\r\nLocation: a\r\n\r\n", MALFORMED),
        (b"\x16\x03\x01\x02\x00garbage\r\n\r\n", MALFORMED),
        (b"220 mail.example ESMTP\r\n", Unknown("it did not answer")),
        (b"", Unknown("it did not answer")),
    ],
)
async def test_what_is_no_clean_answer_says_nothing(reply: bytes, outcome: Known[str] | Unknown) -> None:
    assert (await asked(reply))[0] == outcome


async def test_who_refuses_head_is_asked_with_get() -> None:
    replies: dict[str, Reply] = {"HEAD /a?b": b"HTTP/1.1 405 No\r\n\r\n", "GET /a?b": moved(AWAY)}
    async with running(replies) as service:
        assert await location_of(PLACE, "8.8.8.8", dial=service.dial) == Known(AWAY)
    assert service.asked == ["HEAD /a?b", "GET /a?b"]
    refused, service = await asked(b"HTTP/1.1 405 No\r\n\r\n")
    assert (refused, len(service.asked)) == (Unknown("it answered 405"), 2)


async def test_a_body_without_end_is_not_read() -> None:
    async def bomb(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(moved(AWAY))
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    assert (await asked(bomb))[0] == Known(AWAY)


async def test_header_fields_without_end_are_given_up() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 301 x\r\n")
        while True:
            writer.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    assert (await asked(endless))[0] == Unknown("its answer has no end")
    long = b"HTTP/1.1 301 x\r\nX: " + b"x" * MAX_HEAD + b"\r\nLocation: a\r\n\r\n"
    assert (await asked(long))[0] == Unknown("its answer has no end")


async def test_nobody_there_is_told() -> None:
    async with running({}) as service:
        pass
    assert await location_of(PLACE, "8.8.8.8", dial=service.dial) == Unknown("it did not answer")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for short.example that it made for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "short.example")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("short.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "short.pem"
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


async def test_a_certificate_must_be_good_and_for_the_name(certificate: Path) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    believing = ssl.create_default_context(cafile=certificate)
    asks = {
        "believed": ("short.example", believing),
        "of another name": ("other.example", believing),
        "of nobody we know": ("short.example", tls_context()),
    }
    told = {}
    for case, (host, client) in asks.items():
        async with running({"/": moved(AWAY)}, server_tls=server, client_tls=client) as service:
            told[case] = await location_of(WebPlace("https", host, 443, "/"), "8.8.8.8", dial=service.dial)
    bad = Unknown("its certificate does not hold")
    assert told == {"believed": Known(AWAY), "of another name": bad, "of nobody we know": bad}


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda some: b"HTTP/1.1 301 x\r\nLocation: " + some))
def test_any_octets_give_a_location_without_ends_of_lines_or_a_reason(octets: bytes) -> None:
    status, location = read_answer(octets + b"\r\n\r\n")
    assert status == 0 or 100 <= status < 600
    assert isinstance(location, Unknown) or not set(location.value) & set("\r\n\0")
