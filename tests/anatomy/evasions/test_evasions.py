"""Whatever way we know to hide a file from a scanner, the test file is reached, or the message is named unscannable."""

from __future__ import annotations

import pytest

from tests.anatomy.evasions import active, archives, boundaries, clean, encodings, names, papers, rare, scripts
from tests.anatomy.evasions.case import Fate, look_at

CASES = [
    case for table in (boundaries, encodings, archives, active, scripts, papers, rare, clean) for case in table.CASES
]


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


@pytest.mark.parametrize("named", names.NAMED, ids=lambda named: repr(named.fields))
def test_a_name_gives_itself_away(named):
    assert named.defect in look_at(names.message(named)).anatomy.content.defects


@pytest.mark.parametrize("noted", papers.NOTED, ids=lambda noted: noted.name)
def test_what_a_document_does_is_named(noted):
    assert noted.defect in look_at(noted.message).anatomy.content.defects


@pytest.mark.parametrize("case", clean.CASES, ids=lambda case: case.name)
def test_honest_mail_has_nothing_suspicious(case):
    assert not set(clean.SUSPICIOUS) & set(look_at(case.message).anatomy.content.defects)
