from __future__ import annotations

from gateway.inbound.ports import Door, Principal
from gateway.mail.address import Address


def test_whose_address_it_is() -> None:
    alice = Principal("alice", frozenset({"alice@example.net", "@alice.example"}))
    assert alice.may_send_as(Address("Alice", "example.net"))
    assert alice.may_send_as(Address("anything", "alice.example"))
    assert alice.may_send_as(None)
    assert not alice.may_send_as(Address("bob", "example.net"))
    assert not alice.may_send_as(Address("alice", "sub.alice.example"))


def test_where_users_sign_in() -> None:
    assert [door for door in Door if door.is_submission] == [Door.SUBMISSION, Door.SUBMISSIONS]
