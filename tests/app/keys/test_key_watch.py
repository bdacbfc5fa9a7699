from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.app.keys.key_watch import DAY, KeyWatch, Publication, publication
from gateway.app.keys.keyring import Keyring
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import FixedClock

DOMAIN = "example.org"


@pytest.fixture()
def clock() -> FixedClock:
    return FixedClock(1_700_000_000.0)


@pytest.fixture()
def keyring(tmp_path: Path, clock: FixedClock) -> Keyring:
    keyring = Keyring(tmp_path)
    keyring.make(DOMAIN, "s1", bits=1024, at=clock.now())
    return keyring


def records(keyring: Keyring) -> dict[str, Any]:
    keys = [keyring.key(DOMAIN, entry) for entry in keyring.entries(DOMAIN)]
    return {key.name: [{"TXT": key.record}] for key in keys}


def signing(keyring: Keyring) -> list[str]:
    return [key.selector for key in keyring.signing_keys(DOMAIN)]


async def test_what_the_dns_says_about_a_key(keyring: Keyring) -> None:
    key = keyring.key(DOMAIN, keyring.entries(DOMAIN)[0])
    shown = {"TXT": key.record}
    for said, expected in (
        ([shown], Publication.SHOWN),
        ([], Publication.ABSENT),
        (["NXDOMAIN"], Publication.ABSENT),
        (["TIMEOUT"], Publication.UNKNOWN),
        (["SERVFAIL"], Publication.UNKNOWN),
        ([{"TXT": "v=DKIM1; p="}], Publication.DIFFERENT),
        ([shown, {"TXT": "v=spf1 -all"}], Publication.DIFFERENT),
    ):
        assert await publication(ZoneResolver({key.name: said}), key) is expected


async def test_a_key_signs_once_the_dns_shows_it_and_not_before(keyring: Keyring, clock: FixedClock) -> None:
    for zone in ({}, {name: ["SERVFAIL"] for name in records(keyring)}):
        await KeyWatch(keyring, ZoneResolver(zone), clock, keep_days=14).round()
        assert signing(keyring) == []
    await KeyWatch(keyring, ZoneResolver(records(keyring)), clock, keep_days=14).round()
    assert signing(keyring) == ["s1", "s1-ed25519"]


async def test_a_rotated_key_goes_after_its_days(keyring: Keyring, clock: FixedClock) -> None:
    await KeyWatch(keyring, ZoneResolver(records(keyring)), clock, keep_days=14).round()
    keyring.make(DOMAIN, "s2", bits=1024, at=clock.now())
    watch = KeyWatch(keyring, ZoneResolver(records(keyring)), clock, keep_days=14)
    await watch.round()
    assert signing(keyring) == ["s2", "s2-ed25519"]
    clock.advance(13 * DAY)
    await watch.round()
    assert len(keyring.entries(DOMAIN)) == 4
    clock.advance(2 * DAY)
    await watch.round()
    assert [entry.selector for entry in keyring.entries(DOMAIN)] == ["s2", "s2-ed25519"]


async def test_one_spoiled_domain_does_not_keep_the_others_waiting(keyring: Keyring, clock: FixedClock) -> None:
    keyring.make("a.example", "s1", bits=1024, at=clock.now())
    keyring.listing_file("a.example").write_text("spoiled")
    await KeyWatch(keyring, ZoneResolver(records(keyring)), clock, keep_days=14).round()
    assert signing(keyring) == ["s1", "s1-ed25519"]


async def test_the_watch_ends_when_told(keyring: Keyring, clock: FixedClock) -> None:
    stop = asyncio.Event()
    running = asyncio.ensure_future(
        KeyWatch(keyring, ZoneResolver(records(keyring)), clock, keep_days=14).run(stop, interval=0.01)
    )
    while not signing(keyring):
        await asyncio.sleep(0.01)
    stop.set()
    await running
