"""gateway/app/second_looks.py: what looks again is opened with our own rules, and takes new ones at a reload."""

from __future__ import annotations

from pathlib import Path

from gateway.app.installation import Folders
from gateway.app.second_looks import looking_again
from gateway.facts.content import YaraFact
from gateway.facts.outcome import Known, Skipped
from gateway.policy.policy import Scanning
from gateway.settings import Settings

LETTER = b"From: ann@friend.example\r\nContent-Transfer-Encoding: base64\r\n\r\nd29ybQ==\r\n"
RULE = 'rule {} {{ strings: $worm = "worm" condition: $worm at 0 }}'


async def test_a_rule_that_was_written_later_is_heard_after_a_reload(tmp_path: Path) -> None:
    file = tmp_path / "policy" / "yara" / "ours.yar"
    file.parent.mkdir(parents=True)
    file.write_text(RULE.format("first"))
    settings = Settings.model_validate(
        {"data": tmp_path, "policy": tmp_path / "policy", "clamav": {"address": "off"}, "anatomist": {"timeout": 60}}
    )
    async with looking_again(settings, Folders(tmp_path), scanning=Scanning) as again:
        versions = [again.rules.version]
        found = await again.look(LETTER)
        assert found.malware == Skipped("the malware engine is switched off")
        assert found.yara == Known(YaraFact(("first",), again.rules.version))
        file.write_text(RULE.format("second"))
        again.reload()
        versions.append(again.rules.version)
        assert (await again.look(LETTER)).yara == Known(YaraFact(("second",), again.rules.version))
    assert len(set(versions)) == 2
