from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.installation import Folders
from gateway.app.senses import (
    LiveRules,
    LiveSuffixes,
    NoEngine,
    address_file,
    clamd_address,
    engine_of,
)
from gateway.checks.malware.clamav import Clamav
from gateway.facts.outcome import Unknown
from gateway.settings import Settings, SettingsError


def settings_of(folder: Path, address: str) -> Settings:
    return Settings.model_validate({"data": folder, "clamav": {"address": address}})


async def test_no_engine_is_doubt_and_a_switched_off_one_is_nobodys_wish(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    nothing = engine_of(settings_of(tmp_path, ""), folders)
    assert isinstance(nothing, NoEngine)
    assert isinstance(await nothing.scan(b"anything"), Unknown)
    assert engine_of(settings_of(tmp_path, "off"), folders) is None


async def test_the_engine_is_the_configured_one_before_the_one_that_was_found(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    address_file(folders).write_text("/run/found.sock\n")
    assert clamd_address(settings_of(tmp_path, ""), folders) == "/run/found.sock"
    assert clamd_address(settings_of(tmp_path, "127.0.0.1:3310"), folders) == "127.0.0.1:3310"
    engine = engine_of(settings_of(tmp_path, ""), folders)
    assert isinstance(engine, Clamav)
    assert isinstance(await engine.scan(b"anything"), Unknown)
    await engine.close()


def test_bad_rules_leave_the_old_ones_in_force(tmp_path: Path) -> None:
    rules = tmp_path / "yara"
    rules.mkdir()
    (rules / "a.yar").write_text("rule a { condition: true }")
    live = LiveRules(Settings.model_validate({"data": tmp_path, "policy": tmp_path}))
    first = live.compiled
    assert first
    (rules / "a.yar").write_text("rule a { condition: nonsense }")
    assert live.reload() == first
    (rules / "a.yar").write_text("rule b { condition: true }")
    assert live.reload() != first


def test_the_public_suffix_list_is_read_where_an_operator_names_one(tmp_path: Path) -> None:
    assert LiveSuffixes(Settings())() is None
    file = tmp_path / "suffixes.dat"
    live = Settings.model_validate({"dmarc": {"public_suffix_list": file}})
    with pytest.raises(SettingsError, match=r"suffixes\.dat: cannot be read: .*\n    mend: download it again"):
        LiveSuffixes(live)
    file.write_text("com\n<html>\n")
    with pytest.raises(SettingsError, match=r"suffixes\.dat:2: '<html>' is no rule\n    mend: "):
        LiveSuffixes(live)


def test_a_bad_public_suffix_list_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    file = tmp_path / "suffixes.dat"
    file.write_text("com\n")
    suffixes = LiveSuffixes(Settings.model_validate({"dmarc": {"public_suffix_list": file}}))
    first = suffixes()
    assert first is not None
    assert first.organisation("a.b.co.com") == "co.com"
    file.write_text("")
    suffixes.reload()
    assert suffixes() is first
    file.write_text("com\nco.com\n")
    suffixes.reload()
    second = suffixes()
    assert second is not None
    assert second.organisation("a.b.co.com") == "b.co.com"
