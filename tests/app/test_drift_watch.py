"""gateway/app/drift_watch.py: an alert in the counters while people overturn far more verdicts than before."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.app.alerts import Alerts
from gateway.app.drift_watch import NAME, watch_drift
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.content import MailClass
from gateway.spam.site.drift import MANY
from gateway.spam.site.teaching import Ledger, Way


async def test_many_overturned_verdicts_raise_an_alert(tmp_path: Path) -> None:
    clock = FixedClock(1_800_000_000.0)
    ledger, counters = Ledger(tmp_path / "lessons"), Counters.open(tmp_path / "counters", clock=clock)
    for number in range(MANY):
        text = b"Subject: %d\r\n\r\n" % number
        ledger.teach(text, label=MailClass.SPAM, by="ann", way=Way.JUNK, sender="", at=clock.now() - number)
    alerts, stop = Alerts(counters), asyncio.Event()
    watching = asyncio.ensure_future(watch_drift(ledger, alerts, clock, stop))
    try:
        async with asyncio.timeout(30.0):
            while not (standing := await alerts.standing()):
                await asyncio.sleep(0.01)
            stop.set()
            await watching
        (told,) = standing
        assert told.key == NAME
        assert told.value.startswith(f"people overturned {MANY} verdicts of the classifier this week")
    finally:
        watching.cancel()
        await counters.close()
