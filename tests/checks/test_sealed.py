"""gateway/checks/sealed.py, gateway/checks/digests.py"""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from gateway.checks.digests import digest_of
from gateway.checks.sealed import seal

SIZES = [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 7]


@pytest.mark.parametrize("size", SIZES)
async def test_sealed_octets_are_whole_and_nobody_can_write_them(size: int) -> None:
    octets = os.urandom(size)
    descriptor = await seal(octets)
    try:
        assert os.pread(descriptor, size + 1, 0) == octets
        for change in (lambda: os.pwrite(descriptor, b"x", 0), lambda: os.ftruncate(descriptor, size + 1)):
            with pytest.raises(OSError) as refused:
                change()
            assert refused.value.errno == errno.EPERM
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("size", SIZES)
async def test_the_digest_is_sha_256(size: int) -> None:
    octets = os.urandom(size)
    assert await digest_of(octets) == hashlib.sha256(octets).digest()
