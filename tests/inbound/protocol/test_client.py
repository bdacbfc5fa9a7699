from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from aiosmtpd.smtp import Session

from gateway.inbound.protocol.client import ClientAddress, client_address


@pytest.mark.parametrize(
    ("peer", "ip", "network"),
    [
        (("192.0.2.1", 25), "192.0.2.1", "192.0.2.1"),
        (("::ffff:192.0.2.1", 25, 0, 0), "192.0.2.1", "192.0.2.1"),
        (("2001:db8:1:2:3::1", 25, 0, 0), "2001:db8:1:2:3::1", "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 25, 0, 2), "fe80::1", "fe80::/64"),
    ],
)
def test_addresses(peer: tuple[object, ...], ip: str, network: str) -> None:
    session = Session(asyncio.new_event_loop())
    session.loop.close()
    session.peer = peer  # type: ignore[assignment]
    assert client_address(session) == ClientAddress(ip, 25, network)


def test_a_socket_without_an_address() -> None:
    session = Session(asyncio.new_event_loop())
    session.loop.close()
    session.peer = ""
    with pytest.raises(TypeError):
        client_address(session)


def test_nobody_else_reads_the_peer() -> None:
    house = Path(__file__).resolve().parents[3] / "gateway"
    readers = [file.name for file in house.rglob("*.py") if re.search(r"\.peer\b(?!name)", file.read_text())]
    assert readers == ["client.py"]
