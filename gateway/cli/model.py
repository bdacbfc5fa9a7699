"""`postern model` and `postern learn`: train, measure, look at and go back; keep lessons for the next training."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gateway.anatomy.examine import examine
from gateway.cli.options import ConfigOption, DataOption, JsonOption, err, fail, out, settings_of
from gateway.clock import SystemClock
from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration, ModelError, read_manifest, write
from gateway.spam.corpus import CorpusError, Labelled, read_corpora
from gateway.spam.knowledge import PUBLIC_MAIL
from gateway.spam.lessons import Lesson, is_commercial, lesson_of, signers_of
from gateway.spam.sites import owner_of, site_of
from gateway.spam.teaching import LEAST, OPERATOR, Accepted, Ledger, TeachingError, accepted

if TYPE_CHECKING:
    from gateway.spam.ablations import Altered
    from gateway.spam.train import Unseen

app = typer.Typer(no_args_is_help=True, help="The classifier")

SMALL: Final = 1_000
"""Messages from which on it pays to start processes that take them apart."""

CorpusOption = Annotated[
    list[Path],
    typer.Option("--corpus", help="Folder of labelled mail (ham/ spam/ phishing/, or index.jsonl); may repeat"),
]


@app.command("train", epilog="Example: postern model train --corpus ~/mail --out models/mine")
def train(
    corpus: CorpusOption,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where the artefact goes; default: the configured one")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Learn from labelled mail and write an artefact with its measurements."""
    # scipy takes half a second to load: only here.
    from gateway.spam import train as training

    settings = settings_of(config, data)
    target = folder or settings.model
    labelled = _labelled(corpus) + _lessons(settings.data)
    created = _today()
    with _progress() as progress:
        lessons = _take_apart(labelled, progress)
        unseen = _measure(lessons, progress)
        altered = _alter(labelled, lessons, unseen, progress)
        fitting = progress.add_task("Learning from all of it", total=1)
        calibration = training.calibrate(unseen, lessons)
        fitted = training.fit(lessons)
        progress.advance(fitting)
    manifest = training.manifest_of(lessons, fitted, calibration, name=target.name, created=created)
    if (target / "manifest.json").exists():
        previous = target.with_name(f"{target.name}.previous")
        shutil.rmtree(previous, ignore_errors=True)
        shutil.copytree(target, previous)
    written = write(target, manifest, fitted.weights)
    command = _command("train", corpus)
    _write_measurements(target, unseen, lessons, altered, calibration=calibration, created=created, command=command)
    out.print(f"Wrote {target} ({written.sha256[:12]}). How good it is: {target / 'MEASUREMENTS.md'}")


@app.command("measure", epilog="Example: postern model measure --corpus ~/mail --out /tmp/measured")
def measure(
    corpus: CorpusOption,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for MEASUREMENTS.md and its plots; default: print only")
    ] = None,
) -> None:
    """Measure on left-out sources without writing an artefact; prints the tables."""
    from gateway.spam import train as training
    from gateway.spam.measure import markdown

    labelled = _labelled(corpus)
    with _progress() as progress:
        lessons = _take_apart(labelled, progress)
        unseen = _measure(lessons, progress)
        altered = _alter(labelled, lessons, unseen, progress)
    calibration = training.calibrate(unseen, lessons)
    created, command = _today(), _command("measure", corpus)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _write_measurements(folder, unseen, lessons, altered, calibration=calibration, created=created, command=command)
    further = _further(unseen, lessons, altered, calibration)
    told = markdown(unseen, lessons, calibration, created=created, command=command, further=further)
    out.print(told, markup=False, soft_wrap=True)


@app.command("info")
def info(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """What the configured artefact is."""
    folder = settings_of(config, data).model
    try:
        manifest = read_manifest(folder)
    except ModelError as error:
        fail(str(error), code=3)
    if as_json:
        out.print_json(
            json.dumps(
                {
                    "folder": str(folder),
                    "name": manifest.name,
                    "created": manifest.created,
                    "sha256": manifest.sha256,
                    "corpus": manifest.corpus,
                    "versions": manifest.versions,
                }
            )
        )
        return
    table = Table("What", "Value", title=f"Classifier {manifest.name}", show_header=False)
    table.add_row("Folder", str(folder))
    table.add_row("Trained", manifest.created)
    table.add_row("Messages", ", ".join(f"{count:,} {label}" for label, count in manifest.corpus.items()))
    table.add_row("Sources", str(len(manifest.sources)))
    table.add_row("SHA-256", manifest.sha256)
    table.add_row("Made with", ", ".join(f"{name} {version}" for name, version in manifest.versions.items()))
    out.print(table)


@app.command("rollback")
def rollback(config: ConfigOption = None, data: DataOption = None) -> None:
    """Go back to the artefact before the last training."""
    folder = settings_of(config, data).model
    previous = folder.with_name(f"{folder.name}.previous")
    if not previous.exists():
        fail(f"{previous} is not there: nothing was trained over")
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    previous.rename(folder)
    aside.rename(previous)
    out.print(f"Back to {read_manifest(folder).sha256[:12]}. Restart, or send SIGHUP, to load it.")


@app.command("ledger", epilog="Example: postern model ledger")
def ledger(config: ConfigOption = None, data: DataOption = None) -> None:
    """Who taught what here, and what of it the next training may learn."""
    lessons, damaged = _ledger(settings_of(config, data).data).lessons()
    found = accepted(lessons)
    table = Table("Who", "Ham", "Spam", "Phishing", "Learnt of it", title="Lessons")
    for who in sorted({each.by for each in lessons}):
        counts = Counter(each.label for each in lessons if each.by == who)
        learnt = sum(each.by == who for each in found.lessons)
        table.add_row(escape(who), *(str(counts[label]) for label in MailClass), str(learnt))
    out.print(table)
    for reason, count in found.aside.items():
        out.print(f"Set aside, {reason}: {count}")
    if damaged:
        out.print(f"Damaged lines, left out: {damaged}")
    out.print(_enough(found))


@app.command("forget", epilog="Example: postern model forget bob@example.org")
def forget(
    who: Annotated[str, typer.Argument(help="Whose lessons are taken back")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take back all that somebody taught; the next training does without it."""
    count = _ledger(settings_of(config, data).data).forget(who, at=SystemClock().now())
    out.print(f"{count} lessons of {escape(who)} taken back. `postern model train` makes it true.")


def learn(
    label: Annotated[MailClass, typer.Argument(help="What the messages are")],
    files: Annotated[list[Path], typer.Argument(help="Messages, one a file", exists=True, dir_okay=False)],
    by: Annotated[
        str, typer.Option("--by", help="Who says so; all but the operator may only teach so much")
    ] = OPERATOR,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Keep messages as lessons: the next `postern model train` learns from them, if there are enough."""
    kept = _ledger(settings_of(config, data).data)
    for file in files:
        octets = file.read_bytes()
        try:
            sender = _sender(octets)
            kept.teach(octets, label=label, by=by, way="command", sender=sender, at=SystemClock().now())
        except TeachingError as error:
            fail(f"{file}: {error}")
    out.print(f"{len(files)} lessons of {label.value} kept. {_enough(accepted(kept.lessons()[0]))}")


def _ledger(data: Path) -> Ledger:
    return Ledger(data / "lessons")


def _sender(octets: bytes) -> str:
    """Whose message it is: the site, or the whole address where the site is everybody's."""
    authors = examine(octets).authors
    if not authors:
        return ""
    public = owner_of(authors[0].domain) in PUBLIC_MAIL
    return authors[0].address.lower() if public else site_of(authors[0].domain)


def _enough(found: Accepted) -> str:
    ham, bad = found.sides
    state = "learnt at the next training" if found.enough else f"not learnt yet: {LEAST} of each are needed"
    return f"{ham} of ham and {bad} of unwanted mail count; {state}."


def _lessons(data: Path) -> list[Labelled]:
    kept = _ledger(data)
    return kept.labelled(accepted(kept.lessons()[0]))


def _labelled(folders: list[Path]) -> list[Labelled]:
    try:
        found = read_corpora(folders)
    except CorpusError as error:
        fail(str(error))
    if {each.label for each in found} != set(MailClass):
        fail("this needs ham, spam and phishing, at least one message of each")
    return found


def _take_apart(labelled: list[Labelled], progress: Progress) -> list[Lesson]:
    task = progress.add_task("Taking messages apart", total=len(labelled))
    if len(labelled) < SMALL:
        lessons = []
        for each in labelled:
            lessons.append(_lesson(each))
            progress.advance(task)
        return lessons
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        lessons = []
        for lesson in pool.map(_lesson, labelled, chunksize=50):
            lessons.append(lesson)
            progress.advance(task)
    return lessons


def _measure(lessons: list[Lesson], progress: Progress) -> Unseen:
    from gateway.spam import train as training

    task = progress.add_task("Measuring on unseen sources", total=training.steps_of(lessons))
    return training.unseen_scores(lessons, progress=lambda: progress.advance(task))


def _write_measurements(
    folder: Path,
    unseen: Unseen,
    lessons: list[Lesson],
    altered: Altered,
    *,
    calibration: tuple[Calibration, Calibration],
    created: str,
    command: str,
) -> None:
    """The tables, and the plots beside them."""
    from gateway.spam.measure import judged_of, markdown
    from gateway.spam.pictures import pictures_of

    pictures = pictures_of(judged_of(unseen, lessons, calibration))
    for name, picture in pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")
    told = markdown(
        unseen,
        lessons,
        calibration,
        created=created,
        command=command,
        pictures=tuple(pictures),
        further=_further(unseen, lessons, altered, calibration),
    )
    (folder / "MEASUREMENTS.md").write_text(told, encoding="utf-8")


def _further(
    unseen: Unseen, lessons: list[Lesson], altered: Altered, calibration: tuple[Calibration, Calibration]
) -> dict[str, str]:
    from gateway.spam.ablations import ablations
    from gateway.spam.measure import judged_of
    from gateway.spam.newsletters import newsletters

    return {
        "Bulk mail": newsletters(judged_of(unseen, lessons, calibration)),
        "What it leans on": ablations(unseen, lessons, altered, calibration),
    }


def _alter(labelled: list[Labelled], lessons: list[Lesson], unseen: Unseen, progress: Progress) -> Altered:
    """Some judged messages again, with something taken away or disguised."""
    from gateway.spam.ablations import chosen_for

    chosen = chosen_for(unseen, lessons)
    honest = [labelled[n] for n in chosen if lessons[n].label is MailClass.HAM and not is_commercial(lessons[n])]
    task = progress.add_task("Judging them disguised", total=len(chosen))
    if not honest:
        return {}
    work = [(labelled[n], lessons[n], honest[n % len(honest)]) for n in chosen]
    altered = {}
    if len(chosen) < SMALL:
        for n, each in zip(chosen, work, strict=True):
            altered[n] = _altered(each)
            progress.advance(task)
        return altered
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for n, found in zip(chosen, pool.map(_altered, work, chunksize=50), strict=True):
            altered[n] = found
            progress.advance(task)
    return altered


def _altered(work: tuple[Labelled, Lesson, Labelled]) -> dict[str, Lesson]:
    from gateway.spam.ablations import altered_lessons

    message, lesson, honest = work
    letter = examine(honest.octets()).text if lesson.label is not MailClass.HAM else ""
    return altered_lessons(message, lesson, examine(message.octets()), letter=letter)


def _lesson(each: Labelled) -> Lesson:
    octets = each.octets()
    return lesson_of(each, examine(octets), signers=signers_of(octets))


def _command(verb: str, corpus: list[Path]) -> str:
    return f"postern model {verb} " + " ".join(f"--corpus {each.name}" for each in corpus)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err
    )


def _today() -> str:
    return datetime.datetime.fromtimestamp(SystemClock().now(), datetime.UTC).strftime("%Y-%m-%d")
