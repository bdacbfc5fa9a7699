"""Links: hosts as browsers see them, oddities, defanging."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.sight.links import defanged, host_of, link_fact, urls_in, with_defanged_urls


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM/path?x#y", "example.com"),
        ("http://user:pass@evil.example:8080/", "evil.example"),
        ("http://paypal.com@evil.example", "evil.example"),
        ("https:evil.example/x", "evil.example"),
        ("https:\\\\evil.example\\x", "evil.example"),
        ("http:////evil.example", "evil.example"),
        ("//evil.example/x", "evil.example"),
        ("http://evil.example./", "evil.example"),
        ("http://ev%69l.example", "evil.example"),
        ("http://ｅｖｉｌ.example", "evil.example"),
        ("http://evil。example", "evil.example"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("mailto:a@b.example", ""),
        ("javascript:alert(1)", ""),
        ("/relative", ""),
        ("", ""),
    ],
)
def test_host_is_where_a_browser_would_go(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "text", "defect"),
    [
        ("http://evil.example/", "paypal.com", Defect.LINK_MISMATCH),
        ("http://evil.example/", "https://www.paypal.com/login", Defect.LINK_MISMATCH),
        ("http://paypal.com@evil.example/", "x", Defect.LINK_USERINFO),
        ("http://3232235777/", "x", Defect.LINK_NUMERIC_HOST),
        ("http://0xC0.0xA8.1.1/", "x", Defect.LINK_NUMERIC_HOST),
        ("http://[::1]/", "x", Defect.LINK_NUMERIC_HOST),
        ("http://xn--bcher-kva.example/", "x", Defect.LINK_PUNYCODE),
        ("http://bücher.example/", "x", Defect.LINK_PUNYCODE),
        ("java\nscript:alert(1)", "x", Defect.LINK_ACTIVE),
        ("data:text/html;base64,AA", "x", Defect.LINK_ACTIVE),
    ],
)
def test_oddity_is_noted(url, text, defect):
    findings = Findings()
    assert link_fact(url, text, "html", findings) is not None
    assert set(findings.defects) == {defect}


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://www.paypal.com/", "paypal.com"),
        ("http://click.shop.example/x", "www.shop.example"),
        ("http://a.example/report.pdf", "report.pdf"),
        ("http://a.example/", "Read more... it is free"),
        ("http://a.example/", "mail ann@b.example"),
    ],
)
def test_honest_link_has_no_oddity(url, text):
    findings = Findings()
    link_fact(url, text, "html", findings)
    assert not findings.defects


@pytest.mark.parametrize("url", ["mailto:a@b.example", "tel:+1", "#top", "cid:x", "relative/path", ""])
def test_what_leads_nowhere_is_no_link(url):
    assert link_fact(url, "x", "html", Findings()) is None


def test_urls_in_text_end_before_punctuation():
    text = "See (http://a.example/x), www.b.example. and HTTPS://c.example/?q=1&r=2!"
    assert urls_in(text, 10) == ["http://a.example/x", "http://www.b.example", "HTTPS://c.example/?q=1&r=2"]


def test_defanged():
    assert defanged("https://evil.example/p.html") == "hxxps://evil[.]example/p.html"
    assert defanged("http://a@evil.example") == "hxxp://a@evil[.]example"
    assert defanged("http://e.example/\u202egpj.exe") == "hxxp://e[.]example/⟦U+202E⟧gpj.exe"
    assert with_defanged_urls("go to www.a.example now") == "go to www[.]a[.]example now"


@given(st.text(max_size=200))
def test_any_text_is_a_url_or_none_and_never_stays_live(text):
    link_fact(text, text, "html", Findings())
    assert not defanged(text).lower().startswith(("http:", "https:"))
    assert urls_in(with_defanged_urls(text), 10) == []


@pytest.mark.parametrize(
    ("url", "defect"),
    [
        ("https://www.google.example/url?q=https://evil.test/x", Defect.LINK_REDIRECT),
        ("https://r.example/?u=https%3A%2F%2Fevil.test%2F", Defect.LINK_REDIRECT),
        ("https://r.example/?u=https%253A%252F%252Fevil.test%252F", Defect.LINK_REDIRECT),
        ("https://bit.ly/3abc", Defect.LINK_SHORTENER),
        ("https://pаypal.example/", Defect.LINK_MIXED_SCRIPT),
        ("https://xn--pypal-4ve.example/", Defect.LINK_MIXED_SCRIPT),
    ],
)
def test_a_link_that_deceives(url, defect):
    findings = Findings()
    link_fact(url, "", "html", findings)
    assert defect in findings.defects


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/?back=https://www.a.example/home",
        "https://a.example/http-and-https",
        "https://habitly.example/",
        "https://bücher.example/",
        "https://пример.example/",
    ],
)
def test_a_link_that_does_not(url):
    findings = Findings()
    link_fact(url, "", "html", findings)
    assert not set(findings.defects) & {Defect.LINK_REDIRECT, Defect.LINK_SHORTENER, Defect.LINK_MIXED_SCRIPT}
