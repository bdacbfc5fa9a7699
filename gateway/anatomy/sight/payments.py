"""Whether a letter says that money goes to another account from now on, as invoice frauds do. By words of seven
languages, in what the author writes and does not quote. A fact, not a verdict: firms do move their accounts."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from gateway.anatomy.findings import Defect, Findings

_REACH: Final = 2 * 1024
"""Characters of the text that are read. Such letters are short."""

_ANCHORS: Final = tuple(
    map(re.compile, ("ban", "konto", "wir", "deposit", "remittance", "details", "rekening", r"rib(?<=\brib)\b"))
)
"""Without one of these there is none of the words below: bank, banc, iban, wire, wiring. Each begins with a letter, by
which a pattern is found fastest."""
_AROUND: Final = 120
"""Characters before and behind such a word in which the rest is looked for."""
_MOST: Final = 10
"""Places at which one such word is looked at."""
_ACCOUNT: Final = (
    r"(?:bank(?:ing)?\s+(?:account|details?|info(?:rmation)?|data|coordinates)|account\s+details|wire\s+instructions?"
    r"|wiring\s+instructions?|remittance\s+(?:details|information|account)|(?:direct\s+)?deposit\s+(?:account|details)"
    r"|bankverbindung(?:en)?|kontoverbindung|bankdaten|kontodaten|coordonnées\s+bancaires|\brib\b|compte\s+bancaire"
    r"|datos\s+bancarios|cuenta\s+bancaria|coordinate\s+bancarie|conto\s+bancario|dados\s+bancários"
    r"|conta\s+bancária|bankgegevens|rekeningnummer|\biban\b)"
)
_CHANGED: Final = (
    r"(?:chang(?:e[ds]?|ing)|updated?|updating|new|revised|amended|different|switched|replaced?|no\s+longer"
    r"|geändert|neue[nrs]?|aktualisiert|gewechselt|nouve(?:aux|au|lles?)|modifiée?s?|changée?s?|changé"
    r"|nuev[oa]s?|cambi(?:ad[oa]s?|ado|amos|ate|ati|ato|ata)|actualizad[oa]s?|nuov[eoia]|modificat[eoia]|aggiornat[eoia]"
    r"|nov[oa]s?|alterad[oa]s?|gewijzigd|nieuwe?)"
)
_OWN: Final = re.compile(
    rf"\b{_CHANGED}\s+(?:(?:our|my|the|following|unsere[nr]?|nos|mes|nuestr[oa]s?|nostr[eoi]|onze)\s+)?{_ACCOUNT}"
    rf"|(?<!your )(?<!ihre )(?<!votre )(?<!vos )(?<!sus )\b{_ACCOUNT}[^.!?\n]{{0,50}}?"
    r"\b(?:ha(?:s|ve)|had|is|are|was|were|been|hat|haben|wurden?|sich|ist|ont|a|sono|hanno|han|ha|foram|zijn|is)\b"
    rf"[^.!?\n]{{0,25}}?\b{_CHANGED}",
)
_PAYING: Final = re.compile(
    r"\b(?:pa(?:y|id|yments?|yable|yroll)|invoices?|transfer|remit|wire|salary|zahl(?:en|ung(?:en)?)|überweis\w{1,6}|rechnung(?:en)?"
    r"|gehalt|paiements?|factures?|virements?|salaire|pagos?|facturas?|transferencia|nómina|pagament[oi]|fattur[ae]|bonifico|stipendio"
    r"|pagamentos?|faturas?|betaling(?:en)?|factuur|facturen|salaris)\b",
)


def note_payments(text: str, findings: Findings) -> None:
    """Remember the words by which another account is named, where the letter is about paying."""
    text = text[:_REACH].lower()
    if not any(anchor.search(text) for anchor in _ANCHORS):
        return
    written = " ".join(" ".join(line for line in text.splitlines() if not line.startswith((">", "|"))).split())
    for anchor in _ANCHORS:
        for place in islice(anchor.finditer(written), _MOST):
            found = _OWN.search(written, max(0, place.start() - _AROUND), place.start() + _AROUND)
            if found and _PAYING.search(written):
                findings.note(Defect.TEXT_PAYMENT_CHANGE, found[0])
                return
