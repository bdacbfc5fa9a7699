from __future__ import annotations

import asyncio
import random
from pathlib import Path

from gateway.app.installation import Folders
from gateway.app.reporting import reading_carrier, received_reports
from gateway.clock import FixedClock, SystemClock
from gateway.delivery.handover import Ending, Parcel
from gateway.delivery.routes import Routes, ToMailbox
from gateway.delivery.worker import Courier
from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from gateway.queue.custody import Custody
from gateway.queue.states import State
from gateway.settings import Reports, Settings
from tests.delivery.deposits import all_in, no_dns, put, until
from tests.reports.test_reading import arrived


def settings(folder: Path, **reports: object) -> Settings:
    return Settings(hostname="mx.example.org", data=folder, reports=Reports.model_validate(reports))


def test_without_a_mailbox_of_reports_mail_is_carried_as_usual(tmp_path: Path) -> None:
    assert reading_carrier(settings(tmp_path), Folders(tmp_path), domains=frozenset) is None


async def test_a_courier_takes_a_report_out_of_the_queue_into_the_archive(tmp_path: Path) -> None:
    """The mail store is dead, and the report ends as delivered all the same: nobody else was to get it."""
    clock = SystemClock()
    custody = Custody.open(tmp_path / "queue", clock=clock)
    folders = Folders(tmp_path)
    said = settings(tmp_path, mailbox="dmarc@example.org", deliver=False)
    domains = {"example.org"}
    common = {"routes": Routes(), "query": no_dns, "clock": clock, "randomness": random.Random(1)}
    carrier = reading_carrier(said, folders, domains=lambda: frozenset(domains), **common)
    assert carrier is not None
    courier = Courier(custody, Routes(), said, clock, random.Random(1), query=no_dns, carrier=carrier)
    stop = asyncio.Event()
    running = asyncio.ensure_future(courier.run(stop))
    id = await put(custody, clock, "smtp://127.0.0.1:1", "dmarc@example.org", octets=arrived())
    await until(lambda: all_in(custody, [id], State.DELIVERED))
    stop.set()
    await running
    await custody.close()
    ((_, kept),) = received_reports(folders).all()
    assert kept.domain == "example.org"


async def test_domains_are_those_of_the_policy_in_force(tmp_path: Path) -> None:
    domains: set[str] = set()
    carrier = reading_carrier(
        settings(tmp_path, mailbox="dmarc@example.org"),
        Folders(tmp_path),
        domains=lambda: frozenset(domains),
        routes=Routes(),
        query=no_dns,
        clock=FixedClock(1_700_000_000.0),
        randomness=random.Random(1),
    )
    assert carrier is not None
    parcel = Parcel(None, (Recipient(Address("dmarc", "example.org")),), arrived())
    (end,) = await carrier.carry(parcel, ToMailbox())
    assert end.ending is not Ending.DELIVERED
    assert received_reports(Folders(tmp_path)).all() == []
    domains.add("example.org")
    await carrier.carry(parcel, ToMailbox())
    assert len(received_reports(Folders(tmp_path)).all()) == 1
