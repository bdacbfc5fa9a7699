"""The page of DMARC reports, as somebody without JavaScript uses it."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from gateway.console.pages.reports import DAYS, drawing_of
from gateway.console.ports import OfficePorts
from gateway.reports.received import ReceivedReport, parse
from gateway.reports.sources import DAY, Day
from gateway.reports.unpacking import xml_of
from tests.console.conftest import SignIn
from tests.reports.vendors import google_like, office_like, standard_like

TODAY = int(time.time() // DAY) * DAY
VENDORS = [parse(xml_of(each(TODAY - 2 * DAY))) for each in (google_like, office_like, standard_like)]


@pytest.fixture
def received() -> list[ReceivedReport]:
    return []


@pytest.fixture
def ports(ports: OfficePorts, received: list[ReceivedReport]) -> OfficePorts:
    return replace(ports, received_reports=lambda: received)


async def test_three_vendor_reports_give_a_chart_with_sources_shares_and_strangers(
    signed_in: SignIn, received: list[ReceivedReport]
) -> None:
    received.extend(VENDORS)
    text = (await (await signed_in("auditor")).get("/reports")).text
    assert text.count('<rect class="delivered" x=') == text.count('<rect class="refused" x=') == 2
    assert 'role="img" aria-label="Messages by day' in text
    assert "90.0 %" in text
    unknown, _, known = text.partition("Who sends, and passes?")
    assert "203.0.113.66" in unknown and "2001:db8::25" in unknown and "192.0.2.10" not in unknown
    assert "192.0.2.10" in known and "100.0 %" in known
    assert re.search(r"Unknown senders</span><b>2</b>", text)


async def test_one_domain_can_be_chosen_and_old_reports_are_left_out(
    signed_in: SignIn, received: list[ReceivedReport]
) -> None:
    received.extend([*VENDORS, replace(VENDORS[0], domain="example.net"), replace(VENDORS[0], begin=TODAY - 40 * DAY)])
    staff = await signed_in("operator")
    assert "147" in (await staff.get("/reports")).text
    chosen = (await staff.get("/reports?domain=example.net")).text
    assert ">47<" in chosen and 'href="/reports?domain=example.net" aria-current="true"' in chosen
    assert (await staff.get("/reports?domain=<script>")).text.count("<script") == 1


async def test_without_reports_it_says_what_to_do(signed_in: SignIn) -> None:
    text = (await (await signed_in("administrator")).get("/reports")).text
    assert "postern reports dmarc read" in text


async def test_words_of_reporters_are_shown_and_never_run(signed_in: SignIn, received: list[ReceivedReport]) -> None:
    received.append(replace(VENDORS[0], organization="<img src=x onerror=alert(1)>\u202e"))
    text = (await (await signed_in("administrator")).get("/reports")).text
    assert "<img" not in text and "\u202e" not in text


async def test_it_is_for_the_staff(signed_in: SignIn) -> None:
    assert (await (await signed_in("bob@example.org")).get("/reports")).status_code == 403


def test_columns_stand_on_the_ground_and_end_at_today() -> None:
    days = (Day(TODAY - DAYS * DAY, 1, 1), Day(TODAY - DAY, 3, 1), Day(TODAY, 1, 1))
    found = drawing_of(days, now=TODAY + 5.0).columns
    assert [(each.x, each.lower, each.upper) for each in found] == [(896.0, 89.25, 29.75), (928.0, 29.75, 29.75)]
    assert (found[0].top, found[0].crown) == (29.75, 0.0)
