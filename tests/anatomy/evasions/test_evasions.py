"""Whatever way we know to hide a file from a scanner, the test file is reached, or the message is named unscannable."""

from __future__ import annotations

import pytest

from tests.anatomy.evasions import boundaries, encodings
from tests.anatomy.evasions.case import Fate, look_at

CASES = [case for table in (boundaries, encodings) for case in table.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_reached_or_named(case):
    seen = look_at(case.message)
    if case.fate is Fate.FOUND:
        assert seen.found
    elif case.fate is Fate.CLEAN:
        assert not seen.found
        assert not seen.anatomy.content.unscannable
    else:
        assert case.fate in seen.anatomy.content.unscannable
