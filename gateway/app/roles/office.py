"""The console role: the office served by uvicorn on an inherited socket, and the view of how the house is doing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from gateway.app.accounts import user_base
from gateway.app.installation import Folders
from gateway.app.keeping import open_custody
from gateway.app.learning import classifier_standing, go_back
from gateway.app.losses import Losses
from gateway.app.policies import LivePolicy
from gateway.app.reporting import received_reports
from gateway.app.roles.signals import Signals
from gateway.app.senses import open_senses
from gateway.app.status import Status
from gateway.clock import Clock, SystemClock
from gateway.console.app import create_app
from gateway.console.ports import Mailbox, OfficePorts
from gateway.counters.counters import Counters
from gateway.inbound.admission.counting import own_networks
from gateway.mailbox.users import UserBase
from gateway.pipeline.second_look import SecondLook
from gateway.quarantine.feedback import Feedback
from gateway.settings import Settings
from gateway.spam.site.teaching import Ledger
from gateway.spam.site.versions import Versions
from gateway.supervisor import sockets
from gateway.supervisor.lifeline import Lifeline
from gateway.telemetry import exposition

DRAIN = 5
"""Seconds that open requests may take to end; a WebSocket never ends by itself."""


async def work(settings: Settings, index: int, signals: Signals, lifeline: Lifeline) -> None:
    """Serve the office until told to stop. There is one: `index` is not used."""
    clock = SystemClock()
    folders = Folders(settings.data.resolve())
    policy = LivePolicy(settings, folders)
    signals.on_reload = policy.reload
    counters = Counters.open(folders.counters, clock=clock)
    custody = open_custody(settings, folders, clock)
    try:
        async with open_senses(settings, folders, clock, scanning=lambda: policy().scanning) as senses:
            status = Status(settings, folders, custody=custody, counters=counters, engine=senses.engine, clock=clock)
            await status.look()
            app = create_app(
                OfficePorts(
                    custody=custody,
                    counters=counters,
                    never_shut_out=_never_shut_out(settings, policy, clock),
                    rescan=SecondLook(senses.anatomists, senses.engine, lambda: policy().scanning, Losses(counters)),
                    preview=senses.anatomists.preview,
                    authenticate_mailbox=MailboxSignIn(user_base(settings)),
                    status=status,
                    metrics=exposition,
                    received_reports=lambda: received_reports(folders).latest(),
                    feedback=Feedback(Ledger(folders.lessons), clock),
                    classifier=lambda: classifier_standing(settings, folders, now=clock.now()),
                    lessons=LessonsOfSite(settings, folders, clock),
                    policy_version=lambda: policy().version,
                    clock=clock,
                    settings=settings,
                    folder=folders.console,
                )
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(status.watch(signals.stop))
                group.create_task(_serve(app, signals.stop))
                group.create_task(lifeline.serve(signals.stop))
    finally:
        await counters.close()
        await custody.close()


def _never_shut_out(settings: Settings, policy: LivePolicy, clock: Clock) -> Callable[[str], bool]:
    own = own_networks(settings.own_networks)
    return lambda ip: own.holds(ip, at=0.0) or policy().bans.never.holds(ip, at=clock.now())


class LessonsOfSite:
    """The `Lessons` that the console is given. The courier learns again by itself."""

    def __init__(self, settings: Settings, folders: Folders, clock: Clock) -> None:
        self._settings = settings
        self._folders = folders
        self._clock = clock

    async def go_back(self) -> str | None:
        """Let the version before serve again."""
        return await go_back(self._settings, self._folders, now=self._clock.now())

    async def go_on(self) -> None:
        """Learn again."""
        await asyncio.to_thread(Versions(self._folders.layer).go_on)


class MailboxSignIn:
    """Owners of mailboxes sign in with the mailbox's password and see mail to it."""

    def __init__(self, users: UserBase) -> None:
        self._users = users

    async def __call__(self, address: str, password: str) -> Mailbox | None:
        """The mailbox, if the password is its own. The hash runs in a thread."""
        if not await asyncio.to_thread(self._users.verify, address, password):
            return None
        return Mailbox(address=address.lower(), addresses=frozenset({address.lower()}))


async def _serve(app: object, stop: asyncio.Event) -> None:
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN,
            ws="websockets-sansio",
            ws_max_size=64 * 1024,
        )
    )
    serving = asyncio.ensure_future(server.serve(sockets=list(sockets.inherited().values())))
    await stop.wait()
    server.should_exit = True
    await serving


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the role has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield
