"""Draw the house as it is: floors from the import contract in pyproject.toml, duties from the rooms' own docstrings.

usage: python docs/pictures/draw_floors.py > docs/pictures/floors.svg      (a test fails when the picture is stale)
"""

import ast
import sys
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH, LEFT, HEIGHT, GAP = 1080, 156, 70, 12
WORDS = {
    "__main__": "",
    "cli": "verbs",
    "app": "composition",
    "supervisor": "processes",
    "inbound | console | mailbox": "doors for MTAs and people",
    "pipeline | delivery | quarantine | reports": "verbs: scan, deliver, release, report",
    "checks | queue | counters": "senses, custody, counting",
    "spam | anatomy | telemetry | clock | settings": "computing, counting, time",
    "policy": "judgement, pure",
    "facts": "evidence, pure",
    "mail": "words, pure",
}
STYLE = """
  text { font-family: system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: #1b1c1d }
  .floor { font-size: 13px; fill: #6a6c66 }
  .name { font-size: 15px; font-weight: 600 }
  .duty { font-size: 11.5px; fill: #52544f }
  .room { fill: #ffffff; stroke: #83837b }
  .pure { fill: #e1f1f9; stroke: #0b5c83 }
  .ground { fill: #f7f7f5 }
"""


def duty(room: str) -> str:
    """The first sentence of the room's docstring, without its name in capitals."""
    path = ROOT / "gateway" / room / "__init__.py"
    source = path if path.exists() else ROOT / "gateway" / f"{room}.py"
    text = " ".join((ast.get_docstring(ast.parse(source.read_text())) or "").split())
    parts = text.split(". ")
    return (parts[1] if parts[0].isupper() and len(parts) > 1 else parts[0]).rstrip(".")


def wrapped(text: str, characters: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > characters and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:3]


def svg() -> str:
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = [layer for layer in layers if layer != "__main__"]
    total = len(floors) * (HEIGHT + GAP) + 56
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" role="img" aria-labelledby="t">',
        '<title id="t">The floors of Postern: imports only ever point down</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{total}" rx="10"/>',
    ]
    for number, floor in enumerate(floors):
        top = 20 + number * (HEIGHT + GAP)
        drawn += [
            f'<text class="floor" x="16" y="{top + 18 + 15 * line}">{escape(words)}</text>'
            for line, words in enumerate(wrapped(WORDS.get(floor, ""), 19))
        ]
        rooms = [room.strip() for room in floor.split("|")]
        width = (WIDTH - LEFT - 16 - GAP * (len(rooms) - 1)) / len(rooms)
        for position, room in enumerate(rooms):
            x = LEFT + position * (width + GAP)
            style = "pure" if floor in ("policy", "facts", "mail") else "room"
            drawn.append(f'<rect class="{style}" x="{x:.0f}" y="{top}" width="{width:.0f}" height="{HEIGHT}" rx="6"/>')
            drawn.append(f'<text class="name" x="{x + 12:.0f}" y="{top + 22}">{room}/</text>')
            drawn += [
                f'<text class="duty" x="{x + 12:.0f}" y="{top + 40 + 14 * line}">{escape(words)}</text>'
                for line, words in enumerate(wrapped(duty(room), int(width / 6.7)))
            ]
    rule = "Imports only ever point down. Rooms on one floor do not know each other."
    drawn.append(f'<text class="floor" x="{LEFT}" y="{total - 14}">{rule}</text>')
    drawn.append("</svg>")
    return "\n".join(drawn) + "\n"


if __name__ == "__main__":
    sys.stdout.write(svg())
