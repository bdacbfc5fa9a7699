from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.dns.answers import Answer, Status
from gateway.checks.dns.zone import ZoneError, ZoneResolver


async def ask(zone: Any, name: str, type: str) -> Answer:
    return await ZoneResolver(zone).query(name, type)


async def test_reads_every_kind_of_record() -> None:
    zone = {
        "Example.com": [
            {"A": "192.0.2.1"},
            {"AAAA": "2001:db8::1"},
            {"MX": [10, "Mail.example.com."]},
            {"MX": {"priority": 20, "exchange": "b.example"}},
            {"TXT": ["one ", "two"]},
            {"TXT": "caf\u00e9"},
            {"NS": "ns.example"},
        ]
    }
    assert (await ask(zone, "example.com.", "a")).records == ("192.0.2.1",)
    assert (await ask(zone, "example.com", "AAAA")).records == ("2001:db8::1",)
    assert (await ask(zone, "example.com", "MX")).records == ("10 mail.example.com", "20 b.example")
    assert (await ask(zone, "example.com", "TXT")).records == ("one two", "caf\u00e9".encode().decode("latin-1"))
    assert (await ask(zone, "example.com", "NS")).records == ("ns.example",)


async def test_the_null_mx() -> None:
    assert (await ask({"n.example": [{"MX": [0, ""]}]}, "n.example", "MX")).records == ("0 .",)


async def test_a_missing_name_does_not_exist_but_what_lies_between_does() -> None:
    zone = {"a.b.example": [{"A": "192.0.2.1"}]}
    assert (await ask(zone, "b.example", "A")).status is Status.NODATA
    assert (await ask(zone, "c.example", "A")).status is Status.NXDOMAIN
    assert (await ask(zone, "a.b.example", "MX")).status is Status.NODATA


async def test_the_old_type_stands_for_text_unless_the_name_has_its_own() -> None:
    assert (await ask({"e.example": [{"SPF": "v=spf1"}]}, "e.example", "TXT")).records == ("v=spf1",)
    assert (await ask({"e.example": [{"SPF": "v=spf1"}, {"TXT": "NONE"}]}, "e.example", "TXT")).status is Status.NODATA
    assert (await ask({"e.example": [{"SPF": "old"}, {"TXT": "new"}]}, "e.example", "TXT")).records == ("new",)


async def test_a_marker_answers_what_no_record_before_it_answers() -> None:
    zone = {"e.example": [{"A": "192.0.2.1"}, "TIMEOUT"], "s.example": "SERVFAIL", "t.example": {"TXT": "TIMEOUT"}}
    assert (await ask(zone, "e.example", "A")).status is Status.OK
    assert (await ask(zone, "e.example", "TXT")).status is Status.TIMEOUT
    assert (await ask(zone, "s.example", "A")).status is Status.SERVFAIL
    assert (await ask(zone, "t.example", "TXT")).status is Status.TIMEOUT
    assert (await ask(zone, "t.example", "A")).status is Status.NODATA


async def test_follows_aliases_but_not_for_ever() -> None:
    zone = {
        "a.example": [{"CNAME": "B.example."}],
        "b.example": [{"A": "192.0.2.1"}],
        "x.example": [{"CNAME": "y.example"}],
        "y.example": [{"CNAME": "x.example"}],
        "dangling.example": [{"CNAME": "gone.example"}],
    }
    assert (await ask(zone, "a.example", "A")).records == ("192.0.2.1",)
    assert (await ask(zone, "x.example", "A")).status is Status.SERVFAIL
    assert (await ask(zone, "dangling.example", "A")).status is Status.NXDOMAIN


async def test_a_name_that_cannot_be_does_not_exist() -> None:
    assert (await ask({}, "a..b", "A")).status is Status.NXDOMAIN


async def test_loads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "zone.yaml"
    path.write_text('example.com: [{SPF: "v=spf1 -all"}, {A: 192.0.2.1}, TIMEOUT]\n')
    resolver = ZoneResolver.load(path)
    assert (await resolver.query("example.com", "TXT")).records == ("v=spf1 -all",)
    assert (await resolver.query("example.com", "MX")).status is Status.TIMEOUT


@pytest.mark.parametrize("text", ["- a", "a: [1]", "a: ['perhaps']", "a: [{MX: 5}]", "a: 5", "{", "a: [{MX: [1]}]"])
def test_what_is_no_zone_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "zone.yaml"
    path.write_text(text)
    with pytest.raises(ZoneError):
        ZoneResolver.load(path)


PLAIN = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["TIMEOUT", "NONE"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["A", "MX", "TXT", "SPF"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=10) | st.integers(), PLAIN, max_size=4))
def test_any_mapping_is_a_zone_or_an_error(plain: Any) -> None:
    """Any mapping that YAML can hold gives a zone or ZoneError."""
    try:
        resolver = ZoneResolver(plain)
    except ZoneError:
        return
    assert isinstance(resolver.find("a", "A"), Answer)
