"""What is believed of a worker: a reply of the right size, numbers, text and types, or `BadReply` and nothing else."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.jail import JailReport
from gateway.checks.anatomist.wire import BadReply, Examination, Greeting, Kind, Reply, Way
from gateway.facts.content import ContentFact, LinkFact, MailClass, PartFact, Signal, SpamFact
from gateway.facts.evidence import to_plain
from gateway.facts.outcome import Known, Unknown

EXAMINATION = Examination(
    Known(
        ContentFact(
            parts=(PartFact("1", "a.txt", "text/plain", "text/plain", 3, "00" * 32),),
            links=(LinkFact("https://example.org/", "here", "example.org"),),
            excerpt="Grüße",
        )
    ),
    Known(SpamFact(MailClass.HAM, {"ham": 0.9, "spam": 0.1}, -2.2, (Signal("word", 0.5),), "m1")),
)


@given(st.binary(max_size=300))
def test_any_octets_are_a_reply_or_bad(payload: bytes) -> None:
    try:
        assert isinstance(wire.parse(Reply, payload), Reply)
    except BadReply:
        pass


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["known", "unknown", "content", "spam", "parts", "score", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_any_plain_value_is_an_examination_or_bad(plain: Any) -> None:
    try:
        assert isinstance(wire.build(Examination, plain), Examination)
    except BadReply:
        pass


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 100_000,
        b'{"ticket":1,"answer":null,"error":"","memory":' + b"9" * 10_000 + b',"cpu":0}',
        b'{"ticket":1,"answer":null,"error":"","memory":9223372036854775808,"cpu":0}',
        b'{"ticket":1,"answer":null,"error":"","memory":0,"cpu":NaN}',
        b'{"ticket":1,"answer":null,"error":"","memory":0,"cpu":1e999}',
        b'{"ticket":1,"answer":"\\ud800","error":"","memory":0,"cpu":0}',
        b'{"ticket":1,"answer":"\xed\xa0\x80","error":"","memory":0,"cpu":0}',
        b'{"ticket":1,"answer":null,"error":"","memory":0,"cpu":0,"more":1}',
        '{"ticket":1,"answer":null,"error":"","memory":0,"cpu":0}'.encode("utf-16"),
        b"",
    ],
    ids=range(10),
)
def test_what_would_break_something_behind_us_is_refused(payload: bytes) -> None:
    with pytest.raises(BadReply):
        wire.parse(Reply, payload)


def test_an_examination_is_the_same_after_the_journey() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.send(theirs, Reply(7, EXAMINATION, "", 1000, 0.5))
        length = wire.length_of(ours.recv(4), largest=10_000)
        reply = wire.parse(Reply, ours.recv(length))
    assert (reply.ticket, reply.error, reply.memory, reply.cpu) == (7, "", 1000, 0.5)
    assert wire.build(Examination, reply.answer) == EXAMINATION


def test_a_greeting_is_the_same_after_the_journey() -> None:
    greeting = Greeting(1, JailReport(), "no model", 5)
    assert wire.parse(Greeting, json.dumps(to_plain(greeting)).encode()) == greeting


@pytest.mark.parametrize("said", ["", "a b", "Error\r\nX-Evil: y", "E" * 81, "<b>"])
def test_an_error_has_the_name_of_a_type_or_is_refused(said: str) -> None:
    with pytest.raises(BadReply):
        wire.error_name(said)


def test_a_length_beyond_the_bound_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BadReply):
        wire.length_of((1 << 30).to_bytes(4, "big"), largest=wire.LARGEST_REPLY[Kind.EXAMINE])


def test_a_pool_that_closes_between_or_within_jobs_ends_the_worker_quietly() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        assert wire.receive_job(theirs) is None
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(wire.JOB.pack(Kind.EXAMINE, Way.SOCKET, 0, 1, 100) + b"half")
        ours.close()
        assert wire.receive_job(theirs) is None


def test_unknown_is_not_lost_on_the_way() -> None:
    doubtful = Examination(Unknown("why"), Unknown("no model"))
    assert wire.build(Examination, to_plain(doubtful)) == doubtful
