"""SPF cases of our own, beside the public suite: limits, macros, malformed terms, and where errors count."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import SpfFact
from gateway.facts.outcome import Known


def record(text: str) -> list[dict[str, str]]:
    return [{"TXT": text}]


async def spf(zone: dict[str, Any], *, ip: str = "192.0.2.1", path: str = "a@example.com") -> SpfFact:
    outcome = await check_spf(ZoneResolver(zone), ip=ip, helo="h.example.com", reverse_path=path)
    assert isinstance(outcome, Known)
    return outcome.value


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "macro bad": ({"example.com": record("v=spf1 exists:%{z}.x -all")}, "permerror"),
    "macro lone pct": ({"example.com": record("v=spf1 exists:%x.example -all")}, "permerror"),
    "macro long": ({"example.com": record("v=spf1 exists:" + "%{l}." * 60 + "x.example -all")}, "fail"),
    "p macro": (
        {
            "example.com": record("v=spf1 exists:%{p}.x.example -all"),
            "1.2.0.192.in-addr.arpa": [{"PTR": "h.example.com"}],
            "h.example.com": [{"A": "192.0.2.1"}],
            "h.example.com.x.example": [{"A": "127.0.0.2"}],
        },
        "pass",
    ),
    "11 include": (
        {
            "example.com": record("v=spf1 " + " ".join(f"include:i{n}.example" for n in range(11)) + " -all"),
            **{f"i{n}.example": record("v=spf1 -all") for n in range(11)},
        },
        "permerror",
    ),
    "10 include": (
        {
            "example.com": record("v=spf1 " + " ".join(f"include:i{n}.example" for n in range(10)) + " -all"),
            **{f"i{n}.example": record("v=spf1 -all") for n in range(10)},
        },
        "fail",
    ),
    "include loop": ({"example.com": record("v=spf1 include:example.com -all")}, "permerror"),
    "redirect loop": ({"example.com": record("v=spf1 redirect=example.com")}, "permerror"),
    "3 void": ({"example.com": record("v=spf1 a:n1.example a:n2.example a:n3.example -all")}, "permerror"),
    "2 void": ({"example.com": record("v=spf1 a:n1.example a:n2.example -all")}, "fail"),
    "void mx+exists": (
        {"example.com": record("v=spf1 mx:n1.example exists:n2.example a:n3.example -all")},
        "permerror",
    ),
    "redirect none": ({"example.com": record("v=spf1 redirect=none.example")}, "permerror"),
    "include none": ({"example.com": record("v=spf1 include:none.example -all")}, "permerror"),
    "include temperr": (
        {"example.com": record("v=spf1 include:t.example -all"), "t.example": ["TIMEOUT"]},
        "temperror",
    ),
    "temperr after match": (
        {"example.com": record("v=spf1 ip4:192.0.2.1 include:t.example -all"), "t.example": ["TIMEOUT"]},
        "pass",
    ),
    "syntax after match": ({"example.com": record("v=spf1 ip4:192.0.2.1 foo -all")}, "permerror"),
    "two records": ({"example.com": [{"TXT": "v=spf1 +all"}, {"TXT": "v=spf1 -all"}]}, "permerror"),
    "v=spf10": ({"example.com": record("v=spf10 -all")}, "none"),
    "upper": ({"example.com": record("V=SPF1 IP4:192.0.2.1 -ALL")}, "pass"),
    "tab sep": ({"example.com": record("v=spf1\t-all")}, "none"),
    "bad ip4": ({"example.com": record("v=spf1 ip4:192.0.2.256 -all")}, "permerror"),
    "ip4 /33": ({"example.com": record("v=spf1 ip4:192.0.2.1/33 -all")}, "permerror"),
    "ip4 /0": ({"example.com": record("v=spf1 ip4:1.1.1.1/0 -all")}, "pass"),
    "a//": ({"example.com": record("v=spf1 a//129 -all")}, "permerror"),
    "nonascii": ({"example.com": record("v=spf1 a:ü.example -all")}, "permerror"),
    "dup redirect": ({"example.com": record("v=spf1 redirect=a.example redirect=b.example")}, "permerror"),
    "dup exp": ({"example.com": record("v=spf1 -all exp=a.example exp=b.example")}, "permerror"),
    "exp nonascii": ({"example.com": record("v=spf1 -all exp=e.example"), "e.example": record("nö")}, "fail"),
    "exp timeout": ({"example.com": record("v=spf1 -all exp=e.example"), "e.example": ["TIMEOUT"]}, "fail"),
    "unknown mod": ({"example.com": record("v=spf1 moo=%{d} -all")}, "fail"),
    "unknown mod bad macro": ({"example.com": record("v=spf1 moo=%{q} -all")}, "permerror"),
    "mx 11": (
        {
            "example.com": [{"TXT": "v=spf1 mx -all"}, *[{"MX": [10, f"m{n}.example"]} for n in range(11)]],
            **{f"m{n}.example": [{"A": "192.0.2.9"}] for n in range(11)},
        },
        "permerror",
    ),
    "null mx": ({"example.com": [{"TXT": "v=spf1 mx -all"}, {"MX": [0, "."]}]}, "fail"),
    "many terms": (
        {"example.com": record("v=spf1 " + " ".join(f"ip4:10.0.{n // 256}.{n % 256}" for n in range(3000)) + " -all")},
        "fail",
    ),
    "exists ipv6": ({"example.com": record("v=spf1 exists:%{ir}.%{v}.x.example -all")}, "fail"),
    "servfail": ({"example.com": ["SERVFAIL"]}, "temperror"),
    "ip4 missing colon": ({"example.com": record("v=spf1 ip4 -all")}, "permerror"),
    "all:": ({"example.com": record("v=spf1 all:x -all")}, "permerror"),
    "leading zero": ({"example.com": record("v=spf1 ip4:192.0.2.01 -all")}, "permerror"),
    "cidr 08": ({"example.com": record("v=spf1 ip4:192.0.2.1/08 -all")}, "permerror"),
    "mx temperror host": (
        {"example.com": [{"TXT": "v=spf1 mx -all"}, {"MX": [10, "m.example"]}], "m.example": ["TIMEOUT"]},
        "temperror",
    ),
    "include of permerror": (
        {"example.com": record("v=spf1 include:p.example -all"), "p.example": record("v=spf1 foo")},
        "permerror",
    ),
    "toplabel num": ({"example.com": record("v=spf1 a:foo.123 -all")}, "permerror"),
    "no toplabel": ({"example.com": record("v=spf1 a:localhost -all")}, "permerror"),
    "macro of no labels": ({"example.com": record("v=spf1 exists:%{d0}.x.example -all")}, "permerror"),
    "macro not closed": ({"example.com": record("v=spf1 exists:%{d.x.example -all")}, "permerror"),
    "macro twice transformed": ({"example.com": record("v=spf1 exists:%{d2r2}.x.example -all")}, "permerror"),
    "macro bad delimiter": ({"example.com": record("v=spf1 exists:%{l;}.x.example -all")}, "permerror"),
    "macro after percent": ({"example.com": record("v=spf1 exists:%%%x.example -all")}, "permerror"),
    "macro for exp only": ({"example.com": record("v=spf1 a:%{t}.x.example -all")}, "permerror"),
    "control in domain": ({"example.com": record("v=spf1 a:a\tb.example -all")}, "permerror"),
    "percent ends domain": ({"example.com": record("v=spf1 exists:x.%% -all")}, "fail"),
    "macro rejoins by dots": (
        {
            "example.com": record("v=spf1 exists:%{h1r.}.%{o2r-}.x.example -all"),
            "h.example.com.x.example": [{"A": "127.0.0.2"}],
        },
        "pass",
    ),
    "modifiers in capitals": (
        {"example.com": record("v=spf1 REDIRECT=r.example"), "r.example": record("v=spf1 -all")},
        "fail",
    ),
    "redirect twice by case": ({"example.com": record("v=spf1 redirect=r.example Redirect=r.example")}, "permerror"),
    "unknown mod twice": ({"example.com": record("v=spf1 foo=1 Foo=2 foo=3 -all")}, "fail"),
    "unknown mod like mechanism": ({"example.com": record("v=spf1 all=1 ip4=1 -all")}, "fail"),
    "unknown mod with exp macro": ({"example.com": record("v=spf1 foo=%{t} -all")}, "fail"),
    "unknown mod name": ({"example.com": record("v=spf1 1foo=1 -all")}, "permerror"),
    "empty redirect": ({"example.com": record("v=spf1 redirect= -all")}, "permerror"),
    "empty exp": ({"example.com": record("v=spf1 exp= -all")}, "permerror"),
    "own include unreached": ({"example.com": record("v=spf1 ip4:192.0.2.1 include:example.com -all")}, "pass"),
    "own include": ({"example.com": record("v=spf1 include:example.com -all")}, "permerror"),
    "redirect unreached after ten": (
        {
            "example.com": record("v=spf1 " + " ".join(f"a:n{n}.example" for n in range(10)) + " redirect=r.example"),
            **{f"n{n}.example": [{"A": "192.0.2.9" if n < 9 else "192.0.2.1"}] for n in range(10)},
        },
        "pass",
    ),
    "redirect beside all": ({"example.com": record("v=spf1 redirect=none.example -all")}, "fail"),
    "redirect is the eleventh": (
        {
            "example.com": record("v=spf1 " + " ".join(f"a:n{n}.example" for n in range(10)) + " redirect=r.example"),
            **{f"n{n}.example": [{"A": "192.0.2.9"}] for n in range(10)},
            "r.example": record("v=spf1 +all"),
        },
        "permerror",
    ),
    "void after match": (
        {"example.com": record("v=spf1 a:v1.example a:v2.example ip4:192.0.2.1 exists:%{p}.x.example -all")},
        "pass",
    ),
    "mx matches before failure": (
        {
            "example.com": [{"TXT": "v=spf1 mx -all"}, {"MX": [1, "m1.example"]}, {"MX": [2, "m2.example"]}],
            "m1.example": [{"A": "192.0.2.1"}],
            "m2.example": ["SERVFAIL"],
        },
        "pass",
    ),
    "ten mx": (
        {
            "example.com": [{"TXT": "v=spf1 mx -all"}, *[{"MX": [n, f"m{n}.example"]} for n in range(10)]],
            **{f"m{n}.example": [{"A": "192.0.2.9" if n < 9 else "192.0.2.1"}] for n in range(10)},
        },
        "pass",
    ),
    "eleventh ptr": (
        {
            "example.com": record("v=spf1 ptr -all"),
            "1.2.0.192.in-addr.arpa": [*[{"PTR": f"h{n}.example"} for n in range(10)], {"PTR": "h.example.com"}],
            **{name: [{"A": "192.0.2.1"}] for name in ["h.example.com", *(f"h{n}.example" for n in range(10))]},
        },
        "fail",
    ),
    "ptr servfail": ({"example.com": record("v=spf1 ptr ~all"), "1.2.0.192.in-addr.arpa": ["SERVFAIL"]}, "softfail"),
    "p is of the included domain": (
        {
            "example.com": record("v=spf1 exists:%{p}.q.example include:i.example -all"),
            "i.example": record("v=spf1 exists:%{p}.x.example -all"),
            "1.2.0.192.in-addr.arpa": [{"PTR": "m.example.com"}, {"PTR": "m.i.example"}],
            "m.example.com": [{"A": "192.0.2.1"}],
            "m.i.example": [{"A": "192.0.2.1"}],
            "m.i.example.x.example": [{"A": "127.0.0.2"}],
        },
        "pass",
    ),
    "long name is cut from the left": (
        {
            "example.com": record("v=spf1 exists:" + "%{o}." * 40 + "x.example -all"),
            ".".join(["com", *["example.com"] * 20, "x.example"]): [{"A": "127.0.0.2"}],
        },
        "pass",
    ),
    "strings joined": ({"example.com": [{"TXT": ["v=spf1 ip4:192.0.", "2.1 -all"]}]}, "pass"),
    "strings joined without space": ({"example.com": [{"TXT": ["v=spf1", "ip4:192.0.2.1 -all"]}]}, "none"),
    "two records that differ in case": ({"example.com": [{"TXT": "v=spf1 -all"}, {"TXT": "V=SPF1 +all"}]}, "permerror"),
    "cname to nothing is void": (
        {
            "example.com": record("v=spf1 a:c1.example a:c2.example a:c3.example -all"),
            **{f"c{n}.example": [{"CNAME": "nothing.example"}] for n in (1, 2, 3)},
        },
        "permerror",
    ),
    "include redirect exp": (
        {
            "example.com": record("v=spf1 include:i.example -all exp=e.example"),
            "i.example": record("v=spf1 -all exp=f.example"),
            "e.example": record("E"),
            "f.example": record("F"),
        },
        "fail",
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_case(name: str) -> None:
    zone, expected = CASES[name]
    assert (await spf(zone)).result.value == expected


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("192.0.2.1", "pass"),
        ("::ffff:192.0.2.1", "pass"),
        ("2001:db8::1", "pass"),
        ("2001:0DB8:0:0::1", "pass"),
        ("192.0.3.1", "fail"),
        ("::192.0.2.1", "fail"),
        ("2001:db9::1", "fail"),
    ],
)
async def test_both_families_of_addresses(ip: str, expected: str) -> None:
    zone = {"example.com": record("v=spf1 ip6:2001:db8::/32 ip4:192.0.2.0/24 -all")}
    assert (await spf(zone, ip=ip)).result.value == expected


async def test_an_ip4_address_mapped_into_ip6_matches_no_ip6_term() -> None:
    """RFC 7208 section 5: such a client is an IPv4 client."""
    zone = {"example.com": record("v=spf1 ip6:::ffff:192.0.2.0/120 -all")}
    assert (await spf(zone, ip="::ffff:192.0.2.1")).result.value == "fail"


MACROS = [
    ("%{s}", "strong-bad@email.example.com"),
    ("%{o}", "email.example.com"),
    ("%{d}", "email.example.com"),
    ("%{d4}", "email.example.com"),
    ("%{d3}", "email.example.com"),
    ("%{d2}", "example.com"),
    ("%{d1}", "com"),
    ("%{dr}", "com.example.email"),
    ("%{d2r}", "example.email"),
    ("%{l}", "strong-bad"),
    ("%{l-}", "strong.bad"),
    ("%{lr}", "strong-bad"),
    ("%{lr-}", "bad.strong"),
    ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
]


@pytest.mark.parametrize(("macro", "expanded"), MACROS)
async def test_the_macros_of_the_standard(macro: str, expanded: str) -> None:
    """RFC 7208 section 7.4."""
    zone = {
        "email.example.com": record("v=spf1 -all exp=why.example.com"),
        "why.example.com": record(f"{macro}"),
    }
    assert (await spf(zone, ip="192.0.2.3", path="strong-bad@email.example.com")).explanation == expanded


async def test_an_ip6_address_in_a_macro_is_written_in_nibbles() -> None:
    zone = {
        "email.example.com": record("v=spf1 -all exp=why.example.com"),
        "why.example.com": record("%{ir}.%{v}._spf.%{d2}"),
    }
    fact = await spf(zone, ip="2001:db8::cb01", path="strong-bad@email.example.com")
    assert (
        fact.explanation.lower()
        == "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("100%%", "100%"),
        ("see http://x.example/?s=%{S}", "see http://x.example/?s=strong-bad%40email.example.com"),
        ("two  blanks ", "two  blanks "),
        ("%{d r}", ""),
        ("%{d0}", ""),
        ("50% of it", ""),
        ("a\tb", ""),
    ],
)
async def test_an_explanation_that_breaks_the_syntax_is_none(text: str, explanation: str) -> None:
    zone = {"email.example.com": record("v=spf1 -all EXP=why.example.com"), "why.example.com": record(text)}
    fact = await spf(zone, path="strong-bad@email.example.com")
    assert (fact.result.value, fact.explanation) == ("fail", explanation)


async def test_an_explanation_is_asked_only_for_a_fail_of_the_record_itself() -> None:
    for rest in ("~all exp=why.example", "+all exp=why.example", "include:i.example ~all"):
        zone = ZoneResolver(
            {
                "example.com": record(f"v=spf1 {rest}"),
                "i.example": record("v=spf1 -all exp=why.example"),
                "why.example": record("why"),
            }
        )
        await check_spf(zone, ip="192.0.2.1", helo="h.example", reverse_path="a@example.com")
        assert "why.example" not in {each.name for each in zone.asked}
