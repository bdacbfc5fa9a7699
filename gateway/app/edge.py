"""The edge role: SMTP sessions of all doors, judged and taken into custody, in one process."""

from __future__ import annotations

import ssl

from gateway.app.accounts import user_base
from gateway.app.doorkeeping import Inquiry, PasswordAuthentication, Recipients
from gateway.app.installation import Folders
from gateway.app.judging import Judging
from gateway.app.policies import LivePolicy
from gateway.app.senses import open_senses
from gateway.app.signals import Signals
from gateway.clock import SystemClock
from gateway.inbound.ports import Door, Ports
from gateway.inbound.server import FrontDoor, Listener
from gateway.pipeline.stamp import Stamper
from gateway.queue.custody import Custody
from gateway.settings import Settings
from gateway.supervisor import sockets
from gateway.supervisor.lifeline import Lifeline

DRAIN = 25.0
"""Seconds that open DATA may take to end: less than the supervisor's own patience."""


async def work(settings: Settings, index: int, signals: Signals, lifeline: Lifeline) -> None:
    """Serve until told to stop."""
    clock = SystemClock()
    folders = Folders(settings.data.resolve())
    policy = LivePolicy(settings, folders)
    signals.on_reload = policy.reload
    users = user_base(settings)
    custody = Custody.open(folders.queue, clock=clock)
    try:
        async with open_senses(settings, folders, clock) as senses:

            def reload() -> None:
                policy.reload()
                senses.reload()

            signals.on_reload = reload
            stamper = Stamper(hostname=settings.hostname)
            listeners = [Listener(Door(name), listener) for name, listener in sockets.inherited().items()]
            door = FrontDoor(
                listeners,
                ports=Ports(
                    custody=custody,
                    judge=Judging(senses.scanner, stamper, policy),
                    validation=Recipients(users, policy),
                    authentication=PasswordAuthentication(users, clock),
                    inquiry=Inquiry(senses.resolver, policy),
                    current_policy=policy,
                    clock=clock,
                ),
                settings=settings,
                tls_context=_tls(folders),
            )
            await door.start()
            await lifeline.serve(signals.stop)
            await door.drain(DRAIN)
    finally:
        await custody.close()


def _tls(folders: Folders) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folders.certificate, folders.key)
    return context
