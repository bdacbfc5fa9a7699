from __future__ import annotations

import asyncio
import ipaddress
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.inbound.ports import Door
from gateway.inbound.protocol import proxying
from gateway.inbound.protocol.proxying import (
    V2_SIGNATURE,
    BadProxyHeader,
    begins_proxy_header,
    is_balancer_itself,
    read_header,
)
from tests.inbound.house import PATIENCE, client_context, open_house
from tests.inbound.talk import Talk

ADDRESSES = bytes([192, 0, 2, 9, 127, 0, 0, 1, 0x12, 0x34, 0, 25])
V2 = V2_SIGNATURE + b"\x21\x11\x00\x0c" + ADDRESSES
TRUST = {"proxy_networks": ["127.0.0.0/8"]}


async def read(octets: bytes) -> tuple[object, bytes]:
    reader = asyncio.StreamReader()
    reader.feed_data(octets)
    reader.feed_eof()
    header = await read_header(reader)
    return header, await reader.read()


@pytest.mark.parametrize("octets", [b"PROXY TCP4 192.0.2.9 127.0.0.1 4660 25\r\n", V2])
async def test_what_follows_the_header_stays_unread(octets: bytes) -> None:
    header, rest = await read(octets + b"EHLO x\r\n")
    assert (str(header.src_addr), header.src_port, rest) == ("192.0.2.9", 4660, b"EHLO x\r\n")


hostile = st.one_of(
    st.binary(max_size=60),
    st.binary(max_size=60).map(V2_SIGNATURE.__add__),
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=240)).map(
        lambda each: V2_SIGNATURE + bytes(each[:2]) + len(each[2]).to_bytes(2, "big") + each[2]
    ),
    st.lists(st.sampled_from(["TCP4", "TCP6", "UNKNOWN", "192.0.2.9", "::1", "25", "0", "65536", "", "x"]), max_size=7)
    .map(lambda words: " ".join(["PROXY", *words]).encode() + b"\r\n"),
)  # fmt: skip


@given(hostile)
def test_any_octets_name_a_client_or_the_balancer_or_are_refused(octets: bytes) -> None:
    try:
        header, _ = asyncio.run(read(octets))
    except BadProxyHeader:
        return
    assert is_balancer_itself(header) or ipaddress.ip_address(str(header.src_addr))


@pytest.mark.parametrize(
    "octets", [b"", b"PRO", b"PROXY TCP4", V2[:20], V2_SIGNATURE + b"\x21\x11\xff\xff" + ADDRESSES]
)
async def test_a_header_that_does_not_come_closes_the_connection(
    octets: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxying, "PROXY_PATIENCE", 0.05)
    async with open_house(listen=TRUST) as house:
        with capture_logs() as logs:
            talk = await Talk.to(house.port)
            await talk.send(octets)
            assert await talk.is_closed()
        assert [(each["event"], each["reason"]) for each in logs] == [
            ("no good PROXY header", "it did not come in time")
        ]
        assert house.shelf.refusals == []
        await talk.close()


async def test_tls_begins_behind_the_header(tls: ssl.SSLContext) -> None:
    """With the header in a packet of its own, and in one with the beginning of the handshake."""
    async with open_house(listen=TRUST, tls=tls) as house:
        apart = await Talk.to(house.ports[Door.SUBMISSIONS])
        await apart.send(V2)
        await apart.start_tls()
        await apart.say_hello()
        await apart.close()

        reader, writer = await asyncio.open_connection("127.0.0.1", house.ports[Door.SUBMISSIONS])
        below, above = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context().wrap_bio(below, above, server_hostname="mx.example.net")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        writer.write(V2 + above.read())
        said = b""
        while not said:
            below.write(await asyncio.wait_for(reader.read(65536), PATIENCE))
            try:
                client.do_handshake()
                said = client.read()
            except ssl.SSLWantReadError:
                writer.write(above.read())
        assert said.startswith(b"220 ")
        writer.close()
        await writer.wait_closed()


async def test_a_health_check_is_told_when_we_are_not_well() -> None:
    async with open_house(listen=TRUST) as house:
        house.shelf.ready = (False, "disk full")
        talk = await Talk.to(house.port)
        await talk.send(b"PROXY UNKNOWN\r\n")
        assert (await talk.line()).startswith("421 ")
        assert house.shelf.refusals == []
        await talk.close()


async def test_connections_are_counted_for_the_client_and_never_for_the_balancer() -> None:
    async with open_house(listen=TRUST, limits={"connections_per_client": 1}) as house:
        talks = [await Talk.to(house.port) for _ in range(5)]
        for number, talk in enumerate(talks):
            client = 1 if number == 1 else number
            await talk.send(
                f"PROXY TCP4 192.0.2.{client} 127.0.0.1 1 25\r\n".encode() if number else b"PROXY UNKNOWN\r\n"
            )
            assert (await talk.line()).startswith("220 ")
        again = await Talk.to(house.port)
        await again.send(b"PROXY TCP4 192.0.2.1 127.0.0.1 1 25\r\n")
        assert (await again.line()).startswith("421 4.7.0 ")
        for talk in (*talks, again):
            await talk.close()


def test_the_beginning_of_a_header() -> None:
    assert begins_proxy_header(b"PROXY TCP4 ")
    assert begins_proxy_header(V2)
    assert begins_proxy_header(V2[:6])
    assert not any(map(begins_proxy_header, (b"", b"PROXYING\r\n", b"\r\n", b"EHLO x\r\n", b"\r\n\r\nEHLO x\r\n")))
