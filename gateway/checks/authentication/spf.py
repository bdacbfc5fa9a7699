"""SPF (RFC 7208): whether the host may use the domain of MAIL FROM, or of HELO where the reverse-path is null.

The door to pyspf, which evaluates records over a table of DNS answers and never asks the network itself. Every result
is the standard's own word, with the domain that was checked: a DNS failure is `temperror` and not `Unknown`, since who
chooses a slow domain for the envelope must not put other checks in doubt with it.
"""

from __future__ import annotations

import ipaddress
import re
from contextvars import ContextVar
from typing import Any, Final

import spf

from gateway.checks.authentication import spf_macros
from gateway.checks.dns.answering import Answering, Lookup, NeedAnswer
from gateway.checks.dns.answers import Status
from gateway.checks.dns.domains import host_domain
from gateway.facts.auth import Auth, SpfFact, SpfIdentity
from gateway.facts.outcome import Known, Outcome, Unknown

MAX_QUESTIONS: Final = 120
"""RFC 7208 section 4.6.4 allows ten terms, and ten addresses for each of them, beside the record itself."""

MAX_EXPLANATION: Final = 300

# Names that are fetched ahead, together, of those that a record or an answer leads to.
_AHEAD_INCLUDES: Final = 5
_AHEAD_HOSTS: Final = 10
_INCLUDE = re.compile(r"(?:include:|redirect=)([a-z0-9._-]+)(?= |\Z)", re.IGNORECASE)
_INCLUDE_TERM = re.compile(r"([+?~-]?)include:(.+)\Z", re.IGNORECASE)
_RECORD = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)

_LOOKUP: ContextVar[tuple[Lookup, str]] = ContextVar("spf_lookup")


async def check_spf(resolver: Answering, *, ip: str, helo: str, reverse_path: str) -> Outcome[SpfFact]:
    """SPF for one transaction. `reverse_path` is without angle brackets, empty for the null reverse-path.

    The identity is MAIL FROM; with a null reverse-path it is `postmaster` at the HELO name (RFC 7208 section 2.4).
    """
    identity = SpfIdentity.MAILFROM if reverse_path else SpfIdentity.HELO
    # The last @ is the one that counts: a quoted local part may hold others.
    local, _, claimed = reverse_path.rpartition("@") if reverse_path else ("postmaster", "@", helo)
    domain = host_domain(claimed)
    if domain is None:  # RFC 7208 section 4.3
        return Known(SpfFact(Auth.NONE, identity, claimed.lower()))
    try:
        client = ipaddress.ip_address(ip)
    except ValueError:
        return Unknown("the address of the client is not an IP address")
    evaluation = _Evaluation(str(client), local or "postmaster", domain, helo)
    solution = await resolver.solve(evaluation.run, deadline=resolver.deadline(), budget=MAX_QUESTIONS)
    if isinstance(solution, Unknown):
        return Known(SpfFact(Auth.TEMPERROR, identity, domain, solution.why))
    result, explanation = solution.value
    return Known(SpfFact(result, identity, domain, explanation[:MAX_EXPLANATION]))


class _Evaluation:
    """check_host() of RFC 7208 section 4, run by pyspf."""

    def __init__(self, client: str, local: str, domain: str, helo: str) -> None:
        self._client = client
        self._local = local
        self._domain = domain
        self._helo = helo

    def run(self, lookup: Lookup) -> tuple[Auth, str]:
        """The result and its explanation: the owner's for `fail`, pyspf's for errors. Raises `NeedAnswer`."""
        # timeout and querytime of 0: pyspf looks at no clock, so a result depends on the answers alone.
        query = _Query(
            i=self._client, s=f"{self._local}@{self._domain}", h=self._helo, strict=True, timeout=0, querytime=0
        )
        # pyspf splits at the first @.
        query.l, query.o, query.d = self._local, self._domain, self._domain
        token = _LOOKUP.set((lookup, query.A))
        try:
            word, _, text = query.check()
        except NeedAnswer:
            raise
        except Exception as error:  # noqa: BLE001 - a record that breaks pyspf is doubt about its domain
            return Auth.TEMPERROR, f"the record cannot be evaluated: {type(error).__name__}"
        finally:
            _LOOKUP.reset(token)
        result = Auth(word)
        if result is Auth.TEMPERROR and lookup.failures:
            return result, f"DNS failed for {lookup.failures[0]}"
        if result in (Auth.FAIL, Auth.PERMERROR, Auth.TEMPERROR):
            return result, text
        return result, ""


_Mechanism = tuple[str, str, str, int, str]
"""A term, its kind, its domain or address with macros unexpanded, its prefix length, and its result if it matches."""

_Rating = tuple[str, int, str]
"""What pyspf returns: the result, an SMTP code that we do not use, the explanation."""


class _Query(spf.query):  # type: ignore[misc]
    """pyspf's parser of mechanisms, its look-ups and limits, with the evaluation as the standard has it.

    pyspf's own loop expands macros and counts a redirect before it gets there, refuses modifiers that are repeated or
    in capitals, and takes macros that are malformed.
    """

    def check0(self, record: str | None, recursion: int) -> _Rating:
        """One record (sections 4.6, 5 and 6)."""
        if not record:
            return _rated(Auth.NONE)
        mechanisms, redirect, explanation = self._read([term for term in record.split(" ")[1:] if term])
        for mechanism in mechanisms:
            if self._matches(mechanism, recursion):
                is_ours = mechanism[-1] == Auth.FAIL and not recursion
                return mechanism[-1], 0, self._explanation(explanation) if is_ours and explanation else ""
        if not redirect:
            return _rated(Auth.NEUTRAL)
        self.check_lookups()
        target = self._name(redirect)
        found = self.dns_spf(target)
        if not found:
            raise spf.PermError("redirect domain has no SPF record", target)
        rating: _Rating = self.check1(found, target, recursion)
        return rating

    def _read(self, terms: list[str]) -> tuple[list[_Mechanism], str, str]:
        """The mechanisms, redirect and exp, with the syntax of all terms checked."""
        mechanisms: list[_Mechanism] = []
        known = {"redirect": "", "exp": ""}
        for term in terms:
            modifier, include = spf.RE_MODIFIER.match(term), _INCLUDE_TERM.match(term)
            if include:  # pyspf refuses one of the record's own domain even where it is never reached
                result = spf.RESULTS[include[1] or "+"]
                mechanisms.append((term, "include", self.expand_domain(include[2]), 0, result))
            elif not modifier:
                mechanisms.append(self.validate_mechanism(term))
            elif (name := modifier[1].lower()) in known:
                if known[name]:
                    raise spf.PermError(f"{name}= MUST appear at most once", term)
                known[name] = self.expand_domain(term[modifier.end() :])
            else:
                _check_macros(term[modifier.end() :], letters=spf_macros.IN_EXPLANATIONS)
        return mechanisms, known["redirect"], known["exp"]

    def expand_domain(self, written: str) -> str:
        """Checks a domain-spec; what it expands to is asked when its term is reached."""
        _check_macros(written, letters=spf_macros.IN_TERMS)
        if not written or spf.RE_TOPLAB.split(written)[-1]:
            raise spf.PermError("Invalid domain found (use FQDN)", written)
        return written

    def _matches(self, mechanism: _Mechanism, recursion: int) -> bool:
        _, kind, written, length, _ = mechanism
        if kind == "all":
            return True
        if kind in ("ip4", "ip6"):
            return bool(self.v == ("in-addr" if kind == "ip4" else "ip6") and self.cidrmatch([written], length))
        self.check_lookups()
        name = self._name(written)
        if kind == "include":
            word, _, _ = self.check1(self.dns_spf(name), name, recursion + 1)
            if word == Auth.NONE:
                raise spf.PermError("No valid SPF record for included domain", name)
            return bool(word == Auth.PASS)
        if kind == "exists":
            return bool(self.dns_a(name, "A"))
        if kind == "ptr":
            return bool(spf.domainmatch(self.validated_ptrs(), name))
        hosts = self._exchanges(name) if kind == "mx" else [name]
        return any(self.cidrmatch(self.dns_a(host, self.A), length) for host in hosts)

    def _exchanges(self, name: str) -> list[str]:
        found = sorted(self.dns(name, "MX"))
        if len(found) > spf.MAX_MX:
            raise spf.PermError(f"More than {spf.MAX_MX} MX records returned")
        return [host for _, host in found]

    def _name(self, written: str) -> str:
        return spf_macros.expand_name(written, self._value)

    def _value(self, letter: str) -> str:
        return self._validated_name() if letter == "p" else str(getattr(self, letter))

    def _validated_name(self) -> str:
        """%{p}: the domain itself, a name below it, or any other, of those that the client's address has."""
        domain, names = self.d.lower(), self.validated_ptrs()
        below = [name for name in names if name.endswith(f".{domain}")]
        return next(iter([*(name for name in names if name == domain), *below, *names]), "unknown")

    def _explanation(self, written: str) -> str:
        """The owner's text, empty where there is none or it cannot be had (section 6.2)."""
        try:
            texts = self.dns_txt(self._name(written), ignore_void=True)
            if len(texts) != 1:
                return ""
            text = str(spf.to_ascii(texts[0]))
            for word in text.split(" "):
                _check_macros(word, letters=spf_macros.IN_EXPLANATIONS)
        except (spf.TempError, spf.PermError):
            return ""
        return spf_macros.expand(text, self._value)

    def validated_ptrs(self) -> list[str]:
        """Section 5.5: a DNS failure makes `ptr` skip a name, and does not end in temperror."""
        try:
            names = self.dns_ptr(self.i)[: spf.MAX_PTR]
        except spf.TempError:
            return []
        return [name for name in names if self._resolves_back(name)]

    def _resolves_back(self, name: str) -> bool:
        try:
            return bool(self.cidrmatch(self.dns_a(name, self.A), self.cidrmax))
        except spf.TempError:
            return False


def _rated(result: Auth) -> _Rating:
    return result.value, 0, ""


def _check_macros(text: str, *, letters: frozenset[str]) -> None:
    try:
        spf_macros.check(text, letters=letters)
    except spf_macros.BadMacro as error:
        raise spf.PermError(str(error)) from None


def _answer_pyspf(
    name: str, qtype: str, _strict: Any = None, _timeout: Any = None
) -> list[tuple[tuple[str, str], Any]]:
    """What pyspf calls instead of the network: one answer as ((name, type), value) pairs, or its TempError."""
    lookup, address_type = _LOOKUP.get()
    answer = lookup(name, qtype)
    if answer.failed:
        raise spf.TempError(f"DNS: {answer.status.value} for {name} {qtype}")
    if answer.status is not Status.OK:
        return []
    values: list[Any] = list(answer.records)
    if qtype in ("TXT", "SPF"):
        values = [(record.encode("latin-1"),) for record in answer.records]
        _expect_includes(lookup, answer.records)
    elif qtype == "MX":
        values = [(int(preference), host.removesuffix(".")) for preference, _, host in _parted(answer.records)]
        _expect_addresses(lookup, [host for _, host in values], address_type)
    elif qtype == "PTR":
        _expect_addresses(lookup, answer.records, address_type)
    return [((name, qtype), value) for value in values]


def _parted(records: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [record.partition(" ") for record in records]


def _expect_includes(lookup: Lookup, records: tuple[str, ...]) -> None:
    for record in records:
        if _RECORD.match(record):
            for name in _INCLUDE.findall(record)[:_AHEAD_INCLUDES]:
                lookup.expect(name, "TXT")


def _expect_addresses(lookup: Lookup, hosts: Any, address_type: str) -> None:
    if len(hosts) <= _AHEAD_HOSTS:
        for host in hosts:
            lookup.expect(host, address_type)


# pyspf finds its DNS function as a global of its module, so this is set once, for good. Evaluations do not mix:
# `run` is synchronous, so nothing else of its event loop runs between the set and the reset of the variable, and
# another thread has a context of its own.
spf.DNSLookup = _answer_pyspf
