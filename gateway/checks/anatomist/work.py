"""The life of a worker inside the jail: greet, take a job, answer, again. A job that raises becomes an error reply, and
the pool replaces the worker."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.jail import JailReport
from gateway.checks.anatomist.probe import probe
from gateway.checks.anatomist.wire import Greeting, JobReceived, Kind, Reply


@dataclass(frozen=True, slots=True)
class Work:
    """Something that does jobs, made ready before the jail closes: nothing can be imported or opened later.

    `model_problem` says why the classifier cannot work; empty: it can.
    """

    do: Callable[[JobReceived], object]
    model_problem: str = ""


def serve(channel: socket.socket, work: Work, jail: JailReport) -> None:
    """Do jobs until the pool closes the channel. A worker whose jail is not whole greets, and does none."""
    wire.send(channel, Greeting(os.getpid(), jail, work.model_problem[:200], _peak_memory()))
    while not jail.missing and (job := wire.receive_job(channel)) is not None:
        wire.send(channel, _reply(job, work))


def _reply(job: JobReceived, work: Work) -> Reply:
    answer: object = None
    error = ""
    try:
        answer = probe() if job.kind is Kind.PROBE else work.do(job)
    except Exception as raised:  # noqa: BLE001 - it becomes the reply, and the reason of an Unknown
        error = type(raised).__name__
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Reply(job.ticket, answer, error, _peak_memory(), used.ru_utime + used.ru_stime)


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
