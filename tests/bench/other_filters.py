"""SpamAssassin 4 and Rspamd 3.4, as Debian ships them, beside our classifier on the same left-out messages.

    apt-get install spamassassin rspamd redis-server
    python -m tests.bench.other_filters CORPUS [--learn 1500] [--judge 300] [--filters postern spamassassin rspamd]

The folds are those of `postern model measure`: nobody judges a source that he learnt from. In each fold the Bayes of
the others learns anew from `--learn` messages of ham and as many of bad mail, drawn from what our model may learn
from; it is also fitted once to those very messages. Judged are the same messages of each kind by all. No network: no
block lists, no fuzzy hashes, no DNS. Files lie in a temporary folder; every daemon is stopped at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from gateway.anatomy.examine import examine
from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration
from gateway.spam.measuring.measure import Array, Judged, judged_of, threshold_at
from gateway.spam.shares import interval
from gateway.spam.training.corpus import Labelled, read_corpora
from gateway.spam.training.folds import Fold, folds_of
from gateway.spam.training.lessons import Lesson, lesson_of
from gateway.spam.training.train import Unseen, fit, raw_scores
from tests.ports import free_port

Judge = Callable[[list[Path], list[Path], list[Path]], list[float]]
"""Learns ham and bad mail anew, then says a score for each of the third."""

PERL = """
use Mail::SpamAssassin; $| = 1;
my $filter = Mail::SpamAssassin->new({local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => $ARGV[0]});
$filter->init(1);
while (my $path = <STDIN>) {
    chomp $path; open(my $file, '<', $path) or die; my @lines = <$file>; close $file;
    my $mail = $filter->parse(\\@lines, 0); my $status = $filter->check($mail);
    print $status->get_score(), "\\n"; $status->finish(); $mail->finish();
}
"""
RSPAMD = {
    "options.inc": 'dns {{ nameserver = ["127.0.0.1:{dead}"]; timeout = 0.01s; retransmits = 0; }}\n',
    "worker-normal.inc": 'bind_socket = "127.0.0.1:{port}"; count = 1;\n',
    "worker-controller.inc": 'bind_socket = "127.0.0.1:{control}"; secure_ip = "127.0.0.1"; count = 1;\n',
    "worker-proxy.inc": "enabled = false;\n",
    "worker-fuzzy.inc": "enabled = false;\n",
    "redis.conf": 'servers = "127.0.0.1:{redis}";\n',
    "classifier-bayes.conf": 'backend = "redis"; autolearn = false; min_learns = 200;\n',
    "logging.inc": 'type = "file"; filename = "{folder}/rspamd.log"; level = "error";\n',
}
NETWORK = (
    "rbl",
    "dkim",
    "spf",
    "dmarc",
    "arc",
    "fuzzy_check",
    "asn",
    "greylist",
    "ratelimit",
    "history_redis",
    "neural",
    "hfilter",
)
LEAST = 200
"""Messages of each side without which neither Bayes speaks."""
GROUPS = ("letters", "spam", "phishing", "ordinary", "hard")


def main() -> None:
    """Print one row a filter: recall at 0.5 % of letters flagged, and what of commercial ham is flagged there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--learn", type=int, default=1500, help="messages of ham, and of bad mail, that a fold learns")
    parser.add_argument("--judge", type=int, default=300, help="messages of each kind; of letters four times as many")
    parser.add_argument("--filters", nargs="*", default=["postern", "spamassassin", "rspamd"])
    wanted = parser.parse_args()
    mail = read_corpora(wanted.corpus)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        lessons = list(pool.map(_lesson, mail, chunksize=100))
    everybody = folds_of(lessons)
    chosen = _chosen(lessons, everybody, wanted.judge)
    folds = [Fold(fold.learnt, np.intersect1d(fold.judged, chosen)) for fold in everybody]
    drawn = [_drawn(lessons, fold, wanted.learn) for fold in folds]
    print(
        f"{len(chosen):,} messages judged in {len(folds)} folds; Bayes learns {2 * wanted.learn:,} in each", flush=True
    )
    print(_head(_columns(_nothing(lessons, folds), lessons)), flush=True)
    ours = None
    if "postern" in wanted.filters:
        everything = [fold.learnt for fold in folds]
        ours = _ours(lessons, folds, everything)
        print(_row("Postern", ours, lessons), flush=True)
        told = "Postern, from the messages that Bayes learnt"
        print(_row(told, _ours(lessons, folds, drawn), lessons), flush=True)
    filters: dict[str, Callable[[Path], contextlib.AbstractContextManager[Judge]]] = {
        "spamassassin": spamassassin,
        "rspamd": rspamd,
    }
    for name in [each for each in wanted.filters if each in filters]:
        begun, score = time.monotonic(), np.full(len(lessons), np.nan)
        with tempfile.TemporaryDirectory(prefix="filters-") as folder, filters[name](Path(folder)) as judge:
            for fold, learnt in zip(folds, drawn, strict=True):
                ham = [mail[n].file for n in learnt if lessons[n].label is MailClass.HAM]
                bad = [mail[n].file for n in learnt if lessons[n].label is not MailClass.HAM]
                score[fold.judged] = judge(ham, bad, [mail[n].file for n in fold.judged])
        print(_row(name, score, lessons), f"  ({time.monotonic() - begun:.0f} s)", flush=True)
        if ours is not None:
            print(_row_at_the_recall_of(name, score, ours, lessons), flush=True)


def _lesson(each: Labelled) -> Lesson:
    return lesson_of(each, examine(each.octets()))


def _columns(score: Array, lessons: list[Lesson]) -> Judged:
    both = np.stack([score, np.zeros(len(score))], axis=1)
    return judged_of(Unseen(both, {}), lessons, (Calibration(), Calibration()))


def _chosen(lessons: list[Lesson], folds: list[Fold], most: int) -> Array:
    """Positions: of each group the first, in the corpus's order, which is that of hashes."""
    judged = np.sort(np.concatenate([fold.judged for fold in folds]))
    groups = _groups(_columns(_nothing(lessons, folds), lessons))
    return np.sort(
        np.concatenate(
            [judged[np.flatnonzero(groups[each])[: most * (4 if each == "letters" else 1)]] for each in GROUPS]
        )
    )


def _nothing(lessons: list[Lesson], folds: list[Fold]) -> Array:
    """The scores of one who cannot tell anything."""
    score = np.full(len(lessons), np.nan)
    for fold in folds:
        score[fold.judged] = 0.0
    return score


def _groups(judged: Judged) -> dict[str, Array]:
    """Who is counted: today's mail."""
    return {
        "letters": judged.letters & judged.modern,
        "ordinary": judged.ordinary,
        "hard": judged.hard,
        "spam": (judged.label == "spam") & judged.modern,
        "phishing": (judged.label == "phishing") & judged.modern,
    }


def _drawn(lessons: list[Lesson], fold: Fold, most: int) -> Array:
    bad = np.array([lessons[n].label is not MailClass.HAM for n in fold.learnt.tolist()])
    return np.sort(np.concatenate([fold.learnt[side][:most] for side in (bad, ~bad)]))


def _ours(lessons: list[Lesson], folds: list[Fold], learnt: list[Array]) -> Array:
    score = np.full(len(lessons), np.nan)
    for fold, known in zip(folds, learnt, strict=True):
        fitted = fit([lessons[n] for n in known.tolist()])
        score[fold.judged] = raw_scores(fitted, [lessons[n] for n in fold.judged.tolist()])[:, 0]
    return score


def _head(judged: Judged) -> str:
    sizes = {name: int(mask.sum()) for name, mask in _groups(judged).items()}
    return (
        f"| Filter, at 0.5 % of {sizes['letters']:,} letters | Score above | Spam found ({sizes['spam']}) | Phishing "
        f"found ({sizes['phishing']}) | Ordinary commercial held ({sizes['ordinary']}) | Hard commercial held "
        f"({sizes['hard']}) |\n|---|---|---|---|---|---|"
    )


def _row(name: str, score: Array, lessons: list[Lesson]) -> str:
    judged = _columns(score, lessons)
    bound = threshold_at(judged.score[_groups(judged)["letters"]], 0.005)
    return _row_above(bound, name, judged, GROUPS[1:])


def _row_at_the_recall_of(name: str, theirs: Array, ours: Array, lessons: list[Lesson]) -> str:
    """Ours where it finds as much spam as another filter does at 0.5 % of letters: a filter that finds little also
    holds little of the shops' mail, so only here do the other columns compare."""
    judged, other = _columns(ours, lessons), _columns(theirs, lessons)
    groups = _groups(other)
    found = (other.score[groups["spam"]] > threshold_at(other.score[groups["letters"]], 0.005)).mean()
    spam = judged.score[_groups(judged)["spam"]]
    bound = threshold_at(spam, float(found))
    letters = (judged.score[_groups(judged)["letters"]] > bound).mean()
    row = _row_above(bound, f"Postern where it finds the spam that {name} finds", judged, GROUPS[1:])
    return f"{row}  ({letters:.2%} of letters)"


def _row_above(bound: float, name: str, judged: Judged, columns: Sequence[str]) -> str:
    groups, cells = _groups(judged), []
    for each in columns:
        hits, count = int((judged.score[groups[each]] > bound).sum()), int(groups[each].sum())
        low, high = interval(hits, count)
        cells.append(f"{hits / max(1, count):.1%} ({100 * low:.0f} to {100 * high:.0f})")
    return f"| {name} | {bound:.2f} | {' | '.join(cells)} |"


@contextlib.contextmanager
def spamassassin(folder: Path) -> Iterator[Judge]:
    """SpamAssassin with Debian's rules and Bayes, without network tests and without learning by itself."""

    def judge(ham: list[Path], bad: list[Path], judged: list[Path]) -> list[float]:
        state = folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        (state / "prefs").write_text(
            f"bayes_path {state}/bayes\nuse_bayes 1\nbayes_auto_learn 0\nbayes_auto_expire 0\nskip_rbl_checks 1\n"
        )
        for side, files in (("--ham", ham), ("--spam", bad)):
            (state / "list").write_text("".join(f"{file}\n" for file in files))
            command = ["sa-learn", "-L", "--no-sync", "-p", str(state / "prefs"), side, "-f", str(state / "list")]
            subprocess.run(command, check=True, capture_output=True)
        subprocess.run(["sa-learn", "-L", "-p", str(state / "prefs"), "--sync"], check=True, capture_output=True)
        done = subprocess.run(
            ["perl", "-e", PERL, str(state / "prefs")],
            input="".join(f"{file}\n" for file in judged),
            check=True,
            capture_output=True,
            text=True,
        )
        return [float(line) for line in done.stdout.split()]

    yield judge


@contextlib.contextmanager
def rspamd(folder: Path) -> Iterator[Judge]:
    """Rspamd with Debian's rules and Bayes in a Redis of its own; what asks the network is switched off."""
    ports = {name: free_port() for name in ("port", "control", "redis", "dead")}
    configuration = folder / "etc" / "local.d"
    configuration.mkdir(parents=True)
    for name, text in RSPAMD.items():
        (configuration / name).write_text(text.format(folder=folder, **ports))
    for name in NETWORK:
        (configuration / f"{name}.conf").write_text("enabled = false;\n")
    shutil.chown(folder, "_rspamd", "_rspamd")
    variables = [
        f"--var={name}={path}"
        for name, path in {"LOCAL_CONFDIR": folder / "etc", "DBDIR": folder, "RUNDIR": folder, "LOGDIR": folder}.items()
    ]
    redis = subprocess.Popen(
        ["redis-server", "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    daemon = subprocess.Popen(
        ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", *variables],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(ports["port"])
        _wait_for(ports["control"])

        def judge(ham: list[Path], bad: list[Path], judged: list[Path]) -> list[float]:
            subprocess.run(["redis-cli", "-p", str(ports["redis"]), "flushall"], check=True, capture_output=True)
            for verb, files in (("/learnham", ham), ("/learnspam", bad)):
                learnt = sum("success" in _asked(ports["control"], verb, file) for file in files)
                if learnt < LEAST:
                    raise RuntimeError(f"Rspamd learnt {learnt} of {len(files)} only, and speaks from {LEAST} on")
            return [float(_asked(ports["port"], "/checkv2", file)["score"]) for file in judged]

        yield judge
    finally:
        for process in (daemon, redis):
            process.terminate()
            process.wait(timeout=20)


def _asked(port: int, path: str, file: Path) -> dict[str, object]:
    """The answer; empty where Rspamd does not care to learn a message: too few words, or sure of it already."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body=re.sub(rb"\r?\n", b"\r\n", file.read_bytes()))
        return json.loads(connection.getresponse().read() or b"{}")
    finally:
        connection.close()


def _wait_for(port: int) -> None:
    for _ in range(900):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on {port}")


if __name__ == "__main__":
    main()
