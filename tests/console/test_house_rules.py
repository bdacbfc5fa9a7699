"""Rules of this room that no reader should have to remember."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.console.assets import FOLDER, Assets

CONSOLE = FOLDER.parent
STYLE = (FOLDER / "postern.css").read_text()
SCRIPT = (FOLDER / "postern.js").read_text()


def _files(*suffixes: str) -> list[Path]:
    return [file for file in CONSOLE.rglob("*") if file.suffix in suffixes]


def test_nothing_turns_text_into_markup() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\|\s*safe\b|Markup\("
    )
    assert _files(".py", ".js", ".html")
    assert [file.name for file in _files(".py", ".js", ".html") if forbidden.search(file.read_text())] == []


def test_only_the_preview_answers_with_html_that_no_template_made() -> None:
    makers = [file.name for file in _files(".py") if "HTMLResponse(" in file.read_text()]
    assert sorted(makers) == ["preview.py", "rendering.py"]


def test_nothing_is_fetched_from_elsewhere() -> None:
    for file in _files(".js", ".css", ".html", ".svg"):
        urls = set(re.findall(r"https?://[^\s\"'<>)]+", file.read_text()))
        assert urls <= {"http://www.w3.org/2000/svg"}, file.name
        assert "@import" not in file.read_text()
        assert "url(" not in file.read_text()


def test_the_first_page_is_light() -> None:
    assert len(STYLE.encode()) <= 25 * 1024
    assert len(SCRIPT.encode()) <= 12 * 1024


def test_every_icon_that_is_named_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (FOLDER / "icons.svg").read_text()))
    sources = "\n".join(file.read_text() for file in _files(".html", ".py", ".js"))
    named = set(re.findall(r'icon\("(\w+)"', sources)) | set(re.findall(r'Kind\("\w+", "(\w+)"', sources))
    named |= set(re.findall(r'Sentence\([^)]*"(\w+)"\)', sources))
    assert named
    assert named <= drawn


def test_a_files_name_changes_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    before = Assets(tmp_path).path("a.css")
    (tmp_path / "a.css").write_text("b")
    after = Assets(tmp_path)
    assert after.path("a.css") != before
    assert after.find(before.removeprefix("/static/")) is None


def test_motion_can_be_switched_off_and_focus_cannot() -> None:
    assert "prefers-reduced-motion: reduce" in STYLE
    assert ":focus-visible { outline: 2px solid var(--accent)" in STYLE
    assert "outline: none" not in STYLE
    assert "outline: 0" not in STYLE
