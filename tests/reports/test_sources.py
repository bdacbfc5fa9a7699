from __future__ import annotations

from dataclasses import replace

from gateway.reports import sources
from gateway.reports.received import ReceivedReport, ReceivedRow, parse
from gateway.reports.sources import Day, Source, summary_of
from gateway.reports.unpacking import xml_of
from tests.reports.vendors import DAY, google_like, office_like, standard_like

VENDORS = [parse(xml_of(each)) for each in (google_like(), office_like(), standard_like())]


def test_three_vendors_make_one_picture() -> None:
    summary = summary_of(VENDORS)
    assert (summary.messages, summary.passed) == (100, 90)
    assert summary.reporters == ("Office Example", "Standard Mail", "search.example")
    assert summary.days == (Day(DAY, 60, 10), Day(DAY + 86400, 30, 0))
    assert summary.sources == (Source("192.0.2.10", 90, 90, ("example.org",), summary.reporters),)
    assert [(each.ip, each.messages, each.is_stranger) for each in summary.strangers] == [
        ("203.0.113.66", 7, True),
        ("2001:db8::25", 3, True),
    ]
    assert summary.left_out == 0


def test_nothing_is_nothing() -> None:
    summary = summary_of([])
    assert (summary.messages, summary.days, summary.sources, summary.strangers) == (0, (), (), ())


def test_reporters_cannot_make_the_page_endless() -> None:
    row = VENDORS[0].rows[0]
    rows: tuple[ReceivedRow, ...] = tuple(
        replace(row, source_ip=f"192.0.{n // 256}.{n % 256}") for n in range(sources.MAX_SOURCES + 5)
    )
    many: ReceivedReport = replace(VENDORS[0], rows=rows)
    summary = summary_of([many])
    assert (len(summary.sources), summary.left_out) == (sources.MAX_SOURCES, 5)
