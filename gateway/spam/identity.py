"""Whether a message agrees with itself about who sent it: the author's name, the author's domain, where links go, whom
the text names, who claims its rights.

A shop says one name everywhere; who copies the shop's words seldom has its domain, and who hides has nothing to name.
Relations only: no name or domain leaves this file, and nothing that a sender could merely claim in a header field, such
as a signature that nobody verified, is looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.facts.content import Anatomy, AuthorFact, LinkFact
from gateway.spam.knowledge import BRANDS, COMMON_NAME_WORDS, PUBLIC_MAIL
from gateway.spam.sites import LEAST_LETTERS, bare, is_named, owner_of, site_of

MAX_READ: Final = 4_000
"""Characters of the text in which names are looked for, and of its end in which rights are."""
NAME_AGREES: Final = "author's name and domain agree"
NAME_DIFFERS: Final = "author's name and domain differ"
LINKS_OWN: Final = "nearly all links go to the author's domain"
MAX_NAME_WORDS: Final = 8
MAX_LINKS: Final = 60

_WEB: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{4,40}")
_RIGHTS: Final = re.compile(r"(?:©|\(c\)|copyright)[\s\d\-–,©]{0,20}([^\n|]{2,60})", re.IGNORECASE)


def identity_of(anatomy: Anatomy) -> Iterator[str]:
    """The facts, each at most once."""
    author = anatomy.authors[0] if anatomy.authors else None
    text = bare(_WEB.sub(" ", anatomy.text[:MAX_READ]))
    subject = bare(anatomy.subject[:300])
    links = [link for link in anatomy.content.links[:MAX_LINKS] if link.host]
    name = ""
    if author is not None and author.domain:
        name = bare(author.name[:200])
        yield from _of_author(author, name, text, subject)
        yield from _of_rights(author, anatomy.text[-MAX_READ:])
        yield from _of_brands(author, name, anatomy.subject[:300])
        if anatomy.reply_to and _is_public(anatomy.reply_to[0].domain) and not _is_public(author.domain):
            yield "replies go to a public mail service"
        if links and not _is_public(author.domain):
            yield from _of_own_links(author, links)
    if links:
        yield from _of_named_links(links, f"{text} {subject} {name}")


def _of_author(author: AuthorFact, name: str, text: str, subject: str) -> Iterator[str]:
    owner, words = owner_of(author.domain), _name_words(author)
    if not _is_public(author.domain):
        domain = bare(author.domain)
        if words:
            if is_named(owner, name) or any(word in domain for word in words):
                yield NAME_AGREES
            elif not any(word in bare(author.address.partition("@")[0]) for word in words):
                # A person's own name before the "@" is as it should be.
                yield NAME_DIFFERS
        if len(owner) >= LEAST_LETTERS:
            yield "text names the author's domain" if owner in text else "text does not name the author's domain"
            if owner in subject:
                yield "subject names the author's domain"
    if words and text:
        said = any(word in text for word in words)
        yield "text says the author's name" if said else "text does not say the author's name"


def _of_rights(author: AuthorFact, end: str) -> Iterator[str]:
    """Who claims the rights in the text: "© 2026 Somebody"."""
    if "©" not in end and "(c)" not in end.lower() and "opyright" not in end.lower():
        return
    claims = [bare(claim) for claim in _RIGHTS.findall(end)[:5]]
    if claims:
        known = [owner_of(author.domain), *_name_words(author)]
        own = any(is_named(each, claim) for each in known for claim in claims)
        yield "rights are claimed by the author" if own else "rights are claimed by another"


def _of_brands(author: AuthorFact, name: str, subject: str) -> Iterator[str]:
    owner = owner_of(author.domain)
    shown = [brand for brand in BRANDS if brand in name]
    if shown:
        own = any(brand in owner for brand in shown)
        yield "author's name is a brand's, and its domain too" if own else "author's name is a brand's, not its domain"
    told = [word for word in _WORD.findall(subject.lower()) if word in BRANDS]
    if told:
        own = any(brand in owner for brand in told)
        yield "subject names a brand that sent it" if own else "subject names a brand that did not send it"


def _of_own_links(author: AuthorFact, links: list[LinkFact]) -> Iterator[str]:
    own, owner = site_of(author.domain), owner_of(author.domain)
    sites = Counter(site_of(link.host) for link in links)
    share = sites.pop(own, 0) / len(links)
    if share:
        amount = "few" if share < 0.34 else "most"
        yield LINKS_OWN if share >= 0.8 else f"{amount} links go to the author's domain"
    if any(_resembles(owner_of(site), owner) for site in sites):
        yield "a link's domain resembles the author's"


def _resembles(one: str, other: str) -> bool:
    """Whether one owner's name begins like the other or stands inside it."""
    if min(len(one), len(other)) < LEAST_LETTERS:
        return False
    return one in other or one.startswith(other[: max(5, len(other) - 2)])


def _of_named_links(links: list[LinkFact], said: str) -> Iterator[str]:
    """Whether those to whom the links go are named to the reader."""
    sites = Counter(site_of(link.host) for link in links)
    named = {site for site in sites if is_named(owner_of(site), said)}
    if not named:
        yield "no link's domain is named"
    elif len(named) == len(sites):
        yield "every link's domain is named"
    first = sites.most_common(1)[0][0]
    yield "most frequent link's domain is named" if first in named else "most frequent link's domain is not named"


def _name_words(author: AuthorFact) -> list[str]:
    """The words of the display name that are not everybody's."""
    found = (word for word in _WORD.findall(author.name[:200].lower()) if word not in COMMON_NAME_WORDS)
    return [word for word, _ in zip(found, range(MAX_NAME_WORDS), strict=False)]


def _is_public(domain: str) -> bool:
    return owner_of(domain) in PUBLIC_MAIL
