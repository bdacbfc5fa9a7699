"""Shared by the tests of the front door."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.inbound.tls import server_context
from tests.inbound.house import make_certificate


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    return server_context(*make_certificate(folder))
