"""gateway/spam/fingerprint.py: near copies of a text are known again, and nothing else is."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.content import MailClass
from gateway.spam.fingerprint import FEWEST, SIZE, fingerprint_of
from gateway.spam.reading import MAX_WORD
from gateway.spam.site.reported import Reported, Word
from tests.spam.makings import anatomy_of

PIECES = ("lo", "mar", "tin", "den", "ka", "ros", "vel", "umb", "ter", "gan", "ish", "pol", "wen", "dri", "sal", "hob")


def word(draw: random.Random) -> str:
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 3)))


def text_of(draw: random.Random, words: int) -> list[str]:
    return [word(draw) for _ in range(words)]


def likeness(taught: str, seen: str) -> float:
    """How like the second is to the first, once that was taught; 0.0 where it is not taken for it."""
    known = Reported.of([Word("0" * 64, "ann", MailClass.SPAM, 0.0)], [fingerprint_of(anatomy_of(taught)).tolist()])
    return known.about(fingerprint_of(anatomy_of(seen)).tolist(), now=1.0).likeness


def changed(draw: random.Random, words: list[str], share: float) -> str:
    """Every so manieth word, wherever it stands, is another one."""
    places = set(draw.sample(range(len(words)), round(len(words) * share)))
    return " ".join("other" + word(draw) if place in places else each for place, each in enumerate(words))


@given(st.integers(0, 10**6), st.integers(60, 900))
def test_one_word_in_twenty_may_change(seed: int, length: int) -> None:
    draw = random.Random(seed)
    words = text_of(draw, length)
    assert likeness(" ".join(words), changed(draw, words, 0.05)) > 0.0


@given(st.integers(0, 10**6), st.integers(30, 900), st.integers(30, 900))
def test_another_text_is_never_like(seed: int, one: int, other: int) -> None:
    draw = random.Random(seed)
    assert likeness(" ".join(text_of(draw, one)), " ".join(text_of(draw, other))) == 0.0


@given(st.integers(0, 10**6), st.booleans())
def test_an_honest_text_around_it_hides_nothing(seed: int, before: bool) -> None:
    draw = random.Random(seed)
    taught, honest = text_of(draw, 150), " ".join(text_of(draw, 150))
    again = changed(draw, taught, 0.05)
    assert likeness(" ".join(taught), f"{honest} {again}" if before else f"{again} {honest}") > 0.0


def test_disguised_letters_new_numbers_and_other_links_change_nothing() -> None:
    words = text_of(random.Random(1), 80)
    plain = " ".join([*words, "order", "4711", "at", "https://one.example/a"])
    disguised = " ".join([*(each.replace("a", "а").replace("e", "é") for each in words), "order", "99", "at"])
    assert likeness(plain, f"{disguised} https://two.example/bbb") == 1.0


def test_a_script_without_spaces_is_known_by_its_pieces() -> None:
    draw = random.Random(2)
    signs = [chr(draw.randint(0x4E00, 0x9000)) for _ in range(300)]
    again = list(signs)
    for place in draw.sample(range(300), 15):
        again[place] = "好"
    assert likeness("".join(signs), "".join(again)) > 0.0
    assert likeness("".join(signs), "".join(draw.sample(signs, 300))) == 0.0


def test_a_short_text_has_no_fingerprint() -> None:
    draw = random.Random(3)
    assert not len(fingerprint_of(anatomy_of(" ".join(text_of(draw, FEWEST - 1)))))
    assert not len(fingerprint_of(anatomy_of("thanks a lot " * 500)))
    assert not len(fingerprint_of(anatomy_of("")))


@given(st.text(max_size=3000) | st.text("ab 漢", min_size=MAX_WORD, max_size=3000))
def test_any_text_has_an_ascending_fingerprint_or_none(text: str) -> None:
    found = fingerprint_of(anatomy_of(text)).astype(np.int64)
    assert len(found) == 0 or FEWEST <= len(found) <= SIZE
    assert (np.diff(found) > 0).all()
