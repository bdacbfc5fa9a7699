"""Every third-party library has one door, and the contract for it stands in pyproject.toml."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter is not installed: pip install --editable '.[dev]'")

from importlinter import cli

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Words rather than engines: text from outside enters through them in many rooms.
EVERYWHERE = {"pydantic", "pydantic_core", "yaml"}
# Nobody here imports these: FastAPI takes forms through one, clamd finds its version, uvicorn speaks WebSocket, ldap3
# speaks BER.
UNDER_A_LIBRARY = {"pyasn1", "python-multipart", "setuptools", "websockets"}


def imported() -> set[str]:
    """The third-party packages that the gateway's files import, by their first name."""
    found: set[str] = set()
    for source in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"gateway"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def protected() -> set[str]:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    return {name for each in contracts if each["type"] == "protected" for name in each["protected_modules"]}


def test_every_library_that_is_imported_has_a_contract() -> None:
    assert imported() - EVERYWHERE == protected()


def test_every_dependency_is_used() -> None:
    wanted = {canonical(re.split(r"[<>=;]", each)[0]) for each in PROJECT["project"]["dependencies"]}
    distributions = packages_distributions()
    used = {canonical(name) for package in imported() for name in distributions.get(package, [])}
    assert wanted - used - UNDER_A_LIBRARY == set()


def test_the_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert cli.lint_imports(no_cache=True) == cli.EXIT_STATUS_SUCCESS
