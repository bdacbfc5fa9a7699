"""A worker's life, without the jail: a reply to each job, an error for one that raises, the end with its channel."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.jail import REQUIRED, JailReport, LayerReport
from gateway.checks.anatomist.wire import Greeting, JobReceived, Kind, Reply, Way
from gateway.checks.anatomist.work import Work, serve

WHOLE = JailReport(tuple(LayerReport(each, True, "set") for each in REQUIRED))


def double(job: JobReceived) -> object:
    if job.octets[:] == b"bad":
        raise LookupError("text that stays inside")
    return {"doubled": (job.octets[:] * 2).decode()}


@contextmanager
def served(jail: JailReport) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(theirs, Work(double, "no model"), jail))
    thread.start()
    with ours:
        yield ours
    thread.join(5)
    theirs.close()
    assert not thread.is_alive()


def heard(channel: socket.socket) -> bytes:
    length = wire.length_of(channel.recv(4, socket.MSG_WAITALL), largest=10_000)
    return channel.recv(length, socket.MSG_WAITALL)


def test_it_greets_and_answers_each_job() -> None:
    with served(WHOLE) as channel:
        greeting = wire.parse(Greeting, heard(channel))
        assert (greeting.jail, greeting.model_problem) == (WHOLE, "no model")
        for ticket, octets in enumerate((b"a", b"", b"xy")):
            channel.sendall(wire.JOB.pack(Kind.EXAMINE, Way.SOCKET, 0, ticket, len(octets)) + octets)
            reply = wire.parse(Reply, heard(channel))
            assert (reply.ticket, reply.answer, reply.error) == (ticket, {"doubled": octets.decode() * 2}, "")


def test_a_job_that_raises_is_named_by_its_type_alone() -> None:
    with served(WHOLE) as channel:
        heard(channel)
        channel.sendall(wire.JOB.pack(Kind.EXAMINE, Way.SOCKET, 0, 1, 3) + b"bad")
        payload = heard(channel)
    assert wire.parse(Reply, payload).error == "LookupError"
    assert b"stays inside" not in payload


def test_without_a_whole_jail_it_greets_and_works_not() -> None:
    with served(JailReport()) as channel:
        assert wire.parse(Greeting, heard(channel)).jail.missing
