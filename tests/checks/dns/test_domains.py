from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.dns.domains import dns_name, host_domain, is_within, suffix


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM.", "example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("M\u00fcnchen.example", "xn--mnchen-3ya.example"),
        ("stra\u00dfe.example", "xn--strae-oqa.example"),
        ("a b.example", "a b.example"),
        (".", "."),
        ("x" * 63 + ".example", "x" * 63 + ".example"),
        ("x" * 64 + ".example", None),
        ("a..b", None),
        ("", None),
        (".a", None),
        ("\u2603\u200d.example", None),
        ("\u00fc" * 300 + ".example", None),
        ("a." * 126 + "b", "a." * 126 + "b"),
        ("a." * 127 + "b", None),
    ],
)
def test_dns_name(text: str, name: str | None) -> None:
    assert dns_name(text) == name


@pytest.mark.parametrize(
    "text", ["localhost", ".", "[192.0.2.1]", "192.0.2.1", "a b.example", "-a.example", "a.example-"]
)
def test_what_cannot_send_mail_is_no_host_domain(text: str) -> None:
    assert host_domain(text) is None


@pytest.mark.parametrize("text", ["example.com", "a_b.example", "xn--mnchen-3ya.example", "1.example"])
def test_host_domain(text: str) -> None:
    assert host_domain(text.upper()) == text


def test_within_counts_labels_not_characters() -> None:
    assert is_within("mail.example.com", "example.com")
    assert is_within("example.com", "example.com")
    assert not is_within("badexample.com", "example.com")
    assert not is_within("com", "example.com")


def test_suffix() -> None:
    assert suffix("a.b.example", 2) == "b.example"
    assert suffix("a.b.example", 9) == "a.b.example"


@given(st.text(max_size=300))
def test_any_text_gives_a_settled_name_or_none(text: str) -> None:
    """Any text gives None or an ASCII name in lower case that is its own name."""
    name = dns_name(text)
    if name is not None:
        assert name.isascii()
        assert name == name.lower()
        assert dns_name(name) == name
    domain = host_domain(text)
    assert domain is None or domain == name
