"""The senses of a process: one resolver, one pool of anatomists, one door to clamd, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.app.installation import Folders
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.answering import Answering
from gateway.checks.clamav import Clamav
from gateway.checks.resolver import Resolver
from gateway.clock import Clock
from gateway.pipeline.scan import Scanner
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class SensesOfProcess:
    """What a role that looks at mail needs."""

    resolver: Answering
    anatomists: AnatomistPool
    clamav: Clamav
    scanner: Scanner


@asynccontextmanager
async def open_senses(
    settings: Settings, folders: Folders, clock: Clock, *, zone: Answering | None = None
) -> AsyncIterator[SensesOfProcess]:
    """Open all senses; close them at the end. `zone` answers DNS questions instead of the network."""
    resolver = zone or Resolver.from_settings(settings.dns, clock=clock)
    anatomists = await AnatomistPool.start(
        workers=settings.anatomist.workers,
        timeout=settings.anatomist.timeout,
        memory=settings.anatomist.memory,
        model=settings.model if settings.model.exists() else None,
    )
    clamav = Clamav(clamd_address(settings, folders), settings.clamav.timeout, settings.clamav.connections)
    try:
        scanner = Scanner(resolver=resolver, anatomist=anatomists, malware=clamav, clock=clock)
        yield SensesOfProcess(resolver, anatomists, clamav, scanner)
    finally:
        await clamav.close()
        await anatomists.close()
        if isinstance(resolver, Resolver):
            await resolver.close()


def clamd_address(settings: Settings, folders: Folders) -> str:
    """Where clamd answers: as configured, or as the supervisor found or started it."""
    if settings.clamav.address:
        return settings.clamav.address
    chosen = address_file(folders)
    return chosen.read_text(encoding="utf-8").strip() if chosen.exists() else ""


def address_file(folders: Folders) -> Path:
    """Where the supervisor leaves the address of the clamd that it chose."""
    return folders.data / "clamd-address"
