"""The edge role: SMTP sessions of all doors, judged and taken into custody, in one process."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.app.accounts import user_base
from gateway.app.alerts import Alerts
from gateway.app.directories import AddressFiles, WebDirectory
from gateway.app.doorkeeping import Inquiry, PasswordAuthentication
from gateway.app.installation import Folders
from gateway.app.judging import Judging
from gateway.app.policies import LivePolicy
from gateway.app.recipients import Recipients
from gateway.app.senses import SensesOfProcess, open_senses
from gateway.app.signals import Signals
from gateway.checks.answering import Answering
from gateway.clock import Clock, SystemClock, system_randomness
from gateway.counters.counters import Counters
from gateway.delivery.callahead import CallAhead
from gateway.delivery.carrier import Carrier
from gateway.delivery.routes import Routes
from gateway.inbound.counting import Counting, own_networks
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
    counters = Counters.open(folders.counters, clock=clock, processes=settings.edge_count)
    custody = Custody.open(folders.queue, clock=clock)
    try:
        async with open_senses(settings, folders, clock) as senses:
            ports = door_ports(settings, policy, custody=custody, counters=counters, senses=senses, clock=clock)
            listeners = [Listener(Door(name), listener) for name, listener in sockets.inherited().items()]
            door = FrontDoor(
                listeners,
                ports=ports,
                settings=settings,
                tls_context=_tls(folders),
            )
            await door.start()
            await lifeline.serve(signals.stop)
            await door.drain(DRAIN)
    finally:
        await counters.close()
        await custody.close()


def door_ports(
    settings: Settings,
    policy: LivePolicy,
    *,
    custody: Custody,
    counters: Counters,
    senses: SensesOfProcess,
    clock: Clock,
) -> Ports:
    """Everything that the front door is given."""
    users = user_base(settings)
    own = own_networks(settings.trusted)
    return Ports(
        custody=custody,
        judge=Judging(senses.scanner, Stamper(hostname=settings.hostname), policy, counters=counters, own=own),
        validation=Recipients(
            policy,
            users=users,
            files=AddressFiles(Path(settings.policy)),
            web=WebDirectory(),
            call_ahead=_call_ahead(settings, senses.resolver, clock),
            counters=counters,
            now=clock.now,
        ),
        authentication=PasswordAuthentication(users, Counting(counters, own=own), policy),
        inquiry=Inquiry(senses.resolver, policy, Alerts(counters)),
        current_policy=policy,
        counters=counters,
        clock=clock,
    )


def _call_ahead(settings: Settings, resolver: Answering, clock: Clock) -> CallAhead:
    """Looks for next hops as a courier does."""
    name = settings.delivery.helo or settings.hostname
    carrier = Carrier(routes=Routes(), query=resolver.query, greet_as=name, clock=clock, randomness=system_randomness())
    return CallAhead(doors=carrier.doors, greet_as=name)


def _tls(folders: Folders) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folders.certificate, folders.key)
    return context
