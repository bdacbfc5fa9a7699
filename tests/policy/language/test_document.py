"""gateway/policy/language/document.py"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.language.document import MAX_TEXT, Place, read


def test_values_and_keys_know_where_they_stand():
    found = read("f", "version: 1\nrules:\n  - id: a\n    then: {reject: spam}\n")
    assert found.plain == {"version": 1, "rules": [{"id": "a", "then": {"reject": "spam"}}]}
    assert found.place(("rules", 0)) == Place(3, 5)
    assert found.place(("rules", 0, "then", "reject")) == Place(4, 20)
    assert found.key_place(("rules", 0, "then", "reject")) == Place(4, 12)
    assert found.place(("rules", 0, "nothing", "here")) == Place(3, 5), "the nearest thing around it"


@pytest.mark.parametrize("text", ["no", "yes", "on", "off", "1:30", "0777", "1_000", "2027-01-31", "0x10", "1e400x"])
def test_the_traps_of_yaml_1_1_stay_text(text):
    assert read("f", f"a: {text}").plain == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("-3", -3), ("0", 0), ("1.5", 1.5), ("true", True), ("False", False), ("~", None)]
)
def test_plain_scalars_have_their_plain_type(text, value):
    found = read("f", f"a: {text}").plain["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_number_too_long_for_anybody_stays_text():
    digits = "9" * 5000
    assert read("f", f"a: {digits}").plain == {"a": digits}


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("a: &x 1", "anchors and aliases", (1, 4)),
        ("a: *x", "anchors and aliases", (1, 4)),
        ("a: 1\na: 2", "stands twice", (2, 1)),
        ("? [1]\n: 2", "a key must be a word", (1, 3)),
        ("a: !!python/name:os.system x", "the tag os.system", (1, 4)),
        ("a: 1\n--- \nb: 2", "not YAML", (2, 1)),
        ("[" * 5000 + "]" * 5000, "nested deeper", (1, 13)),
        ("a: \x01", "not YAML", (1, 1)),
        ("a: \ud800", "not UTF-8", (1, 1)),
        ("x" * (MAX_TEXT + 1), "longer than", (1, 1)),
    ],
)
def test_what_a_policy_does_not_need_is_refused_with_its_place(text, said, place):
    (problem,) = read("f", text).problems
    assert said in problem.text
    assert (problem.line, problem.column) == place


def test_an_alias_bomb_is_refused_before_anything_is_built():
    levels = [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    bomb = "\n".join(["x0: &x0 lol", *levels])
    found = read("f", bomb)
    assert found.plain is None
    assert found.problems[0].line == 1


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("a: one two", 4, (1, 8)),
        ("a: 'one two'", 4, (1, 9)),
        ('a: "one two"', 4, (1, 9)),
        ("a: |\n  one\n  two\n", 4, (3, 3)),
        ("a: >-\n  one\n  two\n", 4, (3, 3)),
        ("a: one\n   two\n", 5, (2, 5)),
        ("a: 'one''s two'", 6, (1, 4)),
        ("a: one", 3, (1, 7)),
    ],
    ids=["plain", "single", "double", "literal", "folded", "plain lines", "escaped: the begin", "past the end"],
)
def test_a_character_of_a_text_is_found_again_in_the_file(text, offset, place):
    assert read("f", text).place_within(("a",), offset=offset) == Place(*place)


@settings(deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"\n #,?%", max_size=200), st.integers(0, 300))
def test_any_text_gives_a_document_whose_places_stand_in_the_file(text, offset):
    found = read("f", text)
    for path in found.values:
        for place in (found.place(path), found.place_within(path, offset=offset)):
            assert 1 <= place.line <= max(1, len(found.lines)) + 1
            assert place.column >= 1
