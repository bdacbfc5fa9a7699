"""The facts as the item page tells them: every outcome has a word, and doubt is said as doubt."""

from __future__ import annotations

from dataclasses import replace

from gateway.console.telling.story import HALF, differs, story_of
from gateway.facts.content import Signal
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Skipped, Unknown
from tests.console.seed import MALWARE, PHISHING, UNSCANNABLE, evidence_of

NOW = 1_795_262_400.0


def _told(evidence: Evidence) -> dict[str, tuple[str, str]]:
    return {each.check: (each.result, each.tone) for each in story_of(evidence).findings}


def test_every_check_is_told_in_the_words_of_the_standards() -> None:
    assert _told(evidence_of(PHISHING, NOW)) == {
        "SPF": ("pass", "ok"),
        "DKIM": ("fail", "bad"),
        "ARC": ("none", ""),
        "DMARC": ("fail", "bad"),
        "Malware": ("clean", "ok"),
        "Classifier": ("phishing", "bad"),
        "Block lists": ("not listed", "ok"),
    }
    assert _told(evidence_of(MALWARE, NOW))["Malware"] == ("found", "bad")


def test_doubt_is_never_told_as_clean() -> None:
    everything = dict.fromkeys(("spf", "dkim", "arc", "dmarc", "malware", "spam", "content"), Unknown("DNS timed out"))
    doubtful = replace(evidence_of(PHISHING, NOW), **everything)  # type: ignore[arg-type]
    told = _told(doubtful)
    assert {result for check, (result, _) in told.items() if check != "Block lists"} == {"could not tell"}
    assert {tone for check, (_, tone) in told.items() if check != "Block lists"} == {"warn"}
    story = story_of(doubtful)
    assert dict(story.unknown) == dict.fromkeys(everything, "DNS timed out")
    assert (story.parts, story.links, story.signals) == ((), (), ())
    assert ("malware", "clamd unreachable") in story_of(evidence_of(UNSCANNABLE, NOW)).unknown


def test_what_was_switched_off_is_neither_doubt_nor_a_pass() -> None:
    told = _told(replace(evidence_of(PHISHING, NOW), malware=Skipped()))
    assert told["Malware"] == ("skipped", "")


def test_signals_are_drawn_around_the_middle_strongest_first() -> None:
    letter = replace(PHISHING, signals=(Signal("a", 1.0), Signal("b", -4.0), Signal("c", 2.0)))
    bars = story_of(evidence_of(letter, NOW)).signals
    assert [(bar.name, bar.x, bar.width, bar.up) for bar in bars] == [
        ("b", 0.0, HALF, False),
        ("c", HALF, HALF / 2, True),
        ("a", HALF, HALF / 4, True),
    ]
    assert [bar.figure for bar in bars] == ["−4.00", "+2.00", "+1.00"]


def test_parts_and_links_are_unmasked() -> None:
    story = story_of(evidence_of(MALWARE, NOW))
    assert story.parts[-1].name == "faktura[U+202E]fdp.exe"
    assert story.parts[-1].differs
    assert (story.links[0].host, story.links[0].url) == ("evil[.]example", "hxxp://evil[.]example/pay")


def test_addresses_of_other_domains_are_noticed() -> None:
    assert differs("bounce@mailer.example", "ceo@shop.example")
    assert not differs("a@shop.example", "b@SHOP.example")
    assert not differs("", "b@shop.example")
