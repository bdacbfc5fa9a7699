"""What a site is taught: kept through crashes, taken back, and never much by one person or about one sender."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.content import MailClass
from gateway.spam.site.teaching import (
    LEAST,
    MOST_BY_PERSON,
    MOST_OF_SENDER,
    MOST_TO_ONE,
    OPERATOR,
    Ledger,
    Taught,
    TeachingError,
    accepted,
)
from gateway.spam.training.corpus import MAX_MESSAGE

HAM, SPAM = MailClass.HAM, MailClass.SPAM


def taught(number: int, label: MailClass = HAM, by: str = OPERATOR, sender: str = "") -> Taught:
    return Taught(float(number), by, "command", label, f"{number:064x}", sender or f"{number}.example")


def teach(ledger: Ledger, number: int, label: MailClass = HAM, by: str = "ann") -> Taught:
    octets = f"Subject: {number}\r\n\r\n{number}\r\n".encode()
    return ledger.teach(octets, label=label, by=by, way="report", sender=f"{number}.example", at=float(number))


def test_lessons_come_back_in_order_with_their_teacher(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "lessons")
    wanted = [teach(ledger, 1), teach(ledger, 2, SPAM, "bob")]
    assert Ledger(tmp_path / "lessons").lessons() == (wanted, 0)


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first = teach(ledger, 1)
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(b'{"at": 2.0, "by": "an')
    assert ledger.lessons() == ([first], 1)
    last = teach(ledger, 3)
    assert ledger.lessons() == ([first, last], 1)


@given(st.binary(max_size=300))
def test_any_octets_are_a_ledger(tmp_path_factory: pytest.TempPathFactory, octets: bytes) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "ledger.jsonl").write_bytes(octets)
    last = teach(Ledger(folder), 1)
    assert Ledger(folder).lessons()[0][-1] == last


def test_a_digest_that_is_a_path_is_damage(tmp_path: Path) -> None:
    row = '{"at": 1, "by": "ann", "way": "report", "label": "ham", "digest": "../../etc/passwd", "sender": ""}\n'
    (tmp_path / "ledger.jsonl").write_text(row)
    assert Ledger(tmp_path).lessons() == ([], 1)


def test_what_somebody_taught_is_taken_back_and_nothing_else(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    teach(ledger, 1, by="ann")
    kept = teach(ledger, 2, by="bob")
    assert ledger.forget("ann", at=3.0) == 1
    again = teach(ledger, 4, by="ann")
    assert ledger.lessons() == ([kept, again], 0)


def test_a_message_beyond_the_bound_and_a_lesson_without_teacher_are_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with pytest.raises(TeachingError, match="larger"):
        ledger.teach(b"x" * (MAX_MESSAGE + 1), label=HAM, by="ann", way="report", sender="", at=1.0)
    with pytest.raises(TeachingError, match="teacher"):
        ledger.teach(b"x", label=HAM, by="", way="report", sender="", at=1.0)
    assert ledger.lessons() == ([], 0)


def test_below_the_least_of_either_side_nothing_is_learnt(tmp_path: Path) -> None:
    lessons = [taught(n) for n in range(LEAST)] + [taught(LEAST + n, SPAM) for n in range(LEAST - 1)]
    assert not accepted(lessons).enough
    assert Ledger(tmp_path).labelled(accepted(lessons)) == []
    assert accepted([*lessons, taught(9_999, SPAM)]).enough


def test_one_person_who_poisons_teaches_no_more_than_the_bound() -> None:
    honest = [taught(n, SPAM if n % 2 else HAM) for n in range(2 * LEAST)]
    poison = [taught(10_000 + n, HAM, "mallory") for n in range(5_000)]
    found = accepted(honest + poison)
    assert sum(each.by == "mallory" for each in found.lessons) == MOST_BY_PERSON
    assert [each for each in found.lessons if each.by == OPERATOR] == honest
    assert found.aside == {"more than one person may teach": 5_000 - MOST_BY_PERSON}


def test_many_who_praise_one_sender_teach_no_more_than_the_bound() -> None:
    crowd = [taught(n, HAM, f"user{n}", "keciat.example") for n in range(500)]
    found = accepted([*crowd, *(taught(1_000 + n, SPAM) for n in range(50))])
    assert found.sides == (MOST_OF_SENDER, 50)


def test_people_who_contradict_each_other_teach_nothing_and_the_operator_settles_it() -> None:
    ann, bob, balance = taught(1, HAM, "ann"), taught(1, SPAM, "bob"), taught(2, SPAM)
    assert accepted([ann, bob, balance]).aside["people contradict each other"] == 1
    ruling = taught(1)
    assert set(accepted([ann, ruling, bob, balance]).lessons) == {ruling, balance}


def test_the_last_word_of_a_person_counts() -> None:
    first, last, balance = taught(1, SPAM, "ann"), taught(1, HAM, "ann"), taught(2, SPAM)
    assert set(accepted([first, last, balance]).lessons) == {last, balance}


labels = st.sampled_from(list(MailClass))
rows = st.builds(
    taught, st.integers(0, 40), labels, st.sampled_from(["ann", "bob", OPERATOR]), st.sampled_from(["a", "b", ""])
)


@given(st.lists(rows, max_size=60))
def test_no_side_outweighs_the_other_beyond_the_bound(lessons: list[Taught]) -> None:
    found = accepted(lessons)
    ham, bad = found.sides
    assert ham <= MOST_TO_ONE * bad
    assert bad <= MOST_TO_ONE * ham
    assert len({each.digest for each in found.lessons}) == len(found.lessons)
