"""From a message taken apart to features: which words it uses, and how its parts agree with each other.

Only what generalises. Nothing here may recognise a corpus instead of a kind of mail: no header names, no sender
domains, no
numbers (a year is a number), no charset, no language tag. Binary presence; the vector is scaled to unit length by
the model.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from gateway.facts.content import Anatomy, LinkFact

BITS: Final = 18
SIZE: Final = 1 << BITS
_MASK: Final = SIZE - 1

MAX_TEXT: Final = 12_000
"""Characters of visible text that are read: later ones change the answer of one message in several hundred."""
MAX_WORDS: Final = 1_500
MAX_LINKS: Final = 100

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_DIGITS: Final = re.compile(r"\d+")
_HOST: Final = re.compile(r"(?:https?://)?((?:[a-z0-9\-]+\.)+[a-z]{2,})", re.IGNORECASE)
_ADDRESS_HOST: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_INVISIBLE: Final = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])

# Letters that are drawn like Latin ones: obfuscated words should meet the words that they imitate.
_CONFUSABLE: Final = str.maketrans("аеорсухіјԁɡɩαορνικτ", "aeopcyxijdgiaopvikt")


@dataclass(frozen=True, slots=True)
class Features:
    """What is present in one message: bucket numbers, none twice, and for each its kind (text, subject, name, fact)
    and words."""

    buckets: tuple[int, ...]
    names: tuple[tuple[str, str], ...]


def features_of(anatomy: Anatomy) -> Features:
    """The features of a message. Bounded by the caps above, total, and the same for the same anatomy."""
    found: dict[int, tuple[str, str]] = {}
    _add_words(found, normalise(anatomy.subject[:500]), "subject")
    for author in anatomy.authors[:1]:
        _add_words(found, normalise(author.name[:200]), "name")
    _add_words(found, normalise(anatomy.text[:MAX_TEXT]), "text")
    for fact in _relations(anatomy):
        found.setdefault(crc32(fact.encode("utf-8", "replace"), crc32(b"fact")) & _MASK, ("fact", fact))
    return Features(tuple(found), tuple(found.values()))


def normalise(text: str) -> str:
    """Lower case without invisible characters; what merely looks Latin becomes Latin where the word is mixed."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).lower()
    return _WORD.sub(lambda match: _latinise(match.group()), folded)


def _latinise(word: str) -> str:
    if word.isascii() or not any("a" <= char <= "z" for char in word):
        return word
    return word.translate(_CONFUSABLE)


def _add_words(found: dict[int, tuple[str, str]], text: str, kind: str) -> None:
    """Words and pairs of neighbours. A pair's hash continues its first word's hash, which saves building the string."""
    seed = crc32(kind.encode())
    previous, previous_hash = "", 0
    for count, match in enumerate(_WORD.finditer(text)):
        if count == MAX_WORDS:
            return
        word = match.group()
        if not word.isascii() and len(word) > 6 and not word.isupper():
            for piece in _pieces(word):
                found.setdefault(crc32(piece.encode("utf-8", "replace"), seed) & _MASK, (kind, piece))
            previous = ""
            continue
        word = _DIGITS.sub("0", word[:24])
        octets = word.encode("utf-8", "replace")
        found.setdefault(crc32(octets, seed) & _MASK, (kind, word))
        if previous:
            found.setdefault(crc32(octets, previous_hash) & _MASK, (kind, f"{previous} {word}"))
        previous, previous_hash = word, crc32(octets + b" ", seed)


def _pieces(word: str) -> list[str]:
    """Long words of other scripts, and text written without spaces, by three letters."""
    return [word[start : start + 3] for start in range(min(len(word), 120) - 2)]


def _relations(anatomy: Anatomy) -> list[str]:
    """How the parts of the message agree: facts that hold for any sender, in any language."""
    content, html = anatomy.content, anatomy.html
    found = [
        f"link {kind}" for kind in sorted({kind for link in content.links[:MAX_LINKS] for kind in _link_kinds(link)})
    ]
    author = anatomy.authors[0] if anatomy.authors else None
    if author is not None:
        named = _HOST.search(author.name)
        if "@" in author.name and author.domain not in author.name.lower():
            found.append("display name shows another address")
        elif named and not _same_site(named.group(1), author.domain):
            found.append("display name shows another domain")
        if any(not _same_site(reply.domain, author.domain) for reply in anatomy.reply_to[:1]):
            found.append("replies go to another domain")
    if html is not None:
        if html.password_fields:
            found.append("asks for a password in the message")
        if html.forms:
            found.append("has a form")
        if html.scripts:
            found.append("has a script")
        if html.hidden > 200 and html.hidden > html.visible:
            found.append("most of its text is hidden")
        if html.images and html.visible < 40:
            found.append("is a picture without words")
    found += [f"defect {defect}" for defect in content.defects if defect.startswith(("name.", "type.", "mime."))]
    found += [f"attachment {part.true_type}" for part in content.parts if part.name and not part.note][:20]
    return found


def _link_kinds(link: LinkFact) -> list[str]:
    kinds = []
    shown = _HOST.match(link.text.strip())
    if shown and link.host and not _same_site(shown.group(1), link.host):
        kinds.append("text shows another site")
    if _ADDRESS_HOST.match(link.host):
        kinds.append("goes to a bare address")
    if "xn--" in link.host:
        kinds.append("has a punycode host")
    if "@" in link.url.partition("//")[2].partition("/")[0]:
        kinds.append("hides its host behind a user name")
    if link.host.count(".") >= 4:
        kinds.append("has a deep host name")
    return kinds


def _same_site(one: str, other: str) -> bool:
    """Whether two host names share their last two labels. A rough rule, and enough for a feature."""
    return one.lower().rsplit(".", 2)[-2:] == other.lower().rsplit(".", 2)[-2:]
