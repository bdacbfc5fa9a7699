from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact
from gateway.facts.connection import ClientFact
from gateway.facts.content import (
    ContentFact,
    LinkFact,
    MailClass,
    MalwareFact,
    MalwareResult,
    PartFact,
    Signal,
    SpamFact,
    YaraFact,
)
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.mail.replies import accepted_as
from gateway.pipeline.report import leading_verdict, report
from gateway.policy.verdict import Disposition, Reason, RuleRef, Verdict, VerdictClass, merge

CLEAN = Verdict(Disposition.DELIVER, VerdictClass.CLEAN, None)
HELD = Verdict(
    Disposition.QUARANTINE, VerdictClass.SPAM, RuleRef("spam-hold", "policies/default.yaml", 41),
    (Reason("SPAM", "The classifier takes this for spam"),), quarantine="spam",
)  # fmt: skip
EVIDENCE = Evidence(
    received_at=1.0, direction="inbound", client=ClientFact(ip="192.0.2.1"), reverse_path="", recipients=("a", "b"),
    message=MessageFact(size=1234, message_id="<1@b.example>"),
    dkim=Known(DkimFact((DkimSignatureFact(Auth.PASS, "b.example", "s", "rsa-sha256"),))),
    content=Known(ContentFact(
        parts=(PartFact("1.2", "x.exe", "text/plain", "application/x-dosexec", 1, "00"),),
        links=(LinkFact("http://b.example/", "here", "b.example"),), defects=("type.executable",),
    )),
    spam=Known(SpamFact(MailClass.SPAM, {"ham": 0.1, "spam": 0.9}, 2.2, (Signal("text: cheap", 1.2, "cheap"),))),
    malware=Unknown("clamd unreachable"),
    arc=Skipped("switched off"),
)  # fmt: skip


def test_the_object_is_the_one_that_scripts_rely_on() -> None:
    settlement = merge([("a@example.org", CLEAN), ("b@example.org", HELD)])
    found = report(EVIDENCE, settlement, accepted_as("0ABC"), file="x.eml", elapsed_ms=12.3456)
    assert json.loads(json.dumps(found)) == found
    assert (found["file"], found["message_id"], found["size"]) == ("x.eml", "<1@b.example>", 1234)
    assert (found["disposition"], found["class"]) == ("quarantine", "spam")
    assert found["reply"].startswith("250 2.0.0 ")
    assert found["rule"] == {"id": "spam-hold", "file": "policies/default.yaml", "line": 41}
    assert found["reasons"] == [{"code": "SPAM", "text": "The classifier takes this for spam"}]
    assert found["recipients"]["a@example.org"]["rule"] is None
    assert found["recipients"]["b@example.org"] == {"disposition": "quarantine", "class": "spam", "rule": "spam-hold"}
    facts = found["facts"]
    assert facts["dkim"][0] | {"result": "pass", "domain": "b.example", "selector": "s"} == facts["dkim"][0]
    assert (facts["spam"]["class"], facts["spam"]["score"]) == ("spam", 2.2)
    assert facts["spam"]["signals"] == [{"name": "text: cheap", "weight": 1.2, "evidence": "cheap"}]
    assert facts["parts"][0]["true_type"] == "application/x-dosexec"
    assert facts["links"][0]["host"] == "b.example"
    assert (facts["malware"], facts["arc"]) == (None, None)
    assert found["unknown"] == {"malware": "clamd unreachable"}
    assert found["elapsed_ms"] == 12.346


def test_without_content_there_are_no_parts_rather_than_none_found() -> None:
    evidence = Evidence(
        received_at=1.0, direction="inbound", client=ClientFact(ip="192.0.2.1"), reverse_path="", recipients=("a",),
        message=MessageFact(size=1), content=Unknown("the worker was killed"),
    )  # fmt: skip
    found = report(evidence, merge([("a@example.org", CLEAN)]), accepted_as("-"), file="-", elapsed_ms=0.0)
    assert found["facts"]["parts"] is None
    assert found["facts"]["links"] is None
    assert found["rule"] is None
    assert found["unknown"] == {"content": "the worker was killed"}


def test_the_strictest_verdict_leads() -> None:
    rejected = Verdict(Disposition.REJECT, VerdictClass.POLICY, None)
    assert leading_verdict(merge([("a", CLEAN), ("b", rejected), ("c", HELD)])) is rejected


def malware_of(malware: Outcome[MalwareFact], *matches: str) -> tuple[Any, dict[str, str]]:
    evidence = replace(EVIDENCE, malware=malware, yara=Known(YaraFact(matches, "1a2b")))
    found = report(evidence, merge([("a@example.org", CLEAN)]), accepted_as("-"), file="-", elapsed_ms=0.0)
    assert found["facts"]["yara"]["matches"] == list(matches)
    return found["facts"]["malware"], found["unknown"]


def test_malware_that_our_own_rules_found_is_told_where_no_engine_is() -> None:
    expected = {"result": "found", "name": "eicar_test_file", "engine": "yara", "part": "", "signatures": "1a2b"}
    for said in (Unknown("no malware engine is installed"), Skipped(), Known(MalwareFact(MalwareResult.CLEAN))):
        assert malware_of(said, "lure_login", "eicar_test_file") == (expected, {})


def test_the_engine_has_the_first_word_about_malware_and_a_lure_is_none() -> None:
    named = Known(MalwareFact(MalwareResult.FOUND, "Eicar-Test-Signature", "clamav", "2"))
    told, _ = malware_of(named, "eicar_test_file")
    assert (told["name"], told["engine"]) == ("Eicar-Test-Signature", "clamav")
    assert malware_of(Unknown("gone"), "lure_login") == (None, {"malware": "gone"})
