"""The life of a worker inside the jail: greet, take a job, answer, again. A job that raises becomes an error reply, and
the pool replaces the worker."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.jail import JailReport
from gateway.checks.anatomist.probe import probe
from gateway.checks.anatomist.wire import Greeting, JobReceived, Kind, Reply
from gateway.mail.message import Octets


@dataclass(frozen=True, slots=True)
class Work:
    """Something that does jobs, made ready before the jail closes: nothing can be imported or opened later.

    `model_problem` says why the classifier cannot work; empty: it can.
    """

    do: Callable[[JobReceived], object]
    model_problem: str = ""


@dataclass(frozen=True, slots=True)
class Dissected:
    """An answer with the leaves that were wanted; `left_out` says that there were more."""

    answer: object
    leaves: tuple[Octets, ...]
    left_out: bool


def serve(channel: socket.socket, work: Work, jail: JailReport) -> None:
    """Do jobs until the pool closes the channel. A worker whose jail is not whole greets, and does none."""
    wire.send(channel, Greeting(os.getpid(), jail, work.model_problem[:200], _peak_memory()))
    while not jail.missing and (job := wire.receive_job(channel)) is not None:
        reply, leaves = _reply(job, work)
        wire.send(channel, reply)
        for each in leaves:
            channel.sendall(each)


def _reply(job: JobReceived, work: Work) -> tuple[Reply, tuple[Octets, ...]]:
    answer: object = None
    error = ""
    try:
        answer = probe() if job.kind is Kind.PROBE else work.do(job)
    except Exception as raised:  # noqa: BLE001 - it becomes the reply, and the reason of an Unknown
        error = type(raised).__name__
    used = resource.getrusage(resource.RUSAGE_SELF)
    reply = Reply(job.ticket, answer, error, _peak_memory(), used.ru_utime + used.ru_stime)
    if not isinstance(answer, Dissected):
        return reply, ()
    sizes = tuple(map(len, answer.leaves))
    return replace(reply, answer=answer.answer, leaves=sizes, left_out=answer.left_out), answer.leaves


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
