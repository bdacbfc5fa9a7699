"""gateway/policy/reasons.py"""

from gateway.facts.auth import Auth, DmarcFact
from gateway.facts.content import REST, START, ContentFact, MailClass, MalwareFact, MalwareResult, Signal, SpamFact
from gateway.facts.outcome import Known, Unknown
from gateway.facts.reported import ReportedFact
from gateway.policy.decide import decide
from gateway.policy.reasons import MAX_QUOTE, code_of, codes, quote

ALICE = "alice@example.org"


def told(evidence, policy) -> list[tuple[str, str]]:
    return [(each.code, each.text) for each in decide(evidence, ALICE, policy).reasons]


def test_a_rule_speaks_with_its_own_sentence_and_the_strongest_signals(policy_of, evidence):
    signals = (
        Signal("text", 2.0, "a prize"),
        Signal("text", -9.0, "minutes"),
        Signal("fact", 4.25, "link hides its host"),
        Signal("other", 1.0),
        Signal("subject", 0.5, "won"),
        Signal(REST, 9.0, "200 further words and facts"),
        Signal(START, 3.0, "before anything is read"),
    )
    seen = evidence(spam=Known(SpamFact(MailClass.SPAM, {"spam": 1.0}, 9.0, signals)))
    policy = policy_of(
        "  - {id: spam-hold, description: It is spam, when: 'spam.score > 8.0', then: {quarantine: spam}}"
    )
    assert told(seen, policy) == [
        ("SPAM_HOLD", "It is spam"),
        ("SPAM_SIGNAL", "Link hides its host (+4.2)"),
        ("SPAM_SIGNAL", 'The text says "a prize" (+2.0)'),
        ("SPAM_SIGNAL", "other (+1.0)"),
    ]


def test_malware_dmarc_and_what_was_not_looked_into_are_named(policy_of, evidence):
    policy = policy_of("""
  - {id: malware, when: malware.found, then: {reject: malware}}
  - {id: dmarc, when: 'dmarc.result == "fail"', then: {reject: dmarc}}
  - {id: unseen, when: 'malware.unscannable || content.unscannable.size() > 0', then: {quarantine: unscannable}}
""")
    found = Known(MalwareFact(MalwareResult.FOUND, "Eicar", "clamav", part="1.2"))
    assert told(evidence(malware=found), policy)[1] == ("MALWARE_NAME", "clamav found Eicar in part 1.2")
    failed = Known(DmarcFact(Auth.FAIL, "bank.example", "reject"))
    assert told(evidence(dmarc=failed), policy)[1] == (
        "DMARC_RESULT",
        "DMARC: fail for bank.example, whose owner asks for reject",
    )
    part = Known(ContentFact(unscannable=("archive.encrypted", "mime.depth")))
    limit = Known(MalwareFact(MalwareResult.UNSCANNABLE, "Heuristics.Limits", "clamav"))
    assert told(evidence(content=part, malware=limit), policy)[1:] == [
        ("UNSCANNABLE", "Not looked into: archive.encrypted, mime.depth"),
        ("UNSCANNABLE", "clamav could not scan all of it: Heuristics.Limits"),
    ]


def test_who_called_such_mail_what_is_told_without_names(policy_of, evidence):
    policy = policy_of("  - {id: known, description: Known, when: 'reported.voices > 0', then: {quarantine: spam}}")
    fact = ReportedFact((ALICE, "bob@example.org"), 2, 0.937, MailClass.PHISHING, "0" * 12, 1.0)
    assert told(evidence(reported=Known(fact)), policy) == [
        ("KNOWN", "Known"),
        ("REPORTED_TEXT", "2 people here called a text phishing of which 94% stands in this one"),
    ]


def test_what_could_not_be_told_is_said_even_where_no_rule_asked(policy_of, evidence):
    seen = evidence(dmarc=Unknown("DNS timed out"))
    assert told(seen, policy_of("  - {id: all, then: deliver}")) == [
        ("ALL", "Rule all matched"),
        ("UNKNOWN_DMARC", "The check dmarc could not tell: DNS timed out"),
    ]


def test_text_from_outside_is_cut_short_and_made_printable():
    assert quote("a\r\nb\t\x1b[2J\u202ec") == "a b [2J c"
    assert len(quote("x" * 1000)) == MAX_QUOTE
    assert quote(" \n ") == ""


def test_codes_are_from_a_closed_list(policy_of, evidence):
    policy = policy_of("  - {id: dmarc-reject, when: malware.found, then: {reject: dmarc}}")
    assert code_of("dmarc-reject") == "DMARC_REJECT"
    blind = evidence(malware=Unknown("x"), spam=Unknown("y"), content=Unknown("z"), dkim=Unknown("w"))
    assert {code for code, _ in told(blind, policy)} <= codes(policy)
