"""Through a real HAProxy, with `send-proxy` and `send-proxy-v2`: whoever comes that way is known as if it had come by
itself, and the balancer's own checks are nobody's mail."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.facts.connection import DnsblFact
from gateway.facts.outcome import Known, Outcome
from tests.inbound.house import PATIENCE, House, Inquiry, open_house
from tests.inbound.talk import MESSAGE, Talk
from tests.ports import free_port

pytestmark = [
    pytest.mark.haproxy,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed"),
]

CLIENT, BALANCER = "127.0.0.7", "127.0.0.99"


class Recording(Inquiry):
    """Says a score for the client only, and notes who was asked about."""

    def __init__(self) -> None:
        super().__init__(reverse=Known("client.example"))
        self.asked: list[str] = []

    async def dnsbl(self, ip: str) -> Outcome[DnsblFact]:
        self.asked.append(ip)
        return Known(DnsblFact(3.0, (("bl.example", "127.0.0.2"),)) if ip == CLIENT else DnsblFact(0.0))


@asynccontextmanager
async def haproxy(folder: Path, *, gateway: int, options: str) -> AsyncIterator[int]:
    """A running HAProxy in front of the gateway's port; gives its own port once it takes the gateway for healthy."""
    async with haproxy_begun(folder, gateway=gateway, options=options) as (port, state):
        async with asyncio.timeout(PATIENCE):
            while not await is_healthy(state):
                await asyncio.sleep(0.05)
        yield port


@asynccontextmanager
async def haproxy_begun(folder: Path, *, gateway: int, options: str) -> AsyncIterator[tuple[int, Path]]:
    """One that has begun to look at the gateway: its port, and the socket at which it tells what it saw."""
    port, state = free_port(), folder / "state"
    (folder / "haproxy.cfg").write_text(
        f"""
global
    stats socket {state}
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen smtp
    bind 127.0.0.1:{port}
    option smtpchk EHLO balancer.example
    server gateway 127.0.0.1:{gateway} source {BALANCER} {options} check check-send-proxy inter 100ms
"""
    )
    process = await asyncio.create_subprocess_exec(
        "haproxy", "-db", "-f", str(folder / "haproxy.cfg"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port, state
    finally:
        process.terminate()
        await process.wait()


async def is_healthy(state: Path) -> bool:
    """Whether HAProxy has asked the gateway and liked what it heard (layer 7, not only the connection)."""
    if not state.exists():
        return False
    reader, writer = await asyncio.open_unix_connection(str(state))
    writer.write(b"show stat\n")
    said = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return any(line.startswith("smtp,gateway,") and ",UP," in line and ",L7OK," in line for line in said.splitlines())


async def hand_over(port: int) -> None:
    talk = Talk(*await asyncio.open_connection("127.0.0.1", port, local_addr=(CLIENT, 0)))
    await talk.begin()
    await talk.send(MESSAGE + b".\r\n")
    assert (await talk.line()).startswith("250 ")
    assert (await talk.ask("QUIT")).startswith("221 ")
    await talk.close()


def what_was_noted(house: House) -> tuple[object, ...]:
    acceptance, octets = house.shelf.accepted[-1]
    client = acceptance.client
    return (client.ip, client.helo, client.reverse_name, client.dnsbl, acceptance.envelope, octets)


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2"])
async def test_the_client_is_the_same_as_without_a_balancer(options: str, tmp_path: Path) -> None:
    inquiry = Recording()
    async with open_house(listen={"proxy_networks": [BALANCER]}, inquiry=inquiry) as house:
        await hand_over(house.port)
        direct = what_was_noted(house)
        async with haproxy(tmp_path, gateway=house.port, options=options) as port:
            await hand_over(port)
        assert what_was_noted(house) == direct
        assert direct[0] == CLIENT
        assert inquiry.asked == [CLIENT, CLIENT], "nobody is asked about the balancer"
        assert house.shelf.refusals == []


async def test_a_balancer_that_is_not_trusted_brings_nobody_in(tmp_path: Path) -> None:
    async with open_house() as house:
        async with haproxy_begun(tmp_path, gateway=house.port, options="send-proxy") as (_, state):
            async with asyncio.timeout(PATIENCE):
                while len(house.shelf.refusals) < 3:
                    await asyncio.sleep(0.01)
            assert not await is_healthy(state)
        assert {each.client_ip for each in house.shelf.refusals} == {BALANCER}
        assert all(each.reply.code == 521 for each in house.shelf.refusals)


async def test_a_balancer_that_forgot_the_header_brings_nobody_in(tmp_path: Path) -> None:
    async with open_house(listen={"proxy_networks": [BALANCER]}) as house:
        async with haproxy(tmp_path, gateway=house.port, options="") as port:
            talk = Talk(*await asyncio.open_connection("127.0.0.1", port, local_addr=(CLIENT, 0)))
            await talk.send(b"EHLO client.example\r\n")
            assert await talk.is_closed()
            await talk.close()
        assert house.shelf.refusals == []
