"""gateway/checks/anatomist/harvest.py, and what the pool believes of the leaves that a worker announces."""

from __future__ import annotations

import pytest

from gateway.checks.anatomist.harvest import Harvest
from gateway.checks.anatomist.wire import BadReply, Reply, check_leaves
from gateway.checks.leaves import MAX_LEAF_OCTETS, MAX_LEAVES, Wanted
from gateway.facts.content import ContentFact

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(60)
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
PLAIN = ContentFact()


def harvest(wanted: Wanted, *leaves: bytes) -> Harvest:
    gathered = Harvest(wanted)
    for each in leaves:
        gathered.take(each)
    return gathered


def test_risky_are_all_but_what_is_a_picture_and_called_one() -> None:
    leaves = (b"text", PICTURE, DRAWING, b"MZ" + bytes(99), b"text")
    assert harvest(Wanted.RISKY, *leaves).chosen(PLAIN) == (b"text", DRAWING, b"MZ" + bytes(99))
    assert PICTURE in harvest(Wanted.RISKY, *leaves).chosen(ContentFact(defects=("name.double_extension",)))
    assert PICTURE in harvest(Wanted.ALL, *leaves).chosen(PLAIN)
    assert harvest(Wanted.NONE, *leaves).chosen(PLAIN) == ()


def test_beyond_the_bounds_something_is_said_to_be_left_out() -> None:
    many = harvest(Wanted.ALL, *(b"%d" % number for number in range(MAX_LEAVES + 1)))
    assert many.left_out
    assert len(many.chosen(PLAIN)) == MAX_LEAVES
    large = harvest(Wanted.ALL, bytes(MAX_LEAF_OCTETS), b"one more")
    assert large.left_out
    assert not harvest(Wanted.ALL, b"few").left_out


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ((1,), Wanted.NONE),
        ((0,), Wanted.ALL),
        ((-1, 5), Wanted.ALL),
        ((1,) * (MAX_LEAVES + 1), Wanted.ALL),
        ((MAX_LEAF_OCTETS, 1), Wanted.RISKY),
        ((2**62, 2**62), Wanted.RISKY),
    ],
)
def test_leaves_that_may_not_come_make_the_reply_a_bad_one(sizes: tuple[int, ...], wanted: Wanted) -> None:
    with pytest.raises(BadReply):
        check_leaves(Reply(1, None, "", 0, 0.0, leaves=sizes), wanted)


def test_what_is_within_the_bounds_may_come() -> None:
    check_leaves(Reply(1, None, "", 0, 0.0, leaves=(MAX_LEAF_OCTETS - 1, 1)), Wanted.RISKY)
    check_leaves(Reply(1, None, "", 0, 0.0), Wanted.NONE)
