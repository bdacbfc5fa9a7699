"""`postern model`: train, measure, look at, go back. What people teach is in `learning.py`."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gateway.anatomy.examine import examine
from gateway.app.installation import Folders
from gateway.app.learning import classifier_standing
from gateway.cli.learning import app as learning
from gateway.cli.options import ConfigOption, DataOption, JsonOption, err, fail, out, settings_of
from gateway.cli.standing import plain_of, taught_in, trial_table
from gateway.clock import SystemClock
from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration, write
from gateway.spam.site.teaching import Ledger, accepted
from gateway.spam.training.corpus import CorpusError, Labelled, read_corpora
from gateway.spam.training.lessons import Lesson, is_commercial, lesson_of

if TYPE_CHECKING:
    from gateway.spam.measuring.ablations import Altered
    from gateway.spam.training.train import Unseen

app = typer.Typer(no_args_is_help=True, help="The classifier")
app.registered_commands += learning.registered_commands

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
    from gateway.spam.training import train as training

    settings = settings_of(config, data)
    target = folder or settings.model
    labelled = _labelled(corpus) + _lessons(settings.data)
    with _progress() as progress:
        lessons = _take_apart(labelled, progress)
        unseen = _measure(lessons, progress)
        altered = _alter(labelled, lessons, unseen, progress)
        fitting = progress.add_task("Learning from all of it", total=1)
        calibration = training.calibrate(unseen, lessons)
        fitted = training.fit(lessons)
        progress.advance(fitting)
    manifest = training.manifest_of(lessons, fitted, calibration, name=target.name)
    if (target / "manifest.json").exists():
        previous = target.with_name(f"{target.name}.previous")
        shutil.rmtree(previous, ignore_errors=True)
        shutil.copytree(target, previous)
    written = write(target, manifest, fitted.weights)
    command = _command("train", corpus)
    _write_measurements(target, unseen, lessons, altered, calibration=calibration, command=command)
    out.print(f"Wrote {target} ({written.sha256[:12]}). How good it is: {target / 'MEASUREMENTS.md'}")


@app.command("measure", epilog="Example: postern model measure --corpus ~/mail --out /tmp/measured")
def measure(
    corpus: CorpusOption,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for MEASUREMENTS.md and its plots; default: print only")
    ] = None,
) -> None:
    """Measure on left-out sources without writing an artefact; prints the tables."""
    from gateway.spam.measuring.measure import markdown
    from gateway.spam.training import train as training

    labelled = _labelled(corpus)
    with _progress() as progress:
        lessons = _take_apart(labelled, progress)
        unseen = _measure(lessons, progress)
        altered = _alter(labelled, lessons, unseen, progress)
    calibration = training.calibrate(unseen, lessons)
    command = _command("measure", corpus)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _write_measurements(folder, unseen, lessons, altered, calibration=calibration, command=command)
    further = _further(unseen, lessons, altered, calibration)
    told = markdown(unseen, lessons, calibration, command=command, further=further)
    out.print(told, markup=False, soft_wrap=True)


@app.command("info")
def info(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """What the configured artefact is, and what people taught over it."""
    settings = settings_of(config, data)
    standing = classifier_standing(settings, Folders(settings.data.resolve()), now=SystemClock().now())
    manifest = standing.model
    if manifest is None:
        fail(standing.problem, code=3)
    if as_json:
        out.print_json(json.dumps(plain_of(settings.model, manifest, standing)))
        return
    table = Table("What", "Value", title=f"Classifier {manifest.name}", show_header=False)
    table.add_row("Folder", str(settings.model))
    table.add_row("Messages", ", ".join(f"{count:,} {label}" for label, count in manifest.corpus.items()))
    table.add_row("Newest message", manifest.newest or "undated")
    table.add_row("Sources", str(len(manifest.sources)))
    table.add_row("SHA-256", manifest.sha256)
    table.add_row("Made with", ", ".join(f"{name} {version}" for name, version in manifest.versions.items()))
    for name, words in taught_in(standing).items():
        table.add_row(name, words)
    out.print(table)
    if standing.trial is not None:
        out.print(trial_table(standing.trial))


def _lessons(data: Path) -> list[Labelled]:
    kept = Ledger(data / "lessons")
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
    from gateway.spam.training import train as training

    task = progress.add_task("Measuring on unseen sources", total=training.steps_of(lessons))
    return training.unseen_scores(lessons, progress=lambda: progress.advance(task))


def _write_measurements(
    folder: Path,
    unseen: Unseen,
    lessons: list[Lesson],
    altered: Altered,
    *,
    calibration: tuple[Calibration, Calibration],
    command: str,
) -> None:
    """The tables, and the plots beside them."""
    from gateway.spam.measuring.measure import judged_of, markdown
    from gateway.spam.measuring.pictures import pictures_of

    pictures = pictures_of(judged_of(unseen, lessons, calibration))
    for name, picture in pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")
    told = markdown(
        unseen,
        lessons,
        calibration,
        command=command,
        pictures=tuple(pictures),
        further=_further(unseen, lessons, altered, calibration),
    )
    (folder / "MEASUREMENTS.md").write_text(told, encoding="utf-8")


def _further(
    unseen: Unseen, lessons: list[Lesson], altered: Altered, calibration: tuple[Calibration, Calibration]
) -> dict[str, str]:
    from gateway.spam.measuring.ablations import ablations
    from gateway.spam.measuring.measure import judged_of
    from gateway.spam.measuring.newsletters import newsletters

    return {
        "Bulk mail": newsletters(judged_of(unseen, lessons, calibration)),
        "What it leans on": ablations(unseen, lessons, altered, calibration),
    }


def _alter(labelled: list[Labelled], lessons: list[Lesson], unseen: Unseen, progress: Progress) -> Altered:
    """Some judged messages again, with something taken away or disguised."""
    from gateway.spam.measuring.ablations import chosen_for

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
    from gateway.spam.measuring.ablations import altered_lessons

    message, lesson, honest = work
    letter = examine(honest.octets()).text if lesson.label is not MailClass.HAM else ""
    return altered_lessons(message, lesson, examine(message.octets()), letter=letter)


def _lesson(each: Labelled) -> Lesson:
    return lesson_of(each, examine(each.octets()))


def _command(verb: str, corpus: list[Path]) -> str:
    return f"postern model {verb} " + " ".join(f"--corpus {each.name}" for each in corpus)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err
    )
