from __future__ import annotations

import email
import re

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import Message
from gateway.mail.trace import (
    Hop,
    MethodResult,
    authentication_results,
    received_field,
    received_spf_field,
    transmission_type,
)

HOP = Hop("mail.example.com", "192.0.2.1", "mail.example.com", "TLSv1.3", "TLS_AES_256_GCM_SHA384")
AT = 1_700_000_000.0
HOSTILE = st.text(max_size=40) | st.text(alphabet='a@.()<>\\"; =\r\n\t\0/', max_size=40)


def received(hop: Hop = HOP, recipient: str = "") -> str:
    return received_field(
        hop, by="mx.example.org", message_id="01HZX4M1S8K3D", received_at=AT, recipient=recipient
    ).decode("ascii")


def test_says_from_by_with_id_and_when() -> None:
    assert received(recipient="bob@example.org") == (
        "Received: from mail.example.com (mail.example.com [192.0.2.1])\r\n"
        "\t(using TLSv1.3 cipher TLS_AES_256_GCM_SHA384) by mx.example.org with ESMTPS\r\n"
        "\tid 01HZX4M1S8K3D for <bob@example.org>; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_a_helo_that_is_no_domain_is_shown_as_such() -> None:
    assert "from [IPv6:2001:db8::1] (helo=a?b?? [IPv6:2001:db8::1])" in received(Hop("a b\r\n", "2001:db8::1"))
    assert "from [192.0.2.1] (helo=[192.0.2.1] [192.0.2.1])" in received(Hop("[192.0.2.1]", "192.0.2.1"))


@pytest.mark.parametrize(
    ("hop", "word"),
    [
        (Hop("h", "192.0.2.1", extended=False), "SMTP"),
        (Hop("h", "192.0.2.1"), "ESMTP"),
        (Hop("h", "192.0.2.1", tls="TLSv1.3"), "ESMTPS"),
        (Hop("h", "192.0.2.1", tls="TLSv1.3", user="bob"), "ESMTPSA"),
        (Hop("h", "192.0.2.1", user="bob"), "ESMTPA"),
        (Hop("h", "192.0.2.1", lmtp=True, tls="TLSv1.3"), "LMTPS"),
        (Hop("h", "192.0.2.1", smtputf8=True), "UTF8SMTP"),
        (Hop("h", "192.0.2.1", smtputf8=True, tls="x", user="u"), "UTF8SMTPSA"),
        (Hop("h", "192.0.2.1", smtputf8=True, lmtp=True), "UTF8LMTP"),
    ],
)
def test_transmission_types(hop: Hop, word: str) -> None:
    assert transmission_type(hop) == word


def test_who_authenticated_is_not_told() -> None:
    assert "bob" not in received(Hop("h.example", "192.0.2.1", user="bob"))


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_a_received_field_is_one_field_whatever_the_client_says(
    helo: str, ip: str, name: str, tls: str, rcpt: str
) -> None:
    """Whatever a client says, the Received field is one field of printable ASCII whose comments end."""
    text = received(Hop(helo, ip, name, tls, tls, tls), rcpt)
    message = Message.from_wire(text.encode("ascii") + b"\r\n")
    assert [field.name for field in message.fields] == [b"Received"]
    assert message.fields[0].end == len(text)
    assert re.fullmatch(r"[\x20-\x7e\t\r\n]+", text)
    assert text.count("(") == text.count(")")
    assert text.count(";") == 1
    assert email.message_from_string(text)["Received"] is not None


def parsed(field: bytes) -> authres.AuthenticationResultsHeader:
    assert Message.from_wire(field + b"\r\n").fields[0].end == len(field)
    return authres.AuthenticationResultsHeader.parse(field.decode("ascii").replace("\r\n", ""))


def test_writes_one_field_that_parses_again() -> None:
    field = authentication_results(
        "mx.example.org",
        [
            MethodResult("spf", "pass", properties=(("smtp", "mailfrom", "bob@example.com"),)),
            MethodResult(
                "dkim", "fail", "the body hash did not verify", (("header", "b", "ab/c"), ("header", "d", "a.example"))
            ),
        ],
    )
    assert field == (
        b"Authentication-Results: mx.example.org; spf=pass\r\n"
        b"\tsmtp.mailfrom=bob@example.com; dkim=fail\r\n"
        b'\treason="the body hash did not verify" header.d=a.example header.b="ab/c"\r\n'
    )
    spf, dkim = parsed(field).results
    assert (spf.result, spf.smtp_mailfrom) == ("pass", "bob@example.com")
    assert (dkim.reason, dkim.header_d) == ("the body hash did not verify", "a.example")


def test_without_results_it_says_none() -> None:
    assert authentication_results("mx.example.org", []) == b"Authentication-Results: mx.example.org; none\r\n"


def test_a_value_that_could_be_read_otherwise_is_left_out() -> None:
    evil = "a@b.example\r\nX-Evil: y"
    field = authentication_results("mx.example.org", [MethodResult("spf", "fail", "", (("smtp", "mailfrom", evil),))])
    assert field == b"Authentication-Results: mx.example.org; spf=fail\r\n"


@pytest.mark.parametrize("own", ["", "a b", "mx.example.org;", "mx.example.org\r\n", "(x)"])
def test_a_bad_name_of_our_own_is_refused(own: str) -> None:
    with pytest.raises(ValueError):
        authentication_results(own, [])


@pytest.mark.parametrize(("method", "result"), [("", "pass"), ("spf", ""), ("spf", "pass; dkim=pass"), ("s p", "pass")])
def test_what_is_no_word_is_refused(method: str, result: str) -> None:
    with pytest.raises(ValueError):
        authentication_results("mx.example.org", [MethodResult(method, result)])


PROPERTY = st.tuples(st.sampled_from(["smtp", "header", "policy"]), st.sampled_from(["mailfrom", "d", "b"]), HOSTILE)
RESULT = st.builds(
    MethodResult,
    st.sampled_from(["spf", "dkim", "dmarc"]),
    st.sampled_from(["pass", "fail", "temperror"]),
    HOSTILE,
    st.lists(PROPERTY, max_size=4).map(tuple),
)


@given(st.lists(RESULT, max_size=5))
def test_any_values_give_one_field_with_the_same_results(results: list[MethodResult]) -> None:
    """Whatever the values hold, the field is one, printable, and parses to the same methods, results and values."""
    field = authentication_results("mx.example.org", results)
    assert re.fullmatch(rb"[\x20-\x7e\t\r\n]+", field)
    again = parsed(field)
    assert again.authserv_id == "mx.example.org"
    assert [(each.method, each.result) for each in again.results] == [(each.method, each.result) for each in results]
    for ours, theirs in zip(results, again.results, strict=True):
        said = {value for _, _, value in ours.properties}
        assert all(str(each.value) in said for each in theirs.properties)


def received_spf(**changes: str) -> bytes:
    stated = {
        "by": "mx.example.org",
        "identity": "mailfrom",
        "domain": "example.com",
        "ip": "2001:db8::1",
        "helo": "mail.example.com",
        "envelope_from": "ann@example.com",
    }
    return received_spf_field("pass", **{**stated, **changes})


def test_says_what_spf_came_to() -> None:
    assert received_spf().decode() == (
        "Received-SPF: pass (mx.example.org: mailfrom example.com)\r\n"
        '\tclient-ip="2001:db8::1"; envelope-from="ann@example.com";\r\n'
        "\thelo=mail.example.com; receiver=mx.example.org; identity=mailfrom\r\n"
    )


def test_a_result_that_is_no_word_is_refused() -> None:
    with pytest.raises(ValueError, match="not a result"):
        received_spf_field("pass; x", by="a", identity="helo", domain="b", ip="", helo="", envelope_from="")


@given(HOSTILE, HOSTILE, HOSTILE)
def test_received_spf_is_one_field_whatever_the_client_says(domain: str, helo: str, path: str) -> None:
    """For any values it is one field of printable ASCII, with balanced quotes and one comment."""
    field = received_spf(domain=domain, helo=helo, envelope_from=path)
    assert list(email.message_from_bytes(field + b"\r\n").keys()) == ["Received-SPF"]
    assert re.fullmatch(rb"[\x20-\x7e\t]+(?:\r\n\t[\x20-\x7e]+)*\r\n", field)
    outside = re.sub(rb'"[^"]*"', b"", field)
    assert b'"' not in outside
    assert outside.count(b"(") == outside.count(b")") == 1
