from __future__ import annotations

import pytest

from gateway.inbound.admission.networks import Networks


def test_who_is_in() -> None:
    networks = Networks(["192.0.2.0/28", "2001:db8::/32", "127.0.0.1"])
    assert all(ip in networks for ip in ("192.0.2.15", "2001:db8::1", "127.0.0.1"))
    assert not any(ip in networks for ip in ("192.0.2.16", "2001:db9::1", "127.0.0.2", "::1"))


def test_an_empty_list_trusts_nobody() -> None:
    assert "127.0.0.1" not in Networks([])


def test_what_is_no_network() -> None:
    with pytest.raises(ValueError, match="host bits"):
        Networks(["192.0.2.1/24"])
