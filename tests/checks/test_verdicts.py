"""Verdicts are kept by octets and signatures, and never beyond their number."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from gateway.checks.verdicts import Verdicts, digest_of
from gateway.facts.content import MalwareFact, MalwareResult

CLEAN = MalwareFact(MalwareResult.CLEAN, engine="clamav", signatures="27000")


def test_other_signatures_know_nothing():
    verdicts = Verdicts()
    verdicts.put(b"a", CLEAN)
    assert verdicts.get(b"a", "27000") == CLEAN
    assert verdicts.get(b"a", "27001") is None
    assert verdicts.get(b"b", "27000") is None


def test_the_least_recently_used_go_first():
    verdicts = Verdicts(entries=2)
    verdicts.put(b"a", CLEAN)
    verdicts.put(b"b", replace(CLEAN, name="b"))
    assert verdicts.get(b"a", "27000") is not None
    verdicts.put(b"c", CLEAN)
    assert len(verdicts) == 2
    assert verdicts.get(b"b", "27000") is None


async def test_small_and_large_octets_have_the_same_kind_of_digest():
    for octets in (b"x", bytes(3 * 1024 * 1024)):
        assert await digest_of(octets) == hashlib.sha256(octets).digest()
