"""gateway/app/keys/return_keys.py"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.installation import Folders
from gateway.app.keys.return_keys import (
    LiveReturnKeys,
    ReturnKeyError,
    check_return_keys,
    make_return_keys,
    srs_of,
    tagging_of,
)
from gateway.mail.address import Address
from gateway.settings import Bounces, Forwarding, Settings

ANN = Address("ann", "far.example")
SIGNING = Settings(bounces=Bounces(verify=["Example.ORG"], exempt=["List@example.org"], untagged_to=["lists.example"]))


def test_keys_are_made_once_and_are_nobody_elses_business(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    make_return_keys(folders)
    files = (folders.srs_keys, folders.batv_keys)
    first = [file.read_bytes() for file in files]
    assert first[0] != first[1]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert folders.srs_keys.parent.stat().st_mode & 0o777 == 0o700
    make_return_keys(folders)
    assert [file.read_bytes() for file in files] == first


def test_a_new_key_on_top_makes_and_the_old_one_still_reads(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    make_return_keys(folders)
    before = srs_of(Settings(), folders)
    assert before is not None
    path = before.forwarded(ANN, now=0.0)
    assert path is not None
    folders.srs_keys.write_text("ab" * 32 + "\n\n" + folders.srs_keys.read_text())
    after = srs_of(Settings(), folders)
    assert after is not None
    assert after.returned(path, now=0.0) == ANN
    assert after.forwarded(ANN, now=0.0) != path


def test_a_reload_takes_a_new_key_up_and_bad_files_change_nothing(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    make_return_keys(folders)
    live = LiveReturnKeys(SIGNING, folders)
    before, tagging = live.srs(), live.tagging()
    assert before is not None and tagging is not None
    for file in (folders.srs_keys, folders.batv_keys):
        file.write_text("ab" * 32 + "\n" + file.read_text())
    assert live.srs() is before, "not before it is told to"
    live.reload()
    after, retagging = live.srs(), live.tagging()
    assert after is not None and retagging is not None
    assert after.keys == (bytes.fromhex("ab" * 32), *before.keys)
    assert retagging.batv.keys == (bytes.fromhex("ab" * 32), *tagging.batv.keys)
    folders.srs_keys.write_text("cd" * 32 + "\n")
    folders.batv_keys.write_text("nothing\n")
    live.reload()
    assert (live.srs(), live.tagging()) == (after, retagging), "both files count, or neither"


def test_the_settings_say_what_is_done(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    make_return_keys(folders)
    assert srs_of(Settings(forwarding=Forwarding(srs=False)), folders) is None
    named = srs_of(Settings(forwarding=Forwarding(domain="fwd.example.org")), folders)
    assert named is not None
    assert named.domain == "fwd.example.org"
    assert tagging_of(Settings(), folders) is None, "off by default"
    tagging = tagging_of(SIGNING, folders)
    assert tagging is not None
    assert tagging.concerns(Address("Ann", "example.org"))
    assert not tagging.concerns(Address("LIST", "example.org"))
    assert tagging.leaves_alone(Address("discuss", "lists.example"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: holds no key\n    mend: remove the file"),
        ("ab" * 32 + "\nsecret\n", ":2: not a key\n    mend: write 64 hexadecimal digits"),
        ("abcd\n", ":1: not a key"),
        ("\u00e4", ": cannot be read: "),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    folders = Folders(tmp_path)
    make_return_keys(folders)
    folders.srs_keys.write_text(text, encoding="utf-8")
    with pytest.raises(ReturnKeyError) as raised:
        check_return_keys(Settings(), folders)
    assert f"{folders.srs_keys}{said}" in str(raised.value)
    assert "secret" not in str(raised.value)
