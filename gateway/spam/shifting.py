"""A score that is moved after the classifier has spoken, and the probabilities that go with it. Pure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from gateway.facts.content import MailClass, SpamFact

_BOUND: Final = 60.0


def shifted(spam: SpamFact, by: float, *, unless_known: MailClass = MailClass.SPAM) -> SpamFact:
    """The fact with a score that is `by` log-odds higher. How much of the unwanted is fraud stays as it was;
    `unless_known` says it where nothing was unwanted."""
    score = round(spam.score + by, 4)
    bad = 1.0 / (1.0 + math.exp(-max(-_BOUND, min(_BOUND, score))))
    former = {each: spam.probability.get(each.value, 0.0) for each in (MailClass.SPAM, MailClass.PHISHING)}
    whole = sum(former.values())
    fraud = former[MailClass.PHISHING] / whole if whole else float(unless_known is MailClass.PHISHING)
    probability = {
        MailClass.HAM.value: round(1.0 - bad, 6),
        MailClass.SPAM.value: round(bad * (1.0 - fraud), 6),
        MailClass.PHISHING.value: round(bad * fraud, 6),
    }
    likeliest = MailClass(max(probability, key=lambda name: probability[name]))
    return replace(spam, mail_class=likeliest, probability=probability, score=score)
