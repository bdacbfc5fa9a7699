"""Reports on their way to their mailbox, with a scripted mail store."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gateway.app.reading import ReadingCarrier
from gateway.clock import SystemClock
from gateway.delivery.handover import Ending, Parcel, Takeover
from gateway.delivery.routes import Routes, parse_route
from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from gateway.reports.archive import Archive
from gateway.reports.reading import ReportReader
from tests.delivery.deposits import no_dns
from tests.delivery.sink import Sink, running
from tests.reports.test_reading import arrived

RUA = Address("dmarc", "example.org")
BOB = Address("bob", "example.org")


def carrier(folder: Path, *, deliver: bool) -> ReadingCarrier:
    reader = ReportReader(Archive(folder), authserv_id="mx.example.org", is_ours=lambda domain: domain == "example.org")
    return ReadingCarrier(
        reader,
        mailbox=RUA,
        deliver=deliver,
        routes=Routes(),
        query=no_dns,
        greet_as="mx.example.org",
        clock=SystemClock(),
        randomness=random.Random(1),
    )


def parcel(octets: bytes, *to: Address) -> Parcel:
    return Parcel(None, tuple(Recipient(each) for each in to), octets)


async def test_a_report_is_kept_and_delivered_only_where_that_is_wanted(tmp_path: Path) -> None:
    async with running(Sink()) as sink:
        for deliver in (False, True):
            one = carrier(tmp_path / str(deliver), deliver=deliver)
            (end,) = await one.carry(parcel(arrived(), RUA), parse_route(sink.route))
            one.pool.close()
            assert end.ending is Ending.DELIVERED
            assert len(Archive(tmp_path / str(deliver)).all()) == 1
            assert len(sink.taken) == int(deliver)
        assert end.takeover is not Takeover.MAILBOX


async def test_others_get_their_copy_and_each_end_stands_at_its_place(tmp_path: Path) -> None:
    async with running(Sink(script={"RCPT:carol@example.org": "550 5.1.1 gone"})) as sink:
        one = carrier(tmp_path, deliver=False)
        to = (BOB, Address("DMARC", "Example.org"), Address("carol", "example.org"))
        ends = await one.carry(parcel(arrived(), *to), parse_route(sink.route))
        one.pool.close()
    assert [each.ending for each in ends] == [Ending.DELIVERED, Ending.DELIVERED, Ending.FAILED]
    assert ends[1].takeover is Takeover.MAILBOX
    assert [each.recipients for each in sink.taken] == [["bob@example.org"]]


@pytest.mark.parametrize("octets", [arrived(b"hello\r\n"), arrived(stated=b"dmarc=fail"), b"Subject: x\r\n\r\nx\r\n"])
async def test_what_is_no_report_to_be_believed_is_mail(octets: bytes, tmp_path: Path) -> None:
    async with running(Sink()) as sink:
        one = carrier(tmp_path, deliver=False)
        await one.carry(parcel(octets, RUA), parse_route(sink.route))
        one.pool.close()
    assert len(sink.taken) == 1
    assert Archive(tmp_path).all() == []


async def test_mail_for_others_is_not_read(tmp_path: Path) -> None:
    async with running(Sink()) as sink:
        one = carrier(tmp_path, deliver=False)
        await one.carry(parcel(arrived(), BOB), parse_route(sink.route))
        one.pool.close()
    assert len(sink.taken) == 1
    assert Archive(tmp_path).all() == []


async def test_a_report_that_cannot_be_stored_comes_again(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    async with running(Sink()) as sink:
        one = carrier(blocked, deliver=True)
        (end,) = await one.carry(parcel(arrived(), RUA), parse_route(sink.route))
    assert end.ending is Ending.DEFERRED
    assert sink.taken == []
