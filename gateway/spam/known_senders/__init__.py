"""Senders that the world knows: domains of shops, banks, carriers, services and publishers, gathered from free lists
(`LICENCES.md`), the names that these go by, and authorities, which have a top-level domain of their own.

Knowledge from outside the mail that the classifier learnt from. Read once, at import; what stands in `open.txt` is
taken out: services under whose domain anybody may write, and providers of mailboxes. Never says that mail is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.spam.knowledge import PUBLIC_MAIL
from gateway.spam.known_senders.everyday import EVERYDAY
from gateway.spam.sites import owner_of

LEAST_LETTERS: Final = 5
"""Shorter names are anybody's."""


def lines_of(file: Path) -> list[str]:
    """The lines of a list, without comments and blank lines."""
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line]


_HERE: Final = Path(__file__).parent
OPEN: Final = frozenset(lines_of(_HERE / "open.txt"))
"""Sites under which anybody may write, so that a signature of theirs does not tell who did."""
_OPEN_OWNERS: Final = PUBLIC_MAIL | {"google"}


def _closed(name: str) -> Iterator[tuple[str, str]]:
    """Site and owner of each line of a list under whose domain not anybody may write."""
    owned = ((site, owner_of(site)) for site in lines_of(_HERE / name))
    return ((site, owner) for site, owner in owned if site not in OPEN and owner not in _OPEN_OWNERS)


KNOWN: Final = frozenset(site for site, _ in _closed("domains.txt"))
"""Sites (`sites.site_of`) of well-known senders."""
NAMES: Final = frozenset(
    owner for _, owner in _closed("famous.txt") if len(owner) >= LEAST_LETTERS and owner not in EVERYDAY
)
"""What those are called, as bare letters, whose name others borrow."""
_AUTHORITIES: Final = (".gov", ".gov.uk", ".mil", ".int", ".europa.eu", "gouv.fr", "gc.ca")
"""Names below which only authorities are."""
_PLACES_WORDS: Final = """
    discord.com discord.gg facebook.com flickr.com instagram.com linkedin.com pinterest.com reddit.com snapchat.com
    soundcloud.com telegram.me telegram.org threads.net tiktok.com twitter.com vimeo.com vk.com wa.me whatsapp.com
    x.com youtu.be youtube.com
"""
PLACES: Final = frozenset(_PLACES_WORDS.split())
"""Sites of well-known senders where anybody has a page: a link there tells nothing."""


def is_known(site: str) -> bool:
    """Whether a site (`sites.site_of`) is a well-known sender's, or an authority's."""
    return site in KNOWN or site.endswith(_AUTHORITIES)
