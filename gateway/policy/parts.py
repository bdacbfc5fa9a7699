"""Which parts of a message the words of `strip` mean. The words are a closed set, beside patterns of names and media
types. Pure: it reads what anatomy said, and nothing else.

No word means what the malware engine found: it names one finding, and there may be more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.facts.content import PartFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Unknown, known_or_none
from gateway.policy.conditions.cel import FALSE, TRUE, Answer, Truth

WORDS: Final[Mapping[str, Callable[[PartFact], bool]]] = {
    "executable": lambda part: part.can_run,
    "encrypted": lambda part: part.note == "encrypted",
    "unscannable": lambda part: bool(part.note),
}
"""What can run, by what it is or by its name; what is locked with a password; what could not be opened at all."""

_READS: Final = "content.types"
"""The variable that is not known where the parts are not."""


def chosen(evidence: Evidence, words: Iterable[str]) -> tuple[PartFact, ...]:
    """The parts, and members of containers, that any of the words means, in the order of the message."""
    content = known_or_none(evidence.content)
    wanted = tuple(words)
    return tuple(part for part in content.parts if any(_means(word, part) for word in wanted)) if content else ()


def has_any(evidence: Evidence, words: Iterable[str]) -> Truth:
    """Whether the message has such a part. Where anatomy could not tell, it is not known."""
    if isinstance(evidence.content, Unknown):
        return Truth(Answer.UNKNOWN, (_READS,))
    return TRUE if chosen(evidence, words) else FALSE


def _means(word: str, part: PartFact) -> bool:
    if word in WORDS:
        return WORDS[word](part)
    if word.startswith("*."):
        return part.name.lower().rstrip(" .").endswith(word[1:])
    return word in (part.true_type, part.declared_type)
