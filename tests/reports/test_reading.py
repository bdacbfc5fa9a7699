from __future__ import annotations

import asyncio
import base64
import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reports.archive import Archive
from gateway.reports.reading import ReportReader, within_any
from tests.reports.test_received import OLD


def arrived(report: bytes = OLD, *, stated: bytes = b"dkim=pass header.d=old.example; dmarc=pass") -> bytes:
    """A report as mail, with our own results on top."""
    packed = base64.encodebytes(gzip.compress(report)).replace(b"\n", b"\r\n")
    return (
        b"Authentication-Results: mx.example.org; " + stated + b"\r\n"
        b"From: noreply@old.example\r\nTo: dmarc@example.org\r\nSubject: Report Domain: example.org\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: application/gzip; name=report.xml.gz\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + packed
    )


def reader(folder: Path) -> ReportReader:
    ours = within_any(lambda: frozenset({"example.org"}))
    return ReportReader(Archive(folder), authserv_id="mx.example.org", is_ours=ours)


async def test_a_report_about_us_is_kept_once(tmp_path: Path) -> None:
    assert await reader(tmp_path).read(arrived())
    assert await reader(tmp_path).read(arrived())
    ((_, kept),) = Archive(tmp_path).all()
    assert (kept.organization, kept.domain, kept.messages) == ("old.example", "example.org", 12)


@pytest.mark.parametrize(
    "domain", [b"example.com", b"notexample.org", b"org", b"", b"a b", b"example.org.evil.example"]
)
async def test_a_report_about_others_is_not(domain: bytes, tmp_path: Path) -> None:
    assert not await reader(tmp_path).read(arrived(OLD.replace(b"Example.org", domain)))
    assert Archive(tmp_path).all() == []


async def test_a_report_about_a_domain_below_ours_is(tmp_path: Path) -> None:
    assert await reader(tmp_path).read(arrived(OLD.replace(b"Example.org", b"news.example.org")))


@pytest.mark.parametrize(
    "stated",
    [b"none", b"dmarc=fail", b"spf=pass smtp.mailfrom=old.example", b"dkim=fail (dmarc=pass)", b"x=y; (;dkim=pass)"],
)
async def test_a_sender_who_proved_nothing_is_not_believed(stated: bytes, tmp_path: Path) -> None:
    assert not await reader(tmp_path).read(arrived(stated=stated))


@given(st.binary(max_size=300))
@settings(max_examples=30, deadline=None)
def test_any_octets_are_a_report_or_none(octets: bytes) -> None:
    """Whatever is attached, reading says yes or no."""
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(reader(Path(folder)).read(arrived(octets))) is False
