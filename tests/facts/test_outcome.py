from __future__ import annotations

import pytest

from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Skipped, Unknown, known_or_none, map_known


@pytest.mark.parametrize("outcome", [Unknown("clamd unreachable"), Skipped(), NOT_ASKED])
def test_doubt_and_silence_stay_what_they_are(outcome: Outcome[int]) -> None:
    assert known_or_none(outcome) is None
    assert map_known(outcome, str) is outcome


def test_a_known_nothing_is_still_known() -> None:
    assert map_known(Known(0), str) == Known("0")
    assert known_or_none(Known(0)) == 0
    assert Known(None) != Unknown("")
