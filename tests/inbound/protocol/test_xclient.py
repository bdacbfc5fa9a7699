from __future__ import annotations

import ipaddress
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.protocol import xclient
from gateway.inbound.protocol.commands import BadCommand
from gateway.inbound.protocol.xclient import Told


def test_all_of_it() -> None:
    told = xclient.parse("ADDR=IPV6:2001:DB8::1 PORT=1 NAME=A.example HELO=b+2eexample PROTO=SMTP")
    assert told == Told(ip="2001:db8::1", port=1, name="a.example", helo="b.example", esmtp=False)


def test_what_the_host_does_not_know() -> None:
    assert xclient.parse("NAME=[UNAVAILABLE]") == Told(name="")
    assert xclient.parse("name=[tempunavail] login=[unavailable]") == Told(name_failed=True)


@pytest.mark.parametrize(
    "text", ["", "ADDR", "ADDR=", "ADDR=[UNAVAILABLE]", "ADDR=a", "PORT=-1", "LOGIN=x", "NAME=a b"]
)
def test_what_makes_no_sense(text: str) -> None:
    with pytest.raises(BadCommand):
        xclient.parse(text)


@given(st.text(st.sampled_from("ADRPORTNMEHLGI=+0123456789abcdef.:[] \t" + string.printable + "é"), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        told = xclient.parse(text)
    except BadCommand:
        return
    assert told.ip is None or ipaddress.ip_address(told.ip)
    for said in (told.name, told.helo):
        assert said is None or (said.isascii() and not set(said) & set("\r\n\0 "))
