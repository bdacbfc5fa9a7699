"""gateway/policy/parts.py, and what becomes of a message in which it finds some"""

from __future__ import annotations

import pytest

from gateway.facts.content import ContentFact, PartFact
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.policy.decide import Seen, decide, explain, held_whole
from gateway.policy.verdict import Disposition, VerdictClass
from tests.policy.test_decide import ALICE, DEAD, FOUND

TEXT_PART = PartFact("1", "", "text/plain", "text/plain", 20, "aa")
PROGRAM = PartFact("2", "game.exe", "application/octet-stream", "application/x-dosexec", 900, "bb", can_run=True)
ARCHIVE = PartFact("3", "stuff.zip", "application/zip", "application/zip", 900, "cc")
LOCKED = PartFact("3/0", "plan.pdf", "", "application/octet-stream", 9, "", "encrypted")
DAMAGED = PartFact("3/1", "x.bin", "", "application/octet-stream", 9, "", "archive.damaged")
IMAGE = PartFact("4", "Disk.ISO. ", "application/octet-stream", "application/x-iso9660-image", 9, "dd")
EVERYTHING = Known(ContentFact((TEXT_PART, PROGRAM, ARCHIVE, LOCKED, DAMAGED, IMAGE)))
STRIPS = "  - {id: no-programs, description: Programs stay out, then: {strip: {parts: [executable], otherwise: bulk}}}"


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ("executable", ("2",)),
        ("encrypted", ("3/0",)),
        ("unscannable", ("3/0", "3/1")),
        ("'*.iso'", ("4",)),
        ("'*.EXE'", ("2",)),
        ("application/zip", ("3",)),
        ("application/x-iso9660-image", ("4",)),
        ("executable, '*.iso', encrypted", ("2", "3/0", "4")),
    ],
)
def test_the_words_of_strip_mean_these_parts(words, paths, policy_of, evidence):
    verdict = decide(
        evidence(content=EVERYTHING), ALICE, policy_of(f"  - {{id: a, then: {{strip: {{parts: [{words}]}}}}}}")
    )
    assert (verdict.disposition, verdict.verdict_class) == (Disposition.DELIVER, VerdictClass.POLICY)
    assert (verdict.stripping.paths, verdict.stripping.otherwise) == (paths, "policy")
    assert (verdict.quarantine, verdict.rule.id) == ("", "a")


def test_a_rule_whose_words_mean_no_part_is_passed_over(policy_of, evidence):
    policy = policy_of(STRIPS + "\n  - {id: rest, then: {quarantine: spam}}")
    innocent = evidence(content=Known(ContentFact((TEXT_PART,))))
    assert decide(innocent, ALICE, policy).rule.id == "rest"
    assert [each.seen for each in explain(innocent, ALICE, policy)] == [Seen.FALSE, Seen.TRUE]
    assert decide(evidence(content=Skipped()), ALICE, policy).rule.id == "rest"


def test_parts_that_nobody_could_tell_are_a_doubt(policy_of, evidence):
    unknown = evidence(content=Unknown("the anatomist died"))
    verdict = decide(unknown, ALICE, policy_of(STRIPS))
    assert (verdict.disposition, verdict.rule.id, verdict.stripping) == (Disposition.DEFER, "no-programs", None)


def test_what_is_taken_out_is_told_and_doubt_of_a_rule_above_still_holds_it(policy_of, evidence):
    verdict = decide(evidence(content=EVERYTHING), ALICE, policy_of(STRIPS))
    assert [each.text for each in verdict.reasons][:2] == ["Programs stay out", "Taken out: game.exe"]
    above = policy_of("  - {id: m, when: malware.found, then: {reject: malware}, on_unknown: hold}\n" + STRIPS)
    held = decide(evidence(content=EVERYTHING, malware=DEAD), ALICE, above)
    assert (held.disposition, held.rule.id, held.stripping) == (Disposition.QUARANTINE, "m", None)


def test_mail_with_malware_is_held_whole_since_an_engine_names_one_finding(policy_of, evidence):
    verdict = decide(evidence(content=EVERYTHING, malware=FOUND), ALICE, policy_of(STRIPS))
    assert (verdict.disposition, verdict.quarantine, verdict.stripping) == (Disposition.QUARANTINE, "malware", None)
    assert verdict.reasons[1].code == "NOT_STRIPPED"


def test_mail_that_must_not_be_changed_is_held_as_its_rule_says(policy_of, evidence):
    verdict = decide(evidence(content=EVERYTHING), ALICE, policy_of(STRIPS))
    held = held_whole(verdict, "two readings")
    assert (held.disposition, held.quarantine, held.stripping) == (Disposition.QUARANTINE, "bulk", None)
    assert held.reasons[-1].text.endswith("two readings")
    delivered = decide(evidence(), ALICE, policy_of("  - {id: a, then: deliver}"))
    assert held_whole(delivered, "two readings") == delivered
