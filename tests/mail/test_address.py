from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.address import MAX_LOCAL, Address, BadAddress, path_text


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("Bob@Example.COM", "Bob", "example.com"),
        ("bob@example.com.", "bob", "example.com"),
        ("a.b+c@mail.example", "a.b+c", "mail.example"),
        ('"a b"@example.com', "a b", "example.com"),
        ('"a\\"@\\\\b"@example.com', 'a"@\\b', "example.com"),
        ("bob@[192.0.2.1]", "bob", "[192.0.2.1]"),
        ("bob@[IPv6:2001:DB8::1]", "bob", "[ipv6:2001:db8::1]"),
        ("postmaster@localhost", "postmaster", "localhost"),
        (
            "\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae@\u03c0\u03b1.example",
            "\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae",
            "\u03c0\u03b1.example",
        ),
        ("x" * MAX_LOCAL + "@example.com", "x" * MAX_LOCAL, "example.com"),
        ("SRS0=" + "x" * 200 + "@example.com", "SRS0=" + "x" * 200, "example.com"),
        ("prvs=" + "x" * 200 + "@example.com", "prvs=" + "x" * 200, "example.com"),
    ],
)
def test_reads_a_mailbox(text: str, local: str, domain: str) -> None:
    assert Address.parse(text) == Address(local, domain)


NO_LOCAL_PART = [
    "",
    '""',
    '"a',
    '"a\r\nb"',
    ".bob",
    "bob.",
    "a..b",
    "a b",
    "x" * 65,
    "bob\0",
    "b\ud800b",
    "<bob",
    "b\x85b",
]
NO_DOMAIN = [
    "",
    "-a.example",
    "a..b",
    "a_.example",
    "exa mple.com",
    "example.com\n",
    "a" * 256,
    "exam\x85ple.com",
    "a.b>",
]
NO_LITERAL = ["[192.0.2.999]", "[192.0.2]", "[IPv6:::::]", "[IPv6:192.0.2.1", "[]", "[a.example]"]


@pytest.mark.parametrize(
    "text",
    [
        "bob",
        *(f"{local}@example.com" for local in NO_LOCAL_PART),
        *(f"bob@{domain}" for domain in NO_DOMAIN + NO_LITERAL),
    ],
)
def test_refuses_what_is_no_mailbox(text: str) -> None:
    with pytest.raises(BadAddress):
        Address.parse(text)


def test_compares_mailboxes_without_case() -> None:
    assert Address.parse("Bob@example.com").key == Address.parse("bob@EXAMPLE.com").key
    assert Address.parse("Bob@example.com") != Address.parse("bob@example.com")


def test_knows_what_needs_smtputf8() -> None:
    assert Address.parse("bob@example.com").is_ascii
    assert not Address.parse("b\u00f6b@example.com").is_ascii


def test_the_null_path_is_empty() -> None:
    assert path_text(None) == ""
    assert path_text(Address("a b", "example.com")) == '"a b"@example.com'


@given(
    st.text(max_size=40)
    | st.builds(
        "{}@{}".format,
        st.text(alphabet='ab."\\ @\u00fc', min_size=1, max_size=10),
        st.sampled_from(["a.example", "B", "[192.0.2.1]"]),
    )
)
def test_any_text_is_an_address_that_can_be_written_and_read_again_or_an_error(text: str) -> None:
    """Any text gives BadAddress, or an address whose text gives the same address."""
    try:
        address = Address.parse(text)
    except BadAddress:
        return
    assert Address.parse(str(address)) == address
    assert not any(char in str(address) for char in "\r\n\0")
    str(address).encode("utf-8")


@pytest.mark.parametrize(
    ("written", "twin"),
    [
        ("u@bücher.example", "u@xn--bcher-kva.example"),
        ("u@xn--bcher-kva.example", "u@bücher.example"),
        ("ü@mail.straße.example", "ü@mail.xn--strae-oqa.example"),
        ("u@παράδειγμα.δοκιμή", "u@xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("u@example.org", None),
        ("u@[192.0.2.1]", None),
        ("u@xn--.example", None),
        ("u@xn--a-.example", None),
        ("u@xn--99999999.example", None),
    ],
)
def test_a_domain_has_two_spellings_beyond_ascii(written, twin):
    try:
        address = Address.parse(written)
    except BadAddress:
        assert twin is None
        return
    assert (None if address.twin is None else str(address.twin)) == twin


@given(st.text(max_size=60))
def test_the_twin_of_the_twin_is_the_mailbox_itself_or_there_is_none(label):
    try:
        address = Address.parse(f"u@{label}.example")
    except BadAddress:
        return
    if address.twin is not None and label.isascii() is False and "xn--" not in label:
        assert address.twin.twin == address
