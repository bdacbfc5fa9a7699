"""The running product behind a real HAProxy: who comes that way is judged as if it had come by itself (SPF and block
lists alike), and a header from a network that is not trusted brings nobody in."""

from __future__ import annotations

import shutil
import smtplib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.gateway import PATIENCE, PATIENT, ROOT, Gateway, running
from tests.e2e.letters import arrives, fields, letter
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder
from tests.inbound.test_haproxy import BALANCER, CLIENT, haproxy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.haproxy,
    pytest.mark.dovecot,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed"),
]

LISTED = "127.0.0.8"
"""On the block list `bl.example` of the test's nameserver."""


@dataclass
class Doors:
    """The gateway, and its port behind a balancer."""

    gateway: Gateway
    balanced: int

    @property
    def direct(self) -> int:
        return self.gateway.ports["mx"]


@pytest.fixture(scope="module", params=["send-proxy", "send-proxy-v2"])
def doors(
    request: pytest.FixtureRequest, around: Surroundings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    with passable_folder() as folder:
        shutil.copytree(ROOT / "policies", folder / "policies")
        policy = folder / "policies" / "default.yaml"
        policy.write_text(policy.read_text().replace("dnsbl: []", "dnsbl: [{zone: bl.example, weight: 2}]"))
        settings = {**PATIENT, "listen": {"proxy_networks": [BALANCER]}}
        extra = {"POSTERN_POLICY": str(policy.parent), "POSTERN_CLAMD": "off", "POSTERN_NAMESERVERS": around.nameserver}
        with running(folder / "data", settings=settings, POSTERN_EDGES="1", **extra) as gateway:
            state: Path = tmp_path_factory.mktemp("haproxy")
            balancer = haproxy(state, gateway=gateway.ports["mx"], options=request.param)
            with around.keeping(balancer) as balanced:
                yield Doors(gateway, balanced)
            assert gateway.stop() == 0


def said(port: int, *, client: str) -> tuple[int, bytes]:
    """The greeting that a client of that address gets, or what it gets for its EHLO."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(client, 0)) as connection:
        line = connection.makefile("rb").readline()
    return int(line[:3]), line[3:]


def statement(doors: Doors, port: int, domain: str) -> str:
    """What our Authentication-Results says of a letter that the client brings for that domain."""
    subject, octets = letter(author=f"Ann <ann@{domain}>")
    with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=PATIENCE, source_address=(CLIENT, 0)) as talk:
        talk.sendmail(f"ann@{domain}", ["alice@example.org"], octets)
    return fields(arrives(doors.gateway, subject), "Authentication-Results")[0]


@pytest.mark.parametrize(("domain", "expected"), [("seven.example", "spf=pass"), ("ninety-nine.example", "spf=fail")])
def test_spf_is_about_the_client(doors: Doors, domain: str, expected: str) -> None:
    behind = statement(doors, doors.balanced, domain)
    assert expected in behind
    assert statement(doors, doors.direct, domain) == behind


def test_a_block_list_is_about_the_client(doors: Doors) -> None:
    for port in (doors.direct, doors.balanced):
        assert said(port, client=LISTED)[0] == 554
        assert said(port, client=CLIENT)[0] == 220


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 127.0.0.7 127.0.0.1 4711 25\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x07\x7f\0\0\x01\x12\x67\0\x19",
    ],
    ids=["v1", "v2"],
)
def test_a_header_from_a_network_that_is_not_trusted_is_refused(doors: Doors, header: bytes) -> None:
    with socket.create_connection(
        ("127.0.0.1", doors.direct), timeout=PATIENCE, source_address=("127.0.0.6", 0)
    ) as liar:
        liar.sendall(header)
        lines = liar.makefile("rb").read().splitlines()
    assert lines[-1].startswith(b"521 ")
    assert not any(line.startswith(b"250") for line in lines)
