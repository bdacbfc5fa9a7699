"""Shared by the tests of the front door."""

from __future__ import annotations

import ssl
from pathlib import Path

import hypothesis
import pytest

from gateway.inbound.protocol.tls import server_context
from tests.inbound.house import make_certificate

# The machine may be busy with other things: how long an example takes says nothing here.
hypothesis.settings.register_profile("front door", deadline=None)
hypothesis.settings.load_profile("front door")


@pytest.fixture(autouse=True)
def patient_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does how long the counters take: each process would count for itself where they are late."""
    monkeypatch.setattr("gateway.counters.counters.PATIENCE", 30.0)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    return server_context(*make_certificate(folder))
