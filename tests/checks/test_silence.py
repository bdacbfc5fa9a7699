"""A channel that says nothing, one that speaks, one that has ended."""

from __future__ import annotations

import socket

from gateway.checks.silence import is_silent


def test_a_channel_is_silent_until_something_can_be_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        assert is_silent(ours)
        theirs.sendall(b"?")
        assert not is_silent(ours)
        assert ours.recv(1) == b"?"


def test_a_channel_that_the_other_end_closed_is_not_silent() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        theirs.close()
        assert not is_silent(ours)


def test_a_channel_that_we_closed_is_not_silent() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        assert not is_silent(ours)
