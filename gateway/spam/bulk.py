"""Whether a message is bulk mail: newsletters, offers and notices that go to many and can be ended by who gets them.

A fact of its own beside the classifier's, read from what makes mail bulk: the fields by which a sender lets people go
(RFC 2369 section 3.2, one click: RFC 8058; RFC 2919) and the link that says so to the reader. One sign alone proves
nothing, so two must agree, and the author's name must not contradict the author's domain. Anybody can write all of
this: it never says that mail is wanted, or who sent it. What follows from it is policy, and the default policy asks for
an authenticated author first.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.facts.content import Anatomy, LinkFact
from gateway.spam.identity import NAME_DIFFERS, identity_of
from gateway.spam.knowledge import PUBLIC_MAIL
from gateway.spam.sites import owner_of

MAX_LINKS: Final = 120
"""Links that are looked at, the last first: the way out stands at the end."""
MAX_SAID: Final = 120
MAX_URL: Final = 400

_OFFERS: Final = "list-unsubscribe"
_LISTED: Final = frozenset({"list-unsubscribe-post", "list-id", "precedence", "feedback-id", "x-csa-complaints"})
"""Fields of whoever sends to many: lists, and the services that shops send through."""
_DISCUSSION: Final = "list-post"
"""The field of a list to which its readers write (RFC 2369 section 3.4)."""
_WAY_OUT: Final = re.compile(
    r"unsub|opt[\s_-]?out|email[\s_-]?pref|manage[\s_-]?(?:your[\s_-]?)?(?:pref|subscri)|abmeld|abbestell|"
    r"d[ée]sabonn|d[ée]sinscri|darse de baja|suscripci|descadastr|cancelar (?:a )?inscri|disiscri|annulla l|uitschrij|"
    r"afmeld|avregistrer|avprenumer|отпис|退订|退訂|配信停止|수신\s?거부",
    re.IGNORECASE,
)


def bulk_of(anatomy: Anatomy) -> bool | None:
    """True: the message is bulk mail. False: nothing says so. None: cannot be told, because there is one sign only, a
    list of people may have sent it, its author has a mailbox that anybody may have, or goes by a name that the domain
    does not know."""
    names = set(anatomy.header_names)
    signs = (_OFFERS in names) + bool(names & _LISTED)
    if not signs and not anatomy.content.links:
        return False
    signs += _shows_a_way_out(anatomy.content.links)
    if not signs:
        return False
    if signs < 2 or _DISCUSSION in names or not _has_own_domain(anatomy) or NAME_DIFFERS in identity_of(anatomy):
        return None
    return True


def _shows_a_way_out(links: tuple[LinkFact, ...]) -> bool:
    return any(
        _WAY_OUT.search(link.text[:MAX_SAID]) or _WAY_OUT.search(link.url[:MAX_URL])
        for link in reversed(links[-MAX_LINKS:])
    )


def _has_own_domain(anatomy: Anatomy) -> bool:
    """One author, in a domain that is not open to everybody."""
    authors = anatomy.authors
    return len(authors) == 1 and bool(authors[0].domain) and owner_of(authors[0].domain) not in PUBLIC_MAIL
