"""The zygote: a process of its own that has everything loaded and does one thing, fork a worker when the pool asks. It
never sees a message.

Started as `python -m gateway.checks.anatomist.zygote`; it inherits one socket and nothing else. Each octet on that
socket asks for one worker; the answer carries two descriptors: the pool's end of the worker's channel, and a pidfd to
kill and watch it by. The zygote ends when the socket does, and its workers die with it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import resource
import selectors
import signal
import socket
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.checks.anatomist.jail import Bounds, confine
from gateway.checks.anatomist.work import Work, serve

_CHANNEL: Final = 3
"""The descriptor of the channel in a worker, and the only one besides /dev/null that it has."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Load, then fork on demand until the pool is gone."""
    options = _parser().parse_args(arguments)
    # Who ends us is the pool, by closing the socket: a Ctrl-C or a stop of the whole group must not, or mail that is
    # being drained would lose its readers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    module, _, function = options.work.partition(":")
    prepare = getattr(importlib.import_module(module), function)
    rules = () if options.rules is None else (_read(options.rules),)
    layer = {} if options.layer is None else {"layer": options.layer}
    work: Work = prepare(options.model, *rules, **layer)
    warnings.simplefilter("ignore")  # a warning would read source files, which the jail refuses
    gc.collect()
    gc.freeze()  # what is loaded stays shared between the workers
    with socket.socket(fileno=options.control) as control:
        _serve_requests(control, work, Bounds(memory=options.memory, cpu=options.cpu))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--cpu", type=int, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rules", type=int)
    parser.add_argument("--layer", type=Path)
    return parser


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as rules:
        return rules.read()


def _serve_requests(control: socket.socket, work: Work, bounds: Bounds) -> None:
    with selectors.DefaultSelector() as watched:
        watched.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in watched.select():
                if key.fileobj is not control:
                    watched.unregister(key.fileobj)
                    os.waitpid(key.data, 0)
                    os.close(key.fd)
                elif control.recv(1):
                    pid, pidfd = _fork_worker(control, work, bounds)
                    watched.register(pidfd, selectors.EVENT_READ, pid)
                else:
                    return


def _fork_worker(control: socket.socket, work: Work, bounds: Bounds) -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    zygote = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become_worker(theirs, work, bounds, zygote)
        finally:
            os._exit(1)
    theirs.close()
    pidfd = os.pidfd_open(pid)  # the child is not reaped before we do it, so the number is its own
    with ours:
        socket.send_fds(control, [b"w"], [ours.fileno(), pidfd])
    return pid, pidfd


def _become_worker(channel: socket.socket, work: Work, bounds: Bounds, zygote: int) -> None:
    descriptor = channel.detach()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.dup2(descriptor, _CHANNEL)
    os.closerange(_CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    with socket.socket(fileno=_CHANNEL) as alone:
        serve(alone, work, confine(bounds, parent=zygote))
    os._exit(0)


if __name__ == "__main__":
    main()
    os._exit(
        0
    )  # libraries that look for leaks at their end would take for one what we have frozen, and say so in our log
