"""Rolling restarts of the whole product under load.

    python -m tests.bench.restarts [--rounds 50] [--clients 8] [--edges 2] [--minutes 60]

Starts the gateway on a folder of its own; clients send one message a connection, as hard as they can, while every role
is renewed so many times. Prints how the tries ended, the longest wait for a greeting, and what became of every message
that was answered with 250. The counts that must be nought: resets before the greeting, and messages lost.
"""

from __future__ import annotations

import argparse
import signal
import time

from tests.e2e.gateway import eventually, running
from tests.e2e.letters import store_folder
from tests.e2e.load import Load, subjects
from tests.folders import passable_folder


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--edges", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60, help="stop after so long, with fewer rounds")
    chosen = parser.parse_args()
    extra = {"POSTERN_EDGES": str(chosen.edges), "POSTERN_CLAMD": "off"}
    with passable_folder() as folder, running(folder / "data", settings={}, **extra) as gateway:
        begun = time.monotonic()
        with Load(gateway.ports["mx"], clients=chosen.clients) as load:
            for number in range(chosen.rounds):
                if time.monotonic() - begun > 60 * chosen.minutes:
                    break
                gateway.process.send_signal(signal.SIGUSR2)
                eventually(lambda number=number: len(gateway.log("renewed")) > number, within=300)
        took = time.monotonic() - begun
        renewed = [line["roles"] for line in gateway.log("renewed")]
        eventually(
            lambda: gateway.json("queue", "list")["items"] == [] or load.accepted <= subjects(store_folder(gateway)),
            within=300,
            every=1.0,
        )
        lost = load.accepted - subjects(store_folder(gateway))
    print(
        f"{len(renewed)} rolling restarts, {sum(renewed)} roles, {took:.0f} s; {sum(load.tally.values())} connections"
    )
    for ending, number in load.tally.most_common():
        print(f"{number:8} {ending}")
    print(f"{load.tally['reset before the greeting']:8} reset before the greeting")
    print(f"{len(lost):8} lost of {len(load.accepted)} answered with 250")
    print(f"{load.slowest_greeting:8.2f} s: the longest wait for a greeting")


if __name__ == "__main__":
    main()
