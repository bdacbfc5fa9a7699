"""Raises an alert while people overturn the classifier's verdicts far more often than they did before."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.app.alerts import Alerts
from gateway.clock import Clock, pause
from gateway.spam.site.drift import drift
from gateway.spam.site.teaching import Ledger
from gateway.telemetry import log

LOOK_EVERY: Final = 600.0
"""Seconds between two looks: less than an alert stands."""
NAME: Final = "classifier drift"


async def watch_drift(ledger: Ledger, alerts: Alerts, clock: Clock, stop: asyncio.Event) -> None:
    """Until `stop`. What fails is logged and tried again."""
    while not stop.is_set():
        try:
            lessons, _ = await asyncio.to_thread(ledger.lessons)
            words = drift(lessons, now=clock.now()).alarm
            if words:
                await alerts.raise_one(NAME, f"{words}; the page /classifier shows which")
        except OSError as error:
            log().error("lessons cannot be read", why=str(error))
        await pause(LOOK_EVERY, until=stop)
