"""Learning between trainings: from the ledger of lessons to a version of the site's layer that passed its gate.

Messages are taken apart in jailed workers, as always. What serves changes only when everything went well: too few
lessons, a model or a regression set that is not there, a refusal of the gate, leave things as they are or fall silent.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.app.installation import Folders
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.clock import Clock, pause
from gateway.facts.content import MailClass
from gateway.facts.outcome import Known
from gateway.mailbox.moves import collect
from gateway.mailbox.store import layout_of
from gateway.settings import Settings
from gateway.spam.artefact import ModelError, read_manifest
from gateway.spam.corpus import CorpusError, Labelled, read_corpora
from gateway.spam.gate import Specimen, refusal
from gateway.spam.layer import LayerManifest
from gateway.spam.online import Example, example, learn
from gateway.spam.teaching import LEAST, OPERATOR, Accepted, Ledger, Taught, accepted
from gateway.spam.versions import Versions
from gateway.telemetry import log

COLLECT_EVERY: Final = 5.0
"""Seconds between two looks into the mail store's spool."""
LEARN_EVERY: Final = 60.0
"""Seconds between two updates that lessons bring about, at least."""
AT_A_TIME: Final = 32
"""Messages that wait for the workers together."""


class Ending(StrEnum):
    """How an update ended."""

    LEARNT = "learnt"
    UNCHANGED = "unchanged"
    SILENT = "silent"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Update:
    """How it ended, and a sentence for people."""

    ending: Ending
    text: str


async def update(settings: Settings, folders: Folders) -> Update:
    """Learn from what the ledger holds now, if there is anything new. Raises OSError."""
    versions = Versions(folders.layer)
    if versions.held:
        return Update(Ending.HELD, "What is taught is held since somebody went back: `postern model update` goes on.")
    ledger = Ledger(folders.lessons)
    found = accepted(ledger.lessons()[0])
    if not found.enough:
        versions.retire()
        return Update(Ending.SILENT, f"Not learnt yet: {LEAST} of each side are needed.")
    try:
        base = read_manifest(settings.model).sha256
        regression = read_corpora([settings.regression])
        known = versions.manifest()
    except (ModelError, CorpusError) as error:
        return Update(Ending.REFUSED, f"Not learnt: {error}.")
    mark = _mark(found)
    if known is not None and (known.base, known.lessons) == (base, mark):
        return Update(Ending.UNCHANGED, f"Nothing new: {known.name} has learnt it all.")
    pool = await AnatomistPool.start(
        workers=settings.anatomist.workers,
        timeout=settings.anatomist.timeout,
        memory=settings.anatomist.memory,
        model=settings.model,
    )
    async with pool:
        examples = await _examples(pool, ledger, found)
        specimens = await _specimens(pool, regression)
    if pool.problem and not examples:
        return Update(Ending.REFUSED, f"Not learnt: {pool.problem}.")
    weights = await asyncio.to_thread(learn, examples)
    why = refusal(weights, specimens)
    if why:
        return Update(Ending.REFUSED, f"Not learnt, for the former version judges better: {why}.")
    ham = sum(not each.unwanted for each in examples)
    manifest = LayerManifest(sha256="", base=base, lessons=mark, ham=ham, unwanted=len(examples) - ham)
    written = versions.adopt(manifest, weights)
    return Update(
        Ending.LEARNT, f"Learnt: {written.name}, from {ham} of ham and {len(examples) - ham} of unwanted mail."
    )


async def watch(settings: Settings, folders: Folders, clock: Clock, stop: asyncio.Event) -> None:
    """Take lessons from the mail store to the ledger as they come, and learn when there is something new, until `stop`.
    What fails is logged and tried again."""
    ledger = Ledger(folders.lessons)
    seen: tuple[int, str] | None = None
    learnt_at = 0.0
    while not stop.is_set():
        try:
            await asyncio.to_thread(collect, layout_of(folders.data).folder, ledger, at=clock.now())
            now = (ledger.size, _base(settings))
            if now != seen and clock.monotonic() - learnt_at >= LEARN_EVERY:
                found = await update(settings, folders)
                log().info("lessons", ending=found.ending.value, text=found.text)
                seen, learnt_at = now, clock.monotonic()
        except OSError as error:
            log().error("lessons cannot be kept", why=str(error))
        await pause(COLLECT_EVERY, until=stop)


def _base(settings: Settings) -> str:
    try:
        return read_manifest(settings.model).sha256
    except ModelError:
        return ""


async def _examples(pool: AnatomistPool, ledger: Ledger, found: Accepted) -> list[Example]:
    """What can be learnt, oldest first. A message that cannot be taken apart teaches nothing."""
    rows: list[tuple[Taught, bytes]] = []
    for each in found.newest:
        octets = ledger.octets(each)
        if octets is not None:
            rows.append((each, octets))
    studied = await _studied(pool, [(octets, each.label is not MailClass.HAM, each.by) for each, octets in rows])
    return [each for each in studied if each is not None]


async def _specimens(pool: AnatomistPool, regression: Sequence[Labelled]) -> list[Specimen]:
    rows = [(each.octets(), each.label is not MailClass.HAM, OPERATOR) for each in regression]
    studied = await _studied(pool, rows)
    return [
        Specimen(_name(row.file), row.label, each)
        for row, each in zip(regression, studied, strict=True)
        if each is not None
    ]


async def _studied(pool: AnatomistPool, rows: Sequence[tuple[bytes, bool, str]]) -> list[Example | None]:
    async def one(octets: bytes, unwanted: bool, by: str) -> Example | None:
        outcome = await pool.study(octets)
        if not isinstance(outcome, Known):
            return None
        try:
            return example(outcome.value.buckets, score=outcome.value.score, unwanted=unwanted, by=by)
        except ValueError:
            return None  # a worker that says what cannot be has been taken over: it teaches nothing

    found: list[Example | None] = []
    for start in range(0, len(rows), AT_A_TIME):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*row)) for row in rows[start : start + AT_A_TIME]]
        found += [task.result() for task in tasks]
    return found


def _mark(found: Accepted) -> str:
    """A hash of what is learnt: who says what about which message, in order."""
    told = "".join(f"{each.digest} {each.label.value} {each.by}\n" for each in found.newest)
    return hashlib.sha256(told.encode()).hexdigest()


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
