from __future__ import annotations

import authres

from gateway.checks.dns.resinfo import method_results, results_field
from gateway.facts.auth import ArcFact, Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.outcome import Known, Skipped, Unknown

SIGNATURE = DkimSignatureFact(Auth.PASS, "example.com", "s1", "rsa-sha256", "@example.com", "AuUoFE/D")


def parsed(field: bytes) -> authres.AuthenticationResultsHeader:
    assert field.endswith(b"\r\n")
    return authres.AuthenticationResultsHeader.parse(field.decode("ascii").replace("\r\n", ""))


def test_says_everything_in_the_words_of_the_standard() -> None:
    field = results_field(
        "mx.example.org",
        spf=Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "example.com", "hostile (text)")),
        dkim=Known(
            DkimFact((SIGNATURE, DkimSignatureFact(Auth.FAIL, "b.example", "x", "rsa-sha1", reason="rsa-sha1")))
        ),
        arc=Known(ArcFact(Auth.PASS, 1, "lists.example")),
        dmarc=Known(DmarcFact(Auth.FAIL, "example.com", "reject", reason="no aligned identifier")),
    )
    assert field == (
        b"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=example.com;\r\n"
        b"\tdkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256\r\n"
        b'\theader.b="AuUoFE/D"; dkim=fail reason=rsa-sha1 header.d=b.example header.s=x\r\n'
        b"\theader.a=rsa-sha1; arc=pass header.as-d=lists.example; dmarc=fail\r\n"
        b'\treason="no aligned identifier" header.from=example.com policy.dmarc=reject\r\n'
    )
    assert [each.result for each in parsed(field).results] == ["pass", "pass", "fail", "pass", "fail"]


def test_a_null_reverse_path_is_named_by_its_helo() -> None:
    (result,) = method_results(spf=Known(SpfFact(Auth.FAIL, SpfIdentity.HELO, "mx.example")))
    assert result.properties == (("smtp", "helo", "mx.example"),)


def test_an_unsigned_message_has_the_result_none() -> None:
    (result,) = method_results(dkim=Known(DkimFact()))
    assert (result.method, result.result) == ("dkim", "none")


def test_doubt_is_a_temporary_error_with_its_reason() -> None:
    results = method_results(spf=Unknown("a"), dkim=Unknown("b"), arc=Unknown("c"), dmarc=Unknown("DNS failed"))
    assert [(each.method, each.result, each.reason) for each in results] == [
        ("spf", "temperror", "a"),
        ("dkim", "temperror", "b"),
        ("arc", "fail", "c"),
        ("dmarc", "temperror", "DNS failed"),
    ]


def test_what_was_not_asked_is_not_mentioned() -> None:
    assert results_field("mx.example.org") == b"Authentication-Results: mx.example.org; none\r\n"
    assert method_results(spf=Skipped()) == []
