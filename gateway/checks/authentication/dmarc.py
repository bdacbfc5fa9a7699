"""DMARC (RFC 9989): whether the author domain stands behind the message, and what its owner asks if not.

The DNS tree walk of section 4.10 (eight questions at most), policy discovery (4.10.1), alignment (4.10.2), the tags p,
sp, np, psd, t, adkim and aspf. Where an operator gives a public suffix list it takes the place of the walk: then a
record is looked for at the author domain and at its organisation. Never decides what happens to the message.

Section 5.3.6: what hangs on an answer that the DNS did not give is neither pass nor fail. Such a result is `Unknown`,
but only if the missing answer could have changed it: a signature of an unrelated domain whose key is slow does not
put a forgery in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.checks.authentication import dmarc_record
from gateway.checks.authentication.dmarc_record import STRICTNESS, Record, Request, Suffix
from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.answering import Answering, Lookup
from gateway.checks.dns.answers import Status
from gateway.checks.dns.domains import host_domain, is_within, suffix
from gateway.facts.auth import Auth, DkimFact, DmarcFact, SpfFact
from gateway.facts.outcome import Known, Outcome, Unknown, known_or_none

MAX_WALK: Final = 8
"""Questions of one tree walk (RFC 9989 section 4.10)."""

MAX_AUTHOR_DOMAINS: Final = 4
"""Author domains that are looked at; more are `permerror` (RFC 9989 section 11.5 wants a limit)."""

MAX_QUESTIONS: Final = 100

_ORDER: Final = (Auth.PASS, Auth.NONE, Auth.PERMERROR, Auth.TEMPERROR, Auth.FAIL)


async def check_dmarc(
    resolver: Answering,
    *,
    author_domains: Sequence[str],
    spf: Outcome[SpfFact],
    dkim: Outcome[DkimFact],
    suffixes: PublicSuffixes | None = None,
) -> Outcome[DmarcFact]:
    """DMARC for the author domains, which are those of all From fields.

    With several author domains the mechanism is applied to each and the strictest policy among those that fail is
    taken (RFC 9989 section 11.5). An author domain that is missing, malformed or one too many is `permerror`, unless
    another one fails: what cannot be looked at must not hide what can.
    """
    read = list(dict.fromkeys(host_domain(each) for each in author_domains))
    domains = [domain for domain in read if domain is not None]
    outcomes: list[Outcome[DmarcFact]] = []
    if not domains or len(domains) < len(read):
        outcomes.append(Known(DmarcFact(Auth.PERMERROR, "", reason="an author domain is missing or malformed")))
    if len(domains) > MAX_AUTHOR_DOMAINS:
        reason = f"more than {MAX_AUTHOR_DOMAINS} author domains"
        outcomes.append(Known(DmarcFact(Auth.PERMERROR, domains[0], reason=reason)))
    identifiers = _Identifiers.of(spf, dkim)
    for domain in domains[:MAX_AUTHOR_DOMAINS]:
        evaluation = _Evaluation(domain, identifiers, suffixes)
        solution = await resolver.solve(evaluation.run, deadline=resolver.deadline(), budget=MAX_QUESTIONS)
        outcomes.append(solution if isinstance(solution, Unknown) else solution.value)
    return _strictest(outcomes)


async def organisational_domain(
    resolver: Answering, domain: str, suffixes: PublicSuffixes | None = None
) -> Outcome[str]:
    """The organisational domain of a domain (section 4.10.2); unknown where the DNS fails on the way."""
    if suffixes is not None:
        return Known(suffixes.organisation(domain))
    try:
        solution = await resolver.solve(
            lambda lookup: _Walk(lookup).organisation(domain), deadline=resolver.deadline(), budget=MAX_WALK
        )
    except _NoAnswer as failure:
        return Unknown(str(failure))
    return solution if isinstance(solution, Unknown) else Known(solution.value)


def _strictest(outcomes: Sequence[Outcome[DmarcFact]]) -> Outcome[DmarcFact]:
    """A failing domain counts before doubt, doubt before an error, an error before none; a pass needs all to pass."""

    def rank(outcome: Outcome[DmarcFact]) -> tuple[int, int]:
        fact = known_or_none(outcome)
        if fact is None:
            return (_ORDER.index(Auth.TEMPERROR), 0)
        strictness = STRICTNESS[Request(fact.policy)] if fact.result is Auth.FAIL else 0
        return (_ORDER.index(fact.result), strictness)

    return max(outcomes, key=rank)


@dataclass(frozen=True, slots=True)
class _Identifiers:
    """The domains that SPF and DKIM authenticated, and those that they could not tell about (None: any domain)."""

    spf: str | None
    dkim: tuple[str, ...]
    spf_doubt: tuple[str | None, ...]
    dkim_doubt: tuple[str | None, ...]

    @classmethod
    def of(cls, spf: Outcome[SpfFact], dkim: Outcome[DkimFact]) -> _Identifiers:
        spf_fact, dkim_fact = known_or_none(spf), known_or_none(dkim)
        signatures = dkim_fact.signatures if dkim_fact else ()
        return cls(
            spf=spf_fact.domain if spf_fact and spf_fact.result is Auth.PASS else None,
            dkim=tuple(dict.fromkeys(each.domain for each in signatures if each.result is Auth.PASS)),
            spf_doubt=_doubt(spf, (spf_fact.domain,) if spf_fact and spf_fact.result is Auth.TEMPERROR else ()),
            dkim_doubt=_doubt(dkim, tuple(each.domain for each in signatures if each.result is Auth.TEMPERROR)),
        )


def _doubt(outcome: Outcome[Any], domains: tuple[str, ...]) -> tuple[str | None, ...]:
    return (None,) if isinstance(outcome, Unknown) else domains


class _NoAnswer(Exception):
    """The DNS failed for a name on which the result hangs."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A policy record and the domain under which it was found."""

    domain: str
    record: Record


class _Evaluation:
    """DMARC for one author domain, over a table of answers."""

    def __init__(self, author: str, identifiers: _Identifiers, suffixes: PublicSuffixes | None) -> None:
        self._suffixes = suffixes
        self._author = author
        self._identifiers = identifiers

    def run(self, lookup: Lookup) -> Outcome[DmarcFact]:
        """The result. Raises `NeedAnswer`."""
        walk = _Walk(lookup) if self._suffixes is None else _List(lookup, self._suffixes)
        try:
            found = self._policy(walk)
            if found is None or found.record.request is None:
                reason = "no policy record" if found is None else "the policy record asks for nothing"
                return Known(
                    DmarcFact(Auth.NONE, self._author, record_domain=found.domain if found else "", reason=reason)
                )
            request = self._request(found, walk)
        except _NoAnswer as failure:
            return Unknown(str(failure))
        identifiers, record = self._identifiers, found.record
        by_spf = self._aligned([identifiers.spf] if identifiers.spf else [], walk, strict=record.strict_spf)
        by_dkim = self._aligned(identifiers.dkim, walk, strict=record.strict_dkim)
        passed = by_spf is True or by_dkim is True
        if not passed:
            spf_doubt = (
                by_spf is None or self._aligned(identifiers.spf_doubt, walk, strict=record.strict_spf) is not False
            )
            dkim_doubt = (
                by_dkim is None or self._aligned(identifiers.dkim_doubt, walk, strict=record.strict_dkim) is not False
            )
            if spf_doubt or dkim_doubt:
                return Unknown("SPF could not tell" if spf_doubt else "DKIM could not tell")
        return Known(
            DmarcFact(
                result=Auth.PASS if passed else Auth.FAIL,
                domain=self._author,
                policy=request.value,
                aligned_spf=by_spf is True,
                aligned_dkim=by_dkim is True,
                record_domain=found.domain,
                reason="" if passed else "no aligned identifier",
            )
        )

    def _policy(self, walk: _Walk) -> _Found | None:
        """Policy discovery (section 4.10.1): the author domain's record, else the organisation's, else the suffix's."""
        own = walk.records(self._author)
        if len(own) == 1:
            return _Found(self._author, own[0])
        if own:
            # Section 4.10 discards several records and walks on; we stop, as DMARC did before and as
            # others do: the owner spoke twice, and nobody knows which word counts.
            return None
        organisation = walk.organisation(self._author)
        path = walk.path(self._author)
        at_top = next((found for found in path if found.domain == organisation), None)
        return at_top or next((found for found in path if found.record.suffix is Suffix.YES), None)

    def _request(self, found: _Found, walk: _Walk) -> Request:
        record = found.record
        request = record.request
        if found.domain != self._author:
            wanted = record.for_subdomain(exists=True)
            if record.missing_subdomains not in (None, wanted) and not walk.exists(self._author):
                wanted = record.missing_subdomains
            request = wanted
        request = request or Request.NONE
        return request.one_below if record.testing else request

    def _aligned(self, domains: Sequence[str | None], walk: _Walk, *, strict: bool) -> bool | None:
        """Whether one of the domains is aligned with the author domain; None if that cannot be told."""
        doubt = False
        for domain in domains:
            try:
                if domain is None:
                    doubt = True
                elif domain == self._author or (not strict and self._same_organisation(domain, walk)):
                    return True
            except _NoAnswer:
                doubt = True
        return None if doubt else False

    def _same_organisation(self, domain: str, walk: _Walk) -> bool:
        # Without a common ancestor below the root there is nothing to ask.
        if suffix(domain, 1) != suffix(self._author, 1):
            return False
        organisation = walk.organisation(self._author)
        # An organisational domain is an ancestor of its members.
        return is_within(domain, organisation) and walk.organisation(domain) == organisation


class _Walk:
    """The DNS tree walk (section 4.10) over a table of answers."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def records(self, domain: str) -> list[Record]:
        """The DMARC records at one domain. Raises `_NoAnswer`."""
        answer = self._lookup(f"_dmarc.{domain}", "TXT")
        if answer.failed:
            raise _NoAnswer(f"DNS failed for _dmarc.{domain}")
        return dmarc_record.choose(answer.records)

    def exists(self, domain: str) -> bool:
        """Whether the domain exists in the sense of section 3.2.13. Raises `_NoAnswer`."""
        answer = self._lookup(domain, "A")
        if answer.failed:
            raise _NoAnswer(f"DNS failed for {domain}")
        return answer.status is not Status.NXDOMAIN

    def path(self, start: str) -> list[_Found]:
        """The records that a walk from there finds, the longest name first."""
        found: list[_Found] = []
        labels = start.count(".") + 1
        counts = [labels, *range(min(labels, MAX_WALK) - 1, 0, -1)]
        for count in counts:
            domain = suffix(start, count)
            records = self.records(domain)
            if len(records) == 1:
                found.append(_Found(domain, records[0]))
                if records[0].suffix is not Suffix.UNDECIDED:
                    break
        return found

    def organisation(self, start: str) -> str:
        """The organisational domain (section 4.10.2)."""
        path = self.path(start)
        for found in path:
            if found.record.suffix is Suffix.NO:
                return found.domain
            if found.record.suffix is Suffix.YES and found.domain != start:
                return suffix(start, found.domain.count(".") + 2)
        return path[-1].domain if path else start


class _List(_Walk):
    """A public suffix list in place of the walk."""

    def __init__(self, lookup: Lookup, suffixes: PublicSuffixes) -> None:
        super().__init__(lookup)
        self._suffixes = suffixes

    def path(self, start: str) -> list[_Found]:
        """The record of the organisation."""
        organisation = self.organisation(start)
        records = self.records(organisation)
        return [_Found(organisation, records[0])] if len(records) == 1 else []

    def organisation(self, start: str) -> str:
        """The organisational domain, by the list."""
        return self._suffixes.organisation(start)
