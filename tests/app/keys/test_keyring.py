from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.app.keys.keyring import Keyring, KeyringError, fresh_selector

DOMAIN = "example.org"
NOW = 1_700_000_000.0
DAY = 86400.0


@pytest.fixture()
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "dkim")


def signing(keyring: Keyring) -> list[str]:
    return [key.selector for key in keyring.signing_keys(DOMAIN)]


def test_a_new_pair_signs_nothing_until_the_dns_shows_it(keyring: Keyring) -> None:
    made = keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    assert [(each.selector, each.algorithm) for each in made] == [
        ("s1", "rsa-sha256"),
        ("s1-ed25519", "ed25519-sha256"),
    ]
    assert signing(keyring) == []
    keyring.note_shown(DOMAIN, "s1", at=NOW + 1)
    assert signing(keyring) == ["s1"]
    keyring.note_shown(DOMAIN, "s1-ed25519", at=NOW + 2)
    assert signing(keyring) == ["s1", "s1-ed25519"]
    assert keyring.domains() == [DOMAIN]


def test_secrets_are_for_the_owner_alone(keyring: Keyring, tmp_path: Path) -> None:
    keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    folder = tmp_path / "dkim" / DOMAIN
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.glob("*.pem"))
    assert [each.name for each in files] == ["s1-ed25519.pem", "s1.pem"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


def test_the_old_key_signs_until_the_new_one_is_shown_then_stays_for_a_while(keyring: Keyring) -> None:
    keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    for selector in ("s1", "s1-ed25519"):
        keyring.note_shown(DOMAIN, selector, at=NOW)
    keyring.make(DOMAIN, "s2", bits=1024, at=NOW + DAY)
    assert signing(keyring) == ["s1", "s1-ed25519"]
    keyring.note_shown(DOMAIN, "s2", at=NOW + 2 * DAY)
    assert signing(keyring) == ["s1-ed25519", "s2"], "each algorithm turns over by itself"
    assert keyring.forget(DOMAIN, retired_before=NOW + 2 * DAY) == []
    (old,) = [entry for entry in keyring.entries(DOMAIN) if entry.selector == "s1"]
    assert keyring.key(DOMAIN, old).selector == "s1"
    assert [entry.selector for entry in keyring.forget(DOMAIN, retired_before=NOW + 3 * DAY)] == ["s1"]
    with pytest.raises(KeyringError):
        keyring.key(DOMAIN, old)
    assert signing(keyring) == ["s1-ed25519", "s2"]


def test_a_late_sight_of_a_retired_key_changes_nothing(keyring: Keyring) -> None:
    keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    keyring.make(DOMAIN, "s2", bits=1024, at=NOW)
    keyring.note_shown(DOMAIN, "s2", at=NOW)
    keyring.note_shown(DOMAIN, "s1", at=NOW + 1)
    keyring.note_shown(DOMAIN, "never", at=NOW + 1)
    assert signing(keyring) == ["s2"]


@pytest.mark.parametrize(
    ("domain", "selector"),
    [
        ("../up", "s1"),
        ("Example.org", "s1"),
        ("org", "s1"),
        (DOMAIN, "../up"),
        (DOMAIN, ""),
        (DOMAIN, "a.b"),
        (DOMAIN, "-"),
    ],
)
def test_names_that_are_none_make_no_files(keyring: Keyring, tmp_path: Path, domain: str, selector: str) -> None:
    with pytest.raises(KeyringError):
        keyring.make(domain, selector, bits=1024, at=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_selector_is_used_once(keyring: Keyring) -> None:
    keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    with pytest.raises(KeyringError, match="already"):
        keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    keyring.make(DOMAIN, "p20231114", bits=1024, at=NOW)
    assert fresh_selector(keyring.entries(DOMAIN), "20231114") == "p20231114-2"
    assert fresh_selector((), "20231114") == "p20231114"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"selector": 1}]', "[[]]", "null"])
def test_a_spoiled_listing_is_told(keyring: Keyring, tmp_path: Path, text: str) -> None:
    keyring.make(DOMAIN, "s1", bits=1024, at=NOW)
    (tmp_path / "dkim" / DOMAIN / "keys.json").write_text(text)
    if text == "{}":
        assert keyring.entries(DOMAIN) == ()
        return
    with pytest.raises(KeyringError, match="cannot be read"):
        keyring.entries(DOMAIN)
