"""The senses of a process: one resolver, one pool of anatomists, one door to clamd, opened and closed together; and the
rules and lists that they go by, which are read again at a reload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.app.hearing import Hearing
from gateway.app.installation import Folders
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.authentication.public_suffixes import BadSuffixList, PublicSuffixes
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.resolver import Resolver
from gateway.checks.malware.clamav import Clamav
from gateway.checks.malware.yara import RulesError, compile_rules, version_of
from gateway.checks.reputation.dnsbl import Notice, nobody
from gateway.checks.reputation.feeds import Feeds
from gateway.clock import Clock, pause
from gateway.facts.content import EngineFact, MalwareFact
from gateway.facts.outcome import Outcome, Skipped, Unknown
from gateway.mail.message import Octets
from gateway.pipeline.examining import Losses
from gateway.pipeline.scan import Scanner
from gateway.pipeline.stages import Acquaintances
from gateway.policy.policy import Scanning
from gateway.settings import Settings, SettingsError
from gateway.spam.site.versions import Versions
from gateway.telemetry import log

LOOK_FOR_LESSONS: Final = 5.0
"""Seconds between two looks for a new version of what people taught."""

SWITCHED_OFF = "off"
"""The address by which an operator says that no malware engine is wanted."""


class NoEngine:
    """Stands where no malware engine could be found: what nobody looked at is unknown, never clean."""

    async def scan(self, octets: Octets) -> Outcome[MalwareFact]:
        """Cannot tell."""
        return NOT_INSTALLED

    def standing(self) -> Outcome[EngineFact]:
        """There is none."""
        return Skipped(NOT_INSTALLED.why)


NOT_INSTALLED: Final = Unknown("no malware engine is installed")


Engine = Clamav | NoEngine | None
"""The malware engine; None where the operator wants none."""


class LiveRules:
    """The YARA rules in force in one process (`yara/` beside the policy): kept as they are when new ones are bad."""

    def __init__(self, settings: Settings) -> None:
        self._folder = Path(settings.policy) / "yara"
        self.compiled = b""
        self.reload()

    @property
    def version(self) -> str:
        """Tells one set of rules from another; empty where there are none."""
        return version_of(self.compiled) if self.compiled else ""

    def reload(self) -> bytes:
        """Compile the files again. Bad rules change nothing and are logged with what is wrong."""
        try:
            self.compiled = compile_rules(self._folder)
        except RulesError as error:
            log().error("rules_refused", problem=str(error))
        return self.compiled


class LiveSuffixes:
    """The public suffix list in force in one process, where the operator wants one. Raises `SettingsError` for one
    that cannot be used; later ones are then logged and change nothing."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.dmarc.public_suffix_list
        self._list = read_suffixes(self._file)

    def __call__(self) -> PublicSuffixes | None:
        return self._list

    def reload(self) -> None:
        """Read the file again."""
        try:
            self._list = read_suffixes(self._file)
        except SettingsError as error:
            log().error("suffixes_refused", problem=str(error))


def read_suffixes(file: Path | None) -> PublicSuffixes | None:
    """The list in the file. Raises `SettingsError` with the place and the mend."""
    if file is None:
        return None
    mend = "download it again from https://publicsuffix.org/list/, or remove `dmarc.public_suffix_list`"
    try:
        return PublicSuffixes.parse(file.read_text(encoding="utf-8"))
    except BadSuffixList as error:
        raise SettingsError(f"{file}:{error.line}: {error}\n    mend: {mend}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}\n    mend: {mend}") from None


@dataclass(frozen=True, slots=True)
class SensesOfProcess:
    """What a role that looks at mail needs."""

    resolver: Answering
    anatomists: AnatomistPool
    engine: Engine
    scanner: Scanner
    rules: LiveRules
    layers: Versions
    suffixes: LiveSuffixes

    def reload(self) -> None:
        """Read what may have changed: the YARA rules, the public suffix list, what people taught the classifier."""
        self.suffixes.reload()
        self.anatomists.use(rules=self.rules.reload(), layer=self.layers.current)

    async def follow_lessons(self, stop: asyncio.Event) -> None:
        """Take up each new version of what people taught, soon after it is there, until `stop`."""
        while not stop.is_set():
            self.anatomists.use(rules=self.rules.compiled, layer=self.layers.current)
            await pause(LOOK_FOR_LESSONS, until=stop)


@asynccontextmanager
async def open_senses(
    settings: Settings,
    folders: Folders,
    clock: Clock,
    *,
    zone: Answering | None = None,
    scanning: Callable[[], Scanning] = Scanning,
    losses: Losses | None = None,
    notice: Notice = nobody,
    acquaintances: Acquaintances | None = None,
) -> AsyncIterator[SensesOfProcess]:
    """Open all senses; close them at the end. `zone` answers DNS questions instead of the network; `scanning` gives
    what the policy in force says about malware engines, `losses` counts the anatomists that mail has killed, `notice`
    is told of block lists that could not be counted, `acquaintances` remembers earlier mail."""
    suffixes = LiveSuffixes(settings)
    resolver = zone or Resolver.from_settings(settings.dns, clock=clock)
    rules, layers = LiveRules(settings), Versions(folders.layer)
    anatomists = await AnatomistPool.start(
        workers=settings.anatomist.workers,
        timeout=settings.anatomist.timeout,
        memory=settings.anatomist.memory,
        model=settings.model if settings.model.exists() else None,
        rules=rules.compiled,
        layer=layers.current,
    )
    engine = engine_of(settings, folders)
    try:
        scanner = Scanner(
            resolver=resolver,
            anatomist=anatomists,
            malware=engine,
            clock=clock,
            scanning=scanning,
            losses=losses,
            feeds=Feeds(Path(settings.policy)),
            notice=notice,
            acquaintances=acquaintances,
            suffixes=suffixes,
            reports=Hearing(folders),
        )
        yield SensesOfProcess(resolver, anatomists, engine, scanner, rules, layers, suffixes)
    finally:
        if isinstance(engine, Clamav):
            await engine.close()
        await anatomists.close()
        if isinstance(resolver, Resolver):
            await resolver.close()


@asynccontextmanager
async def open_resolver(settings: Settings, clock: Clock, *, zone: Answering | None = None) -> AsyncIterator[Answering]:
    """The resolver alone, for who looks at clients and not at mail."""
    resolver = zone or Resolver.from_settings(settings.dns, clock=clock)
    try:
        yield resolver
    finally:
        if isinstance(resolver, Resolver):
            await resolver.close()


def engine_of(settings: Settings, folders: Folders) -> Engine:
    """The malware engine of this machine; None where the operator switched it off."""
    address = clamd_address(settings, folders)
    if address == SWITCHED_OFF:
        return None
    if not address:
        return NoEngine()
    return Clamav(address, settings.clamav.timeout, settings.clamav.connections, largest=settings.clamav.largest)


def clamd_address(settings: Settings, folders: Folders) -> str:
    """Where clamd answers: as configured, or as the supervisor found or started it."""
    if settings.clamav.address:
        return settings.clamav.address
    chosen = address_file(folders)
    return chosen.read_text(encoding="utf-8").strip() if chosen.exists() else ""


def address_file(folders: Folders) -> Path:
    """Where the supervisor leaves the address of the clamd that it chose."""
    return folders.data / "clamd-address"


def signature_folder(folders: Folders) -> Path | None:
    """Where the files of the signatures stand, if the supervisor knows."""
    known = signatures_file(folders)
    written = known.read_text(encoding="utf-8").strip() if known.exists() else ""
    return Path(written) if written else None


def signatures_file(folders: Folders) -> Path:
    """Where the supervisor leaves the name of that folder."""
    return folders.data / "clamd-signatures"
