"""gateway/policy/verdict.py"""

from itertools import product

import pytest

from gateway.policy.verdict import Disposition, Verdict, VerdictClass, merge


def verdict(disposition: Disposition) -> Verdict:
    return Verdict(disposition, VerdictClass.CLEAN, None, reply={2: "greylisted", 3: "spam"}.get(disposition, ""))


@pytest.mark.parametrize("dispositions", list(product(Disposition, repeat=3)))
def test_the_three_lines_of_merging(dispositions):
    """Any DEFER defers all; all REJECT refuses; otherwise it is accepted, and a refused recipient's copy is held."""
    settlement = merge([(f"r{n}@example.org", verdict(each)) for n, each in enumerate(dispositions)])
    if Disposition.DEFER in dispositions:
        assert (settlement.disposition, settlement.reply) == (Disposition.DEFER, "greylisted")
    elif set(dispositions) == {Disposition.REJECT}:
        assert (settlement.disposition, settlement.reply) == (Disposition.REJECT, "spam")
    else:
        held = {Disposition.QUARANTINE, Disposition.REJECT} & set(dispositions)
        assert settlement.disposition is (Disposition.QUARANTINE if held else Disposition.DELIVER)
        assert settlement.reply == ""
    assert [each.disposition for _, each in settlement.verdicts] == list(dispositions)


def test_a_message_has_a_recipient():
    with pytest.raises(ValueError, match="at least one recipient"):
        merge([])


def test_dispositions_are_ordered_by_strictness():
    assert Disposition.DELIVER < Disposition.QUARANTINE < Disposition.DEFER < Disposition.REJECT
    assert Disposition.QUARANTINE.word == "quarantine"
