from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.app.keyring import Keyring
from gateway.cli import app


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of this machine on which nobody answers."""
    monkeypatch.setenv("POSTERN_NAMESERVERS", "127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["dkim", *words, "--data", str(folder)])


def test_keys_are_made_once_and_say_what_to_publish(tmp_path: Path) -> None:
    made = run(tmp_path, "keygen", "Example.ORG", "--selector", "one", "--bits", "1024")
    assert made.exit_code == 0, made.output
    assert 'one._domainkey.example.org. IN TXT "v=DKIM1; k=rsa; p=' in made.output
    assert 'one-ed25519._domainkey.example.org. IN TXT "v=DKIM1; k=ed25519; p=' in made.output
    assert "signs once the DNS shows it" in made.output
    again = run(tmp_path, "keygen", "example.org")
    assert again.exit_code == 2
    assert "rotate" in again.output


def test_dns_says_by_its_exit_status_whether_all_is_published(tmp_path: Path) -> None:
    assert run(tmp_path, "dns", "example.org").exit_code == 2, "there are no keys"
    run(tmp_path, "keygen", "example.org", "--selector", "one", "--bits", "1024")
    shown = run(tmp_path, "dns", "example.org", "--json")
    assert shown.exit_code == 1
    rows = json.loads(shown.output)
    assert [(each["selector"], each["dns"], each["signs"]) for each in rows] == [
        ("one", "unknown", False),
        ("one-ed25519", "unknown", False),
    ]


def test_rotating_twice_makes_one_new_pair(tmp_path: Path) -> None:
    assert run(tmp_path, "rotate", "example.org").exit_code == 2
    run(tmp_path, "keygen", "example.org", "--selector", "one", "--bits", "1024")
    keyring = Keyring(tmp_path / "dkim")
    for selector in ("one", "one-ed25519"):
        keyring.note_shown("example.org", selector, at=1.0)
    for _ in range(2):
        assert run(tmp_path, "rotate", "example.org", "--selector", "two", "--bits", "1024").exit_code == 0
    selectors = [entry.selector for entry in keyring.entries("example.org")]
    assert selectors == ["one", "one-ed25519", "two", "two-ed25519"]
    assert [key.selector for key in keyring.signing_keys("example.org")] == ["one", "one-ed25519"]


@pytest.mark.parametrize(
    "words",
    [("keygen", "../x"), ("keygen", "org"), ("keygen", "example.org", "--bits", "512"),
     ("keygen", "example.org", "--selector", "../x")],
)  # fmt: skip
def test_nonsense_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path, *words).exit_code == 2
    assert not list(tmp_path.rglob("*.pem"))
