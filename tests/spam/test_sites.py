"""Names of hosts as far as one owner has them; texts as bare letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spam.sites import bare, is_named, owner_of, site_of


@pytest.mark.parametrize(
    ("host", "site"),
    [("www.a.example", "a.example"), ("x.shop.co.uk", "shop.co.uk"), ("a", "a"), ("", ""), ("A.B.C", "b.c")],
)
def test_the_site_of_a_host(host: str, site: str) -> None:
    assert site_of(host) == site


def test_the_owner_of_a_host_is_its_name_as_bare_letters() -> None:
    assert owner_of("mail.Williams-Sonoma.co.uk") == "williamssonoma"


@given(st.text(max_size=60))
def test_bare_text_holds_no_blank_and_stays_as_it_is_when_bared_again(text: str) -> None:
    assert " " not in bare(text)
    assert bare(bare(text)) == bare(text)


def test_a_short_name_is_never_found() -> None:
    assert not is_named("dhl", "fromdhltoday")
    assert is_named("yeti" * 2, "fromyetiyetitoday")
