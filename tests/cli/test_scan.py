from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.verdict import Disposition
from tests.cli.conftest import Postern

ROOT = Path(__file__).resolve().parents[2]
MANY = sorted([*(ROOT / "samples").glob("*.eml"), *(ROOT / "tests/suites/mime/samples").glob("*.eml")])
ZONE = """\
sender.example: [{SPF: "v=spf1 ip4:192.0.2.9 -all"}]
_dmarc.sender.example: [{TXT: "v=DMARC1; p=reject"}]
slow.example: [TIMEOUT]
"""
RULES = """\
version: 1
recipients:
  - {domain: example.org, route: mailbox, validate: none}
rules:
  - {id: a, when: 'message.subject == "hold"', then: {quarantine: policy}}
  - {id: b, when: 'message.subject == "defer"', then: defer}
  - {id: c, when: 'message.subject == "reject"', then: {reject: policy}}
default: deliver
"""


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    file = tmp_path / "zone.yaml"
    file.write_text(ZONE)
    return file


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Letters that a policy made for them treats as their name says."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/default.yaml").write_text(RULES)
    monkeypatch.setenv("POSTERN_POLICY", str(tmp_path / "policies"))
    made = {}
    for name in ("deliver", "hold", "defer", "reject"):
        made[name] = tmp_path / f"{name}.eml"
        made[name].write_text(f"From: ann@sender.example\nSubject: {name}\n\nHello\n")
    return made


def objects(printed: str) -> list[dict[str, Any]]:
    """Every line is one object."""
    return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.slow
def test_every_sample_gives_one_well_formed_object(postern: Postern, zone: Path) -> None:
    done = postern("scan", "--json", "--dns", zone, "--rcpt", "alice@example.org", *MANY)
    found = objects(done.stdout)
    assert [each["file"] for each in found] == [str(file) for file in MANY]
    words = {each.word for each in Disposition}
    for each in found:
        assert {"file", "message_id", "size", "disposition", "reply", "class", "rule", "reasons", "recipients", "facts",
                "unknown", "elapsed_ms"} <= each.keys()  # fmt: skip
        assert {"spf", "dkim", "arc", "dmarc", "spam", "malware", "parts", "links"} <= each["facts"].keys()
        assert each["disposition"] in words
        assert each["reply"].startswith({"defer": "4", "reject": "5"}.get(each["disposition"], "2"))
        assert "examination" not in str(each["unknown"]), "the anatomist survives every sample"
        assert each["facts"]["parts"], each["file"]
        if each["disposition"] != "deliver":
            assert each["rule"]["line"] > 0
    by_name = {Path(each["file"]).name: each for each in found}
    assert by_name["05-gtube.eml"]["rule"]["id"] == "gtube"
    assert by_name["07-forged.eml"]["rule"]["id"] == "own-domain-spoof"
    assert done.exit_code == 12 if any(each["disposition"] == "reject" for each in found) else 10


@pytest.mark.parametrize(("name", "code"), [("deliver", 0), ("hold", 10), ("defer", 11), ("reject", 12)])
def test_the_exit_status_tells_the_verdict(
    postern: Postern, zone: Path, letters: dict[str, Path], name: str, code: int
) -> None:
    assert postern("scan", "--dns", zone, letters[name]).exit_code == code


def test_of_several_files_the_worst_counts(postern: Postern, zone: Path, letters: dict[str, Path]) -> None:
    assert postern("scan", "--dns", zone, letters["deliver"], letters["defer"], letters["hold"]).exit_code == 11
    done = postern("scan", "--json", "--dns", zone, letters["reject"], "/no/such/file", letters["deliver"])
    assert done.exit_code == 3
    assert "/no/such/file" in done.stderr
    assert [each["disposition"] for each in objects(done.stdout)] == ["reject", "deliver"]


@pytest.mark.parametrize(
    "words",
    [
        (), ("--rcpt", "not an address", "x.eml"), ("--ip", "300.1.2.3", "x.eml"), ("--ip", "loopback", "x.eml"),
        ("--dns", "/no/such/zone", "x.eml"), ("--mail-from", "@", "x.eml"), ("--now", "yesterday", "x.eml"),
        ("--no-such-option", "x.eml"),
    ],
)  # fmt: skip
def test_wrong_usage(postern: Postern, words: tuple[str, ...]) -> None:
    done = postern("scan", *words)
    assert done.exit_code == 2
    assert done.stderr


def test_the_zone_answers_instead_of_the_network(postern: Postern, zone: Path, letters: dict[str, Path]) -> None:
    words = ("scan", "--json", "--dns", zone, "--mail-from", "ann@sender.example")
    (good,) = objects(postern(*words, "--ip", "192.0.2.9", letters["deliver"]).stdout)
    assert good["facts"]["spf"]["result"] == "pass"
    assert (good["facts"]["dmarc"]["result"], good["facts"]["dmarc"]["aligned_spf"]) == ("pass", True)
    (bad,) = objects(postern(*words, "--ip", "192.0.2.8", letters["deliver"]).stdout)
    assert (bad["facts"]["spf"]["result"], bad["facts"]["dmarc"]["result"]) == ("fail", "fail")
    assert bad["facts"]["dmarc"]["policy"] == "reject"


def test_a_zone_that_times_out_is_doubt(postern: Postern, zone: Path, letters: dict[str, Path]) -> None:
    (found,) = objects(
        postern("scan", "--json", "--dns", zone, "--mail-from", "x@slow.example", letters["deliver"]).stdout
    )
    assert found["facts"]["spf"]["result"] == "temperror"


def test_a_switched_off_engine_is_no_doubt_and_a_dead_one_is(
    postern: Postern, zone: Path, letters: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = objects(postern("scan", "--json", "--dns", zone, letters["deliver"]).stdout)
    assert (found["facts"]["malware"], found["unknown"].get("malware")) == (None, None)
    monkeypatch.setenv("POSTERN_CLAMD", "/no/such/socket")
    (found,) = objects(postern("scan", "--json", "--dns", zone, letters["deliver"]).stdout)
    assert found["facts"]["malware"] is None
    assert found["unknown"]["malware"]


def test_the_time_can_be_held_still(postern: Postern, zone: Path, letters: dict[str, Path]) -> None:
    signed = ROOT / "samples/01-letter.eml"
    (found,) = objects(postern("scan", "--json", "--dns", zone, "--now", "1", signed).stdout)
    assert found["disposition"] == "deliver"


def test_each_recipient_has_a_verdict_of_its_own(postern: Postern, zone: Path, letters: dict[str, Path]) -> None:
    text = (letters["hold"].parent / "policies/default.yaml").read_text()
    (letters["hold"].parent / "policies/default.yaml").write_text(
        text.replace("then: {quarantine: policy}}", "then: {quarantine: policy}, for: ['bob@example.org']}")
    )
    done = postern(
        "scan", "--json", "--dns", zone, "--rcpt", "alice@example.org", "--rcpt", "bob@example.org", letters["hold"]
    )
    (found,) = objects(done.stdout)
    assert {name: each["disposition"] for name, each in found["recipients"].items()} == {
        "alice@example.org": "deliver",
        "bob@example.org": "quarantine",
    }


def test_a_message_may_come_on_standard_input_and_from_an_mbox(
    postern: Postern, zone: Path, letters: dict[str, Path]
) -> None:
    said = b"From ann@sender.example Mon Nov 16 09:12:00 2026\n" + letters["hold"].read_bytes()
    (found,) = objects(postern("scan", "--json", "--dns", zone, "-", said=said).stdout)
    assert (found["disposition"], found["file"]) == ("quarantine", "-")


def test_people_get_words(postern: Postern, zone: Path, letters: dict[str, Path]) -> None:
    done = postern("scan", "--dns", zone, letters["hold"])
    assert "quarantine" in done.stdout
    assert "by a (" in done.stdout


def test_a_bad_policy_is_usage(postern: Postern, letters: dict[str, Path]) -> None:
    (letters["hold"].parent / "policies/default.yaml").write_text("version: 1\nrulez: []\n")
    done = postern("scan", letters["hold"])
    assert done.exit_code == 2
    assert "default.yaml:2:" in done.stderr


def test_organisations_go_by_a_public_suffix_list_where_one_is_named(
    postern: Postern, tmp_path: Path, letters: dict[str, Path]
) -> None:
    """bank.co.example is another organisation than evil.co.example by the list, and the same one by the walk."""
    letter, zone, config = (tmp_path / name for name in ("forged.eml", "suffixes.zone", "postern.yaml"))
    letter.write_text("From: teller@bank.co.example\nSubject: t\n\nHello\n")
    zone.write_text(
        'evil.co.example: [{SPF: "v=spf1 ip4:192.0.2.9 -all"}]\n'
        '_dmarc.bank.co.example: [{TXT: "v=DMARC1; p=reject"}]\n'
        '_dmarc.co.example: [{TXT: "v=DMARC1; p=none"}]\n'
    )
    said = ("scan", "--json", "--dns", zone, "--ip", "192.0.2.9", "--mail-from", "eve@evil.co.example", letter)
    (walked,) = objects(postern(*said).stdout)
    assert walked["facts"]["dmarc"]["result"] == "pass"
    (tmp_path / "suffixes.dat").write_text("example\nco.example\n")
    config.write_text(f"dmarc: {{public_suffix_list: {tmp_path}/suffixes.dat}}\n")
    (listed,) = objects(postern(*said, "--config", config).stdout)
    assert listed["facts"]["dmarc"]["result"] == "fail"
    (tmp_path / "suffixes.dat").write_text("example\n<html>\n")
    refused = postern(*said, "--config", config)
    assert refused.exit_code == 2
    assert "suffixes.dat:2: '<html>' is no rule" in " ".join(refused.output.split()).replace("- ", "-")
