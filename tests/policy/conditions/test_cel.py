"""gateway/policy/conditions/cel.py"""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.facts.connection import ClientFact
from gateway.facts.content import ContentFact, LinkFact
from gateway.facts.evidence import MessageFact
from gateway.facts.outcome import Known
from gateway.policy.conditions.cel import (
    FALSE,
    MAX_EXPRESSION,
    TRUE,
    Answer,
    Condition,
    ConditionError,
    Facts,
    Language,
    facts_of,
)
from gateway.policy.conditions.vocabulary import VARIABLES, Case, Scope, in_scope
from gateway.policy.lists import Entry, EntryList

LISTS = {"partners": EntryList([Entry("partner.example", "ana", "invoices", 1000.0)])}
LANGUAGE = Language(VARIABLES, LISTS)

A, B = "malware.found", "message.gtube"  # two variables that are true, false or not known
STATES = (True, False, None)


def ask(expression: str, at: float = 0.0, **values: object):
    dotted = {name.replace("__", "."): value for name, value in values.items()}
    return LANGUAGE.compile(expression).ask(Facts(dotted, at=at))


def three_valued(expression: str, a: bool | None, b: bool | None) -> bool | None:
    facts = {name: value for name, value in ((A, a), (B, b)) if value is not None}
    return {Answer.TRUE: True, Answer.FALSE: False, Answer.UNKNOWN: None}[
        LANGUAGE.compile(expression).ask(Facts(facts, at=0.0)).answer
    ]


def kleene_and(a, b):
    return False if a is False or b is False else (None if a is None or b is None else True)


def kleene_or(a, b):
    return True if a is True or b is True else (None if a is None or b is None else False)


@pytest.mark.parametrize(("a", "b"), list(product(STATES, STATES)))
def test_the_truth_table_of_three_valued_logic(a, b):
    """Kleene's strong logic of indeterminacy: doubt spreads only where it could change the answer."""
    assert three_valued(f"{A} && {B}", a, b) is kleene_and(a, b)
    assert three_valued(f"{A} || {B}", a, b) is kleene_or(a, b)
    assert three_valued(f"!{A}", a, b) is (None if a is None else not a)
    assert three_valued(f"{A} == {B}", a, b) is (None if a is None or b is None else a is b)
    assert three_valued(f"{A} ? {B} : false", a, b) is (None if a is None else (b if a else False))


booleans = st.recursive(
    st.sampled_from([A, B, "true", "false"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(booleans)
def test_an_answer_given_in_doubt_is_the_answer_whatever_the_truth_turns_out_to_be(expression):
    in_doubt = three_valued(expression, None, None)
    if in_doubt is not None:
        assert {three_valued(expression, a, b) for a, b in product((True, False), repeat=2)} == {in_doubt}


def test_unknown_names_every_variable_that_was_missing():
    truth = ask("spam.score > 1.0 && malware.found && links.count > 1", links__count=5)
    assert truth.answer is Answer.UNKNOWN
    assert truth.missing == ("malware.found", "spam.score")


def test_known_answers_carry_nothing():
    assert ask("spam.score >= 8.0", spam__score=8.0) is TRUE
    assert ask("spam.score >= 8.0", spam__score=7.99) is FALSE


@pytest.mark.parametrize(
    "expression",
    [
        "links.count / 0 == 1",
        "links.hosts[7] == 'x'",
        'client.ip.in_network("192.0.2.0/24")',
        "links.count + 9223372036854775807 > 0",
    ],
)
def test_what_fails_while_it_runs_is_unknown_and_never_false(expression):
    truth = ask(expression, links__count=1, links__hosts=[], client__ip="not an address")
    assert truth.answer is Answer.UNKNOWN
    assert truth.why


def test_a_condition_that_would_run_long_is_given_up_as_unknown():
    many = [f"h{n}.example" for n in range(300)]
    truth = ask("links.hosts.exists(a, links.hosts.exists(b, a + b == 'x'))", links__hosts=many)
    assert truth.answer is Answer.UNKNOWN
    assert "budget" in truth.why


def test_no_message_makes_a_regular_expression_run_long():
    assert ask('message.subject.matches("(a+)+$")', message__subject="a" * 50_000 + "b") is FALSE


def test_hostile_text_reaches_the_engine_and_cannot_break_it(evidence):
    hostile = evidence(
        message=MessageFact(1, subject="\ud800\udcff\0\U0010ffff"), client=ClientFact("192.0.2.1", helo="\udc80")
    )
    facts = facts_of(Case(hostile), ["message.subject", "client.helo"])
    assert LANGUAGE.compile('message.subject != "x" && client.helo != "x"').ask(facts) is TRUE


any_text = st.text(st.characters(codec=None))


@settings(deadline=None)
@given(subject=any_text, recipient=any_text, host=any_text)
def test_any_facts_give_an_answer(evidence, subject, recipient, host):
    hostile = evidence(
        message=MessageFact(1, subject=subject), content=Known(ContentFact((), (LinkFact("", "", host),)))
    )
    condition = LANGUAGE.compile('message.subject in links.hosts || recipient.address.in_list("partners")')
    facts = facts_of(Case(hostile), ["message.subject", "links.hosts"]).with_recipient(recipient)
    assert condition.ask(facts).answer in (Answer.TRUE, Answer.FALSE)


def test_lists_are_asked_at_the_time_of_the_message():
    expression = 'mail.from.in_list("partners")'
    assert ask(expression, at=999.9, mail__from="bob@partner.example") is TRUE
    assert ask(expression, at=1000.0, mail__from="bob@partner.example") is FALSE
    hosts = ["a.example", "partner.example"]
    assert ask('links.hosts.any_in_list("partners")', at=999.9, links__hosts=hosts) is TRUE
    assert ask('links.hosts.any_in_list("partners")', at=1000.0, links__hosts=hosts) is FALSE


def test_our_own_functions():
    assert ask('client.ip.in_network("2001:db8::/32")', client__ip="2001:db8::9") is TRUE
    assert ask('mail.from.under("a.example")', mail__from="x@b.a.example") is TRUE
    assert ask('mail.from.under("a.example")', mail__from="x@ba.example") is FALSE


def test_the_recipient_is_added_to_the_facts_of_the_message():
    condition = LANGUAGE.compile('recipient.domain == "example.org" && malware.found')
    assert condition.about_recipient
    assert condition.ask(Facts({A: True}, at=0.0).with_recipient("Alice@Example.ORG")) is TRUE


@pytest.mark.parametrize(
    ("expression", "offset", "text", "mend"),
    [
        ("spam.score > 1", 11, "does not go with double and int", "write 1.0 instead of 1"),
        ("links.count > 1.0 && true", 12, "does not go with int and double", "write 1 instead of 1.0"),
        ("links.count > 3 && spam.score > 1", 30, "does not go with double and int", "write 1.0 instead of 1"),
        ("true &&\n  spam.scor > 1.0", 10, "there is no `spam.scor`", "`spam.score`"),
        ("mail.from.undr('x')", 10, "there is no `undr`", "`under`"),
        ("", 0, "Syntax error", "check quotes"),
        ("spam.score", 0, "this is a double", "compare it"),
        ("dyn(malware.found)", 0, "true or false", "compare it"),
        ('client.ip.in_network("x" )', 21, "not a network", "192.0.2.0/24"),
        ('message.subject.matches(r"(")', 24, "not a regular expression", "RE2"),
        ('mail.from.in_list("partner")', 18, "no list `partner`", "`partners`"),
        ("mail.from.in_list(client.helo)", 10, "text in quotes", 'in_list("name")'),
        ("x" * (MAX_EXPRESSION + 1), 0, "longer than", "list"),
        ("!" * 50 + "(" * 50, 0, "recursion limit", "flatter"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_mend(expression, offset, text, mend):
    with pytest.raises(ConditionError) as caught:
        LANGUAGE.compile(expression)
    fault = caught.value.faults[0]
    assert text in fault.text
    assert mend in fault.mend
    assert fault.offset == offset


def test_a_group_cannot_ask_about_the_message():
    with pytest.raises(ConditionError) as caught:
        Language(in_scope(Scope.CLIENT), {}).compile("spam.score > 1.0")
    assert caught.value.faults[0].text == "`spam.score` is not known yet when a client connects"


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=80) | st.text(alphabet="spam.core()[]{}'\"\\ <>=&|!?:+-,0123\n", max_size=80))
def test_any_text_is_a_condition_or_a_condition_error(text):
    try:
        assert isinstance(LANGUAGE.compile(text), Condition)
    except ConditionError as error:
        assert error.faults
        assert all(0 <= each.offset <= len(text) for each in error.faults)
