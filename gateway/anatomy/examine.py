"""Examine: any octets give an Anatomy. Puts the room's parts together: the walk, true types, containers, text, header.

Pure and total; opens no file, loads no module after import, starts no thread: it runs inside a jail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import IncrementalNewlineDecoder
from typing import Final

from gateway.anatomy import limits, types
from gateway.anatomy.characters import made_visible
from gateway.anatomy.containers import opened
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.locks import Lock, passwords_in
from gateway.anatomy.members import Member
from gateway.anatomy.mime.fields import read_header
from gateway.anatomy.mime.parts import Part, Shape, walk
from gateway.anatomy.names import SCRIPT_EXTENSIONS, can_run, extension, note_name, note_type
from gateway.anatomy.people import authors_of, note_header, note_people, note_return, subject_of
from gateway.anatomy.scantness import is_scant
from gateway.anatomy.sight.barcodes import note_codes
from gateway.anatomy.sight.payments import note_payments
from gateway.anatomy.sight.text import Digest, html_charset, text_of
from gateway.anatomy.signers import signers_of
from gateway.facts.content import Anatomy, ContentFact, DefectFact, PartFact
from gateway.mail.message import Octets

_PAGES: Final = frozenset({"html", "htm", "shtml", "xhtml", "xht", "hta"})
"""Extensions of what a browser opens, whatever it begins with."""

_SCRIPTS: Final = frozenset(
    {
        types.SCRIPT,
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
        "text/vbscript",
        "text/ecmascript",
    }
)


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing to look at, wherever it came from. `place` is where its fact stands already, if it was locked."""

    path: str
    names: tuple[str, ...]
    declared: str
    charset: str
    content: bytes
    depth: int
    archives: int
    shape: Shape = Shape.LEAF
    note: str = ""
    size: int = 0
    lock: Lock | None = None
    place: int | None = None


Watch = Callable[[bytes], None]
"""Sees the decoded octets of each part and member."""


def examine(octets: Octets, *, watch: Watch | None = None) -> Anatomy:
    """Take a message apart. Total: any octets give an Anatomy, nothing is raised (but for what `watch` raises)."""
    findings = Findings()
    header = read_header(octets, 0, len(octets), findings)
    senders = authors_of(header, "from")
    note_header(header, senders, findings)
    _note_lines(octets, findings)
    subject = subject_of(header)
    look = _Look(findings, watch)
    look.at_all(_from_parts(walk(octets, findings, header=header), archives=0))
    look.unlock(subject)
    digest = look.digest
    digest.take_leads()
    text = digest.text
    note_payments(text, findings)
    replies = authors_of(header, "reply-to")
    note_people(senders, replies, findings)
    note_return(header, senders, findings)
    if digest.html is not None and digest.html.forms:
        findings.note(Defect.HTML_FORM)
    if digest.html is not None and digest.html.password_fields:
        findings.note(Defect.HTML_PASSWORD_FIELD)
    content = ContentFact(
        parts=tuple(look.facts),
        links=digest.links,
        excerpt=digest.excerpt(),
        defects=tuple(sorted(each.value for each in findings.defects)),
        unscannable=tuple(sorted(each.value for each in findings.unscannable)),
        evidence=tuple(
            DefectFact(each.value, made_visible(shown[: limits.EXCERPT])[: limits.EXCERPT])
            for each, shown in findings.defects.items()
            if shown
        ),
    )
    if digest.html is None and not digest.documents and is_scant(content, subject=subject, text=text):
        content = replace(content, scant=True)
    return Anatomy(
        content=content,
        subject=subject,
        authors=senders,
        reply_to=replies,
        text=text,
        html=digest.html,
        documents=digest.documents,
        header_names=tuple(name for name, _, _ in header.fields),
        signers=signers_of(header),
    )


class _Look:
    """One look at all items: what was found, and which members are still locked."""

    def __init__(self, findings: Findings, watch: Watch | None) -> None:
        self._watch = watch
        self.facts: list[PartFact] = []
        self.digest = Digest(findings)
        self._findings = findings
        self._locked: list[tuple[int, _Item, Lock]] = []
        self._known: set[bytes] = set()

    def at_all(self, items: Iterator[_Item]) -> None:
        """Look at every item, and at what stands inside of it, in order."""
        pending = [items]
        while pending:
            item = next(pending[-1], None)
            if item is None:
                pending.pop()
                continue
            inside = self._at(item)
            if inside is not None:
                pending.append(inside)

    def unlock(self, subject: str) -> None:
        """Try what the text calls a password on what is locked. A key of one opens, most likely, all."""
        if not self._locked:
            return
        keys = list(passwords_in((subject, self.digest.text, self.digest.documents)))
        room = limits.MAX_DECIPHERED
        for index, item, lock in self._locked:
            room -= lock.weight
            tries = keys[: lock.tries] if room >= 0 else []
            fits = next(((key, content) for key in tries if (content := self._tried(lock, key)) is not None), None)
            if fits is None:
                self._findings.missed(lock.reason)
                continue
            key, content = fits
            keys.remove(key)
            keys.insert(0, key)
            self._findings.note(Defect.ARCHIVE_PASSWORD_IN_TEXT)
            self.at_all(iter((replace(item, content=content, note="", lock=None, place=index),)))

    def _tried(self, lock: Lock, key: bytes) -> bytes | None:
        """What is behind a lock. Wrong keys of slow ones are counted, right ones are not: each opens a file more."""
        is_slow = lock.tries <= limits.MAX_SLOW_PASSWORDS
        if is_slow and self._findings.slow_tries >= limits.MAX_SLOW_TRIES and key not in self._known:
            return None
        content = lock.content(key, self._findings)
        if content is not None:
            self._known.add(key)
        elif is_slow:
            self._findings.may_spin()
        return content

    def _at(self, item: _Item) -> Iterator[_Item] | None:
        """Record one item, read its text; what stands inside it, if anything does."""
        findings, digest = self._findings, self.digest
        if item.shape is Shape.ASIDE:
            if self._watch is not None:
                self._watch(item.content.strip())
            digest.take_plain(text_of(item.content, item.charset, findings))
            return _from_container(opened(item.content, types.TEXT, "", findings)[1], item, findings)
        true = types.MESSAGE if item.shape is Shape.MESSAGE else types.true_type(item.content)
        note_name(item.names, findings)
        members: Iterator[Member] = iter(())
        if item.lock is not None:
            self._keep_locked(item, item.lock)
        if item.shape is Shape.LEAF and item.content:
            if self._watch is not None:
                self._watch(item.content)
            note_type(item.names, item.declared, true, findings)
            name = item.names[0] if item.names else ""
            if _is_html(item, true):
                members = opened(item.content, types.HTML, name, findings)[1]
            elif _is_script(item, true):
                members = opened(item.content, types.SCRIPT, name, findings)[1]
            else:
                true, members = opened(item.content, true, name, findings)
            _read_text(item, true, digest, findings)
            if true.startswith("image/"):
                note_codes(item.content, true, findings)
        digest_of_content = "" if item.note and not item.content else hashlib.sha256(item.content).hexdigest()
        name = item.names[0] if item.names else ""
        size = len(item.content) or item.size
        runs = can_run(item.names, true)
        fact = PartFact(item.path, name, item.declared, true, size, digest_of_content, item.note, runs)
        if item.place is None:
            self.facts.append(fact)
        else:
            self.facts[item.place] = fact
        if item.shape is Shape.LEAF and _is_message(item, true):
            if item.depth >= limits.MAX_DEPTH:
                findings.missed(Unscannable.MIME_DEPTH)
                return None
            parts = walk(item.content, findings, path=item.path, depth=item.depth + 1)
            return _from_parts(parts, archives=item.archives)
        return _from_container(members, item, findings)

    def _keep_locked(self, item: _Item, lock: Lock) -> None:
        if len(self._locked) < limits.MAX_LOCKED:
            self._locked.append((len(self.facts), item, lock))
        else:
            self._findings.missed(lock.reason)


def _is_html(item: _Item, true: str) -> bool:
    if true == types.HTML:
        return True
    is_called = item.declared == types.HTML or any(extension(name) in _PAGES for name in item.names)
    return is_called and true in (types.TEXT, types.SCRIPT, types.UNKNOWN, "text/xml")


def _is_script(item: _Item, true: str) -> bool:
    """Whether an interpreter would read it: by its name or its declared type, whatever it begins with."""
    is_called = item.declared in _SCRIPTS or any(extension(name) in SCRIPT_EXTENSIONS for name in item.names)
    return is_called and true in (types.TEXT, types.UNKNOWN, types.MESSAGE)


def _read_text(item: _Item, true: str, digest: Digest, findings: Findings) -> None:
    """Text that a reader may see, in the body or after opening the part."""
    if _is_html(item, true):
        markup = text_of(item.content, html_charset(item.content, item.charset), findings, most=limits.MAX_HTML)
        digest.take_html(markup)
    elif true.startswith("text/") or item.declared == "text/plain":
        digest.take_plain(text_of(item.content, item.charset, findings))


def _from_parts(parts: Iterator[Part], *, archives: int) -> Iterator[_Item]:
    for part in parts:
        charset = part.media_type.parameters.get("charset", "")
        declared = part.media_type.declared
        yield _Item(part.path, part.names, declared, charset, part.content, part.depth, archives, part.shape)


def _from_container(members: Iterator[Member], outer: _Item, findings: Findings) -> Iterator[_Item]:
    for number, member in enumerate(members):
        if outer.archives >= limits.MAX_ARCHIVE_DEPTH:
            findings.missed(Unscannable.ARCHIVE_DEPTH)
            return
        if not findings.may_add_part():
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        path = f"{outer.path}/{number}"
        names = (member.name,) if member.name else ()
        depth, archives = outer.depth + 1, outer.archives + 1
        declared = member.declared_type
        yield _Item(
            path,
            names,
            declared,
            "",
            member.content,
            depth,
            archives,
            note=member.note,
            size=member.size,
            lock=member.lock,
        )


def _is_message(item: _Item, true: str) -> bool:
    """Whether a leaf is a message that a reader can open: by its octets, unless it is shown as text; or by what wraps
    it."""
    if item.declared == types.MESSAGE:
        return not item.note
    return true == types.MESSAGE and item.declared not in ("text/plain", "text/html")


def _note_lines(octets: Octets, findings: Findings) -> None:
    """Bare line ends and NUL. A mapping is a message from the door, where both are refused already."""
    if isinstance(octets, bytes):
        # It remembers which line ends it sees, in a third of the time that two searches take.
        seen = IncrementalNewlineDecoder(None, translate=False)
        seen.decode(octets.decode("latin-1"), final=True)
        if seen.newlines not in (None, "\r\n"):
            findings.note(Defect.LINE_ENDS)
        if b"\0" in octets:
            findings.note(Defect.LINE_NUL)
