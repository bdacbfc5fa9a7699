"""gateway/policy/quantities.py"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.quantities import NEVER, duration, end_of_validity, size


@pytest.mark.parametrize(
    ("text", "octets"), [("1024", 1024), ("50MiB", 52_428_800), ("50 MiB", 52_428_800), ("1KB", 1000), ("2GiB", 2**31)]
)
def test_sizes_are_octets(text, octets):
    assert size(text) == octets


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2_592_000), ("12h", 43_200), ("90s", 90), ("5 min", 300), ("2w", 1_209_600)]
)
def test_durations_are_seconds(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5MiB", "50mib", "50 M iB", "٣MiB", "1" * 13, "50MiB\n"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="like `50MiB`"):
        size(text)


@pytest.mark.parametrize("text", ["30", "30D", "d", "1y", "1m"])
def test_a_duration_needs_a_unit_that_cannot_be_mistaken(text):
    with pytest.raises(ValueError, match="like `30d`"):
        duration(text)


def test_a_day_is_the_last_one_and_ends_at_midnight_utc():
    assert end_of_validity("2027-01-31") == datetime(2027, 2, 1, tzinfo=UTC).timestamp()


def test_a_time_is_exact_and_needs_its_zone():
    noon = datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp()
    assert end_of_validity("2027-01-31T12:00:00Z") == noon
    assert end_of_validity("2027-01-31T14:00:00+02:00") == noon
    with pytest.raises(ValueError, match="write a day"):
        end_of_validity("2027-01-31T12:00:00")


def test_never_is_later_than_any_moment():
    assert end_of_validity("never") == NEVER > 1e12


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_a_value_error(text):
    try:
        assert isinstance(end_of_validity(text), float)
    except ValueError:
        pass


def test_the_last_day_of_the_calendar_does_not_overflow():
    with pytest.raises(ValueError, match="write a day"):
        end_of_validity("9999-12-31")
