"""policies/default.yaml: what the embedded default does with mail."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.auth import ArcFact, Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact, GreylistFact
from gateway.facts.content import AuthorFact, ContentFact, MailClass, MalwareFact, MalwareResult, SpamFact, YaraFact
from gateway.facts.evidence import MessageFact
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.facts.reported import ReportedFact
from gateway.policy.decide import decide, who_would_wait
from gateway.policy.language.parse import load
from gateway.policy.reasons import OVERRIDES
from gateway.policy.verdict import Disposition

FOLDER = Path(__file__).parents[2] / "policies"
POLICY = load(FOLDER)
ALICE = "alice@example.org"
US = AuthorFact("Boss", "boss@example.org", "example.org")
DNS_DEAD = Unknown("DNS timed out")


def spam(score: float, mail_class: MailClass = MailClass.SPAM) -> Known[SpamFact]:
    return Known(SpamFact(mail_class, {"ham": 0.0, "spam": 0.5, "phishing": 0.5}, score))


def bulk(score: float, mail_class: MailClass = MailClass.SPAM, *, built_so: bool | None = True) -> Known[SpamFact]:
    return Known(SpamFact(mail_class, {"ham": 0.0, "spam": 0.5, "phishing": 0.5}, score, bulk=built_so))


def content(**more) -> Known[ContentFact]:
    return Known(ContentFact(**more))


def dmarc(result: Auth, policy: str = "reject", **more) -> Known[DmarcFact]:
    return Known(DmarcFact(result, "friend.example", policy, **more))


def malware(result: MalwareResult) -> Known[MalwareFact]:
    return Known(MalwareFact(result, "Eicar-Test-Signature", "clamav"))


def message(*authors: AuthorFact, fields: int = 1) -> MessageFact:
    return MessageFact(100, authors=authors, from_fields=fields)


FRIEND = AuthorFact("Fred", "fred@friend.example", "friend.example")
FAILED = dmarc(Auth.FAIL)
NO_RECORD = Known(DmarcFact(Auth.NONE, "example.org"))
UNPROVEN = {
    "spf": Known(SpfFact(Auth.NONE, SpfIdentity.MAILFROM, "bulk.example")),
    "dkim": Known(DkimFact(())),
    "dmarc": Known(DmarcFact(Auth.NONE, "bulk.example")),
}
PROVEN = dmarc(Auth.PASS)
SIGNED = Known(DmarcFact(Auth.NONE, "friend.example", aligned_dkim=True))
SPF_OF_OTHERS = Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "bulk.example"))

CASES = {
    "clean": ({}, "deliver", None, "clean"),
    "malware": ({"malware": malware(MalwareResult.FOUND)}, "reject", "malware", "malware"),
    "malware going out": (
        {"malware": malware(MalwareResult.FOUND), "direction": "outbound"},
        "reject",
        "malware",
        "malware",
    ),
    "engine saw not all": (
        {"malware": malware(MalwareResult.UNSCANNABLE)},
        "quarantine",
        "engine-unscannable",
        "policy",
    ),
    "gtube": ({"content": content(defects=("test.gtube",))}, "quarantine", "gtube", "spam"),
    "no From": ({"message": message(fields=0)}, "quarantine", "author-missing-or-several", "policy"),
    "two From": ({"message": message(FRIEND, US, fields=2)}, "quarantine", "author-missing-or-several", "policy"),
    "DMARC reject": ({"dmarc": FAILED}, "reject", "dmarc-reject", "policy"),
    "DMARC quarantine": ({"dmarc": dmarc(Auth.FAIL, "quarantine")}, "quarantine", "dmarc-quarantine", "policy"),
    "DMARC none": ({"dmarc": dmarc(Auth.FAIL, "none")}, "deliver", None, "clean"),
    "dead DNS": ({"dmarc": DNS_DEAD, "spf": DNS_DEAD, "dkim": DNS_DEAD, "arc": DNS_DEAD}, "deliver", None, "clean"),
    "dead DNS, forged ARC": ({"dmarc": FAILED, "arc": DNS_DEAD}, "reject", "dmarc-reject", "policy"),
    "spoof of us": (
        {"message": message(US), "dmarc": NO_RECORD, "spf": SPF_OF_OTHERS},
        "quarantine",
        "own-domain-spoof",
        "phishing",
    ),
    "us, by DMARC": (
        {"message": message(US), "dmarc": Known(DmarcFact(Auth.PASS, "example.org"))},
        "deliver",
        None,
        "clean",
    ),
    "us, by our SPF": (
        {
            "message": message(US),
            "dmarc": NO_RECORD,
            "spf": Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "example.org")),
        },
        "deliver",
        None,
        "clean",
    ),
    "us, by our signature": (
        {"message": message(US), "dmarc": Known(DmarcFact(Auth.NONE, "example.org", aligned_dkim=True))},
        "deliver",
        None,
        "clean",
    ),
    "program": ({"content": content(defects=("type.executable",))}, "quarantine", "executable", "policy"),
    "encrypted archive": (
        {"content": content(unscannable=("archive.encrypted",))},
        "quarantine",
        "unscannable",
        "policy",
    ),
    "S/MIME": ({"content": content(unscannable=("mime.encrypted",))}, "deliver", None, "clean"),
    "breaks the examination": (
        {"content": Unknown("killed"), "spam": Unknown("killed"), "lost_workers": 2},
        "defer",
        "unscannable",
        "policy",
    ),
    "breaks it again and again": (
        {"content": Unknown("killed"), "spam": Unknown("killed"), "lost_workers": 3},
        "quarantine",
        "park",
        "policy",
    ),
    "certain phishing": ({"spam": spam(16.0, MailClass.PHISHING)}, "reject", "phishing-reject", "phishing"),
    "phishing 14.9": ({"spam": spam(14.9, MailClass.PHISHING)}, "quarantine", "phishing-hold", "phishing"),
    "phishing 2": ({"spam": spam(2.0, MailClass.PHISHING)}, "quarantine", "phishing-hold", "phishing"),
    "phishing 1.9": ({"spam": spam(1.9, MailClass.PHISHING)}, "deliver", None, "spam"),
    "spam 9": ({"spam": spam(9.0)}, "reject", "spam-reject", "spam"),
    "spam 8.9": ({"spam": spam(8.9)}, "quarantine", "spam-hold", "spam"),
    "spam 2": ({"spam": spam(2.0)}, "quarantine", "spam-hold", "spam"),
    "spam 1.9": ({"spam": spam(1.9)}, "deliver", None, "spam"),
    "spam 0.4": ({"spam": spam(0.4)}, "deliver", None, "clean"),
    "spam going out": ({"spam": spam(2.0), "direction": "outbound"}, "quarantine", "spam-hold", "spam"),
    "newsletter, proven": ({"spam": bulk(-3.0), "dmarc": PROVEN}, "deliver", None, "bulk"),
    "newsletter, suspected, proven": ({"spam": bulk(3.9), "dmarc": PROVEN}, "deliver", "bulk-deliver", "bulk"),
    "newsletter, suspected, signed": ({"spam": bulk(2.0), "dmarc": SIGNED}, "deliver", "bulk-deliver", "bulk"),
    "newsletter, above the bound": ({"spam": bulk(4.0), "dmarc": PROVEN}, "quarantine", "spam-hold", "spam"),
    "newsletter, of nobody": ({"spam": bulk(2.0), "dmarc": NO_RECORD}, "quarantine", "spam-hold", "spam"),
    "newsletter, forged": ({"spam": bulk(2.0), "dmarc": dmarc(Auth.FAIL, "none")}, "quarantine", "spam-hold", "spam"),
    "newsletter, DNS dead": (
        {"spam": bulk(2.0), "dmarc": DNS_DEAD, "spf": DNS_DEAD, "dkim": DNS_DEAD},
        "quarantine",
        "spam-hold",
        "spam",
    ),
    "newsletter that lures": (
        {"spam": bulk(2.0, MailClass.PHISHING), "dmarc": PROVEN},
        "quarantine",
        "phishing-hold",
        "phishing",
    ),
    "mild lure as a newsletter": ({"spam": bulk(0.6, MailClass.PHISHING), "dmarc": PROVEN}, "deliver", None, "spam"),
    "perhaps a newsletter": ({"spam": bulk(2.0, built_so=None), "dmarc": PROVEN}, "quarantine", "spam-hold", "spam"),
    "no newsletter, proven": ({"spam": bulk(2.0, built_so=False), "dmarc": PROVEN}, "quarantine", "spam-hold", "spam"),
    "no classifier": ({"spam": Unknown("no model")}, "deliver", None, "clean"),
    "all switched off": (
        dict.fromkeys(("spf", "dkim", "arc", "dmarc", "content", "spam", "malware"), Skipped()),
        "deliver",
        None,
        "clean",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_happens_to(case, evidence):
    changes, disposition, rule, verdict_class = CASES[case]
    verdict = decide(evidence(**changes), ALICE, POLICY)
    assert verdict.disposition.word == disposition
    assert (verdict.rule.id if verdict.rule else None) == rule
    assert verdict.verdict_class == verdict_class


def test_clean_mail_flows_with_a_mark_while_no_engine_is_there(evidence):
    verdict = decide(evidence(malware=Unknown("clamd unreachable")), ALICE, POLICY)
    assert verdict.disposition is Disposition.DELIVER
    assert verdict.add_headers == (("X-Postern-Unknown", "malware"),)


def test_what_dead_dns_hid_is_in_the_record(evidence):
    verdict = decide(evidence(dmarc=DNS_DEAD), ALICE, POLICY)
    assert ("UNKNOWN_DMARC", "The check dmarc could not tell: DNS timed out") in [
        (each.code, each.text) for each in verdict.reasons
    ]


def test_suspected_spam_is_delivered_with_its_class(evidence):
    verdict = decide(evidence(spam=spam(0.5)), ALICE, POLICY)
    assert verdict.add_headers == (("X-Postern-Class", "spam"),)


def test_a_trusted_sealer_saves_forwarded_mail_and_a_dead_one_defers_it(evidence):
    policy = replace(POLICY, trusted_sealers=frozenset({"lists.example"}))
    sealed = Known(ArcFact(Auth.PASS, 1, "lists.example"))
    assert decide(evidence(dmarc=FAILED, arc=sealed), ALICE, policy).disposition is Disposition.DELIVER
    doubtful = decide(evidence(dmarc=FAILED, arc=DNS_DEAD), ALICE, policy)
    assert (doubtful.disposition, doubtful.rule.id) == (Disposition.DEFER, "dmarc-reject-unless-sealed")
    forged = Known(ArcFact(Auth.TEMPERROR, 1, "forger.example"))
    assert decide(evidence(dmarc=FAILED, arc=forged), ALICE, policy).reply == "dmarc"


def test_an_empty_list_matches_nobody(evidence):
    assert not POLICY.lists["partners"].entries
    assert not POLICY.lists["blocked"].entries


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"spam": spam(20.0)}, "deliver"),
        ({"spam": spam(20.0), "malware": malware(MalwareResult.FOUND)}, "reject"),
        ({"spam": spam(20.0), "dmarc": FAILED}, "reject"),
        ({"spam": spam(8.0), "dmarc": NO_RECORD}, "quarantine"),
        ({"content": content(defects=("type.executable",))}, "quarantine"),
    ],
    ids=["spam is skipped", "malware is not", "DMARC is not", "only who is authenticated", "programs are not"],
)
def test_a_partner_skips_spam_and_nothing_else(changes, expected, evidence, tmp_path):
    folder = tmp_path / "policies"
    (folder / "lists").mkdir(parents=True)
    (folder / "default.yaml").write_text((FOLDER / "default.yaml").read_text())
    for name in ("blocked", "senders", "forwarders", "vip"):
        (folder / "lists" / f"{name}.yaml").write_text("entries: []")
    (folder / "lists" / "partners.yaml").write_text(
        "entries: [{value: friend.example, owner: ana, reason: invoices, expires: never}]"
    )
    assert decide(evidence(**changes), ALICE, load(folder)).disposition.word == expected


def test_groups():
    assert POLICY.group_for(ClientFact("127.0.0.1"), 0.0).id == "loopback"
    assert POLICY.group_for(ClientFact("::1"), 0.0).id == "loopback"
    everyone = POLICY.group_for(ClientFact("192.0.2.1"), 0.0)
    assert everyone.id == "everyone"
    assert (everyone.limits.size, everyone.limits.recipients) == (None, 100), (
        "the settings say how large a message may be"
    )
    assert everyone.limits.connections == 50
    assert sorted(map(str, everyone.limits.rates)) == [
        "client: connections 300/min",
        "client: errors 300/h",
        "client: messages 300/min",
        "client: unknown recipients 25/h",
    ]
    assert POLICY.group_for(ClientFact("127.0.0.1"), 0.0).limits.rates == ()


UNPROVEN = {
    "spf": Known(SpfFact(Auth.NONE, SpfIdentity.MAILFROM, "friend.example")),
    "dmarc": Known(DmarcFact(Auth.NONE, "friend.example")),
}
SIGNED = Known(DkimFact((DkimSignatureFact(Auth.PASS, "friend.example", "s", "rsa-sha256"),)))


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({"spam": spam(1.0), **UNPROVEN}, True),
        ({"spam": spam(1.9), **UNPROVEN}, True),
        ({"spam": spam(0.9), **UNPROVEN}, False),
        ({"spam": spam(2.0), **UNPROVEN}, False),
        ({"spam": spam(1.5), **UNPROVEN, "dkim": SIGNED}, False),
        ({"spam": spam(1.5), **UNPROVEN, "spf": SPF_OF_OTHERS}, False),
        ({"spam": spam(1.5), "dmarc": DNS_DEAD, "spf": DNS_DEAD, "dkim": DNS_DEAD}, False),
        ({"spam": Unknown("no model"), **UNPROVEN}, False),
        ({"spam": spam(1.5), **UNPROVEN, "direction": "outbound"}, False),
    ],
)
def test_only_suspects_for_whom_nobody_stands_are_asked_to_come_back(changes, waits, evidence):
    assert who_would_wait(evidence(**changes), POLICY) == ((ALICE,) if waits else ())


def test_who_waits_is_deferred_and_who_came_back_is_judged_on(evidence):
    suspect = {"spam": spam(1.5), **UNPROVEN}
    verdict = decide(evidence(**suspect, greylist=Known(GreylistFact(waiting=(ALICE,)))), ALICE, POLICY)
    assert (verdict.disposition, verdict.reply, verdict.rule.id) == (
        Disposition.DEFER,
        "greylisted",
        "greylist-suspect",
    )
    for said in (Known(GreylistFact()), Unknown("the counters did not answer"), Skipped("our own network")):
        passed = decide(evidence(**suspect, greylist=said), ALICE, POLICY)
        assert passed.disposition is Disposition.DELIVER
        assert passed.add_headers == (("X-Postern-Class", "spam"),)


def test_example_org_is_received_for():
    entry = POLICY.recipient_entry(ALICE)
    assert (entry.route, entry.validate, entry.on_unknown) == ("mailbox", "mailbox", "defer")
    assert POLICY.recipient_entry("alice@elsewhere.example") is None


SLOW_SIGNATURE = DkimSignatureFact(Auth.TEMPERROR, "slow.forger.example", "s", "rsa-sha256")


def test_a_forger_cannot_buy_doubt_with_dns_that_never_answers(evidence):
    spoof = {"message": message(US), "dmarc": NO_RECORD, "dkim": Known(DkimFact((SLOW_SIGNATURE,)))}
    slow_path = Known(SpfFact(Auth.TEMPERROR, SpfIdentity.MAILFROM, "slow.forger.example"))
    assert decide(evidence(**spoof, spf=slow_path), ALICE, POLICY).rule.id == "own-domain-spoof"


@pytest.mark.parametrize(("result", "rule"), [(Auth.PASS, None), (Auth.FAIL, "own-domain-spoof")])
def test_our_own_signature_proves_us_without_a_dmarc_record(result, rule, evidence):
    signed = Known(DkimFact((DkimSignatureFact(result, "example.org", "s", "rsa-sha256"), SLOW_SIGNATURE)))
    verdict = decide(evidence(message=message(US), dmarc=NO_RECORD, spf=SPF_OF_OTHERS, dkim=signed), ALICE, POLICY)
    assert (verdict.rule.id if verdict.rule else None) == rule


def test_mail_of_our_own_is_marked_while_nothing_can_be_proven(evidence):
    blind = evidence(message=message(US), dmarc=DNS_DEAD, spf=DNS_DEAD, dkim=DNS_DEAD)
    verdict = decide(blind, ALICE, POLICY)
    assert verdict.disposition is Disposition.DELIVER
    assert verdict.add_headers == (("X-Postern-Unknown", "dkim, dmarc, spf"),)


@pytest.mark.parametrize(
    ("defect", "rule"),
    [
        ("office.autoexec", "active-document"),
        ("office.xlm", "active-document"),
        ("office.dde", "active-document"),
        ("office.external_template", "active-document"),
        ("pdf.launch", "active-document"),
        ("html.smuggling", "smuggling"),
        ("html.hta", "smuggling"),
        ("svg.script", "smuggling"),
        ("archive.password_in_text", "password-in-text"),
    ],
)
def test_active_content_is_held(defect, rule, evidence):
    judged = evidence(content=content(defects=(defect,)))
    verdict = decide(judged, ALICE, POLICY)
    assert (verdict.disposition.word, verdict.rule.id) == ("quarantine", rule)


@pytest.mark.parametrize(
    "elsewhere", ["header.reply_to_elsewhere", "header.reply_to_freemail", "header.from.names_other"]
)
def test_another_account_to_pay_to_is_held_where_the_answer_goes_elsewhere_and_marked_otherwise(elsewhere, evidence):
    verdict = decide(evidence(content=content(defects=("text.payment_change", elsewhere))), ALICE, POLICY)
    assert (verdict.disposition.word, verdict.rule.id) == ("quarantine", "payment-change")
    verdict = decide(evidence(content=content(defects=("text.payment_change",))), ALICE, POLICY)
    assert verdict.disposition is Disposition.DELIVER
    assert ("X-Postern-Signal", "payment_change") in verdict.add_headers
    assert decide(evidence(content=content(defects=(elsewhere,))), ALICE, POLICY).add_headers == ()


@pytest.mark.parametrize("defect", ["office.macro", "office.embedded", "pdf.javascript", "pdf.encrypted", "pdf.form"])
def test_what_honest_documents_have_is_not_held(defect, evidence):
    judged = evidence(content=content(defects=(defect,)))
    assert decide(judged, ALICE, POLICY).disposition is Disposition.DELIVER


def test_a_match_of_our_own_rules_is_held(evidence):
    verdict = decide(evidence(yara=Known(YaraFact(("eicar_test_file",)))), ALICE, POLICY)
    assert (verdict.disposition.word, verdict.rule.id) == ("quarantine", "yara")
    assert "It matches eicar_test_file" in {reason.text for reason in verdict.reasons}


@pytest.mark.parametrize(
    "worse", [{"dmarc": FAILED}, {"message": message()}, {"message": message(US)}, {"direction": "outbound"}]
)
def test_malware_that_our_own_rules_find_is_told_as_malware_whoever_wrote_it(worse, evidence):
    verdict = decide(evidence(yara=Known(YaraFact(("lure_login", "eicar_test_file"))), **worse), ALICE, POLICY)
    assert (verdict.rule.id, verdict.verdict_class.value) == ("yara", "malware")


def test_a_lure_is_no_malware(evidence):
    verdict = decide(evidence(yara=Known(YaraFact(("lure_login",)))), ALICE, POLICY)
    assert (verdict.rule.id, verdict.verdict_class.value) == ("yara-lure", "phishing")


@pytest.mark.parametrize("mail_class", [MailClass.SPAM, MailClass.PHISHING])
@pytest.mark.parametrize("score", [0.5, 1.5, 2.2, 6.0])
def test_a_few_words_that_lead_nowhere_are_marked_and_neither_held_nor_sent_back(score, mail_class, evidence):
    few = evidence(content=content(scant=True), spam=spam(score, mail_class), **UNPROVEN)
    verdict = decide(few, ALICE, POLICY)
    assert (verdict.disposition.word, verdict.verdict_class.value, verdict.rule) == ("deliver", "spam", None)
    assert who_would_wait(few, POLICY) == ()
    more = replace(few, content=content())
    assert (decide(more, ALICE, POLICY).rule is not None) == (score >= 2.0)
    assert (ALICE in who_would_wait(more, POLICY)) == (score == 1.5)


def test_what_is_certain_is_certain_in_a_few_words_too(evidence):
    few = evidence(content=content(scant=True), spam=spam(9.0))
    assert decide(few, ALICE, POLICY).rule.id == "spam-reject"


@pytest.mark.parametrize("score", [2.5, 8.9])
def test_an_answer_to_ones_own_mail_is_delivered_to_that_one_and_no_fraud_is(score, evidence):
    answer = {"answers": (ALICE,), "recipients": (ALICE, "bob@example.org"), **UNPROVEN}
    judged = evidence(spam=spam(score), **answer)
    verdict = decide(judged, ALICE, POLICY)
    assert (verdict.disposition.word, verdict.rule.id) == ("deliver", "reply")
    assert decide(judged, "bob@example.org", POLICY).rule.id == "spam-hold"
    assert decide(evidence(spam=spam(score, MailClass.PHISHING), **answer), ALICE, POLICY).rule.id == "phishing-hold"
    assert decide(evidence(spam=spam(score), **{**answer, "dmarc": FAILED}), ALICE, POLICY).rule.id == "dmarc-reject"
    assert decide(evidence(spam=spam(9.0), **answer), ALICE, POLICY).rule.id == "spam-reject"


def reported(*by: str, voices: int = 0) -> Known[ReportedFact]:
    return Known(ReportedFact(by, voices or len(by), 0.9, MailClass.SPAM, "0" * 12, 1.0))


def known_for(days: float) -> Known[AcquaintanceFact]:
    return Known(AcquaintanceFact((("friend.example", days),), remembered=400.0))


WANTED, UNWANTED = (Known(ReportedFact(**{name: (ALICE,)})) for name in ("sender_wanted_by", "sender_unwanted_by"))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"reported": WANTED, "dmarc": PROVEN, "spam": spam(8.9)}, "sender-wanted"),
        ({"reported": WANTED, **UNPROVEN, "spam": spam(8.9)}, "spam-hold"),
        ({"reported": WANTED, "dmarc": PROVEN, "spam": spam(8.9, MailClass.PHISHING)}, "phishing-hold"),
        ({"reported": WANTED, "dmarc": PROVEN, "spam": spam(9.0)}, "spam-reject"),
        ({"reported": UNWANTED, "dmarc": PROVEN}, "sender-unwanted"),
        ({"reported": UNWANTED, "dmarc": PROVEN, "message": message(US)}, None),
    ],
)
def test_what_one_reader_said_of_a_sender_holds_for_that_one_alone(changes, rule, evidence):
    judged = evidence(**changes)
    verdict = decide(judged, ALICE, POLICY)
    assert (verdict.rule.id if verdict.rule else None) == rule
    other = decide(judged, "bob@example.org", POLICY)
    assert other == decide(replace(judged, reported=Known(ReportedFact())), "bob@example.org", POLICY)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"reported": reported(ALICE)}, "reported-by-recipient"),
        ({"reported": reported("bob@example.org")}, None),
        ({"reported": reported("bob@example.org", "eve@example.org"), **UNPROVEN}, "reported-by-many"),
        ({"reported": reported("operator", voices=2), **UNPROVEN}, "reported-by-many"),
        ({"reported": reported("b", "c"), "dmarc": PROVEN, "acquaintance": known_for(300.0)}, None),
        ({"reported": reported("b", "c"), "dmarc": PROVEN, "acquaintance": known_for(3.0)}, "reported-by-many"),
        ({"reported": reported("b", "c"), "dmarc": PROVEN, "acquaintance": Unknown("too new")}, None),
        ({"reported": reported("b", "c"), "acquaintance": known_for(300.0), **UNPROVEN}, "reported-by-many"),
        ({"reported": reported("b", "c"), "content": content(scant=True), **UNPROVEN}, None),
        ({"reported": Unknown("not read")}, None),
        ({"reported": Known(ReportedFact())}, None),
    ],
)
def test_what_people_called_unwanted_is_held_for_them_and_for_all_where_two_agree(changes, rule, evidence):
    verdict = decide(evidence(**changes), ALICE, POLICY)
    assert (verdict.rule.id if verdict.rule else None) == rule
    assert (verdict.disposition is Disposition.QUARANTINE) == (rule is not None)


LOOKALIKE = AuthorFact("Billing", "billing@examp1e.org", "examp1e.org")
VIP = "entries:\n  - {value: Ada Lovelace, owner: a, reason: b, expires: never}\n"
VIP += "  - {value: ada@home.example, owner: a, reason: b, expires: never}\n"


def test_a_domain_that_looks_like_ours_is_held(evidence):
    verdict = decide(evidence(message=message(LOOKALIKE)), ALICE, POLICY)
    assert (verdict.disposition.word, verdict.rule.id) == ("quarantine", "lookalike-hold")


@pytest.mark.parametrize(
    ("address", "rule"),
    [("ceo@mail.example", "vip-impersonation"), ("ada@home.example", None), ("ada@example.org", None)],
)
def test_a_borrowed_name_is_held_and_its_owner_is_not(address, rule, evidence, tmp_path):
    folder = tmp_path / "policies"
    shutil.copytree(FOLDER, folder)
    (folder / "lists" / "vip.yaml").write_text(VIP)
    author = AuthorFact("Ada Lovelace", address, address.partition("@")[2])
    verdict = decide(evidence(message=message(author)), ALICE, load(folder))
    assert (verdict.rule.id if verdict.rule else None) == rule


def test_nobody_is_impersonated_while_the_list_is_empty(evidence):
    author = AuthorFact("Ada Lovelace", "ceo@mail.example", "mail.example")
    assert decide(evidence(message=message(author)), ALICE, POLICY).disposition is Disposition.DELIVER


def listed(tmp_path: Path, name: str, value: str):
    """The default policy with one entry in one list."""
    folder = tmp_path / "policies"
    shutil.copytree(FOLDER, folder)
    entry = f"entries: [{{value: {value}, owner: ana, reason: known, expires: never}}]"
    (folder / "lists" / f"{name}.yaml").write_text(entry)
    return load(folder)


SPOOF = {
    "message": message(US),
    "dmarc": Known(DmarcFact(Auth.FAIL, "example.org", "reject")),
    "spf": SPF_OF_OTHERS,
    "client": ClientFact("192.0.2.7"),
}
SIGNED_BY_CRM = Known(DkimFact((DkimSignatureFact(Auth.PASS, "us.crm.example", "s1", "rsa-sha256"),)))


def codes(verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_a_listed_service_may_write_in_our_name_and_nobody_else(evidence, tmp_path):
    assert decide(evidence(**SPOOF), ALICE, POLICY).reply == "dmarc"
    policy = listed(tmp_path, "senders", "192.0.2.0/28")
    verdict = decide(evidence(**SPOOF), ALICE, policy)
    assert verdict.disposition is Disposition.DELIVER
    assert "DMARC_LOCAL_POLICY" in codes(verdict)
    assert decide(evidence(**{**SPOOF, "client": ClientFact("192.0.2.99")}), ALICE, policy).reply == "dmarc"
    others = {**SPOOF, "message": message(FRIEND), "dmarc": FAILED}
    assert decide(evidence(**others), ALICE, policy).reply == "dmarc"


def test_a_service_may_be_listed_by_the_domain_that_signs(evidence, tmp_path):
    spoof = {**SPOOF, "dmarc": NO_RECORD}
    policy = listed(tmp_path, "senders", "us.crm.example")
    assert decide(evidence(**spoof), ALICE, policy).rule.id == "own-domain-spoof"
    assert decide(evidence(**spoof, dkim=SIGNED_BY_CRM), ALICE, policy).disposition is Disposition.DELIVER
    assert decide(evidence(**spoof, dkim=SIGNED_BY_CRM), ALICE, POLICY).rule.id == "own-domain-spoof"
    slow = Known(DkimFact((SLOW_SIGNATURE,)))
    assert decide(evidence(**spoof, dkim=slow), ALICE, policy).rule.id == "own-domain-spoof"


@pytest.mark.parametrize("asked", ["reject", "quarantine"])
def test_a_listed_forwarder_is_judged_by_content_and_the_override_has_its_name(asked, evidence, tmp_path):
    policy = listed(tmp_path, "forwarders", "192.0.2.1")
    failed = dmarc(Auth.FAIL, asked)
    verdict = decide(evidence(dmarc=failed), ALICE, policy)
    assert verdict.disposition is Disposition.DELIVER
    assert "DMARC_TRUSTED_FORWARDER" in codes(verdict)
    assert verdict.add_headers == (("X-Postern-Forwarder", "known"),)
    assert decide(evidence(dmarc=failed, spam=spam(8.0)), ALICE, policy).rule.id == "spam-hold"
    assert decide(evidence(dmarc=failed, client=ClientFact("192.0.2.2")), ALICE, policy).rule.id == f"dmarc-{asked}"


def test_a_trusted_seal_is_told_as_override_and_an_untrusted_one_saves_nobody(evidence):
    sealed = Known(ArcFact(Auth.PASS, 1, "lists.example"))
    trusting = replace(POLICY, trusted_sealers=frozenset({"lists.example"}))
    verdict = decide(evidence(dmarc=FAILED, arc=sealed), ALICE, trusting)
    assert [each.text for each in verdict.reasons if each.code == "DMARC_LOCAL_POLICY"] == [
        "DMARC asks for reject; deliver instead, by arc=pass of lists.example, whom we trust"
    ]
    assert decide(evidence(dmarc=FAILED, arc=sealed), ALICE, POLICY).reply == "dmarc"
    ended = Known(ArcFact(Auth.NONE, 1, "lists.example", ended=True))
    assert decide(evidence(dmarc=FAILED, arc=ended), ALICE, trusting).reply == "dmarc"


def test_what_dmarc_asked_for_is_no_override(evidence):
    for verdict in (
        decide(evidence(dmarc=FAILED), ALICE, POLICY),
        decide(evidence(dmarc=dmarc(Auth.FAIL, "quarantine")), ALICE, POLICY),
        decide(evidence(dmarc=dmarc(Auth.FAIL, "none")), ALICE, POLICY),
        decide(evidence(), ALICE, POLICY),
    ):
        assert not set(codes(verdict)) & set(OVERRIDES.values())


def test_a_rule_says_what_its_override_is_called(evidence, policy_of):
    rules = "  - {id: list, when: 'dmarc.result == \"fail\"', then: deliver, override: mailing_list}"
    verdict = decide(evidence(dmarc=FAILED), ALICE, policy_of(rules))
    assert "DMARC_MAILING_LIST" in codes(verdict)
