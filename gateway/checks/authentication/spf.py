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
        query.set_default_explanation("")
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


class _Query(spf.query):  # type: ignore[misc]
    """pyspf's evaluation with section 5.5 as it stands: a DNS failure makes `ptr` skip a name, not end in temperror."""

    def validated_ptrs(self) -> list[str]:
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
