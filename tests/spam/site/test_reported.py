"""gateway/spam/site/reported.py and weighing.py: what people called mail is known again by its text, within bounds."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy.examine import examine
from gateway.facts.content import REST, START, MailClass, Signal, SpamFact
from gateway.facts.reported import ReportedFact
from gateway.spam.fingerprint import SIZE, fingerprint_of
from gateway.spam.site.reported import (
    INDEX,
    MOST_LESSONS,
    NOBODY,
    OLD,
    Reported,
    ReportedError,
    Word,
    heard,
    read,
    write,
)
from gateway.spam.site.teaching import MOST_BY_PERSON, MOST_OF_SENDER, OPERATOR, Taught
from gateway.spam.site.weighing import NAME, ONE, weighed
from tests.spam.makings import letter

HAM, SPAM, PHISHING = MailClass.HAM, MailClass.SPAM, MailClass.PHISHING
ROOT = Path(__file__).parents[3]


def sample(seed: int) -> tuple[int, ...]:
    return tuple(sorted(random.Random(seed).sample(range(2**32 - 1), SIZE)))


def near(seed: int, kept: int = 56) -> tuple[int, ...]:
    """Like the sample of that seed, with others in place of some hashes."""
    own, others = sample(seed), sample(seed + 10_000)
    return tuple(sorted({*own[:kept], *others[: SIZE - kept]}))


def word(by: str, label: MailClass = SPAM, *, at: float = 0.0, digest: str = "a") -> Word:
    return Word(digest, by, label, at)


def of(*rows: tuple[Word, tuple[int, ...]]) -> Reported:
    return Reported.of([each for each, _ in rows], [fingerprint for _, fingerprint in rows])


def taught(number: int, label: MailClass = SPAM, *, by: str = "ann", sender: str = "") -> Taught:
    return Taught(float(number), by, "report", label, f"{number:064x}", sender or f"{number}.example")


def test_who_called_it_what_and_how_like_it_is() -> None:
    known = of((word("ann", at=1.0), near(1)), (word("ben", PHISHING, at=2.0, digest="b" * 64), sample(1)))
    fact = known.about(sample(1), now=9.0)
    assert fact.by == ("ben", "ann")
    assert (fact.voices, fact.likeness, fact.digest, fact.at) == (2, 1.0, "b" * 12, 2.0)
    assert known.about(sample(2), now=9.0) == ReportedFact()


def test_nobody_is_heard_twice_and_the_operator_counts_for_two() -> None:
    assert of(*((word("ann", at=float(n)), near(1)) for n in range(50))).about(sample(1), now=99.0).voices == 1
    assert of((word(OPERATOR), near(1))).about(sample(1), now=9.0).voices == 2


def test_who_wants_such_mail_silences_all_who_do_not() -> None:
    crowd = [(word(f"p{n}", at=9.0), near(1)) for n in range(10)]
    assert of(*crowd).about(sample(1), now=10.0).voices == 10
    assert of(*crowd, (word("ann", HAM, at=1.0), near(1, kept=50))).about(sample(1), now=10.0) == ReportedFact()


def test_of_one_person_the_last_word_counts() -> None:
    release, move = (word("ann", HAM, at=1.0), near(1)), (word("ann", SPAM, at=2.0), sample(1))
    assert of(release, move).about(sample(1), now=9.0).voices == 1
    assert of((replace(release[0], at=3.0), release[1]), move).about(sample(1), now=9.0).voices == 0


def test_a_lesson_grows_old() -> None:
    known = of((word("ann"), sample(1)))
    assert known.about(sample(1), now=OLD - 1.0).voices == 1
    assert known.about(sample(1), now=OLD + 1.0).voices == 0
    assert heard([taught(1)], now=OLD + 2.0) == []


def test_one_who_poisons_fills_a_bounded_room_and_pushes_nobody_out() -> None:
    honest = [taught(n, HAM, by="ben") for n in range(50)]
    poison = [taught(1_000 + n, by="mallory", sender="x.example" if n % 2 else "") for n in range(5_000)]
    kept = heard(honest + poison, now=7_000.0)
    assert sum(each.by == "mallory" for each in kept) == MOST_BY_PERSON
    assert sum(each.by == "ben" for each in kept) == 50
    crowd = [taught(n, by=f"p{n}", sender="x.example") for n in range(300)]
    assert len(heard(crowd, now=999.0)) == MOST_OF_SENDER
    many = [taught(n, by=OPERATOR) for n in range(MOST_LESSONS + 5)]
    assert [each.at for each in heard(many, now=20_000.0)] == [float(n) for n in range(5, MOST_LESSONS + 5)]


def test_what_was_written_is_read_and_maps_the_array(tmp_path: Path) -> None:
    assert read(tmp_path / "none") is NOBODY
    known = of((word("ann"), sample(1)), (word("ben", HAM, digest="b"), ()))
    write(tmp_path, known)
    write(tmp_path, known)
    found = read(tmp_path)
    assert found.words == known.words
    assert found.fingerprints() == {"a": sample(1), "b": ()}
    assert not found.array.flags.writeable
    write(tmp_path, NOBODY)
    assert read(tmp_path).words == ()
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_what_is_damaged_is_refused(tmp_path: Path) -> None:
    write(tmp_path, of((word("ann"), sample(1))))
    (array,) = tmp_path.glob("*.npy")
    octets, index = array.read_bytes(), (tmp_path / INDEX).read_text()
    array.write_bytes(octets[:-1] + bytes([octets[-1] ^ 1]))
    with pytest.raises(ReportedError, match="refused"):
        read(tmp_path)
    array.unlink()
    with pytest.raises(ReportedError, match="not there"):
        read(tmp_path)
    array.write_bytes(octets)
    for text in ("", "[]", "{}", json.dumps({**json.loads(index), "lessons": [["a", 7, "spam", 0.0]]})):
        (tmp_path / INDEX).write_text(text)
        with pytest.raises(ReportedError):
            read(tmp_path)


@given(st.lists(st.integers(), max_size=80))
def test_whatever_a_jailed_process_calls_a_fingerprint_harms_nobody(said: list[int]) -> None:
    known = of((word("ann"), sample(1)), (word("ben"), tuple(said)))
    assert known.about(sample(1), now=1.0).voices == 1
    known.about(said, now=1.0)


def test_of_all_messages_of_the_tests_only_two_that_were_written_after_the_taught_ones_are_like_them() -> None:
    regression = ROOT / "models/regression"
    unwanted = sorted([*regression.glob("spam/*.eml"), *regression.glob("phishing/*.eml")])
    rest = sorted([*ROOT.glob("samples/*.eml"), *regression.glob("ham/*.eml"), *ROOT.glob("tests/suites/**/*.eml")])
    assert len(unwanted) >= 10
    assert len(rest) >= 150

    def fingerprint(octets: bytes) -> tuple[int, ...]:
        return tuple(fingerprint_of(examine(octets)).tolist())

    known = of(*((word(file.stem, digest=file.stem), fingerprint(file.read_bytes())) for file in unwanted))

    def like(octets: bytes) -> tuple[str, ...]:
        return known.about(fingerprint(octets), now=1.0).by

    found = {file.name: by for file in rest if (by := like(file.read_bytes()))}
    assert found == {"03-phishing.eml": ("paypal",), "04-spam.eml": ("pills",)}
    draw = random.Random(5)
    assert not any(like(letter(draw, label)) for label in ("ham", "spam", "phishing") for _ in range(60))


# ------------------------------------------------------------------ what it adds

CALM = SpamFact(
    HAM,
    {"ham": 0.880797, "spam": 0.1, "phishing": 0.019203},
    -2.0,
    (Signal("text", -1.5, "agenda"), Signal(REST, 0.25, "3 further words"), Signal(START, -0.75, "before")),
)


@pytest.mark.parametrize(("voices", "weight"), [(1, ONE), (2, 2 * ONE), (9, 2 * ONE)])
def test_the_word_of_people_is_a_bounded_signal_and_all_still_sum_to_the_score(voices: int, weight: float) -> None:
    found = weighed(CALM, ReportedFact(tuple("abcdefghi"[:voices]), voices, 0.94, SPAM))
    assert found.score == pytest.approx(CALM.score + weight)
    assert sum(each.weight for each in found.signals) == pytest.approx(found.score)
    (signal,) = [each for each in found.signals if each.name == NAME]
    assert signal.weight == weight
    assert "called a text spam of which 94% stands here" in signal.evidence
    assert found.signals[-1].name == START
    assert sum(found.probability.values()) == pytest.approx(1.0, abs=1e-5)
    assert found.probability["ham"] == pytest.approx(1 / (1 + np.exp(found.score)), abs=1e-5)
    assert found.mail_class is (SPAM if found.score > 0 else HAM)


def test_where_nobody_said_anything_nothing_changes() -> None:
    assert weighed(CALM, ReportedFact()) is CALM
