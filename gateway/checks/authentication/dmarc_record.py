"""DMARC policy records: `v=DMARC1; p=reject; ...` (RFC 9989 sections 4.7 and 4.8).

Lenient where the standard says so: unknown tags are ignored, and so are pct, rf and ri, which it made historic. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

MAX_RECORD: Final = 8 * 1024

# ABNF strings are case-insensitive, so the tag is; the version is written to be case-sensitive.
_VERSION = re.compile(r"[ \t]*[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_REPORT_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s,!]+(?:![0-9]+[kmgtKMGT]?)?\Z")


class Request(StrEnum):
    """What a domain owner asks to be done with mail that fails (RFC 9989 section 4.7, tags p, sp and np)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def one_below(self) -> Request:
        """The request while the owner is testing (t=y)."""
        return Request.QUARANTINE if self is Request.REJECT else Request.NONE


STRICTNESS: Final = {Request.NONE: 0, Request.QUARANTINE: 1, Request.REJECT: 2}


class Suffix(StrEnum):
    """Whether the domain is a public suffix (tag psd)."""

    YES = "y"
    NO = "n"
    UNDECIDED = "u"


@dataclass(frozen=True, slots=True)
class Record:
    """One policy record. `request` is None where the record is of no use for policy: no valid p, sp or np, and no
    address for reports (RFC 9989 section 4.10.1). `report_uris` are those of rua, well formed or not."""

    request: Request | None
    subdomains: Request | None = None
    missing_subdomains: Request | None = None
    suffix: Suffix = Suffix.UNDECIDED
    testing: bool = False
    strict_dkim: bool = False
    strict_spf: bool = False
    report_uris: tuple[str, ...] = ()

    def for_subdomain(self, *, exists: bool) -> Request | None:
        """The request for a subdomain of the record's domain, before t=y."""
        if self.request is None:
            return None
        if not exists and self.missing_subdomains is not None:
            return self.missing_subdomains
        return self.subdomains or self.request


@lru_cache(maxsize=1024)
def parse(text: str) -> Record | None:
    """Read one TXT record; None if it is no DMARC record at all."""
    version = _VERSION.match(text)
    if version is None or len(text) > MAX_RECORD:
        return None
    tags: dict[str, str] = {}
    repeated = False
    for spec in text[version.end() :].split(";"):
        name, equals, value = spec.partition("=")
        if equals:
            name = name.strip(" \t").lower()
            repeated |= name in tags
            tags[name] = value.strip(" \t")
    if repeated:
        # RFC 6376 section 3.2, whose tag lists these are: a repeated tag makes the whole list invalid.
        return None
    wrong = any(name in tags and _request(tags[name]) is None for name in ("sp", "np")) or (
        _request(tags.get("p", "")) is None
    )
    return Record(
        request=(Request.NONE if _has_report_uri(tags.get("rua", "")) else None) if wrong else _request(tags["p"]),
        subdomains=None if wrong else _request(tags.get("sp", "")),
        missing_subdomains=None if wrong else _request(tags.get("np", "")),
        suffix=_suffix(tags.get("psd", "")),
        testing=tags.get("t", "").lower() == "y",
        strict_dkim=tags.get("adkim", "").lower() == "s",
        strict_spf=tags.get("aspf", "").lower() == "s",
        report_uris=tuple(uri.strip(" \t") for uri in tags.get("rua", "").split(",") if uri.strip(" \t")),
    )


def choose(texts: Sequence[str]) -> list[Record]:
    """The DMARC records among TXT records. More than one means that none of them counts (section 4.10 step 2)."""
    return [record for record in map(parse, texts) if record is not None]


def _request(value: str) -> Request | None:
    try:
        return Request(value.lower())
    except ValueError:
        return None


def _suffix(value: str) -> Suffix:
    try:
        return Suffix(value.lower())
    except ValueError:
        return Suffix.UNDECIDED


def _has_report_uri(value: str) -> bool:
    return any(_REPORT_URI.match(uri.strip(" \t")) for uri in value.split(","))
