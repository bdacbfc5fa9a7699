"""What people's word about mail with nearly this text adds to its score: a signal beside the classifier's own, bounded
like all that is taught here. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from gateway.facts.content import REST, START, MailClass, Signal, SpamFact
from gateway.facts.reported import ReportedFact
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
    score = round(spam.score + weight, 4)
    not_ham = 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))
    former = {each: spam.probability.get(each.value, 0.0) for each in (MailClass.SPAM, MailClass.PHISHING)}
    whole = sum(former.values())
    fraud = former[MailClass.PHISHING] / whole if whole else float(reported.called is MailClass.PHISHING)
    probability = {
        MailClass.HAM.value: round(1.0 - not_ham, 6),
        MailClass.SPAM.value: round(not_ham * (1.0 - fraud), 6),
        MailClass.PHISHING.value: round(not_ham * fraud, 6),
    }
    told = [*(each for each in spam.signals if each.name not in (START, REST)), Signal(NAME, weight, _words(reported))]
    ends = [each for each in spam.signals if each.name in (START, REST)]
    return replace(
        spam,
        mail_class=MailClass(max(probability, key=lambda name: probability[name])),
        probability=probability,
        score=score,
        signals=(*sorted(told, key=lambda each: -abs(each.weight)), *ends),
    )


def _words(reported: ReportedFact) -> str:
    who = "one person" if len(reported.by) == 1 else f"{len(reported.by)} people"
    return f"{who} called a text {reported.called.value} of which {reported.likeness:.0%} stands here"
