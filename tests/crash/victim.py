"""The process that crash tests kill: it prints what it was promised, and kills itself at a named step when told to.

    python -m tests.crash.victim FOLDER SCENE STEP

Each line on standard output is a promise that custody gave before: `accepted ID SIZE`, `claimed ID`, `finished ID`,
`released ID`. SCENE `load` runs until somebody kills it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import SystemClock
from gateway.mail.address import Address
from gateway.queue.changed import Changed
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.records import Bounce, HeldQuery
from gateway.queue.states import State
from tests.queue.samples import LARGE, NOW, OCTETS, accept, acceptance, attempt, recipient

BOUNCE = Bounce(b"Subject: Sorry\r\n\r\n", Address("ann", "shop.example"), "mx:shop.example", NOW)


@dataclass
class Trap:
    """Kills the process at a step, once armed."""

    step: str
    armed: bool = False

    def __call__(self, step: str) -> None:
        if self.armed and step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def promise(what: str, id: int, *more: object) -> None:
    """Say what custody answered; a line at a time, so that none is half written."""
    os.write(1, " ".join(map(str, (what, text_of(id), *more))).encode() + b"\n")


async def take(custody: Custody, octets: bytes, state: State = State.QUEUED) -> int:
    """Accept one message and say so."""
    id = await accept(custody, acceptance(recipient(state=state)), octets)
    promise("accepted", id, len(octets))
    return id


async def accept_row(custody: Custody, trap: Trap) -> None:
    """Dies while accepting a small message."""
    await take(custody, LARGE)
    trap.armed = True
    await take(custody, OCTETS)


async def accept_spool(custody: Custody, trap: Trap) -> None:
    """Dies while accepting a large message."""
    await take(custody, OCTETS)
    trap.armed = True
    await take(custody, LARGE)


async def accept_changed(custody: Custody, trap: Trap) -> None:
    """Dies while accepting a small message that is held, and a large one that goes on in its place."""
    await take(custody, LARGE)
    trap.armed = True
    incoming = custody.incoming()
    incoming.write(OCTETS)
    changed = Changed(custody.new_id(), acceptance(recipient()), LARGE, {"parts": []})
    held = acceptance(recipient(state=State.HELD, quarantine="stripped"))
    promise("accepted", await custody.accept(held, incoming, changed=[changed]), len(OCTETS))
    promise("accepted", changed.message_id, len(LARGE))


async def claim(custody: Custody, trap: Trap) -> None:
    """Dies while claiming."""
    await take(custody, OCTETS)
    await take(custody, LARGE)
    trap.armed = True
    for each in await custody.claim("victim", lease=30):
        promise("claimed", each.message_id)


async def finish(custody: Custody, trap: Trap) -> None:
    """Dies while closing a large message that failed, with a bounce."""
    await take(custody, OCTETS)
    failing = await take(custody, LARGE)
    claims = await custody.claim("victim", lease=30)
    trap.armed = True
    (wanted,) = [each for each in claims if each.message_id == failing]
    await custody.finish(wanted, attempt(State.FAILED), bounce=BOUNCE)
    promise("finished", failing)


async def release(custody: Custody, trap: Trap) -> None:
    """Dies while releasing."""
    held = await take(custody, OCTETS, State.HELD)
    (item,) = await custody.held(HeldQuery(), after=None, limit=1)
    trap.armed = True
    await custody.release(item.id, actor="ana", reason="")
    promise("released", held)


async def load(custody: Custody, _trap: Trap) -> None:
    """Sessions and a courier that go on until the process is killed."""
    chance = random.Random(os.getpid())

    async def session() -> None:
        while True:
            await take(custody, OCTETS if chance.random() < 0.8 else LARGE)

    async def courier() -> None:
        while True:
            for each in await custody.claim("victim", lease=30):
                bounce = BOUNCE if chance.random() < 0.2 and each.may_bounce else None
                if await custody.finish(each, attempt(State.FAILED if bounce else State.DELIVERED), bounce=bounce):
                    promise("finished", each.message_id)
            await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(session())
        group.create_task(courier())


SCENES = {each.__name__: each for each in (accept_row, accept_spool, accept_changed, claim, finish, release, load)}


async def main(folder: Path, scene: str, step: str) -> None:
    """Open custody and play the scene."""
    trap = Trap(step)
    custody = Custody.open(folder, clock=SystemClock(), steps=trap)
    await SCENES[scene](custody, trap)
    await custody.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
