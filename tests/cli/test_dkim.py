from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.app.keys.keyring import Keyring
from tests.cli.conftest import Postern


@pytest.fixture(autouse=True)
def no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of this machine on which nobody answers."""
    monkeypatch.setenv("POSTERN_NAMESERVERS", "127.0.0.1:9")


def test_keys_are_made_once_and_say_what_to_publish(postern: Postern) -> None:
    made = postern("dkim", "keygen", "Example.ORG", "--selector", "one", "--bits", "1024")
    assert made.exit_code == 0, made.output
    assert 'one._domainkey.example.org. IN TXT "v=DKIM1; k=rsa; p=' in made.output
    assert 'one-ed25519._domainkey.example.org. IN TXT "v=DKIM1; k=ed25519; p=' in made.output
    assert "signs once the DNS shows it" in made.output
    again = postern("dkim", "keygen", "example.org")
    assert again.exit_code == 2
    assert "rotate" in again.output


def test_dns_says_by_its_exit_status_whether_all_is_published(postern: Postern) -> None:
    assert postern("dkim", "dns", "example.org").exit_code == 2, "there are no keys"
    postern("dkim", "keygen", "example.org", "--selector", "one", "--bits", "1024")
    shown = postern("dkim", "dns", "example.org", "--json")
    assert shown.exit_code == 1
    rows = json.loads(shown.output)
    assert [(each["selector"], each["dns"], each["signs"]) for each in rows] == [
        ("one", "unknown", False),
        ("one-ed25519", "unknown", False),
    ]


def test_rotating_twice_makes_one_new_pair(postern: Postern, tmp_path: Path) -> None:
    assert postern("dkim", "rotate", "example.org").exit_code == 2
    postern("dkim", "keygen", "example.org", "--selector", "one", "--bits", "1024")
    keyring = Keyring(tmp_path / "data" / "dkim")
    for selector in ("one", "one-ed25519"):
        keyring.note_shown("example.org", selector, at=1.0)
    for _ in range(2):
        assert postern("dkim", "rotate", "example.org", "--selector", "two", "--bits", "1024").exit_code == 0
    selectors = [entry.selector for entry in keyring.entries("example.org")]
    assert selectors == ["one", "one-ed25519", "two", "two-ed25519"]
    assert [key.selector for key in keyring.signing_keys("example.org")] == ["one", "one-ed25519"]


@pytest.mark.parametrize(
    "words",
    [("keygen", "../x"), ("keygen", "org"), ("keygen", "example.org", "--bits", "512"),
     ("keygen", "example.org", "--selector", "../x")],
)  # fmt: skip
def test_nonsense_is_refused(postern: Postern, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert postern("dkim", *words).exit_code == 2
    assert not list(tmp_path.rglob("*.pem"))
