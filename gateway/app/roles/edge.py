"""The edge role: SMTP sessions of all doors, judged and taken into custody, in one process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.app.alerts import Alerts
from gateway.app.door.acquaintances import Acquaintances
from gateway.app.door.greylisting import Greylister
from gateway.app.door.judging import Judging
from gateway.app.door.ports import door_ports
from gateway.app.door.returning import Returning
from gateway.app.door.stripping import Stripping
from gateway.app.engine_watch import engine_watch
from gateway.app.installation import Folders
from gateway.app.keeping import open_custody
from gateway.app.keys.keyring import Keyring
from gateway.app.keys.live_keys import LiveKeys
from gateway.app.keys.return_keys import LiveReturnKeys
from gateway.app.list_notice import ListNotice
from gateway.app.losses import Losses
from gateway.app.policies import LivePolicy
from gateway.app.roles.signals import Signals
from gateway.app.senses import open_senses
from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.inbound.admission.counting import own_networks
from gateway.inbound.ports import Door
from gateway.inbound.protocol.tls import RenewableCertificate
from gateway.inbound.server import FrontDoor, Listener
from gateway.pipeline.sealing import Sealer
from gateway.pipeline.signing import Signer
from gateway.pipeline.stamp import Stamper
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
    counters = Counters.open(folders.counters, clock=clock, processes=settings.edge_count)
    custody = open_custody(settings, folders, clock)
    try:
        losses, notice = Losses(counters), ListNotice(Alerts(counters))
        acquaintances = Acquaintances(counters)
        async with open_senses(
            settings,
            folders,
            clock,
            scanning=lambda: policy().scanning,
            losses=losses,
            notice=notice,
            acquaintances=acquaintances,
        ) as senses:
            keys = LiveKeys(Keyring(folders.dkim))
            stamper = Stamper(
                hostname=settings.hostname,
                signer=Signer(keys),
                received_spf=settings.received_spf,
            )
            own = own_networks(settings.own_networks)
            greylister = Greylister(counters, senses.resolver, own=own)
            return_keys = LiveReturnKeys(settings, folders)
            returning = Returning(
                return_keys.srs,
                return_keys.tagging,
                own,
                clock.now,
                refuse_at=settings.bounces.refuse_at,
            )
            stripping = Stripping(stamper, Sealer(settings.hostname, keys), custody.new_id)
            judge = Judging(
                senses.scanner,
                stamper,
                policy,
                counters=counters,
                greylister=greylister,
                acquaintances=acquaintances,
                stripping=stripping,
            )
            certificate = RenewableCertificate(folders.certificate, folders.key)
            listeners = [Listener(Door(name), listener) for name, listener in sockets.inherited().items()]
            with door_ports(
                settings,
                policy,
                custody=custody,
                counters=counters,
                resolver=senses.resolver,
                judge=judge,
                greylist=greylister,
                clock=clock,
                returns=returning,
            ) as ports:
                door = FrontDoor(
                    listeners,
                    ports=ports,
                    settings=settings,
                    tls_context=certificate.context,
                    asking=lambda authorities: certificate.asking(Path(settings.policy) / authorities),
                )

                def reload() -> None:
                    policy.reload()
                    senses.reload()
                    return_keys.reload()
                    if certificate.renew():
                        door.renew_tls(certificate.context)

                signals.on_reload = reload
                watch = engine_watch(senses.engine, counters)
                await watch.recall()
                await door.start()
                watching = asyncio.ensure_future(certificate.watch(door.renew_tls, sleep=asyncio.sleep))
                asking = asyncio.ensure_future(watch.run(signals.stop))
                following = asyncio.ensure_future(senses.follow_lessons(signals.stop))
                try:
                    await lifeline.serve(signals.stop)
                    await door.drain(DRAIN)
                finally:
                    watching.cancel()
                    asking.cancel()
                    following.cancel()
    finally:
        await counters.close()
        await custody.close()
