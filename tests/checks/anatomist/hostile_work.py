"""Work that behaves as badly as hostile octets might make it. The first word of the message says how."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

from gateway.checks.anatomist import seccomp
from gateway.checks.anatomist.wire import Examination, JobReceived
from gateway.checks.anatomist.work import Work
from gateway.facts.content import ContentFact
from gateway.facts.outcome import Known, Unknown

CHANNEL = 3
_ALLOCATED: list[bytes | bytearray] = []


def prepare(model: Path | None) -> Work:
    problem = "" if model is None else "model refused: no such thing here"
    return Work(do, problem)


def prepare_badly(model: Path | None) -> Work:
    raise RuntimeError("this work cannot be prepared")


def prepare_without_seccomp(model: Path | None) -> Work:
    """As on a kernel, or in a container, that refuses it."""

    def refuse() -> None:
        raise OSError("ENOSYS")

    seccomp.install = refuse
    return Work(do)


def content(excerpt: str) -> Examination:
    return Examination(Known(ContentFact(excerpt=excerpt)), Unknown("no model"))


def say(payload: bytes) -> None:
    while payload:
        payload = payload[os.write(CHANNEL, payload) :]


def do(job: JobReceived) -> object:
    octets = job.octets[:]
    act, _, rest = octets.split(b"\r\n", 1)[0].partition(b" ")
    match act:
        case b"loop":
            while True:
                pass
        case b"sleep":
            time.sleep(float(rest))
        case b"allocate":
            _ALLOCATED.append(bytearray(10 << 30))
        case b"grow":
            _ALLOCATED.append(b"x" * (80 << 20))
        case b"fork":
            while True:
                os.fork()
        case b"crash":
            os._exit(3)
        case b"fault":
            import ctypes

            ctypes.string_at(0)
        case b"raise":
            raise LookupError("with text that stays inside")
        case b"garbage":
            say(struct.pack("!L", 7) + b"garbage")
        case b"giant":
            say(struct.pack("!L", 1 << 30))
            time.sleep(30)
        case b"drip":
            say(struct.pack("!L", 1000))
            while True:
                say(b" ")
                time.sleep(0.01)
        case b"twice":
            say(struct.pack("!L", 7) + b"garbage")
            say(struct.pack("!L", 7) + b"garbage")
            time.sleep(30)
        case b"extra":
            # An answer of its own making, and behind it the real one: that would answer the next message.
            forged = (
                b'{"ticket":%d,"answer":{"content":{"known":{}},"spam":{"unknown":"forged"}},"error":"","memory":0,"cpu":0.0}'
                % job.ticket
            )
            say(struct.pack("!L", len(forged)) + forged)
        case b"lie":
            return {"content": {"known": {"parts": 3}}, "spam": {"maybe": 1}}
        case b"babble":
            return Examination(Known(ContentFact()), Unknown("a\r\nX-Evil: y\x1b[2J" + "z" * 100_000))
        case b"surrogate":
            return content("\ud800")
        case b"nan":
            return {"content": {"known": {}}, "spam": {"known": {"score": float("nan")}}}
        case b"deep":
            nested = b"[" * 200_000
            say(struct.pack("!L", len(nested)) + nested)
        case b"descriptors":
            held = []
            for number in range(64):
                try:
                    held.append(os.get_inheritable(number))
                except OSError:
                    continue
            return content(str(len(held)))
        case b"environment":
            return content(" ".join(sorted(os.environ)))
        case b"pid":
            return content(str(os.getpid()))
        case b"mapped":
            return content(f"{type(job.octets).__name__} {len(octets)} {sum(octets) % 65536}")
    return content("ok")
