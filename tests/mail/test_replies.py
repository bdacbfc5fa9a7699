from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.replies import BY_NAME, TOO_BUSY, Reply, accepted_as, all_replies, relayed


def test_every_reply_is_one_short_line_of_ascii() -> None:
    for name, reply in all_replies().items():
        assert str(reply).isascii(), name
        assert len(str(reply)) < 200, name
        assert reply.enhanced or reply.code == 354, name


def test_every_name_that_a_policy_may_use_is_a_refusal() -> None:
    assert all(not reply.is_positive for reply in BY_NAME.values())


def test_classes() -> None:
    assert TOO_BUSY.is_transient
    assert not TOO_BUSY.is_permanent
    assert accepted_as("01ABC").is_positive
    assert str(accepted_as("01ABC")) == "250 2.0.0 Accepted as 01ABC"


def test_a_reference_is_added_at_the_end() -> None:
    assert str(BY_NAME["policy"].about("01ABC")) == "550 5.7.1 Refused by policy (ref 01ABC)"


@pytest.mark.parametrize(
    ("code", "enhanced", "text"), [(550, "4.7.1", "x"), (550, "5", "x"), (550, "5.7.1\r\n", "x"), (250, "", "a\nb")]
)
def test_a_reply_that_would_confuse_is_refused(code: int, enhanced: str, text: str) -> None:
    with pytest.raises(ValueError):
        Reply(code, enhanced, text)


@given(
    st.sampled_from([200, 250, 354, 421, 450, 550, 554]),
    st.text(max_size=10) | st.sampled_from(["5.7.1", "4.7.1"]),
    st.text(max_size=900),
)
def test_what_a_next_hop_said_is_made_safe(code: int, enhanced: str, text: str) -> None:
    """Whatever a next hop says becomes one printable line of bounded length with a status that fits its code."""
    reply = relayed(code, enhanced, text)
    assert len(reply.text) <= 500
    assert str(reply).isprintable()
    assert not reply.enhanced or reply.enhanced[0] == str(code)[0]
