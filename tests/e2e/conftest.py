"""One gateway that most tests share, as a user would start it: demonstration signatures, a nameserver, the default
policy. Tests that stop, kill or reconfigure it start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.mailbox.store import find_dovecot
from tests.e2e.gateway import Gateway, running
from tests.e2e.surroundings import Surroundings, surroundings
from tests.folders import passable_folder


@pytest.fixture(scope="session", autouse=True)
def _store_is_installed() -> None:
    if find_dovecot() is None:
        pytest.skip("Dovecot is not installed: apt-get install dovecot-imapd dovecot-lmtpd dovecot-pop3d")


@pytest.fixture(scope="session")
def around() -> Iterator[Surroundings]:
    with surroundings() as them:
        yield them


@pytest.fixture(scope="session")
def gateway(around: Surroundings) -> Iterator[Gateway]:
    with passable_folder() as folder, running(folder / "data", POSTERN_NAMESERVERS=around.nameserver) as it:
        yield it
        assert it.stop() == 0
