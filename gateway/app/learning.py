"""Learning between trainings: from the ledger of lessons to a version of the site's layer that passed its gate, and
to a trial of the model by them.

What serves changes only when everything went well: too few
lessons, a model or a regression set that is not there, a refusal of the gate, leave things as they are or fall silent.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.app.fingerprinting import take_fingerprints
from gateway.app.installation import Folders
from gateway.app.studying import examples_of, specimens_of
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.clock import Clock, pause
from gateway.mailbox.moves import collect
from gateway.mailbox.store import layout_of
from gateway.settings import Settings
from gateway.spam.artefact import ModelError, read_manifest
from gateway.spam.layer import LayerManifest
from gateway.spam.site import trial
from gateway.spam.site.gate import Specimen, refusal
from gateway.spam.site.online import Example, learn
from gateway.spam.site.standing import Standing, standing_of
from gateway.spam.site.teaching import LEAST, Accepted, Ledger, accepted
from gateway.spam.site.trial import Trial
from gateway.spam.site.versions import Versions
from gateway.spam.training.corpus import CorpusError, read_corpora
from gateway.telemetry import log

COLLECT_EVERY: Final = 5.0
"""Seconds between two looks into the mail store's spool."""
LEARN_EVERY: Final = 60.0
"""Seconds between two updates that lessons bring about, at least."""


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
    """Try the model on what the ledger holds now, and learn from it, if there is anything new. Raises OSError."""
    versions, ledger = Versions(folders.layer), Ledger(folders.lessons)
    found = accepted(ledger.lessons()[0])
    if not found.enough and not versions.held:
        versions.retire()
    try:
        base = read_manifest(settings.model).sha256
        regression = read_corpora([settings.regression])
        known = versions.manifest()
    except (ModelError, CorpusError) as error:
        return _unlearnt(versions, found) or Update(Ending.REFUSED, f"Not learnt: {error}.")
    lessons = _mark(found)
    unlearnt = _unlearnt(versions, found) or _unchanged(known, base, lessons)
    tried = trial.read(folders.lessons)
    if unlearnt is not None and tried is not None and (tried.model, tried.lessons) == (base, lessons):
        return unlearnt
    pool = await AnatomistPool.start(
        workers=settings.anatomist.workers,
        timeout=settings.anatomist.timeout,
        memory=settings.anatomist.memory,
        model=settings.model,
    )
    async with pool:
        examples = await examples_of(pool, ledger, found)
        specimens = await specimens_of(pool, regression) if unlearnt is None else []
    if pool.problem and not examples:
        return unlearnt or Update(Ending.REFUSED, f"Not learnt: {pool.problem}.")
    if found.lessons:
        trial.write(folders.lessons, _trial(examples, base, lessons))
    return unlearnt or await _adopt(versions, examples, specimens, base=base, found=found)


async def _adopt(
    versions: Versions, examples: Sequence[Example], specimens: Sequence[Specimen], *, base: str, found: Accepted
) -> Update:
    weights = await asyncio.to_thread(learn, examples)
    why = refusal(weights, specimens)
    if why:
        return Update(Ending.REFUSED, f"Not learnt, for the former version judges better: {why}.")
    ham = sum(not each.unwanted for each in examples)
    manifest = LayerManifest(
        sha256="",
        base=base,
        lessons=_mark(found),
        ham=ham,
        unwanted=len(examples) - ham,
        until=max(each.at for each in found.newest),
    )
    written = versions.adopt(manifest, weights)
    return Update(
        Ending.LEARNT, f"Learnt: {written.name}, from {ham} of ham and {len(examples) - ham} of unwanted mail."
    )


def _unlearnt(versions: Versions, found: Accepted) -> Update | None:
    """Why nothing is to be learnt, whatever is new."""
    if versions.held:
        return Update(Ending.HELD, "What is taught is held since somebody went back: `postern model update` goes on.")
    if not found.enough:
        return Update(Ending.SILENT, f"Not learnt yet: {LEAST} of each side are needed.")
    return None


def _unchanged(known: LayerManifest | None, base: str, lessons: str) -> Update | None:
    if known is None or (known.base, known.lessons) != (base, lessons):
        return None
    return Update(Ending.UNCHANGED, f"Nothing new: {known.name} has learnt it all.")


def _trial(examples: Sequence[Example], base: str, lessons: str) -> Trial:
    return Trial(
        model=base,
        lessons=lessons,
        ham=tuple(each.score for each in examples if not each.unwanted),
        unwanted=tuple(each.score for each in examples if each.unwanted),
    )


async def watch(settings: Settings, folders: Folders, clock: Clock, stop: asyncio.Event) -> None:
    """Take lessons from the mail store to the ledger as they come, and learn when there is something new, until `stop`.
    What fails is logged and tried again."""
    ledger = Ledger(folders.lessons)
    heard: tuple[int, bool] | None = None
    seen: tuple[int, bool, str] | None = None
    learnt_at = 0.0
    while not stop.is_set():
        try:
            await asyncio.to_thread(collect, layout_of(folders.data).folder, ledger, at=clock.now())
            said = (ledger.size, Versions(folders.layer).held)
            if said != heard:
                await take_fingerprints(settings, folders, now=clock.now())
                heard = said
            now = (*said, _base(settings))
            if now != seen and clock.monotonic() - learnt_at >= LEARN_EVERY:
                found = await update(settings, folders)
                log().info("lessons", ending=found.ending.value, text=found.text)
                seen, learnt_at = now, clock.monotonic()
        except OSError as error:
            log().error("lessons cannot be kept", why=str(error))
        await pause(COLLECT_EVERY, until=stop)


async def go_back(settings: Settings, folders: Folders, *, now: float) -> str | None:
    """Let the version before serve again, and hold it; its name, or None where there was none to leave. Raises
    OSError."""
    versions = Versions(folders.layer)
    if not versions.go_back():
        return None
    await take_fingerprints(settings, folders, now=now)
    return versions.current.name if versions.current is not None else "the artefact alone"


def classifier_standing(settings: Settings, folders: Folders, *, now: float) -> Standing:
    """How the classifier stands at this site. Raises OSError."""
    return standing_of(model=settings.model, versions=Versions(folders.layer), lessons=folders.lessons, now=now)


def _base(settings: Settings) -> str:
    try:
        return read_manifest(settings.model).sha256
    except ModelError:
        return ""


def _mark(found: Accepted) -> str:
    """A hash of what is learnt: who says what about which message, in order."""
    told = "".join(f"{each.digest} {each.label.value} {each.by}\n" for each in found.newest)
    return hashlib.sha256(told.encode()).hexdigest()
