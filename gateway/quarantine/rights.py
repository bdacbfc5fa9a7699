"""Who may do what to held mail: one table of roles and classes, and one function that reads it. Pure.

Malware is released by administrators only; a reader releases for themselves what is merely unwanted (spam and bulk).
An auditor looks and never acts. What a person may not see does not exist for them: that is `review.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.queue.records import HeldItem


class Role(StrEnum):
    """What a person is to the house."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    USER = "user"


class Act(StrEnum):
    """What can be done to a held message."""

    RELEASE = "release"
    DELETE = "delete"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts. `addresses` (lower case) bound what a `USER` sees; staff see all mail."""

    name: str
    role: Role
    addresses: frozenset[str] = frozenset()


class Danger(StrEnum):
    """How held mail can hurt: what rights depend on."""

    UNWANTED = "unwanted"
    DECEPTIVE = "deceptive"
    MALWARE = "malware"


_UNWANTED_CLASSES: Final = frozenset({"spam", "bulk", "clean"})
_MALWARE: Final = frozenset({"malware", "virus"})
_UNWANTED_QUARANTINES: Final = frozenset({"spam", "bulk"})

RELEASERS: Final[dict[Danger, frozenset[Role]]] = {
    Danger.UNWANTED: frozenset({Role.ADMINISTRATOR, Role.OPERATOR, Role.USER}),
    Danger.DECEPTIVE: frozenset({Role.ADMINISTRATOR, Role.OPERATOR}),
    Danger.MALWARE: frozenset({Role.ADMINISTRATOR}),
}
DELETERS: Final = frozenset({Role.ADMINISTRATOR, Role.OPERATOR, Role.USER})


def danger_of(item: HeldItem) -> Danger:
    """The worse of what the verdict and the quarantine's name say; a word nobody knows counts as deceptive."""
    words = {item.judgement.verdict_class, item.quarantine} - {""}
    if words & _MALWARE:
        return Danger.MALWARE
    if item.judgement.verdict_class in _UNWANTED_CLASSES and item.quarantine in _UNWANTED_QUARANTINES:
        return Danger.UNWANTED
    return Danger.DECEPTIVE


def refusal(actor: Actor, act: Act, item: HeldItem) -> str | None:
    """Why this person may not do this, in words for them; None where they may."""
    if act in (Act.DELETE, Act.REPORT):
        return None if actor.role in DELETERS else "Auditors look and do not act."
    danger = danger_of(item)
    if actor.role in RELEASERS[danger]:
        return None
    if actor.role is Role.AUDITOR:
        return "Auditors look and do not act."
    if danger is Danger.MALWARE:
        return "Only an administrator releases malware."
    return "This message may be a fraud or breaks a rule of the house: ask an operator to release it."
