"""Who a message says that it is from, and who would get an answer: authors, subject, and what is odd about the fields
of the header that people see (RFC 5322 section 3.6). Names no one a forger: a policy knows who may write for whom."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.charsets import with_known_charsets
from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.mime.fields import Header
from gateway.facts.content import AuthorFact
from gateway.mail.headers import authors, decode

_ONCE_WORDS: Final = """
    date from sender reply-to to cc bcc message-id in-reply-to references subject mime-version content-type
    content-transfer-encoding
"""
_ONCE: Final = frozenset(_ONCE_WORDS.split())
"""Fields that may stand once (RFC 5322 section 3.6, RFC 2045)."""


_FREEMAIL_WORDS: Final = """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com aol.com icloud.com me.com
    gmx.de gmx.net gmx.com web.de mail.ru yandex.ru yandex.com proton.me protonmail.com tutanota.com zoho.com mail.com
    qq.com 163.com 126.com naver.com libero.it laposte.net orange.fr t-online.de
"""
_FREEMAIL: Final = frozenset(_FREEMAIL_WORDS.split())
"""Where anybody gets a mailbox for nothing."""

_RETURN: Final = re.compile(r"[^\s<>@]{1,64}@([\w.-]{1,253}\w)")
_ADDRESS: Final = re.compile(r"[\w.+-]@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
"""An address in a display name: its domain."""


def subject_of(header: Header) -> str:
    values = header.values("subject")
    return decode(with_known_charsets(values[0]))[: limits.MAX_SUBJECT] if values else ""


def authors_of(header: Header, name: str) -> tuple[AuthorFact, ...]:
    values = (value[: limits.MAX_ADDRESSES] for value in header.values(name)[: limits.MAX_READINGS])
    found = [author for value in values for author in authors(with_known_charsets(value))]
    return tuple(AuthorFact(each.name, each.address, each.domain) for each in found)


def note_header(header: Header, senders: tuple[AuthorFact, ...], findings: Findings) -> None:
    counts: dict[str, int] = {}
    for name, _, _ in header.fields:
        if name in _ONCE:
            counts[name] = counts.get(name, 0) + 1
    if "from" not in counts:
        findings.note(Defect.HEADER_FROM_MISSING)
    elif counts["from"] > 1 or len(senders) > 1:
        findings.note(Defect.HEADER_FROM_SEVERAL)
    if "date" not in counts:
        findings.note(Defect.HEADER_DATE_MISSING)
    if any(count > 1 for count in counts.values()):
        findings.note(Defect.HEADER_REPEATED)


def note_people(senders: tuple[AuthorFact, ...], replies: tuple[AuthorFact, ...], findings: Findings) -> None:
    """Who is shown, and who gets the answers. Lists and services let them differ by right: a fact, not a verdict."""
    domains = {each.domain for each in senders}
    if domains and any(each.domain and each.domain not in domains for each in replies):
        shown = " ⟶ ".join((senders[0].address, replies[0].address))
        findings.note(Defect.HEADER_REPLY_TO_ELSEWHERE, shown)
        if domains.isdisjoint(_FREEMAIL) and any(each.domain in _FREEMAIL for each in replies):
            findings.note(Defect.HEADER_REPLY_TO_FREEMAIL, shown)
    for each in senders:
        named = _ADDRESS.search(each.name)
        if named and named[1].lower().rstrip(".") != each.domain:
            findings.note(Defect.HEADER_FROM_NAMES_OTHER, f"{each.name} <{each.address}>")


def note_return(header: Header, senders: tuple[AuthorFact, ...], findings: Findings) -> None:
    """A Return-Path field is written at delivery (RFC 5321 section 4.4): before that it is a claim."""
    domains = {each.domain for each in senders}
    for value in header.values("return-path")[: limits.MAX_READINGS]:
        claimed = _RETURN.search(decode(value[: limits.MAX_ADDRESSES]))
        if claimed is not None and domains and claimed[1].lower() not in domains:
            findings.note(Defect.HEADER_RETURN_PATH_ELSEWHERE, claimed[0])
