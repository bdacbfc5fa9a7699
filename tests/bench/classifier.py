"""What the classifier costs: CPU for a message that anatomy has taken apart already, features and judgement together.

    python -m tests.bench.classifier [--rounds 5] [FILE ...]

Without files: the samples, and long ones made of them. CPU of this process, so other load hardly shows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from gateway.anatomy.examine import examine
from gateway.facts.content import Anatomy
from gateway.spam.features import explained_features_of
from gateway.spam.identity import identity_of
from gateway.spam.model import Model
from gateway.spam.relations import facts_of

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
    )
    for name, step in steps:
        costs = []
        for anatomy in taken_apart:
            step(anatomy)
            begun = time.process_time()
            for _ in range(wanted.rounds):
                step(anatomy)
            costs.append((time.process_time() - begun) / wanted.rounds * 1000)
        print(f"{name:26} mean {sum(costs) / len(costs):6.3f} ms   worst {max(costs):6.3f} ms   of {len(costs)}")


if __name__ == "__main__":
    main()
