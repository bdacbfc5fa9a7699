from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.headers import MAX_AUTHORS, MAX_VALUE, Author, authors, decode, unfold

CASES = json.loads((Path(__file__).parents[1] / "suites" / "dmarc" / "from.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["value"] for case in CASES])
def test_suite(case: dict[str, str]) -> None:
    assert authors(case["value"].encode())[0].domain == case["original"]


def test_unfolds() -> None:
    assert unfold(b" one\r\n two\r\n\tthree ") == "one two\tthree"
    assert unfold("caf\u00e9".encode()) == unfold(b"caf\xe9") == "caf\u00e9"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (b"=?utf-8?B?Y2Fmw6k=?=", "caf\u00e9"),
        (b"=?utf-8?B?Y2Fmw6k?=", "caf\u00e9"),
        (b"=?iso-8859-1?q?caf=E9_noir?=", "caf\u00e9 noir"),
        (b"=?utf-8*en?Q?a?= \r\n =?utf-8?Q?b?= c", "ab c"),
        (b"=?utf-8?Q?a=0D=0AX-Evil:_1?=", "a  X-Evil: 1"),
        (b"=?nonsense?Q?a?=", "=?nonsense?Q?a?="),
        (b"=?unicode_escape?Q?=5Cud800?=", "=?unicode_escape?Q?=5Cud800?="),
        (b"=?punycode?Q?a-b?=", "=?punycode?Q?a-b?="),
        (b"=?utf-8?B?A?=", "=?utf-8?B?A?="),
        (b"plain", "plain"),
    ],
)
def test_decodes(value: bytes | None, text: str) -> None:
    assert decode(value) == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"bob@Example.COM", [("", "bob@Example.COM", "example.com")]),
        (b'"Bob, the (first)" <bob@example.com>', [("Bob, the (first)", "bob@example.com", "example.com")]),
        (b"Bob (comment, <x@y>) <bob@example.com>", [("Bob", "bob@example.com", "example.com")]),
        (
            b"=?utf-8?q?ceo=40victim.example?= <x@evil.example>",
            [("ceo@victim.example", "x@evil.example", "evil.example")],
        ),
        (
            b"a@one.example, B <b@two.example>",
            [("", "a@one.example", "one.example"), ("B", "b@two.example", "two.example")],
        ),
        (
            b"Friends: a@one.example, b@two.example;",
            [("", "a@one.example", "one.example"), ("", "b@two.example", "two.example")],
        ),
        (b"<@relay.example,@b.example:bob@example.com>", [("", "bob@example.com", "example.com")]),
        (b"bob @ example . com", [("", "bob@example.com", "example.com")]),
        (b"bob@example.com.", [("", "bob@example.com.", "example.com")]),
        (b"Bob bob@example.com", [("Bob", "bob@example.com", "example.com")]),
        (b'"a \\"b\\" c" <bob@example.com>', [('a "b" c', "bob@example.com", "example.com")]),
        (b"undisclosed-recipients:;", []),
        (b"", []),
    ],
)
def test_finds_the_authors(value: bytes, found: list[tuple[str, str, str]]) -> None:
    assert authors(value) == [Author(*each) for each in found]


def test_an_address_in_a_quoted_name_is_not_the_authors() -> None:
    """A reader shows the address behind the name, so that is the one whose domain DMARC must ask."""
    (author,) = authors(b'"Nobody <nobody@evil.example>" ceo@victim.example')
    assert author.domain == "victim.example"
    (author,) = authors(b'"ceo@victim.example <ceo@victim.example>" <x@evil.example>')
    assert author.domain == "evil.example"


def test_a_list_that_was_cut_cannot_be_taken_for_whole() -> None:
    crowd = b", ".join(b"a@evil.example" for _ in range(MAX_AUTHORS)) + b", ceo@victim.example"
    assert authors(crowd)[-1] == Author("", "", "")
    assert len(authors(crowd)) == MAX_AUTHORS + 1
    hidden = b"a@evil.example" + b" " * MAX_VALUE + b", ceo@victim.example"
    assert [each.domain for each in authors(hidden)] == ["evil.example", ""]


@pytest.mark.parametrize("piece", [b" ", b"(", b'"\\', b"<", b"=?", b"=?u?q?", b'\\"', b"@", b":", b". "])
def test_long_values_take_linear_time(piece: bytes) -> None:
    value = piece * (MAX_VALUE // len(piece))
    started = time.process_time()
    authors(b'"' + value)
    decode(value)
    assert time.process_time() - started < 2


@given(st.binary(max_size=300) | st.text(alphabet='ab@.<>()",;:\\ =?Qq\t', max_size=80).map(str.encode))
def test_any_octets_give_text(value: bytes) -> None:
    """Any octets give text that can be written down again, and authors whose domain belongs to their address."""
    decode(value).encode("utf-8")
    for author in authors(value):
        (author.name + author.address).encode("utf-8")
        assert author.address.lower().removesuffix(".").endswith(f"@{author.domain}")


@pytest.mark.parametrize(
    ("field", "domains"),
    [
        (b"A <a@example.com> B <b@other.example>", ["example.com", "other.example"]),
        (b"<a@other.example><b@example.com>", ["other.example", "example.com"]),
        (b"A <a@example.com> b@other.example", ["example.com", "other.example"]),
        (b"A <a@example.com> (b@other.example)", ["example.com"]),
        (b"A <a@example.com> B", ["example.com"]),
        (b"<<a@example.com>>", ["example.com"]),
        (b"a@example.com rubbish", ["example.com"]),
        (b"a@example.com more rubbish, b@other.example", ["example.com", "other.example"]),
        (b"rubbish a@example.com", ["example.com"]),
        (b'"a b"@example.com x', ["example.com"]),
        (b'"<b@other.example>" <a@example.com>', ["example.com"]),
        (b"A <a@example.com", ["example.com"]),
    ],
)
def test_whom_any_client_may_show_is_an_author(field: bytes, domains: list[str]) -> None:
    assert [each.domain for each in authors(field)] == domains
