"""gateway/checks/reputation/atlas.py: maps that are there, absent, replaced, broken, and of other makers."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.reputation import atlas
from gateway.checks.reputation.atlas import Atlas
from gateway.facts.connection import NetworkFact
from gateway.facts.outcome import NOT_ASKED, Known, Unknown
from tests.checks.reputation.maps import country, network, write_map

IP = "192.0.2.7"


@pytest.fixture
def maps(tmp_path: Path) -> Atlas:
    networks = {"192.0.2.0/24": network(64500, "Example Net"), "2001:db8::/32": network(64501, "Six")}
    write_map(tmp_path / "asn.mmdb", networks)
    write_map(
        tmp_path / "country.mmdb",
        {"192.0.2.0/25": country("NO"), "192.0.2.128/25": {"registered_country": {"iso_code": "is"}}},
    )
    return Atlas(networks=tmp_path / "asn.mmdb", countries=tmp_path / "country.mmdb")


def test_the_network_and_the_country_of_a_client(maps: Atlas) -> None:
    assert maps.network(IP) == Known(NetworkFact(64500, "Example Net"))
    assert maps.network("::ffff:192.0.2.7") == Known(NetworkFact(64500, "Example Net"))
    assert maps.network("2001:db8::1%eth0") == Known(NetworkFact(64501, "Six"))
    assert (maps.country(IP), maps.country("192.0.2.200")) == (Known("NO"), Known("IS"))


def test_who_is_on_no_map_is_nowhere_and_without_a_map_nobody_asks(maps: Atlas) -> None:
    assert maps.network("198.51.100.1") == Known(NetworkFact())
    assert maps.country("198.51.100.1") == Known("")
    none = Atlas(networks=None, countries=None)
    assert (none.network(IP), none.country(IP)) == (NOT_ASKED, NOT_ASKED)


def test_one_flat_file_may_be_both(tmp_path: Path) -> None:
    record = {"asn": "AS64502", "as_name": "Flat", "country": "Norway", "country_code": "NO"}
    file = write_map(tmp_path / "both.mmdb", {"192.0.2.0/24": record})
    both = Atlas(networks=file, countries=file)
    assert both.network(IP) == Known(NetworkFact(64502, "Flat"))
    assert both.country(IP) == Known("NO")


def test_a_map_that_is_replaced_is_read_again_and_a_bad_one_is_not(maps: Atlas, tmp_path: Path) -> None:
    file = tmp_path / "country.mmdb"
    assert maps.country(IP) == Known("NO")
    write_map(file, {"192.0.2.0/24": country("SE")})
    assert maps.country(IP) == Known("SE")
    whole = file.read_bytes()
    with structlog.testing.capture_logs() as logged:
        for bad in (b"", b"not a map", whole[: len(whole) // 2]):
            file.write_bytes(bad)
            assert maps.country(IP) == Known("SE"), "what was read before holds"
        file.unlink()
        assert maps.country(IP) == Known("SE")
        assert maps.country(IP) == Known("SE")
    assert {each["event"] for each in logged} == {"map_not_read"}
    assert len(logged) <= 4, "told once for each kind of trouble"
    write_map(file, {"192.0.2.0/24": country("DK")})
    assert maps.country(IP) == Known("DK")


def test_a_map_that_was_never_there_is_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Atlas(networks=tmp_path / "none.mmdb", countries=None).network(IP)
    assert isinstance(absent, Unknown)
    assert "No such file" in absent.why
    large = write_map(tmp_path / "large.mmdb", {"192.0.2.0/24": country("NO")})
    monkeypatch.setattr(atlas, "MAX_OCTETS", 100)
    assert isinstance(Atlas(networks=large, countries=None).network(IP), Unknown)


def test_nobody_is_asked_on_the_network(maps: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    assert maps.network(IP) == Known(NetworkFact(64500, "Example Net"))


@pytest.fixture(scope="module")
def octets(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("map") / "whole.mmdb"
    return write_map(file, {"192.0.2.0/24": network(64500, "Example")}).read_bytes()


@settings(deadline=None)
@given(drawn=st.data())
def test_whatever_stands_in_a_file_is_a_fact_or_doubt(
    octets: bytes, drawn: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A map with any octets changed gives an outcome, and no exception."""
    spoilt = bytearray(octets)
    for _ in range(drawn.draw(st.integers(1, 6))):
        spoilt[drawn.draw(st.integers(0, len(spoilt) - 1))] = drawn.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("spoilt") / "map.mmdb"
    file.write_bytes(spoilt)
    outcome: Any = Atlas(networks=file, countries=None).network(IP)
    assert isinstance(outcome, Known | Unknown)
