from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.dns.answers import Answer, Question, Status
from gateway.checks.dns.cache import FAILURE_TTL, MAX_NEGATIVE_TTL, MAX_TTL, MIN_TTL, Cache
from gateway.clock import FixedClock

ASKED = Question("example.com", "A")


def lifetime(answer: Answer) -> float:
    clock = FixedClock(0.0)
    cache = Cache(entries=10, clock=clock)
    cache.put(ASKED, answer)
    lived = 0.0
    while cache.get(ASKED) is not None:
        clock.advance(1.0)
        lived += 1.0
    return lived


def test_an_answer_lives_as_long_as_its_owner_says_within_bounds() -> None:
    assert lifetime(Answer(Status.OK, ("192.0.2.1",), 60)) == 60
    assert lifetime(Answer(Status.OK, ("192.0.2.1",), 0)) == MIN_TTL
    assert lifetime(Answer(Status.OK, ("192.0.2.1",), 10**9)) == MAX_TTL
    assert lifetime(Answer(Status.NXDOMAIN, (), 10**9)) == MAX_NEGATIVE_TTL
    assert lifetime(Answer(Status.NODATA, (), 30)) == 30


def test_a_failure_lives_briefly() -> None:
    assert lifetime(Answer(Status.SERVFAIL, (), 3600)) == FAILURE_TTL
    assert lifetime(Answer(Status.TIMEOUT, (), 3600)) == FAILURE_TTL


def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = Cache(entries=2, clock=FixedClock(0.0))
    one, two, three = (Question(f"{n}.example", "A") for n in range(3))
    cache.put(one, Answer(Status.OK, ttl=60))
    cache.put(two, Answer(Status.OK, ttl=60))
    assert cache.get(one)
    cache.put(three, Answer(Status.OK, ttl=60))
    assert [cache.get(each) is not None for each in (one, two, three)] == [True, False, True]


def test_a_cache_without_room_keeps_nothing() -> None:
    cache = Cache(entries=0, clock=FixedClock(0.0))
    cache.put(ASKED, Answer(Status.OK, ttl=60))
    assert cache.get(ASKED) is None
    assert cache.octets == 0


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5000), st.sampled_from(["put", "get", "wait"])), max_size=60)
)
def test_the_bounds_hold_whatever_happens(steps: list[tuple[int, int, str]]) -> None:
    """After any steps the cache holds at most its entries and its octets, and counts its octets right."""
    clock = FixedClock(0.0)
    cache = Cache(entries=5, clock=clock, octets=10_000)
    for number, size, step in steps:
        asked = Question(f"{number}.example", "TXT")
        if step == "put":
            cache.put(asked, Answer(Status.OK, ("x" * size,), 60))
        elif step == "get":
            cache.get(asked)
        else:
            clock.advance(size / 100)
        assert len(cache) <= 5
        assert 0 <= cache.octets <= 10_000
        assert (cache.octets == 0) == (len(cache) == 0)
