"""What passes between the pool and a worker, and how little of it is believed. Pure but for the sockets it is handed.

A job is a fixed header and the octets: up to 256 KiB behind it on the socket, above that as a descriptor (SCM_RIGHTS)
of sealed memory. The octets that the pool is given may be a mapping, which has no descriptor to pass on, so it copies
them; the copy yields to the event loop, and a worker maps it instead of holding another.

A reply is a length and JSON, and behind it the octets of the leaves that were wanted, whose sizes it names. It comes
from a process that hostile octets may have taken over: its size, its numbers, its text and its types are checked, and
what does not fit is `BadReply`.
"""

from __future__ import annotations

import json
import mmap
import re
import socket
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, TypeVar

from gateway.checks.anatomist.jail import JailReport
from gateway.checks.leaves import MAX_LEAF_OCTETS, MAX_LEAVES, Leaf, Wanted
from gateway.facts.content import ContentFact, SpamFact, YaraFact
from gateway.facts.evidence import from_plain, to_plain
from gateway.facts.outcome import NOT_ASKED, Outcome
from gateway.mail.message import Octets

BY_SOCKET: Final = 256 * 1024
"""The most octets that travel on the socket itself."""

JOB: Final = struct.Struct("!BBBQQ")
"""Kind, way, leaves wanted, ticket, size."""
LENGTH: Final = struct.Struct("!L")

_ERROR_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,79}\Z")
_LARGEST_NUMBER: Final = 2**63 - 1


class Kind(IntEnum):
    """What is asked of a worker."""

    EXAMINE = 1
    PREVIEW = 2
    PROBE = 3
    STUDY = 4


LARGEST_REPLY: Final = {
    Kind.EXAMINE: 2 * 1024 * 1024,
    Kind.PREVIEW: 8 * 1024 * 1024,
    Kind.PROBE: 64 * 1024,
    Kind.STUDY: 1024 * 1024,
}
"""Octets that a reply may have."""

LARGEST_GREETING: Final = 16 * 1024


class Way(IntEnum):
    """How the octets of a job travel."""

    SOCKET = 0
    DESCRIPTOR = 1


class BadReply(ValueError):
    """A worker said something that is no answer. The text is ours, never the worker's."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What one look at a message gave: its content, what the classifier makes of it, which rules match, and the
    fingerprint of its text.

    The pool adds what no worker says of itself: the `leaves` that were wanted, whether some were `left_out`, and
    whether the message cost the worker; the pipeline adds how many it has cost by now.
    """

    content: Outcome[ContentFact]
    spam: Outcome[SpamFact]
    yara: Outcome[YaraFact] = NOT_ASKED
    leaves: tuple[Leaf, ...] = field(default=(), repr=False)
    left_out: bool = False
    cost_worker: bool = False
    lost_workers: int = 0
    fingerprint: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Studied:
    """What is learnt from a message: the numbers of its features, the log-odds that the shipped model alone gives it,
    and the fingerprint of its text."""

    buckets: tuple[int, ...]
    score: float
    fingerprint: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Greeting:
    """A worker's first words: who it is, its jail, and what is wrong with the classifier's model (empty: nothing).
    `memory` is its peak resident size in octets when it was fresh."""

    pid: int
    jail: JailReport
    model_problem: str
    memory: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's answer to the job of that `ticket`: `answer` is plain, or `error` names the type of what was raised.
    `memory` is the peak resident size in octets, `cpu` the seconds that it has used in its life; `leaves` are the
    sizes of what follows, and `left_out` says that there was more than the bounds allow."""

    ticket: int
    answer: object
    error: str
    memory: int
    cpu: float
    leaves: tuple[int, ...] = ()
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class JobReceived:
    """A job as a worker sees it."""

    kind: Kind
    ticket: int
    octets: Octets
    wanted: Wanted = Wanted.NONE


# ------------------------------------------------------------------ the worker's side: blocking, one job at a time


def receive_job(channel: socket.socket) -> JobReceived | None:
    """The next job, or None where the pool has closed. Raises ValueError on anything else, OSError where octets cannot
    be mapped."""
    header, descriptors, _, _ = socket.recv_fds(channel, JOB.size, 1)
    if not header:
        return None
    number, way, leaves, ticket, size = JOB.unpack(header)
    kind, wanted = Kind(number), Wanted(leaves)
    if way == Way.SOCKET:
        received = channel.recv(size, socket.MSG_WAITALL) if size else b""
        return JobReceived(kind, ticket, received, wanted) if len(received) == size else None
    # The mapping keeps a descriptor of its own, so this one goes when the file object does.
    with open(descriptors[0], "rb", buffering=0) as sealed:
        octets = mmap.mmap(sealed.fileno(), size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    return JobReceived(kind, ticket, octets, wanted)


def send(channel: socket.socket, said: Greeting | Reply) -> None:
    """Say something to the pool. Text that is no Unicode (lone surrogates) loses those characters here."""
    text = json.dumps(to_plain(said), ensure_ascii=False, separators=(",", ":"))
    payload = text.encode("utf-8", "replace")
    channel.sendall(LENGTH.pack(len(payload)) + payload)


# ------------------------------------------------------------------ the pool's side: what it believes

_Said = TypeVar("_Said")


def parse(kind: type[_Said], payload: bytes | bytearray) -> _Said:
    """What a worker said, as that type. Raises `BadReply`."""
    try:
        plain = json.loads(payload.decode(), parse_int=_bounded, parse_float=_finite, parse_constant=_finite)
        if b"\\u" in payload:
            json.dumps(plain, ensure_ascii=False).encode()  # an escaped lone surrogate fits no database and no page
        return from_plain(kind, plain)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"no {kind.__name__} ({type(error).__name__})") from None


def build(kind: type[_Said], plain: Any) -> _Said:
    """An answer as that type. Raises `BadReply`."""
    try:
        return from_plain(kind, plain)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"no {kind.__name__} ({type(error).__name__})") from None


def check_leaves(reply: Reply, wanted: Wanted) -> None:
    """Whether the leaves that a reply announces may follow it. Raises `BadReply` beyond the bounds."""
    sizes = reply.leaves
    if sizes and wanted is Wanted.NONE:
        raise BadReply("leaves that nobody wanted")
    if len(sizes) > MAX_LEAVES or any(size <= 0 for size in sizes) or sum(sizes) > MAX_LEAF_OCTETS:
        raise BadReply("leaves beyond the bound")


def error_name(said: str) -> str:
    """The name of an exception's type, if it can be one. Raises `BadReply`."""
    if not _ERROR_NAME.match(said):
        raise BadReply("an error without a name")
    return said


def length_of(header: bytes | bytearray, *, largest: int) -> int:
    """How long the reply behind this header is. Raises `BadReply` above the bound."""
    (length,) = LENGTH.unpack(header)
    if length > largest:
        raise BadReply("a reply beyond the bound")
    return int(length)


def _bounded(digits: str) -> int:
    if len(digits) > len(str(_LARGEST_NUMBER)):
        raise ValueError("a number beyond 64 bits")
    number = int(digits)
    if abs(number) > _LARGEST_NUMBER:
        raise ValueError("a number beyond 64 bits")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError("not a finite number")
    return number
