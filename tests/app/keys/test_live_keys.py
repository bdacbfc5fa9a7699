from __future__ import annotations

from pathlib import Path

from gateway.app.keys.keyring import Keyring
from gateway.app.keys.live_keys import LiveKeys

NOW = 1_700_000_000.0


def selectors(live: LiveKeys, domain: str) -> list[str]:
    return [key.selector for key in live(domain)]


def test_a_rotation_takes_effect_at_once(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path)
    live = LiveKeys(Keyring(tmp_path))
    assert selectors(live, "example.org") == []
    keyring.make("example.org", "s1", bits=1024, at=NOW)
    assert selectors(live, "example.org") == []
    keyring.note_shown("example.org", "s1", at=NOW)
    assert selectors(live, "example.org") == ["s1"]
    keyring.make("example.org", "s2", bits=1024, at=NOW)
    keyring.note_shown("example.org", "s2", at=NOW)
    assert selectors(live, "example.org") == ["s2"]


def test_the_nearest_domain_above_lends_its_keys(tmp_path: Path) -> None:
    keyring, live = Keyring(tmp_path), LiveKeys(Keyring(tmp_path))
    for domain in ("example.org", "news.example.org"):
        keyring.make(domain, "s1", bits=1024, at=NOW)
    keyring.note_shown("example.org", "s1", at=NOW)
    assert [key.domain for key in live("a.news.example.org")] == ["example.org"], "the nearer one does not sign yet"
    keyring.note_shown("news.example.org", "s1", at=NOW)
    assert [key.domain for key in live("a.news.example.org")] == ["news.example.org"]
    assert [key.domain for key in live("mx.example.org")] == ["example.org"]
    assert selectors(live, "example.net") == []


def test_trouble_on_disk_leaves_the_keys_in_force(tmp_path: Path) -> None:
    keyring, live = Keyring(tmp_path), LiveKeys(Keyring(tmp_path))
    keyring.make("example.org", "s1", bits=1024, at=NOW)
    keyring.note_shown("example.org", "s1", at=NOW)
    assert selectors(live, "example.org") == ["s1"]
    keyring.listing_file("example.org").write_text("spoiled")
    assert selectors(live, "example.org") == ["s1"]
    assert selectors(LiveKeys(keyring), "example.org") == [], "a process that starts now has none, and says so"
