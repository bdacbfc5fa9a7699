"""The list of well-known senders: in its one spelling, without those under whom anybody may write."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.spam import known_senders
from gateway.spam.knowledge import PUBLIC_MAIL
from gateway.spam.known_senders import KNOWN, NAMES, OPEN, is_known, lines_of
from gateway.spam.known_senders.everyday import EVERYDAY
from gateway.spam.sites import owner_of, site_of

HERE = Path(known_senders.__file__).parent


@pytest.mark.parametrize("name", ["domains.txt", "famous.txt", "open.txt"])
def test_each_line_is_a_site_none_twice(name: str) -> None:
    lines = lines_of(HERE / name)
    assert len(lines) == len(set(lines))
    assert [site_of(line) for line in lines] == lines
    assert all(line == line.lower() and "." in line for line in lines)


def test_who_lets_anybody_write_is_not_known() -> None:
    assert not KNOWN & OPEN
    assert not {site for site in KNOWN if owner_of(site) in PUBLIC_MAIL}
    assert {"gmail.com", "google.com", "zendesk.com", "sendgrid.net", "onmicrosoft.com"}.isdisjoint(KNOWN)


def test_well_known_senders_are_known() -> None:
    assert {"ikea.com", "netflix.com", "paypal.com", "dhl.de", "ebay.co.uk", "redhat.com"} <= KNOWN
    assert {"netflix", "paypal"} <= NAMES


def test_authorities_are_known_by_their_top_level_domain() -> None:
    assert all(is_known(site) for site in ("nasa.gov", "service.gov.uk", "navy.mil", "ikea.com"))
    assert not any(is_known(site) for site in ("nasa.gov.example", "mygov.com", "shop.example", ""))


def test_a_word_of_everyday_is_nobodys_name() -> None:
    assert not NAMES & EVERYDAY
    assert {"target", "marcus", "orange"} <= EVERYDAY


def test_the_licences_of_all_sources_stand_beside_the_list() -> None:
    from gateway.spam.known_senders.gather import LISTS

    told = (HERE / "LICENCES.md").read_text(encoding="utf-8")
    assert all(f"`{name}/`" in told for sources in LISTS.values() for name in sources)
