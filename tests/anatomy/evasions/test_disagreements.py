"""Whatever readers make of broken mail, the test file is reached, or the message is named unscannable."""

from __future__ import annotations

import pytest

from tests.anatomy.evasions.case import Fate, look_at
from tests.anatomy.evasions.disagreements import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_reached_or_named(case):
    seen = look_at(case.message)
    if case.fate is Fate.FOUND:
        assert seen.found
    else:
        assert case.fate in seen.anatomy.content.unscannable
