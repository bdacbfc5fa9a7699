"""An office over a real custody, for the tests of this room."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from gateway.anatomy.preview import preview as make_preview
from gateway.app.installation import Folders
from gateway.app.roles.office import LessonsOfSite
from gateway.clock import SystemClock
from gateway.console.app import PEOPLE_FILE, create_app
from gateway.console.ports import Component, Mailbox, Mood, OfficePorts, StoreUnavailable
from gateway.console.staff.people import People
from gateway.counters.counters import Counters
from gateway.facts.content import Findings, MailClass, MalwareFact, MalwareResult, YaraFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.facts.preview import Preview
from gateway.mail.message import Octets
from gateway.quarantine.feedback import Feedback
from gateway.quarantine.rights import Role
from gateway.queue.custody import Custody
from gateway.settings import Settings
from gateway.spam.artefact import read_manifest
from gateway.spam.site import trial
from gateway.spam.site.drift import WEEK
from gateway.spam.site.standing import standing_of
from gateway.spam.site.teaching import Ledger, Way
from gateway.spam.site.trial import Trial
from gateway.spam.site.versions import Versions
from gateway.telemetry import exposition

PASSWORD = "correct horse battery"
CLEAN: Outcome[MalwareFact] = Known(MalwareFact(MalwareResult.CLEAN, engine="clamav"))
ORIGIN = "http://office.example"


@dataclass
class World:
    """What the ports answer, for a test to change."""

    scan: Outcome[MalwareFact] = CLEAN
    scanned: list[bytes] = field(default_factory=list)
    components: tuple[Component, ...] = (
        Component("clamd", Mood.DOWN, "refuses connections", "sudo systemctl start clamav-daemon", 1_800_000_000.0),
        Component("anatomist", Mood.UP),
        Component("DNS", Mood.UP),
    )
    store_down: bool = False
    preview_fails: str = ""
    unsanitised: str = ""

    async def rescan(self, octets: Octets) -> Findings:
        self.scanned.append(bytes(octets))
        return Findings(self.scan, Known(YaraFact(rules="0123")))

    async def authenticate_mailbox(self, address: str, password: str) -> Mailbox | None:
        if self.store_down:
            raise StoreUnavailable("connection refused")
        if address not in ("bob@example.org", "alice@example.org") or password != PASSWORD:
            return None
        return Mailbox(address, frozenset({address, "sales@example.org"} if address.startswith("bob") else {address}))

    async def preview(self, octets: Octets) -> Outcome[Preview]:
        if self.preview_fails:
            return Unknown(self.preview_fails)
        if self.unsanitised:
            return Known(Preview("plain", html=self.unsanitised))
        return Known(make_preview(octets))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def custody(tmp_path: Path) -> AsyncIterator[Custody]:
    opened = Custody.open(tmp_path / "queue", clock=SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
async def counters(tmp_path: Path) -> AsyncIterator[Counters]:
    opened = Counters.open(tmp_path / "counters", clock=SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
def ports(custody: Custody, counters: Counters, world: World, tmp_path: Path) -> OfficePorts:
    return OfficePorts(
        custody=custody,
        counters=counters,
        never_shut_out=lambda ip: ip.startswith("127."),
        rescan=world.rescan,
        preview=world.preview,
        authenticate_mailbox=world.authenticate_mailbox,
        status=lambda: world.components,
        metrics=exposition,
        feedback=Feedback(Ledger(tmp_path / "lessons"), SystemClock()),
        classifier=lambda: standing_of(
            model=Settings().model,
            versions=Versions(tmp_path / "lessons" / "site"),
            lessons=tmp_path / "lessons",
            now=SystemClock().now(),
        ),
        lessons=LessonsOfSite(Settings(data=tmp_path), Folders(tmp_path), SystemClock()),
        policy_version=lambda: "3f2a9c41",
        clock=SystemClock(),
        settings=Settings(),
        folder=tmp_path / "console",
    )


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """The folder of lessons, with overturned verdicts of three weeks and a trial of the shipped model: its scores say
    too much in the band from 0 to 2."""
    folder, now = tmp_path / "lessons", time.time()
    ledger = Ledger(folder)
    for number, way in enumerate([Way.NOT_JUNK, Way.NOT_JUNK, Way.JUNK, Way.RELEASE]):
        label = MailClass.SPAM if way is Way.JUNK else MailClass.HAM
        text = b"Subject: %d\r\n\r\n" % number
        ledger.teach(text, label=label, by="ann@example.org", way=way, sender="", at=now - number * 0.9 * WEEK)
    trial.write(
        folder,
        Trial(
            model=read_manifest(Settings().model).sha256,
            lessons="",
            ham=(-7.0, -5.0, -4.5, -3.0, -1.0, *(0.5 + number / 100 for number in range(40))),
            unwanted=(-0.5, 1.0, 1.5, 3.0, *(4.0 + number / 100 for number in range(45))),
        ),
    )
    return folder


@pytest.fixture(scope="session")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One account of each staff role, hashed once for all tests."""
    file = tmp_path_factory.mktemp("people") / PEOPLE_FILE
    people = People(file)
    for role in (Role.ADMINISTRATOR, Role.OPERATOR, Role.AUDITOR):
        people.add(role.value, role, PASSWORD)
    return file


@pytest.fixture
async def app(ports: OfficePorts, people_file: Path) -> AsyncIterator[FastAPI]:
    app = create_app(ports)
    shutil.copy(people_file, ports.folder / PEOPLE_FILE)
    async with app.router.lifespan_context(app):
        yield app


@dataclass
class Caller:
    """A browser, more or less: keeps cookies, knows its form token."""

    client: AsyncClient
    csrf: str = ""

    async def get(self, path: str) -> Response:
        return await self.client.get(path)

    async def post(self, path: str, json: object) -> Response:
        return await self.client.post(path, json=json, headers={"X-CSRF-Token": self.csrf})

    async def submit(self, path: str, **fields: object) -> Response:
        return await self.client.post(path, data={"csrf": self.csrf, **fields})


SignIn = Callable[[str], Awaitable[Caller]]


@pytest.fixture
async def visit(app: FastAPI) -> AsyncIterator[Callable[[], Caller]]:
    """Make a caller that nobody has signed in."""
    async with AsyncExitStack() as stack:
        made: list[AsyncClient] = []

        def caller() -> Caller:
            client = AsyncClient(transport=ASGITransport(app), base_url=ORIGIN, headers={"Origin": ORIGIN})
            stack.push_async_callback(client.aclose)
            made.append(client)
            return Caller(client)

        yield caller


@pytest.fixture
async def signed_in(visit: Callable[[], Caller]) -> SignIn:
    """Make a caller who has signed in under that name."""

    async def sign_in(name: str) -> Caller:
        caller = visit()
        answer = await caller.client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return replace(caller, csrf=answer.json()["csrf_token"])

    return sign_in
