"""Custody as the roles open it: with the bounds of the settings, beyond which no mail is taken."""

from __future__ import annotations

from gateway.app.installation import Folders
from gateway.clock import Clock
from gateway.queue.custody import Custody
from gateway.settings import Settings


def open_custody(settings: Settings, folders: Folders, clock: Clock) -> Custody:
    """Open the ledger and the spool of the data folder. Raises as `Custody.open`."""
    limits = settings.limits
    return Custody.open(folders.queue, clock=clock, free_disk=limits.free_disk, queued=limits.queued)
