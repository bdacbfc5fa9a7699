"""Any octets give an Anatomy, within bounds: the tables of evasions and the samples, mutated for as long as one likes.

usage: python -m tests.anatomy.evasions.fuzz SECONDS [SEED]

With atheris installed (`pip install atheris`; not a dependency) and 0 as the seed, coverage leads; else the mutations
are blind. Ends with 1 and writes the message to `fuzz-failure.eml` where something is raised, or where a message takes
longer than ten seconds of CPU.
"""

from __future__ import annotations

import gzip
import importlib.util
import random
import sys
import time
from pathlib import Path

from gateway.anatomy.examine import examine
from tests.anatomy.evasions import active, archives, boundaries, encodings, names
from tests.anatomy.making.letters import attachment, multipart

SAMPLES = Path(__file__).parents[1] / "samples"
MOST_CPU = 10.0


def seeds() -> list[bytes]:
    """Small messages of every kind that we know."""
    made = [case.message for table in (boundaries, encodings, archives, active) for case in table.CASES]
    made += [names.message(named) for named in names.NAMED]
    for path in SAMPLES.iterdir():
        octets = path.read_bytes()
        made.append(multipart(attachment(gzip.decompress(octets) if path.suffix == ".gz" else octets, path.stem)))
    return [message for message in made if len(message) < 200_000]


def judged(message: bytes) -> None:
    """Examine a message; raises where it should not have, or took too long."""
    started = time.process_time()
    examine(message)
    if time.process_time() - started > MOST_CPU:
        raise TimeoutError(f"{time.process_time() - started:.1f} s of CPU")


def mutated(message: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """A few octets changed, cut, doubled, or taken from another message."""
    changed = bytearray(message)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed) + 1)
        length = chance.choice((1, 2, 4, 16, 200))
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = chance.randbytes(1)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length] * chance.choice((1, 3, 50))
            case 3:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                changed[at : at + length] = other[start : start + length]
            case 4:
                changed[at : at + length] = chance.choice((b"\0", b"\xff", b"\r\n", b"=", b"--", b"<")) * length
    return bytes(changed)


def unpacked_mutation(message: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """A message whose attachment is mutated before it is encoded: base64 would hide every change from the readers."""
    from gateway.anatomy.findings import Findings
    from gateway.anatomy.mime.parts import walk

    contents = [part.content for part in walk(message, Findings()) if part.content]
    if not contents:
        return mutated(message, others, chance)
    return multipart(attachment(mutated(chance.choice(contents), others, chance), "a.bin"))


def blind(seconds: float, seed: int) -> int:
    """Mutate without looking; the number of messages."""
    chance = random.Random(seed)
    messages = seeds()
    until = time.monotonic() + seconds
    count = 0
    while time.monotonic() < until:
        mutate = chance.choice((mutated, unpacked_mutation))
        message = mutate(chance.choice(messages), messages, chance)
        try:
            judged(message)
        except Exception:
            Path("fuzz-failure.eml").write_bytes(message)
            raise
        count += 1
    return count


def led(seconds: float, corpus: Path) -> None:
    """Let atheris lead. Ends the process."""
    import atheris

    for number, message in enumerate(seeds()):
        (corpus / str(number)).write_bytes(message)
    atheris.instrument_all()
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=60000", "-rss_limit_mb=2048", str(corpus)], judged
    )
    atheris.Fuzz()


def main() -> None:
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if seed == 0 and importlib.util.find_spec("atheris"):
        import tempfile

        led(seconds, Path(tempfile.mkdtemp()))
    else:
        sys.stdout.write(f"{blind(seconds, seed)} messages, none raised\n")


if __name__ == "__main__":
    main()
