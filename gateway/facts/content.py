"""What a message contains, as anatomy and the engines found it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.facts.outcome import Outcome


class MailClass(StrEnum):
    """What the classifier takes a message for."""

    HAM = "ham"
    SPAM = "spam"
    PHISHING = "phishing"


class MalwareResult(StrEnum):
    """What a malware engine said."""

    FOUND = "found"
    CLEAN = "clean"
    UNSCANNABLE = "unscannable"


@dataclass(frozen=True, slots=True)
class AuthorFact:
    """One mailbox of the From field."""

    name: str
    address: str
    domain: str


@dataclass(frozen=True, slots=True)
class PartFact:
    """One part of the message, or one member of a container inside it.

    `path` numbers it ("1.2", members "1.2/0"); `size` counts decoded octets; `true_type` is what the octets are.
    `note` is empty, "encrypted", or why it could not be opened. `can_run`: it is a program, or one of its names has
    the extension of what runs when it is opened.
    """

    path: str
    name: str
    declared_type: str
    true_type: str
    size: int
    sha256: str
    note: str = ""
    can_run: bool = False


@dataclass(frozen=True, slots=True)
class LinkFact:
    """One link: where it goes, what it says, its host in lower case, and where it stood ("html", "text", "pdf",
    "office", "qr", and "shortened" for what a shortener gave)."""

    url: str
    text: str
    host: str
    place: str = "html"


@dataclass(frozen=True, slots=True)
class DefectFact:
    """One defect by name, and the first thing in the message that has it, so that a person can see why: a link's text
    and where it goes, a file's name. Characters that are not seen are written out; 200 at most."""

    name: str
    evidence: str


@dataclass(frozen=True, slots=True)
class ContentFact:
    """The anatomy of a message. `excerpt` are the first characters of the visible text (200 at most).

    `defects` are named oddities from a closed list ("mime.ambiguous", "header.from.several"); `unscannable` are
    reasons why some part could not be looked into ("archive.encrypted", "archive.ratio"); empty means that all of it
    was seen. `evidence` shows, for defects that have something to show, what it was. `scant` is said of a few words
    that lead nowhere.
    """

    parts: tuple[PartFact, ...] = ()
    links: tuple[LinkFact, ...] = ()
    excerpt: str = ""
    defects: tuple[str, ...] = ()
    unscannable: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    evidence: tuple[DefectFact, ...] = ()
    scant: bool = False


@dataclass(frozen=True, slots=True)
class HtmlFact:
    """How the HTML of a message is built, in counts. Characters are of decoded text, `hidden` ones a reader would
    not see."""

    visible: int = 0
    hidden: int = 0
    elements: int = 0
    images: int = 0
    remote_images: int = 0
    forms: int = 0
    password_fields: int = 0
    scripts: int = 0
    tables: int = 0


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A message taken apart, as the classifier sees it: what is recorded (`content`) and the text that is not.

    `text` is the visible text of all readable parts, at most 64 Ki characters; `documents` is what PDF and Office files
    say, at most 32 Ki; `header_names` are the names of the header fields in lower case, top to bottom; `signers` are
    the domains that DKIM signatures name (RFC 6376 section 3.5, d=), in lower case, verified by nobody.
    """

    content: ContentFact
    subject: str = ""
    authors: tuple[AuthorFact, ...] = ()
    reply_to: tuple[AuthorFact, ...] = ()
    text: str = ""
    html: HtmlFact | None = None
    header_names: tuple[str, ...] = ()
    documents: str = ""
    signers: tuple[str, ...] = ()


START: Final = "start"
"""The signal of where a score begins, before anything is read."""
REST: Final = "all else"
"""The signal of all that moved a score and is not told one by one."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that moved the classifier. `weight` is in log-odds: positive speaks for not-ham."""

    name: str
    weight: float
    evidence: str = ""

    @property
    def points(self) -> bool:
        """Whether it points to something in the message; `START` and `REST` only make the sum whole."""
        return self.name not in (START, REST)


@dataclass(frozen=True, slots=True)
class SpamFact:
    """What the classifier says. `score` is the log-odds of not-ham on one fixed scale; `probability` sums to 1.

    The weights of `signals` sum to `score`.

    `credit` is the part of the score, 0.0 or less, that rests on signatures which nobody has verified.

    `bulk` is whether the message is built as bulk mail is, whatever the score; None where that cannot be told.
    """

    mail_class: MailClass
    probability: dict[str, float]
    score: float
    signals: tuple[Signal, ...] = ()
    model: str = ""
    bulk: bool | None = None
    credit: float = 0.0


@dataclass(frozen=True, slots=True)
class MalwareFact:
    """What a malware engine said: `name` of the finding, or the reason why it is unscannable. `part` is empty for
    the whole message."""

    result: MalwareResult
    name: str = ""
    engine: str = ""
    part: str = ""
    signatures: str = ""


@dataclass(frozen=True, slots=True)
class ListedFact:
    """Block lists of links that name where a message leads: the sum of their weights, and (list, host) for each.

    `unusable` are the lists that could not be counted, as (list, why): silent, talking nonsense, missing or too old.
    """

    score: float = 0.0
    listings: tuple[tuple[str, str], ...] = ()
    unusable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ShortLinkFact:
    """A shortened link, the link that it leads to and the host of that in lower case; without one, `why` it is not
    known."""

    url: str
    target: str = ""
    host: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class ShortenedFact:
    """The shortened links of a message that were followed, in the order in which they stand."""

    links: tuple[ShortLinkFact, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineFact:
    """The malware engine when it was asked: the version of its signatures, their `age` in seconds (None where it does
    not say), and for how many seconds it has been `absent`, that is, given no answer that counts; 0.0 while it answers.
    `met` is whether it has ever answered this installation: one that has not may be starting, or not be there at all.
    """

    name: str = ""
    signatures: str = ""
    age: float | None = None
    absent: float = 0.0
    met: bool = True


@dataclass(frozen=True, slots=True)
class YaraFact:
    """Which of our own rules some part of the message matches, by name. `rules` tells one set of rules from another."""

    matches: tuple[str, ...] = ()
    rules: str = ""

    @property
    def malware(self) -> tuple[str, ...]:
        """Those that tell of malware: all but the ones for lures, whose names say so."""
        return tuple(each for each in self.matches if not each.startswith("lure_"))


@dataclass(frozen=True, slots=True)
class Findings:
    """What the malware engine and our own rules say of a message that is looked at again."""

    malware: Outcome[MalwareFact]
    yara: Outcome[YaraFact]
