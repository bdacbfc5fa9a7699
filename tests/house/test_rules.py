"""House rules that no linter knows: length, docstrings, reply literals, citations, dependencies explained."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "gateway").rglob("*.py"))
MAX_LINES = 400

# What replaced an RFC that must not be cited as current any more.
OBSOLETE = {
    "7489": "9989",
    "9091": "9989",
    "2821": "5321",
    "2822": "5322",
    "4408": "7208",
    "4871": "6376",
    "7601": "8601",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_a_file_does_one_duty_and_says_it_on_top(source: Path) -> None:
    text = source.read_text()
    assert text.count("\n") <= MAX_LINES, "split it by duty"
    assert ast.get_docstring(ast.parse(text)), "a module docstring states the duty"


def test_reply_codes_stand_in_one_table_only() -> None:
    literal = re.compile(rb"""["'](?:[245]\d\d)[ -][245]\.\d{1,3}\.\d{1,3}|["'][245]\d\d [A-Z]""")
    found = [
        name_of(source)
        for source in SOURCES
        if source != ROOT / "gateway/mail/replies.py" and literal.search(source.read_bytes())
    ]
    assert found == []


def test_no_obsolete_rfc_is_cited() -> None:
    cited = [
        f"{name_of(source)} cites RFC {number}, now RFC {OBSOLETE[number]}"
        for source in SOURCES
        for number in re.findall(r"RFC\s+(\d{3,5})", source.read_text())
        if number in OBSOLETE
    ]
    assert cited == []


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=;\[ ]", each, maxsplit=1)[0].lower() for each in wanted}
    explained = set(
        re.findall(r"^\| `([^`]+)`", (ROOT / "docs/dependencies.md").read_text().lower(), flags=re.MULTILINE)
    )
    assert names - explained == set(), "docs/dependencies.md lacks them"
    assert explained - names == set(), "docs/dependencies.md explains what is not used"


def test_the_project_speaks_of_no_machine() -> None:
    places = re.compile(r"/(?:work|farm)/[a-z.]")
    tracked = [path for folder in ("gateway", "policies", "deploy", "docs") for path in (ROOT / folder).rglob("*")]
    readable = [path for path in tracked if path.suffix in {".py", ".md", ".yaml", ".yml", ".sh", ".html", ".conf"}]
    assert [name_of(path) for path in readable if places.search(path.read_text())] == []


def test_pages_escape_everything() -> None:
    banned = re.compile(r"\|\s*safe\b|innerHTML|insertAdjacentHTML|outerHTML|document\.write|Markup\(")
    shown = [path for path in (ROOT / "gateway/console").rglob("*") if path.suffix in {".html", ".js", ".py"}]
    assert [name_of(path) for path in shown if banned.search(path.read_text())] == []


def test_the_picture_of_the_floors_is_fresh() -> None:
    drawn = subprocess.run(
        [sys.executable, ROOT / "docs/pictures/draw_floors.py"], capture_output=True, text=True, check=True
    )
    assert drawn.stdout == (ROOT / "docs/pictures/floors.svg").read_text(), "run docs/pictures/draw_floors.py again"
