"""How the parts of a message agree, and what its links and names look like: facts that hold for any sender, in any
language.

Shapes, never identities: no host, domain, address, number or header name leaves this file. A fact is either there or
not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.facts.content import Anatomy, AuthorFact, HtmlFact, LinkFact
from gateway.spam.sites import site_of

MAX_LINKS: Final = 60
MAX_PARTS: Final = 20
MAX_FACTS: Final = 80

_HOST: Final = re.compile(r"(?:https?://)?((?:[a-z0-9\-]{1,63}\.){1,6}[a-z]{2,24})(?![a-z0-9@.\-])", re.IGNORECASE)
_NUMERIC: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_\-]{24,}")
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
_MONEY: Final = ("$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "BTC")
_PICTOGRAPH: Final = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_UNSEEN_INSIDE: Final = re.compile(
    "[a-z][\u00ad\u034f\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]{1,9}[a-z]",
    re.IGNORECASE,
)
_SCRIPTS_MIXED: Final = re.compile("[a-z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][a-z]", re.IGNORECASE)
_STYLED: Final = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff5a]{3}")
_OLD: Final = frozenset({"com", "org", "net", "edu", "gov", "mil", "int", "info", "biz"})
_RESERVED: Final = frozenset({"example", "test", "invalid", "localhost", "local", "internal", "arpa"})
_FAMILIAR: Final = _OLD | _RESERVED

# Knowledge, not learnt: places where anybody may put a page without showing who he is.
_SHORTENERS: Final = frozenset(
    (
        *("bit.ly", "t.co", "goo.gl", "tinyurl.com", "ow.ly", "is.gd", "rebrand.ly"),
        *("cutt.ly", "t.ly", "lnkd.in", "s.id", "shorturl.at", "rb.gy", "qrco.de"),
    )
)
_OPEN_HOSTS: Final = (
    *("googleapis.com", "windows.net", "amazonaws.com", "r2.dev", "web.app", "firebaseapp.com", "github.io"),
    *("pages.dev", "workers.dev", "netlify.app", "vercel.app", "herokuapp.com", "weebly.com", "wixsite.com"),
    *("blogspot.com", "sites.google.com", "azurewebsites.net", "ipfs.io", "digitaloceanspaces.com", "glitch.me"),
    *("cloudfront.net", "backblazeb2.com", "linodeobjects.com", "myqcloud.com", "aliyuncs.com", "translate.goog"),
)


def facts_of(anatomy: Anatomy) -> list[str]:
    """The facts about a message, none twice, in a stable order; at most `MAX_FACTS`."""
    found: dict[str, None] = {}
    author = anatomy.authors[0] if anatomy.authors else None
    for group in (
        _of_author(author, anatomy.reply_to) if author is not None else (),
        _of_links(anatomy.content.links[:MAX_LINKS], author),
        _of_subject(anatomy.subject[:300]),
        _of_text(anatomy.text[:4000]),
        _of_html(anatomy.html) if anatomy.html is not None else (),
        _of_parts(anatomy),
    ):
        found.update(dict.fromkeys(group))
    return list(found)[:MAX_FACTS]


def _of_author(author: AuthorFact, reply_to: tuple[AuthorFact, ...]) -> Iterator[str]:
    name = author.name.strip()[:200]
    if not name:
        yield "author has no name"
    elif "@" in name:
        shows_own = author.domain and author.domain in name.lower()
        yield "author's name is the address" if shows_own else "author's name shows another address"
    else:
        shown = _HOST.search(name)
        if shown and site_of(shown[1]) != site_of(author.domain):
            yield "author's name shows another domain"
        if len(name) > 4 and name.isupper():
            yield "author's name is in capitals"
    if _PICTOGRAPH.search(name):
        yield "author's name has a pictograph"
    if not name.isascii():
        for trick in _tricks(name):
            yield f"author's name {trick}"
    local = author.address.partition("@")[0]
    if sum(map(str.isdigit, local)) >= 3:
        yield "author's address has many digits"
    if len(local) > 24:
        yield "author's address is long"
    for shape in _host_shapes(author.domain):
        yield f"author's domain {shape}"
    if reply_to:
        reply = reply_to[0]
        if site_of(reply.domain) != site_of(author.domain):
            yield "replies go to another domain"
        elif reply.address != author.address:
            yield "replies go to another address of the domain"


def _of_links(links: tuple[LinkFact, ...], author: AuthorFact | None) -> Iterator[str]:
    hosts = {link.host for link in links if link.host}
    sites = {site_of(host) for host in hosts}
    if sites and author is not None and author.domain:
        own = site_of(author.domain)
        if own not in sites:
            yield "no link goes to the author's domain"
        elif len(sites) == 1:
            yield "all links go to the author's domain"
    if links:
        yield "links go to one domain" if len(sites) < 2 else f"links go to {_amount(len(sites), 0, 2, 5)} domains"
    for host in sorted(hosts)[:20]:
        for shape in _host_shapes(host):
            yield f"link's host {shape}"
        if host in _SHORTENERS:
            yield "link is shortened"
        elif host.endswith(_OPEN_HOSTS):
            yield "link goes to a host open to anybody"
    for link in links:
        yield from _of_link(link)
    if len({link.url for link in links if link.place == "html"}) == 1:
        yield "has one link"


def _amount(count: int, few: int, some: int, many: int) -> str:
    """A count in words: exact counts would be remembered, not understood."""
    return "hardly any" if count <= few else "few" if count <= some else "some" if count <= many else "many"


def _of_link(link: LinkFact) -> Iterator[str]:
    text = link.text.strip()
    shown = _HOST.match(text) if "." in text else None
    if shown and link.host and site_of(shown[1]) != site_of(link.host):
        yield "link's text shows another site"
    rest = link.url.partition("//")[2]
    authority, _, path = rest.partition("/")
    if "@" in authority:
        yield "link hides its host behind a user name"
    if authority.rpartition(":")[2].isdigit():
        yield "link names a port"
    if "@" in path or "%40" in path:
        yield "link holds an address"
    place = path.partition("?")[0]
    if "/" not in place and len(place) >= 20 and _TOKEN.match(place):
        yield "link's path is one code"
    if len(path) > 150:
        yield "link is very long"
    if place.endswith((".php", ".exe", ".zip", ".html", ".htm")):
        yield f"link ends in {place.rpartition('.')[2]}"
    if "#" in path and len(path.rpartition("#")[2]) > 20:
        yield "link has a long fragment"
    if _TOKEN.search(path):
        yield "link carries a code"


def _host_shapes(host: str) -> Iterator[str]:
    if not host:
        return
    if _NUMERIC.match(host) or host.startswith("["):
        yield "is a bare number"
        return
    labels = host.lower().split(".")
    last, owned = labels[-1], site_of(host).partition(".")[0]
    if "xn--" in host:
        yield "is in punycode"
    if last not in _FAMILIAR and len(last) > 2:
        yield "has a new top-level domain"
    if len(labels) >= 5:
        yield "is deep"
    if any(map(str.isdigit, owned)):
        yield "has digits"
    if owned.count("-") >= 2:
        yield "has many hyphens"
    if len(owned) >= 18:
        yield "is long"
    if _CONSONANTS.search(owned):
        yield "looks random"
    if any(len(label) >= 24 for label in labels):
        yield "has a coded label"


def _of_subject(subject: str) -> Iterator[str]:
    letters = [char for char in subject if char.isalpha()]
    if not letters:
        yield "subject has no words"
        return
    if len(letters) > 8 and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        yield "subject is in capitals"
    if "!" in subject:
        yield "subject exclaims"
    if any(sign in subject for sign in _MONEY):
        yield "subject names money"
    if "%" in subject:
        yield "subject names per cent"
    if _PICTOGRAPH.search(subject):
        yield "subject has a pictograph"
    if not subject.isascii():
        for trick in _tricks(subject):
            yield f"subject {trick}"


def _tricks(text: str) -> Iterator[str]:
    """How letters are dressed so that people read a word and programs do not."""
    if _UNSEEN_INSIDE.search(text):
        yield "hides characters inside words"
    if _SCRIPTS_MIXED.search(text):
        yield "mixes scripts inside a word"
    if _STYLED.search(text):
        yield "imitates letters"


def _of_text(text: str) -> Iterator[str]:
    if len(text) < 1500:
        yield f"text has {_amount(len(text), 40, 200, 600)} words"
    if not text.isascii():
        for trick in _tricks(text):
            yield f"text {trick}"
    exclaims = text.count("!")
    if exclaims >= 3:
        yield "text exclaims much" if exclaims >= 8 else "text exclaims"
    if any(sign in text for sign in _MONEY):
        yield "text names money"
    if _PICTOGRAPH.search(text):
        yield "text has a pictograph"
    words = text.split()
    if len(words) > 20 and sum(map(str.isupper, words)) > 0.3 * len(words):
        yield "text is in capitals"


def _of_html(html: HtmlFact) -> Iterator[str]:
    if html.password_fields:
        yield "asks for a password in the message"
    if html.forms:
        yield "has a form"
    if html.scripts:
        yield "has a script"
    if html.hidden > 200 and html.hidden > html.visible:
        yield "most of its text is hidden"
    if html.images and html.visible < 40:
        yield "is a picture without words"


def _of_parts(anatomy: Anatomy) -> Iterator[str]:
    for defect in anatomy.content.defects:
        if defect.startswith(("name.", "type.", "mime.")):
            yield f"defect {defect}"
    for part in anatomy.content.parts[:MAX_PARTS]:
        if part.name and not part.note and not part.true_type.startswith("text/plain"):
            yield f"attachment {part.true_type}"
