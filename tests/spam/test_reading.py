"""Text to hashed words and pieces: what is folded, what is taken out, and that any text can be read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spam.reading import MAX_TEXT, joined_spelling, read


def words(text: str) -> list[str]:
    reading = read(text)
    return [reading.shown(number) for number in range(len(reading.starts))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, WORLD!", ["hello", "world"]),
        ("in 2007 and 19.99", ["in", "0", "and", "0", "0"]),
        ("café Ünïcode", ["cafe", "unicode"]),
        ("V\u0456\u0430gra p\u200bills", ["viagra", "pills"]),
        ("Mi\U000e0139cro\u00adsoft", ["microsoft"]),
        ("𝗦𝗵𝗶𝗽𝗽𝗶𝗻𝗴", ["shipping"]),
        ("привет мир", ["привет", "мир"]),
        ("see https://shop.example/a?b=c or www.shop.example now", ["see", "or", "now"]),
        ("write to ann@shop.example today", ["write", "to", "today"]),
        ("", []),
        (" \r\n\t ", []),
        ("😀 party 🎉", ["party"]),
    ],
)
def test_words_are_folded_and_addresses_taken_out(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("other", ["VIAGRA", "v\u200biagra", "vi\u0430gra", "vìágra", "ｖｉａｇｒａ"])
def test_disguises_of_a_word_have_its_hash(other: str) -> None:
    plain, disguised = read("viagra").words(7)[0], read(other).words(7)[0]
    assert plain.tolist() == disguised.tolist()


def test_the_hash_of_a_word_does_not_depend_on_its_place() -> None:
    first = read("alpha beta").words(1)[0]
    later = read("one two three alpha beta").words(1)[0]
    assert first.tolist() == later[-2:].tolist()
    assert read("alpha beta").pairs(1)[0][0] == read("one two three alpha beta").pairs(1)[0][-1]
    assert set(read("beta").pieces(1)[0].tolist()) <= set(read("alpha beta").pieces(1)[0].tolist())


def test_seeds_and_kinds_keep_hashes_apart() -> None:
    reading = read("alpha beta")
    assert not set(reading.words(1)[0].tolist()) & set(reading.words(2)[0].tolist())
    assert not set(reading.words(1)[0].tolist()) & set(reading.pairs(1)[0].tolist())


def test_pieces_belong_to_their_word_and_stay_inside_it() -> None:
    reading = read("abc de")
    hashes, owners = reading.pieces(1)
    # " ab" "abc" "bc " " abc" "abc " " abc " and " de" "de " ... but nothing with a blank inside.
    assert sorted(owners.tolist()) == [0] * 6 + [1] * 3
    assert len(set(hashes.tolist())) == 9


@pytest.mark.parametrize(
    ("text", "expected"), [("buy v i a g r a now", "viagra"), ("c-a-s-i-n-o", "casino"), ("a b is c", ""), ("", "")]
)
def test_words_spelt_with_gaps_are_put_together(text: str, expected: str) -> None:
    assert joined_spelling(text) == expected


@given(st.text(max_size=300) | st.text(alphabet="ab 1é\u200b\u0430😀\ud800", max_size=200))
def test_any_text_is_read_and_what_is_shown_has_as_many_words(text: str) -> None:
    reading = read(text)
    assert len(reading.starts) == len(reading.ends)
    shown = [reading.shown(number) for number in range(len(reading.starts))]
    assert all(word and " " not in word for word in shown)
    for hashes, owners in (reading.words(1), reading.pairs(1), reading.pieces(1)):
        assert len(hashes) == len(owners)
        assert hashes.dtype == np.uint64
        assert not len(owners) or 0 <= owners.min() <= owners.max() < len(shown)


def test_a_long_text_is_cut() -> None:
    assert len(read("a" * 10 * MAX_TEXT).codes) <= MAX_TEXT + 2
    assert len(read("é" * 10 * MAX_TEXT).codes) <= MAX_TEXT + 2
    assert len(read("ﷺ" * MAX_TEXT).codes) <= MAX_TEXT + 2, "one character that folds into eighteen"
