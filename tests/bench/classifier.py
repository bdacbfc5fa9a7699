"""What the classifier costs: CPU for a message that anatomy has taken apart already, features and judgement together,
its fingerprint, and the look-up of that among as many lessons as are kept.

    python -m tests.bench.classifier [--rounds 5] [FILE ...]

Without files: the samples, and long ones made of them. CPU of this process, so other load hardly shows.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gateway.anatomy.examine import examine
from gateway.facts.content import Anatomy, MailClass
from gateway.spam.features import explained_features_of
from gateway.spam.fingerprint import SIZE, fingerprint_of
from gateway.spam.identity import identity_of
from gateway.spam.model import Model
from gateway.spam.relations import facts_of
from gateway.spam.site.reported import MOST_LESSONS, Reported, Word

ROOT = Path(__file__).parents[2]
LONG = 40
"""How often a sample's body is repeated in a long message."""


def messages(files: list[Path]) -> list[bytes]:
    """What is judged."""
    if files:
        return [file.read_bytes() for file in files]
    samples = [file.read_bytes() for file in sorted((ROOT / "samples").glob("*.eml"))]
    return samples + [octets + LONG * octets.partition(b"\r\n\r\n")[2] for octets in samples]


def main() -> None:
    """Print milliseconds of CPU a message: mean and worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", type=Path, default=ROOT / "models/default")
    wanted = parser.parse_args()
    model = Model.load(wanted.model)
    taken_apart = [examine(octets) for octets in messages(wanted.files)]

    def identity(anatomy: Anatomy) -> None:
        for _ in identity_of(anatomy):
            pass

    steps = (
        ("identity", identity),
        ("shapes", facts_of),
        ("features", explained_features_of),
        ("judgement, with features", model.judge),
        ("fingerprint", fingerprint_of),
    )
    for name, step in steps:
        tell(name, step, taken_apart, wanted.rounds)
    fingerprints = [fingerprint_of(each).tolist() for each in taken_apart]
    for name, known in (("nobody taught it", lessons([])), ("a copy of it was taught", lessons(fingerprints))):
        tell(f"look-up, {name}", partial(known.about, now=1.0), fingerprints, wanted.rounds)


def lessons(taught: list[list[int]]) -> Reported:
    """As many as are kept: these, and others that are like nothing."""
    draw = random.Random(1)
    others = [sorted(draw.sample(range(2**30), SIZE)) for _ in range(MOST_LESSONS - len(taught))]
    words = [Word(f"{number:064x}", f"p{number}", MailClass.SPAM, 0.0) for number in range(MOST_LESSONS)]
    return Reported.of(words, [*taught, *others])


def tell(name: str, step: Callable[[Any], object], given: Sequence[Any], rounds: int) -> None:
    """Do it to each so often, and print the mean and the worst."""
    costs = []
    for each in given:
        step(each)
        begun = time.process_time()
        for _ in range(rounds):
            step(each)
        costs.append((time.process_time() - begun) / rounds * 1000)
    print(f"{name:32} mean {sum(costs) / len(costs):6.3f} ms   worst {max(costs):6.3f} ms   of {len(costs)}")


if __name__ == "__main__":
    main()
