"""What the facts say in the words of Authentication-Results (RFC 8601 section 2.7, RFC 8617, RFC 9989 section 9.2).

`Unknown` is `temperror`, with its reason; `Skipped` says nothing. Pure; the writing itself is `mail/trace.py`.
"""

from __future__ import annotations

from gateway.facts.auth import ArcFact, Auth, DkimFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.mail.trace import MethodResult, authentication_results

_TEMPERROR = "temperror"


def results_field(
    authserv_id: str,
    *,
    spf: Outcome[SpfFact] = NOT_ASKED,
    dkim: Outcome[DkimFact] = NOT_ASKED,
    arc: Outcome[ArcFact] = NOT_ASKED,
    dmarc: Outcome[DmarcFact] = NOT_ASKED,
) -> bytes:
    """The Authentication-Results field for these outcomes, with its CRLF. Raises ValueError on a bad `authserv_id`."""
    return authentication_results(authserv_id, method_results(spf=spf, dkim=dkim, arc=arc, dmarc=dmarc))


def method_results(
    *,
    spf: Outcome[SpfFact] = NOT_ASKED,
    dkim: Outcome[DkimFact] = NOT_ASKED,
    arc: Outcome[ArcFact] = NOT_ASKED,
    dmarc: Outcome[DmarcFact] = NOT_ASKED,
) -> list[MethodResult]:
    """One result for SPF, ARC and DMARC each, and one for each signature of DKIM."""
    return [*_spf(spf), *_dkim(dkim), *_arc(arc), *_dmarc(dmarc)]


def _spf(outcome: Outcome[SpfFact]) -> list[MethodResult]:
    match outcome:
        case Known(fact):
            name = "mailfrom" if fact.identity is SpfIdentity.MAILFROM else "helo"
            # The explanation is the domain owner's text, and no business of this field.
            return [MethodResult("spf", fact.result.value, properties=(("smtp", name, fact.domain),))]
        case Unknown(why):
            return [MethodResult("spf", _TEMPERROR, why)]
    return []


def _dkim(outcome: Outcome[DkimFact]) -> list[MethodResult]:
    match outcome:
        case Known(fact) if fact.signatures:
            return [
                MethodResult(
                    "dkim",
                    each.result.value,
                    each.reason,
                    (
                        ("header", "d", each.domain),
                        ("header", "s", each.selector),
                        ("header", "a", each.algorithm),
                        ("header", "b", each.signature_start),
                    ),
                )
                for each in fact.signatures
            ]
        case Known():
            return [MethodResult("dkim", "none")]
        case Unknown(why):
            return [MethodResult("dkim", _TEMPERROR, why)]
    return []


def _arc(outcome: Outcome[ArcFact]) -> list[MethodResult]:
    """RFC 8617 section 10.1 has three words; section 5.2.1: what could not be told is a failure."""
    match outcome:
        case Known(fact):
            failed = fact.ended or fact.result not in (Auth.NONE, Auth.PASS)
            word = Auth.FAIL if failed else fact.result
            return [MethodResult("arc", word.value, fact.reason, (("header", "as-d", fact.sealer),))]
        case Unknown(why):
            return [MethodResult("arc", Auth.FAIL.value, why)]
    return []


def _dmarc(outcome: Outcome[DmarcFact]) -> list[MethodResult]:
    match outcome:
        case Known(fact):
            properties = (("header", "from", fact.domain), ("policy", "dmarc", fact.policy))
            return [MethodResult("dmarc", fact.result.value, fact.reason, properties)]
        case Unknown(why):
            return [MethodResult("dmarc", _TEMPERROR, why)]
    return []
