from __future__ import annotations

import dataclasses

import pytest

from gateway.mail.address import Address
from gateway.mail.envelope import Body, Direction, Envelope, Recipient

RECIPIENT = Recipient(Address("alice", "example.org"))


def test_what_was_not_said_is_not_assumed() -> None:
    envelope = Envelope(None, (RECIPIENT,))
    assert (envelope.direction, envelope.body, envelope.smtputf8) == (Direction.INBOUND, Body.SEVEN_BIT, False)
    assert (envelope.size, envelope.ret, envelope.envid, RECIPIENT.notify) == (None, "", "", frozenset())


def test_an_envelope_cannot_be_changed() -> None:
    envelope = Envelope(None, (RECIPIENT,))
    with pytest.raises(dataclasses.FrozenInstanceError):
        envelope.smtputf8 = True  # type: ignore[misc]


def test_extensions_do_not_keep_an_envelope_from_being_a_key() -> None:
    one = Envelope(None, (RECIPIENT,), extensions={"SIZE": "1"})
    assert len({one, Envelope(None, (RECIPIENT,))}) == 1
