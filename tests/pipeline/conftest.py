"""A message, its envelope and its client, for the stages."""

from __future__ import annotations

import pytest

from gateway.facts.connection import ClientFact
from gateway.facts.outcome import Known
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.message import Message

NOON = 1_800_000_000.0
OCTETS = b"From: Ann <ann@friend.example>\r\nSubject: Lunch\r\nMessage-ID: <1@friend.example>\r\n\r\nAt noon?\r\n"


@pytest.fixture
def message() -> Message:
    return Message.from_wire(OCTETS)


@pytest.fixture
def envelope() -> Envelope:
    alice = Recipient(Address.parse("alice@example.org"))
    return Envelope(reverse_path=Address.parse("ann@friend.example"), recipients=(alice,))


@pytest.fixture
def client() -> ClientFact:
    return ClientFact(ip="192.0.2.9", helo="mx.friend.example", reverse_name=Known("mx.friend.example"))
