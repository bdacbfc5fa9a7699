"""What people's word about mail with nearly this text adds to its score: a signal beside the classifier's own, bounded
like all that is taught here. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.facts.content import REST, START, Signal, SpamFact
from gateway.facts.reported import ReportedFact
from gateway.spam.shifting import shifted
from gateway.spam.site.online import AGREEING, RATE, SURPRISE

NAME: Final = "reported here"
ONE: Final = RATE * SURPRISE
"""Log-odds that one person's word adds: as much as one person may move by all lessons together. Only the first
`AGREEING` voices add theirs: what more of them mean is a matter for policy, which also knows who the author is."""


def weighed(spam: SpamFact, reported: ReportedFact) -> SpamFact:
    """The fact with that signal; the same where nobody called such mail unwanted."""
    if not reported.voices:
        return spam
    weight = ONE * min(reported.voices, AGREEING)
    told = [*(each for each in spam.signals if each.name not in (START, REST)), Signal(NAME, weight, _words(reported))]
    ends = [each for each in spam.signals if each.name in (START, REST)]
    return replace(
        shifted(spam, weight, unless_known=reported.called),
        signals=(*sorted(told, key=lambda each: -abs(each.weight)), *ends),
    )


def _words(reported: ReportedFact) -> str:
    who = "one person" if len(reported.by) == 1 else f"{len(reported.by)} people"
    return f"{who} called a text {reported.called.value} of which {reported.likeness:.0%} stands here"
