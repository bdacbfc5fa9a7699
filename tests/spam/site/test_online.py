"""gateway/spam/site/online.py and gate.py: what lessons may move, and what stops them."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.facts.content import MailClass
from gateway.spam.features import SIZE, values_of
from gateway.spam.site.gate import FEWEST, Specimen, refusal
from gateway.spam.site.online import RATE, SURPRISE, Example, example, learn
from gateway.spam.site.teaching import OPERATOR


def of(*buckets: int, unwanted: bool, by: str, score: float = 0.0) -> Example:
    return example(buckets, score=score, unwanted=unwanted, by=by)


def added(weights: np.ndarray, found: Example) -> float:
    return float(weights[found.buckets].astype(float) @ values_of(found.buckets))


def test_two_people_move_what_one_may_not() -> None:
    def learnt(by: str) -> float:
        lessons = [of(1, 2, 3, unwanted=True, by="ann"), of(7, 8, 9, unwanted=False, by="ann")]
        lessons += [of(1, 2, 3, unwanted=True, by=by), of(7, 8, 9, unwanted=False, by=by)]
        return added(learn(lessons * 20), of(1, 2, 3, unwanted=True, by="x"))

    assert learnt("ann") == 0.0
    assert learnt("ben") > 0.3
    assert learnt(OPERATOR) > 0.3


def test_one_person_among_many_moves_a_score_by_no_more_than_the_bound() -> None:
    honest = [of(n, n + 1, unwanted=n % 2 == 0, by=f"p{n % 5}", score=4.0 if n % 2 == 0 else -4.0) for n in range(200)]
    poison = [of(5, 6, 50, 51, unwanted=False, by="mallory", score=6.0) for _ in range(100)]
    target = of(5, 6, 50, 51, unwanted=True, by="x")
    moved = added(learn(honest + poison), target) - added(learn(honest), target)
    assert -RATE * SURPRISE <= moved <= 0.0


def test_the_same_lessons_give_the_same_octets() -> None:
    lessons = [of(n, n + 3, unwanted=n % 3 == 0, by=f"p{n % 4}") for n in range(60)]
    assert learn(lessons).tobytes() == learn(lessons).tobytes()


@pytest.mark.parametrize("buckets", [(-1,), (SIZE,), (3, SIZE + 7)])
def test_features_that_there_are_not_are_refused(buckets: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="feature"):
        example(buckets, score=0.0, unwanted=True, by="x")


def test_messages_without_features_teach_nothing() -> None:
    assert not learn([of(unwanted=True, by="ann"), of(unwanted=False, by="ben")]).any()


def specimens(score: float = 3.0) -> list[Specimen]:
    found = []
    for number in range(FEWEST):
        found.append(Specimen("h", MailClass.HAM, of(number, unwanted=False, by=OPERATOR, score=-score)))
        found.append(Specimen("s", MailClass.SPAM, of(100 + number, unwanted=True, by=OPERATOR, score=score)))
    return found


def test_the_gate_lets_through_what_helps() -> None:
    weights = np.zeros(SIZE)
    weights[:50] = -1.0
    weights[100:150] = 1.0
    assert refusal(weights, specimens()) == ""


def test_the_gate_stops_what_turns_a_message_over() -> None:
    weights = np.zeros(SIZE)
    weights[100] = -2.5
    assert "s: spam that the model alone knows" in refusal(weights, specimens())


def test_the_gate_stops_what_wears_all_of_a_side_away() -> None:
    weights = np.zeros(SIZE)
    weights[:50] = 0.8
    assert "ham of the regression set is judged worse by 0.80" in refusal(weights, specimens(score=9.0))


def test_too_small_a_set_lets_nothing_through() -> None:
    assert "needs" in refusal(np.zeros(SIZE), specimens()[:6])
