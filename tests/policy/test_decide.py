"""gateway/policy/decide.py"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.facts.auth import Auth, DmarcFact
from gateway.facts.connection import NetworkFact
from gateway.facts.content import (
    ContentFact,
    EngineFact,
    MailClass,
    MalwareFact,
    MalwareResult,
    PartFact,
    SpamFact,
)
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.policy.decide import Seen, decide, decide_all, explain, held_whole
from gateway.policy.verdict import Disposition, Keeping, VerdictClass

ALICE = "alice@example.org"
DEAD = Unknown("clamd unreachable")
FOUND = Known(MalwareFact(MalwareResult.FOUND, name="Eicar-Test-Signature", engine="clamav"))


def spam(score: float, mail_class: MailClass = MailClass.SPAM) -> Known[SpamFact]:
    return Known(SpamFact(mail_class, {"ham": 0.1, "spam": 0.9, "phishing": 0.0}, score))


def test_the_first_rule_that_ends_the_matter_wins(policy_of, evidence):
    policy = policy_of("""
  - {id: first, when: 'spam.score > 1.0', then: {quarantine: bulk}}
  - {id: second, when: 'spam.score > 1.0', then: {reject: spam}}
""")
    verdict = decide(evidence(spam=spam(5.0)), ALICE, policy)
    assert (verdict.disposition, verdict.quarantine, verdict.verdict_class) == (
        Disposition.QUARANTINE,
        "bulk",
        VerdictClass.BULK,
    )
    assert (verdict.rule.id, verdict.rule.file, verdict.rule.line) == ("first", "policies/default.yaml", 7)


@pytest.mark.parametrize(
    ("action", "disposition", "verdict_class", "reply", "quarantine"),
    [
        ("deliver", Disposition.DELIVER, "clean", "", ""),
        ("defer", Disposition.DEFER, "policy", "deferred", ""),
        ("{reject: malware}", Disposition.REJECT, "malware", "malware", ""),
        ("{reject: dmarc}", Disposition.REJECT, "policy", "dmarc", ""),
        ("{quarantine: phishing}", Disposition.QUARANTINE, "phishing", "", "phishing"),
        ("{quarantine: unscannable}", Disposition.QUARANTINE, "policy", "", "unscannable"),
    ],
)
def test_every_action_that_ends_the_matter(action, disposition, verdict_class, reply, quarantine, policy_of, evidence):
    verdict = decide(evidence(), ALICE, policy_of(f"  - {{id: only, then: {action}}}"))
    assert verdict.disposition is disposition
    assert (verdict.verdict_class, verdict.reply, verdict.quarantine) == (verdict_class, reply, quarantine)
    by_default = decide(evidence(), ALICE, policy_of("", top=f"default: {action}"))
    assert (by_default.disposition, by_default.reply, by_default.rule) == (disposition, reply, None)


def engine(absent: float) -> Known[EngineFact]:
    return Known(EngineFact("clamav", "27450", 3600.0, absent))


@pytest.mark.parametrize(
    ("standing", "disposition"),
    [
        (engine(0.0), Disposition.DEFER),
        (engine(899.0), Disposition.DEFER),
        (engine(900.0), Disposition.QUARANTINE),
        (Skipped("there is none"), Disposition.QUARANTINE),
        (Known(EngineFact("clamav", absent=1.0, met=False)), Disposition.QUARANTINE),
        (Unknown("not told"), Disposition.QUARANTINE),
    ],
    ids=["just now", "a while", "too long", "never there", "not met yet", "nobody knows"],
)
def test_an_engine_that_is_away_defers_for_a_while_and_then_does_what_the_policy_says(
    standing, disposition, policy_of, evidence
):
    policy = policy_of("""
  - {id: malware, when: malware.found, then: {reject: malware}, on_unknown: {defer: 15min, then: hold}}
""")
    verdict = decide(evidence(malware=DEAD, engine=standing), ALICE, policy)
    assert (verdict.disposition, verdict.rule.id) == (disposition, "malware")
    found = decide(evidence(malware=FOUND, engine=standing), ALICE, policy)
    assert found.disposition is Disposition.REJECT


def test_mail_is_kept_for_another_scan_by_rule_or_in_doubt(policy_of, evidence):
    policy = policy_of("""
  - {id: malware, when: malware.found, then: {reject: malware}, on_unknown: rescan}
  - {id: outbreak, when: '"application/zip" in content.types', then: {rescan: 30min}}
""")
    risky = Known(ContentFact(parts=(PartFact("2", "a.zip", "", "application/zip", 9, ""),)))
    kept = decide(evidence(content=risky), ALICE, policy)
    assert (kept.disposition, kept.keeping, kept.rescan_after) == (Disposition.QUARANTINE, Keeping.RESCAN, 1800.0)
    doubtful = decide(evidence(malware=DEAD), ALICE, policy)
    assert (doubtful.disposition, doubtful.keeping, doubtful.rescan_after, doubtful.rule.id) == (
        Disposition.QUARANTINE,
        Keeping.RESCAN,
        0.0,
        "malware",
    )


def test_what_kills_anatomists_is_laid_aside(policy_of, evidence):
    policy = policy_of("  - {id: park, when: content.lost_workers >= 3, then: park}")
    parked = decide(replace(evidence(), lost_workers=3), ALICE, policy)
    assert (parked.disposition, parked.keeping) == (Disposition.QUARANTINE, Keeping.PARKED)
    assert decide(replace(evidence(), lost_workers=2), ALICE, policy).disposition is Disposition.DELIVER


def test_tags_and_headers_go_on_to_the_next_rule(policy_of, evidence):
    policy = policy_of("""
  - {id: note, then: {add_header: {X-Note: one, X-Other: two}}}
  - {id: mark, when: 'spam.score >= 6.0', then: {tag: spam}}
  - {id: hold, when: 'spam.score >= 8.0', then: {quarantine: phishing}}
""")
    delivered = decide(evidence(spam=spam(7.0)), ALICE, policy)
    assert delivered.disposition is Disposition.DELIVER
    assert delivered.verdict_class is VerdictClass.SPAM
    assert delivered.add_headers == (("X-Note", "one"), ("X-Other", "two"), ("X-Postern-Class", "spam"))
    held = decide(evidence(spam=spam(9.0)), ALICE, policy)
    assert held.verdict_class is VerdictClass.PHISHING
    assert held.add_headers == delivered.add_headers, "they stay with the message, should somebody release it"


def test_rules_are_about_a_direction_and_about_recipients(policy_of, evidence):
    policy = policy_of("""
  - {id: out, direction: outbound, then: {reject: policy}}
  - {id: both, direction: any, for: ['boss@example.org', '*@*.example.org'], then: {quarantine: policy}}
""")
    assert decide(evidence(), ALICE, policy).disposition is Disposition.DELIVER
    assert decide(evidence(), "Boss@Example.org", policy).rule.id == "both"
    assert decide(evidence(), "x@sub.example.org", policy).rule.id == "both"
    assert decide(evidence(), "x@notexample.org", policy).rule is None
    assert decide(evidence(direction="outbound"), ALICE, policy).rule.id == "out"


# ---------------------------------------------------------------- doubt

WORDS = {"deliver": 0, "quarantine": 1, "defer": 2, "reject": 3}
ACTIONS = {
    "deliver": "deliver",
    "quarantine": "{quarantine: spam}",
    "defer": "defer",
    "reject": "{reject: spam}",
}
DEMAND = {"next": 0, "deliver_marked": 0, "hold": 1, "defer": 2}


@pytest.mark.parametrize(("on_unknown", "later"), list(product(DEMAND, ACTIONS)))
def test_doubt_makes_a_permit_stricter_and_never_softens_anything(on_unknown, later, policy_of, evidence):
    """The table of merging doubt with what a later rule says: the stricter of the two."""
    policy = policy_of(f"""
  - {{id: doubtful, when: malware.found, then: {{reject: malware}}, on_unknown: {on_unknown}}}
  - {{id: later, then: {ACTIONS[later]}}}
""")
    verdict = decide(evidence(malware=DEAD), ALICE, policy)
    assert verdict.disposition == max(DEMAND[on_unknown], WORDS[later])
    decided_by_doubt = DEMAND[on_unknown] > WORDS[later]
    assert verdict.rule.id == ("doubtful" if decided_by_doubt else "later")
    marked = ("X-Postern-Unknown", "malware") in verdict.add_headers
    assert marked is (on_unknown == "deliver_marked")
    assert "UNKNOWN_MALWARE" in {each.code for each in verdict.reasons}


def test_a_hold_in_doubt_says_what_could_not_be_told(policy_of, evidence):
    policy = policy_of("  - {id: malware, when: malware.found, then: {reject: malware}, on_unknown: hold}")
    verdict = decide(evidence(malware=DEAD), ALICE, policy)
    assert (verdict.quarantine, verdict.verdict_class, verdict.reply) == ("policy", VerdictClass.POLICY, "")
    assert verdict.reasons[0].code == "MALWARE"
    assert verdict.reasons[0].text == "Rule malware could not be decided (malware: clamd unreachable)"


def test_of_several_doubts_the_strictest_is_heeded(policy_of, evidence):
    policy = policy_of("""
  - {id: mark, when: malware.found, then: {reject: malware}, on_unknown: deliver_marked}
  - {id: hold, when: malware.unscannable, then: {reject: malware}, on_unknown: hold}
  - {id: wait, when: 'spam.score > 1.0', then: {reject: spam}, on_unknown: defer}
  - {id: wait-too, when: 'spam.score > 2.0', then: {reject: spam}, on_unknown: defer}
""")
    verdict = decide(evidence(malware=DEAD, spam=Unknown("no model")), ALICE, policy)
    assert (verdict.disposition, verdict.rule.id, verdict.reply) == (Disposition.DEFER, "wait", "deferred")


def test_what_the_house_asks_for_when_it_sketches_doubt(policy_of, evidence):
    """DMARC unknown and clean: defer. DMARC unknown and malware: reject. Malware unknown and spam: defer."""
    policy = policy_of("""
  - {id: malware, when: malware.found, then: {reject: malware}}
  - {id: dmarc, when: 'dmarc.result == "fail" && dmarc.policy == "reject"', then: {reject: dmarc}}
  - {id: spam, when: 'spam.score >= 8.0', then: {quarantine: spam}}
""")
    dns_dead = Unknown("DNS timed out")
    assert decide(evidence(dmarc=dns_dead), ALICE, policy).disposition is Disposition.DEFER
    assert decide(evidence(dmarc=dns_dead, malware=FOUND), ALICE, policy).reply == "malware"
    assert decide(evidence(malware=DEAD, spam=spam(9.0)), ALICE, policy).disposition is Disposition.DEFER


def test_doubt_does_not_count_where_the_rest_decides(policy_of, evidence):
    policy = policy_of("  - {id: both, when: 'malware.found && spam.score > 1.0', then: {reject: malware}}")
    assert decide(evidence(malware=DEAD, spam=spam(0.5)), ALICE, policy).disposition is Disposition.DELIVER
    assert decide(evidence(malware=DEAD, spam=spam(1.5)), ALICE, policy).disposition is Disposition.DEFER


def test_a_check_that_was_switched_off_is_no_doubt(policy_of, evidence):
    policy = policy_of("  - {id: malware, when: malware.found, then: {reject: malware}}")
    verdict = decide(evidence(malware=Skipped()), ALICE, policy)
    assert verdict.disposition is Disposition.DELIVER
    assert [each.code for each in verdict.reasons] == ["DEFAULT"]


def test_a_rule_that_fails_while_it_runs_is_told_even_if_it_is_passed_over(policy_of, evidence):
    policy = policy_of("  - {id: broken, when: 'links.count / 0 > 1', then: {reject: policy}, on_unknown: next}")
    verdict = decide(evidence(), ALICE, policy)
    assert verdict.disposition is Disposition.DELIVER
    assert [each.code for each in verdict.reasons] == ["DEFAULT", "BROKEN"]
    assert "divide by zero" in verdict.reasons[1].text


def test_the_default_of_on_unknown_depends_on_what_the_rule_would_do(policy_of, evidence):
    rule = "  - {{id: only, when: malware.found, then: {}}}"
    blind = evidence(malware=DEAD)
    for action in ("deliver", "{tag: spam}", "{add_header: {X-A: b}}"):
        assert decide(blind, ALICE, policy_of(rule.format(action))).disposition is Disposition.DELIVER
    for action in ("defer", "{reject: malware}", "{quarantine: malware}"):
        assert decide(blind, ALICE, policy_of(rule.format(action))).disposition is Disposition.DEFER
        held = policy_of(rule.format(action), top="on_unknown: hold")
        assert decide(blind, ALICE, held).disposition is Disposition.QUARANTINE


# ---------------------------------------------------------------- several recipients


PER_RECIPIENT = """
  - {id: refuse, for: ['no@example.org'], then: {reject: policy}}
  - {id: wait, for: ['later@example.org'], then: defer}
  - {id: own, when: 'recipient.address == "held@example.org"', then: {quarantine: policy}}
"""


@pytest.mark.parametrize(
    ("recipients", "disposition", "reply"),
    [
        (("yes@example.org",), Disposition.DELIVER, ""),
        (("no@example.org",), Disposition.REJECT, "policy"),
        (("no@example.org", "NO@example.org"), Disposition.REJECT, "policy"),
        (("yes@example.org", "no@example.org"), Disposition.QUARANTINE, ""),
        (("held@example.org", "yes@example.org"), Disposition.QUARANTINE, ""),
        (("yes@example.org", "no@example.org", "later@example.org"), Disposition.DEFER, "deferred"),
    ],
)
def test_one_data_has_one_answer(recipients, disposition, reply, policy_of, evidence):
    settlement = decide_all(evidence(recipients=recipients), policy_of(PER_RECIPIENT))
    assert (settlement.disposition, settlement.reply) == (disposition, reply)
    assert tuple(address for address, _ in settlement.verdicts) == recipients


def test_each_recipient_gets_the_verdict_that_it_would_get_alone(policy_of, evidence):
    policy = policy_of(PER_RECIPIENT)
    recipients = ("yes@example.org", "no@example.org", "held@example.org", "later@example.org")
    together = decide_all(evidence(recipients=recipients), policy).verdicts
    assert together == tuple((each, decide(evidence(recipients=recipients), each, policy)) for each in recipients)


# ---------------------------------------------------------------- lists and time


def test_an_expired_entry_stops_working_at_its_time_of_receipt(policy_of, evidence):
    policy = policy_of(
        "  - {id: partner, when: 'mail.from.in_list(\"partners\")', then: deliver}\n"
        "  - {id: rest, then: {reject: policy}}",
        lists={"partners": "  - {value: friend.example, owner: ana, reason: x, expires: '2027-01-31T12:00:00Z'}"},
    )
    ends = 1_801_396_800.0
    assert decide(evidence(received_at=ends - 1), ALICE, policy).disposition is Disposition.DELIVER
    assert decide(evidence(received_at=ends), ALICE, policy).disposition is Disposition.REJECT


# ---------------------------------------------------------------- explain


def test_explain_names_every_rule_and_the_values_of_its_variables(policy_of, evidence):
    policy = policy_of("""
  - {id: outward, direction: outbound, then: {reject: policy}}
  - {id: malware, when: malware.found, then: {reject: malware}, on_unknown: next}
  - {id: mild, when: 'spam.score > 50.0', then: {reject: spam}}
  - {id: spam, when: 'spam.score > 1.0 && links.count == 0', then: {quarantine: spam}}
  - {id: rest, then: {reject: policy}}
""")
    traces = explain(evidence(spam=spam(9.0), malware=DEAD), ALICE, policy)
    assert [(each.rule.id, each.seen) for each in traces] == [
        ("outward", Seen.NOT_CONCERNED),
        ("malware", Seen.UNKNOWN),
        ("mild", Seen.FALSE),
        ("spam", Seen.TRUE),
        ("rest", Seen.NOT_LOOKED_AT),
    ]
    assert traces[1].missing == ("malware.found",)
    assert traces[3].values == (("links.count", 0), ("spam.score", 9.0))
    assert traces[4].values == ()


outcomes_of_malware = st.sampled_from(
    [FOUND, DEAD, Skipped(), *(Known(MalwareFact(each)) for each in (MalwareResult.CLEAN, MalwareResult.UNSCANNABLE))]
)
outcomes_of_spam = st.one_of(
    st.just(Unknown("no model")), st.just(Skipped()), st.floats(-20, 30).map(lambda score: spam(round(score, 1)))
)
outcomes_of_dmarc = st.one_of(
    st.just(Unknown("DNS timed out")),
    st.builds(
        lambda result, policy: Known(DmarcFact(result, "a.example", policy)),
        st.sampled_from([Auth.PASS, Auth.FAIL, Auth.NONE, Auth.TEMPERROR]),
        st.sampled_from(["", "none", "quarantine", "reject"]),
    ),
)
outcomes_of_content = st.sampled_from(
    [Unknown("killed"), Skipped(), Known(ContentFact()), Known(ContentFact(unscannable=("archive.encrypted",)))]
)
changes = st.fixed_dictionaries(
    {
        "malware": outcomes_of_malware,
        "spam": outcomes_of_spam,
        "dmarc": outcomes_of_dmarc,
        "content": outcomes_of_content,
        "direction": st.sampled_from(["inbound", "outbound"]),
    }
)
conditions = st.sampled_from(
    [
        "",
        "malware.found",
        "spam.score >= 8.0",
        'dmarc.result == "fail"',
        "content.unscannable.size() > 0 || malware.found",
        'recipient.address == "alice@example.org"',
        "unknown.dmarc",
        "links.count / 0 == 1",
    ]
)
rules = st.lists(
    st.tuples(
        conditions,
        st.sampled_from([*ACTIONS.values(), "{tag: spam}", "{add_header: {X-A: b}}"]),
        st.sampled_from(sorted(DEMAND)),
        st.sampled_from(["inbound", "outbound", "any"]),
    ),
    max_size=6,
)


def written(drawn) -> str:
    return "\n".join(
        f"  - {{id: r{n}, when: '{when}', then: {then}, on_unknown: {on_unknown}, direction: {direction}}}"
        for n, (when, then, on_unknown, direction) in enumerate(drawn)
    )


@settings(deadline=None)
@given(changes=changes, drawn=rules)
def test_explain_agrees_with_decide(policy_of, evidence, changes, drawn):
    """The rule of the verdict is the one that explain shows as true or, in doubt, as unknown; all before it were seen
    and passed over, none after a true one that ends the matter was looked at."""
    policy, seen = policy_of(written(drawn)), evidence(**changes)
    verdict, traces = decide(seen, ALICE, policy), explain(seen, ALICE, policy)
    assert [each.rule for each in traces] == [each.ref for each in policy.rules]
    ends = [
        trace.rule
        for trace, rule in zip(traces, policy.rules, strict=True)
        if trace.seen is Seen.TRUE and rule.effect.disposition is not None
    ]
    doubtful = [each.rule for each in traces if each.seen is Seen.UNKNOWN]
    assert len(ends) <= 1
    assert verdict.rule in (ends or [None]) or verdict.rule in doubtful
    looked = [each.seen is not Seen.NOT_LOOKED_AT for each in traces]
    assert looked == sorted(looked, reverse=True)
    assert all(looked) or traces[looked.index(False) - 1].rule == ends[0]


@settings(deadline=None)
@given(changes=changes, drawn=rules)
def test_knowing_less_never_makes_a_refusal_a_permit(policy_of, evidence, changes, drawn):
    """If the rules that are in doubt would defer, then whatever a message is refused for while all is known is not
    delivered when a check falls silent."""
    strict = [(when, then, "defer", direction) for when, then, _, direction in drawn if then != "deliver"]
    strict = [each for each in strict if "unknown." not in each[0]]
    policy, whole = policy_of(written(strict)), evidence(**changes)
    known = decide(whole, ALICE, policy)
    for check in ("malware", "spam", "dmarc", "content"):
        blind = decide(_without(whole, check), ALICE, policy)
        if known.disposition >= Disposition.DEFER:
            assert blind.disposition >= Disposition.QUARANTINE


def _without(evidence: Evidence, check: str) -> Evidence:
    return replace(evidence, **{check: Unknown("silent")})


@settings(deadline=None)
@given(changes=changes, drawn=rules)
def test_a_verdict_survives_the_record(policy_of, evidence, changes, drawn):
    """The evidence as JSON gives the same verdict again: a replay needs nothing else."""
    policy, seen = policy_of(written(drawn)), evidence(**changes)
    assert decide_all(Evidence.from_json(seen.to_json()), policy) == decide_all(seen, policy)


@pytest.mark.parametrize(
    ("network", "disposition", "rule"),
    [
        (Known(NetworkFact(64500, "Example")), Disposition.REJECT, "asn"),
        (Known(NetworkFact(64501, "Other")), Disposition.DELIVER, None),
        (Known(NetworkFact()), Disposition.DELIVER, None),
        (Unknown("no map is configured"), Disposition.DEFER, "asn"),
    ],
    ids=["that one", "another", "on no map", "no map"],
)
def test_a_rule_about_a_network_fires(evidence, policy_of, network, disposition, rule):
    policy = policy_of("  - {id: asn, when: 'client.asn == 64500', then: {reject: policy}}")
    client = replace(evidence().client, network=network)
    verdict = decide(evidence(client=client), "alice@example.org", policy)
    assert (verdict.disposition, verdict.rule and verdict.rule.id) == (disposition, rule)


# ---------------------------------------------------------------- taking parts out


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
