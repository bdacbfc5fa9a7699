"""gateway/policy/problem.py"""

from gateway.policy.problem import PolicyError, Problem, nearest


def test_a_problem_reads_as_place_text_and_mend():
    problem = Problem("policies/default.yaml", 4, 11, "no reply is called spamm", "did you mean `spam`?")
    assert str(problem) == "policies/default.yaml:4:11: no reply is called spamm\n    mend: did you mean `spam`?"


def test_what_somebody_wrote_stays_on_one_printable_line():
    assert Problem("f", 1, 1, "a\r\nb\x1b[2J\u202e", "c\nd").text == "a b [2J"


def test_problems_are_told_once_and_in_the_order_of_the_file():
    late, early = Problem("f", 9, 1, "late", "x"), Problem("f", 2, 5, "early", "y")
    error = PolicyError([late, early, late])
    assert error.problems == (early, late)
    assert str(error) == f"{early}\n{late}"


def test_the_nearest_word_is_offered_or_else_all_of_them():
    assert nearest("spam.scor", ["spam.score", "spf.result"]) == "did you mean `spam.score`?"
    assert nearest("zzz", ["spam", "policy"]) == "one of spam, policy"
    assert nearest("zzz", []) == "there is none to choose from"
