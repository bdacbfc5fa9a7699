"""What was decided about a message for one recipient, and the rule for merging several decisions into one reply to
DATA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Disposition(IntEnum):
    """What happens to a message, in order of strictness. Merging is `max` but for the rule in `merge`."""

    DELIVER = 0
    QUARANTINE = 1
    DEFER = 2
    REJECT = 3

    @property
    def word(self) -> str:
        """The word used in JSON and on pages."""
        return self.name.lower()


class VerdictClass(StrEnum):
    """What the message is taken for, in the words of the quarantine."""

    CLEAN = "clean"
    BULK = "bulk"
    SPAM = "spam"
    PHISHING = "phishing"
    MALWARE = "malware"
    POLICY = "policy"


class Keeping(StrEnum):
    """How a message that is accepted and not delivered is kept: for people to review, for another scan, or laid
    aside."""

    REVIEW = "review"
    RESCAN = "rescan"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class RuleRef:
    """Which rule decided, and where it is written."""

    id: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code from a closed list (upper case) and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Stripping:
    """Parts that are taken out before delivery, by their paths in the evidence, and the quarantine class under which
    the message is held instead where that cannot be done safely."""

    paths: tuple[str, ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision for one recipient. `reply` is a name of `mail.replies.BY_NAME`, empty for mail that is accepted.

    `quarantine` is the class under which it is held, empty unless held; `rule` is None where the default decided.
    `add_headers` are header fields that rules add on delivery. `keeping` says how a message is kept that is in
    quarantine, `rescan_after` after how many seconds it is scanned again where it is kept for that. `stripping` says
    which parts a message loses that is delivered; its original is then held.
    """

    disposition: Disposition
    verdict_class: VerdictClass
    rule: RuleRef | None
    reasons: tuple[Reason, ...] = ()
    reply: str = ""
    quarantine: str = ""
    add_headers: tuple[tuple[str, str], ...] = ()
    keeping: Keeping = Keeping.REVIEW
    rescan_after: float = 0.0
    stripping: Stripping | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The one answer to DATA: its disposition, the reply's name where it is refused or deferred, and a verdict per
    recipient."""

    disposition: Disposition
    reply: str
    verdicts: tuple[tuple[str, Verdict], ...]


def merge(verdicts: Sequence[tuple[str, Verdict]]) -> Settlement:
    """One DATA has one reply (RFC 5321 section 4.2). Any DEFER defers all, so nothing is delivered twice; all REJECT
    refuses; otherwise the message is accepted, and a recipient whose own verdict was REJECT is held, never bounced."""
    if not verdicts:
        raise ValueError("a message has at least one recipient")
    for _, verdict in verdicts:
        if verdict.disposition is Disposition.DEFER:
            return Settlement(Disposition.DEFER, verdict.reply or "deferred", tuple(verdicts))
    if all(verdict.disposition is Disposition.REJECT for _, verdict in verdicts):
        return Settlement(Disposition.REJECT, verdicts[0][1].reply or "policy", tuple(verdicts))
    strictest = max(verdict.disposition for _, verdict in verdicts)
    accepted = min(strictest, Disposition.QUARANTINE)
    return Settlement(Disposition(accepted), "", tuple(verdicts))
