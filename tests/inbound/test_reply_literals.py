"""All SMTP replies stand in gateway/mail/replies.py."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2] / "gateway"
TABLE = HOUSE / "mail" / "replies.py"
LOOKS_LIKE_A_REPLY = re.compile(r"[2-5][0-5][0-9](?:[ -]|\Z)")


def literals(tree: ast.Module) -> list[ast.AST]:
    """What looks like a reply: a text or octets that begin with a code, and `Reply(550, ...)`."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings:
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if LOOKS_LIKE_A_REPLY.match(text):
                found.append(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Reply" and node.args:
            found += [node] if isinstance(node.args[0], ast.Constant) else []
    return found


def test_no_reply_stands_outside_the_table() -> None:
    files = [file for file in HOUSE.rglob("*.py") if file != TABLE]
    assert files
    found = [
        f"{file.relative_to(HOUSE)}:{node.lineno}"
        for file in files
        for node in literals(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_test_sees_literals() -> None:
    source = (
        'a = "550 5.7.1 No"\nb = b"250-x"\nc = Reply(451, "4.3.0", "x")\nd = "251"\ndef f():\n    "250 is fine here"\n'
    )
    assert [node.lineno for node in literals(ast.parse(source))] == [1, 2, 3, 4]
