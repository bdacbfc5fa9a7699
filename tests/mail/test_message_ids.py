"""gateway/mail/message_ids.py: identifiers are found in any header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import Message
from gateway.mail.message_ids import MOST, answered_by, identifiers_in


def message(*fields: str) -> Message:
    return Message.from_wire("\r\n".join([*fields, "", "text", ""]).encode())


def test_both_fields_name_what_is_answered_and_the_newest_stands_last() -> None:
    found = answered_by(message("References: <a@x>\r\n <b@x> <c@x>", "In-Reply-To: Your message <b@x> of Monday"))
    assert found == ("<a@x>", "<b@x>", "<c@x>")
    assert answered_by(message("Subject: none")) == ()


def test_of_many_the_last_count() -> None:
    many = " ".join(f"<{number}@x>" for number in range(500))
    assert answered_by(message(f"References: {many}")) == tuple(f"<{number}@x>" for number in range(500 - MOST, 500))


@pytest.mark.parametrize("text", ["", "<>", "<a b@x>", "a@x", "<a@x", "<@>", "<a@b@c>"])
def test_what_is_no_identifier_is_none(text: str) -> None:
    assert identifiers_in(text) == ()


@given(st.binary(max_size=400))
def test_any_value_has_at_most_so_many(value: bytes) -> None:
    line = value.translate(None, b"\r\n\0")
    found = answered_by(Message.from_wire(b"References:" + line + b"\r\nIn-Reply-To:" + line + b"\r\n\r\n"))
    assert len(found) <= MOST
    assert len(set(found)) == len(found)
