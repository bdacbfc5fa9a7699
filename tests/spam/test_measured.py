"""gateway/spam/measured.py: the first table of what training measured, and nothing where there is none."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import Settings
from gateway.spam.measured import MAX_CELL, MAX_ROWS, Measured, first_table, read

TEXT = """# Measurements

| before | any heading |
|---|---|
| 1 | 2 |

## Modern sources

20 messages. AUC 0.99.

| Ham flagged | Spam found |
|---|---|
| 0.1% | 72.6% (70 to 75) |
| torn |
| 0.5% | 94.6% |

| another | table |
"""


def test_the_first_table_below_a_heading_is_read_with_what_stands_before_it() -> None:
    rows = (("0.1%", "72.6% (70 to 75)"), ("0.5%", "94.6%"))
    assert first_table(TEXT) == Measured(
        "Modern sources", "20 messages. AUC 0.99.", ("Ham flagged", "Spam found"), rows
    )


def test_the_delivered_model_has_one_and_a_folder_without_has_none(tmp_path: Path) -> None:
    found = read(Settings().model)
    assert found is not None
    assert len(found.rows) >= 4
    assert read(tmp_path) is None


@given(st.text("#|- \nab", max_size=400))
def test_any_text_gives_a_bounded_table_or_none(text: str) -> None:
    found = first_table(text)
    if found is not None:
        assert len(found.rows) <= MAX_ROWS
        assert all(len(row) == len(found.head) and max(map(len, row)) <= MAX_CELL for row in found.rows)
