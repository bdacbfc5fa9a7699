"""The courier role: owed mail to its next hop, the ledger's upkeep; and in the first one what there is one of in an
installation: second scans, the watch over signing keys, reports."""

from __future__ import annotations

import asyncio

from gateway.app.alerts import Alerts
from gateway.app.drift_watch import watch_drift
from gateway.app.installation import Folders
from gateway.app.keeping import open_custody
from gateway.app.keys.key_watch import KeyWatch
from gateway.app.keys.keyring import Keyring
from gateway.app.keys.live_keys import LiveKeys
from gateway.app.keys.return_keys import LiveReturnKeys
from gateway.app.learning import watch as watch_lessons
from gateway.app.policies import LivePolicy
from gateway.app.reporting import daily_reports, reading_carrier
from gateway.app.roles.signals import Signals
from gateway.app.second_looks import SecondLooks
from gateway.app.senses import LiveSuffixes
from gateway.checks.dns.resolver import Resolver
from gateway.clock import SystemClock, system_randomness
from gateway.counters.counters import Counters
from gateway.delivery.departure import Departure
from gateway.delivery.routes import Endpoint, Language, Routes
from gateway.delivery.tenure import tenure
from gateway.delivery.worker import Courier
from gateway.mail.address import Address
from gateway.mailbox.store import layout_of
from gateway.pipeline.signing import Signer
from gateway.policy.policy import Policy
from gateway.queue.upkeep import Upkeep
from gateway.settings import Settings
from gateway.spam.site.teaching import Ledger
from gateway.supervisor.lifeline import Lifeline


async def work(settings: Settings, index: int, signals: Signals, lifeline: Lifeline) -> None:
    """Deliver until told to stop."""
    owner = f"courier-{index}"
    with tenure(Folders(settings.data.resolve()).queue, owner) as is_heir:
        await _deliver(settings, index, signals, lifeline, owner=owner, is_heir=is_heir)


async def _deliver(
    settings: Settings, index: int, signals: Signals, lifeline: Lifeline, *, owner: str, is_heir: bool
) -> None:
    clock = SystemClock()
    folders = Folders(settings.data.resolve())
    policy = LivePolicy(settings, folders)
    mailbox = Endpoint(Language.LMTP, path=str(layout_of(folders.data).lmtp))
    resolver = Resolver.from_settings(settings.dns, clock=clock)
    custody = open_custody(settings, folders, clock)
    keyring = Keyring(folders.dkim)
    signer = Signer(LiveKeys(keyring))

    def sign(octets: bytes) -> bytes:
        return signer.sign_own(octets, signed_at=clock.now())

    counters = Counters.open(folders.counters, clock=clock)
    randomness = system_randomness()
    routes = routes_of(policy(), mailbox)
    return_keys = LiveReturnKeys(settings, folders)
    suffixes = LiveSuffixes(settings)
    courier = Courier(
        custody,
        routes,
        settings,
        clock,
        randomness,
        query=resolver.query,
        owner=owner,
        carrier=reading_carrier(
            settings,
            folders,
            domains=lambda: frozenset(policy().recipients),
            routes=routes,
            query=resolver.query,
            clock=clock,
            randomness=randomness,
        ),
        sign=sign,
        departing=Departure(
            lambda address: policy().recipient_entry(str(address)) is not None,
            now=clock.now,
            srs=return_keys.srs,
            tagging=return_keys.tagging,
        ),
        heir=is_heir,
    )

    looks = SecondLooks(settings, folders, custody, counters, clock, policy)

    def reload() -> None:
        policy.reload()
        return_keys.reload()
        suffixes.reload()
        looks.reload()
        courier.use(routes_of(policy(), mailbox))

    def destination_of(address: Address) -> str:
        return routes_of(policy(), mailbox).destination_of(address)

    signals.on_reload = reload
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(courier.run(signals.stop))
            group.create_task(Upkeep(custody, clock).run(signals.stop))
            if index == 0:
                group.create_task(looks.run(signals.stop))
                group.create_task(watch_lessons(settings, folders, clock, signals.stop))
                group.create_task(watch_drift(Ledger(folders.lessons), Alerts(counters), clock, signals.stop))
                watch = KeyWatch(keyring, resolver, clock, keep_days=settings.signing.keep_days)
                group.create_task(watch.run(signals.stop))
            if index == 0 and settings.reports.dmarc:
                reports = daily_reports(
                    settings,
                    folders,
                    custody,
                    resolver,
                    clock,
                    sign=sign,
                    destination_of=destination_of,
                    suffixes=suffixes,
                )
                group.create_task(reports.run(signals.stop))
            group.create_task(lifeline.serve(signals.stop))
    finally:
        await resolver.close()
        await counters.close()
        await custody.close()


def routes_of(policy: Policy, mailbox: Endpoint) -> Routes:
    """Where our own domains' mail goes on: a bounce to one of our people finds the way that their mail takes."""
    return Routes(mailbox=mailbox, domains={name: entry.route for name, entry in policy.recipients.items()})
