"""Sender authentication: one type per fact, result words exactly as RFC 8601 section 2.7."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Auth(StrEnum):
    """Results of SPF, DKIM, ARC and DMARC (RFC 8601 section 2.7)."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfIdentity(StrEnum):
    """Which identity SPF looked at (RFC 7208 sections 2.3 and 2.4)."""

    MAILFROM = "mailfrom"
    HELO = "helo"


@dataclass(frozen=True, slots=True)
class SpfFact:
    """The result of SPF (RFC 7208). `domain` is the one whose record was evaluated; `explanation` is its owner's
    text, hostile."""

    result: Auth
    identity: SpfIdentity
    domain: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class DkimSignatureFact:
    """One DKIM-Signature (RFC 6376). `signature_start` are the first octets of b=, as RFC 8601 section 2.7.1 wants
    (header.b).

    `reason` says in words why the result is not pass.
    """

    result: Auth
    domain: str
    selector: str
    algorithm: str
    identity: str = ""
    signature_start: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DkimFact:
    """All signatures that were looked at, top to bottom; empty means that the message is not signed."""

    signatures: tuple[DkimSignatureFact, ...] = ()

    @property
    def passed_domains(self) -> frozenset[str]:
        """The d= of every signature that passed."""
        return frozenset(each.domain for each in self.signatures if each.result is Auth.PASS)


@dataclass(frozen=True, slots=True)
class ArcFact:
    """The ARC chain (RFC 8617): none, pass or fail; `sealer` is the d= of the newest seal.

    `temperror` stands where a key could not be fetched. `ended` says that a handler declared the chain broken
    (cv=fail): the result is then `none`, since nobody can continue it and it counts like no chain.
    """

    result: Auth
    instances: int = 0
    sealer: str = ""
    reason: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class DmarcFact:
    """The DMARC result (RFC 9989) for the author domain.

    `policy` is what the domain owner asks for failing mail: none, quarantine or reject, after sp, np and t were
    applied; empty where there is no record. `record_domain` is where the record was found.
    """

    result: Auth
    domain: str
    policy: str = ""
    aligned_spf: bool = False
    aligned_dkim: bool = False
    record_domain: str = ""
    reason: str = ""
