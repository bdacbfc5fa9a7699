"""What is said about block lists that could not be counted: each time to the metrics, and as an alert where somebody
can mend it. A list that is silent now and then is no news."""

from __future__ import annotations

import asyncio

from gateway.app.alerts import Alerts
from gateway.checks.reputation.dnsbl import SILENT
from gateway.telemetry import DNSBL_UNUSABLE


class ListNotice:
    """Told by the scan, which waits for nobody: the alert is raised beside it."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._raising: set[asyncio.Future[None]] = set()

    def __call__(self, name: str, why: str) -> None:
        DNSBL_UNUSABLE.labels(name, why).inc()
        if why == SILENT:
            return
        words = f"the list {name} {why}: it is not counted"
        raising = asyncio.ensure_future(self._alerts.raise_one(f"list {name}", words))
        self._raising.add(raising)
        raising.add_done_callback(self._raising.discard)
