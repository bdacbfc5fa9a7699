"""Every transcript of tests/dialogs, played against a real listening front door."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.inbound.dialog import FOLDER, octets, play, read

STORIES = sorted(FOLDER.glob("*.smtp"))


@pytest.mark.parametrize("file", STORIES, ids=[file.stem for file in STORIES])
async def test_dialog(file: Path, tls: ssl.SSLContext) -> None:
    await play(file, tls)


def test_there_are_stories() -> None:
    assert len(STORIES) >= 20


async def test_a_story_that_is_not_so_fails_with_its_line(tmp_path: Path, tls: ssl.SSLContext) -> None:
    file = tmp_path / "wrong.smtp"
    file.write_text("S: 220\nC: NOOP\nS: 550\n")
    with pytest.raises(AssertionError, match=r"wrong\.smtp:3: S: 550: the server said '250 2\.0\.0 OK'"):
        await play(file, tls)


def test_a_line_that_means_nothing_is_not_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "odd.smtp"
    file.write_text("S 220\n")
    with pytest.raises(ValueError, match=r"odd\.smtp:1"):
        read(file)


def test_escapes() -> None:
    assert octets(r"a\r\n\x00\xff\\n<<xy*3>>") == b"a\r\n\x00\xff\\nxyxyxy"
