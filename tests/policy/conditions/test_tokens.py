"""gateway/policy/conditions/tokens.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.conditions.tokens import Kind, text_arguments, tokens, variables

DECLARED = ("client.ip", "spam.score", "spam.probability.spam", "mail.from", "mail.from_domain")


def test_tokens_have_kind_and_offset():
    found = [(each.kind, each.text, each.start) for each in tokens("a.b >= 8.0 // why\n&& 'x\\'y' != 2")]
    assert found == [
        (Kind.NAME, "a", 0),
        (Kind.SIGN, ".", 1),
        (Kind.NAME, "b", 2),
        (Kind.SIGN, ">", 4),
        (Kind.SIGN, "=", 5),
        (Kind.DOUBLE, "8.0", 7),
        (Kind.SIGN, "&", 18),
        (Kind.SIGN, "&", 19),
        (Kind.TEXT, "'x\\'y'", 21),
        (Kind.SIGN, "!", 28),
        (Kind.SIGN, "=", 29),
        (Kind.INT, "2", 31),
    ]


@pytest.mark.parametrize("text", ['"a\\"b"', "r'\\'", "'''a'b\n'''", '"""a"b"""', "b'x'", "rb'x'", 'R"\\"'])
def test_a_text_is_one_token_in_every_form(text):
    assert [each.kind for each in tokens(f"{text} + 1")] == [Kind.TEXT, Kind.SIGN, Kind.INT]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("client.ip == 'spam.score'", {"client.ip"}),
        ('client.ip.in_network("x")', {"client.ip"}),
        ("client . ip == 'x' // spam.score", {"client.ip"}),
        ("client.\n  ip == 'x'", {"client.ip"}),
        ("mail.from_domain == mail.from", {"mail.from", "mail.from_domain"}),
        ("spam.probability.spam > 0.5", {"spam.probability.spam"}),
        ("spam.probability > 0.5", set()),
        ("[1].exists(client, client.ip == 'x')", {"client.ip"}),
        ("!(spam.score>1.0)||(.client.ip)==''", {"spam.score", "client.ip"}),
    ],
)
def test_the_variables_of_an_expression(expression, names):
    assert variables(expression, DECLARED) == names


@given(st.lists(st.sampled_from(DECLARED)), st.sampled_from([" || ", "\n&&", "==", " // c\n + ", "(", ")", ", '.' ,"]))
def test_however_they_are_joined_all_variables_are_found(names, joint):
    assert variables(joint.join(names), DECLARED) == set(names)


@given(st.text(max_size=300) | st.text(alphabet="'\"\\rb\n/ax.(", max_size=300))
def test_every_character_but_blanks_and_comments_is_in_one_token(text):
    found = tokens(text)
    assert all(text[each.start : each.start + len(each.text)] == each.text for each in found)
    ends = [0, *(each.start + len(each.text) for each in found)]
    begins = [*(each.start for each in found), len(text)]
    for end, begin in zip(ends, begins, strict=True):
        between = text[end:begin]
        assert not between.strip() or "//" in between


def test_an_unclosed_text_does_not_take_long():
    assert tokens("'''" + "\\\\" * 2000)  # a pattern that backtracks would not come back


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('a.f("x")', [("f", '"x"')]),
        ('f(a, "x")', [("f", '"x"')]),
        ('a.f("x" + b)', []),
        ('a.f("x" + "y")', []),
        ('a.g("x")', []),
        ('a.f(("x"))', []),
        ('a.f(b.g("y")) || c.f("z")', [("f", '"z"')]),
        ('a.f(")")', [("f", '")"')]),
        ("f(", []),
        ("))f('x')", [("f", "'x'")]),
    ],
)
def test_literal_arguments(expression, found):
    assert [(each.function, each.literal.text) for each in text_arguments(expression, ("f",))] == found
