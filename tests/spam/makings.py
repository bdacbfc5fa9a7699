"""What the tests of this room are made of: a small written corpus, anatomies, manifests. None is anybody's mail."""

from __future__ import annotations

import json
import random
from pathlib import Path

from gateway.anatomy.examine import examine
from gateway.facts.content import Anatomy, AuthorFact, ContentFact, LinkFact
from gateway.spam.artefact import Calibration, Manifest
from gateway.spam.training.corpus import read_corpora
from gateway.spam.training.lessons import Lesson, lesson_of

WORDS = {
    "ham": "meeting minutes agenda patch review kernel tuesday project thanks lunch draft colleagues notes train",
    "spam": "pharmacy pills discount cheap casino jackpot winner refinance offer unlimited bargain viagra buy",
    "phishing": "account suspended verify password identity login unusual activity confirm security limited bank",
}
COMMON = ("the", "a", "we", "you", "to", "of", "and", "for", "with", "your", "this", "that", "on", "please", "will")
SOURCES = {
    "ham": ("list-one", "list-two", "list-three", "mixed"),
    "spam": ("trap-one", "trap-two", "trap-three", "mixed"),
    "phishing": ("pot", "pot", "pot", "mixed"),
}


def letter(rng: random.Random, label: str) -> bytes:
    """One message of a class."""
    own = WORDS[label].split()

    def words(count: int) -> str:
        return " ".join(rng.choice(own if rng.random() < 0.4 else COMMON) for _ in range(count))

    host = f"{rng.choice(own)}-{rng.choice('abcdef')}.example"
    return (
        f"From: {words(2)} <{rng.choice(own)}@{host}>\r\nTo: rcpt@example.net\r\nSubject: {words(5)}\r\n"
        f"Content-Type: text/plain\r\n\r\n{words(60)}\r\nhttps://{host}/{rng.choice(own)}\r\n"
    ).encode()


def write_corpus(folder: Path, *, per_class: int = 40, seed: int = 1) -> Path:
    """Write messages and their index; returns the folder."""
    rng = random.Random(seed)
    rows = []
    for label in WORDS:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            path = f"{label}/{number}.eml"
            (folder / path).write_bytes(letter(rng, label))
            source = SOURCES[label][number % 4]
            date = f"2024-{1 + number % 12:02}-{1 + number % 28:02}"
            rows.append({"path": path, "label": label, "source": source, "date": date, "lang": "en"})
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def lessons_from(folder: Path) -> list[Lesson]:
    """Every message of a corpus as a lesson."""
    return [lesson_of(each, examine(each.octets())) for each in read_corpora([folder])]


def manifest(**more: object) -> Manifest:
    """A manifest of nothing."""
    plain = {
        "name": "test",
        "newest": "2026-11-21",
        "sha256": "",
        "corpus": {"ham": 1},
        "sources": {"here": 1},
        "versions": {"numpy": "2"},
        "unwanted": Calibration(1.5, -0.25),
        "phishing": Calibration(1.0, 0.5),
        "intercepts": (0.25, -0.5),
    }
    return Manifest(**{**plain, **more})


def anatomy_of(text: str = "", **more: object) -> Anatomy:
    """An anatomy with this text."""
    return Anatomy(content=more.pop("content", ContentFact()), text=text, **more)


def author(name: str = "Ann", address: str = "ann@partner.example") -> AuthorFact:
    return AuthorFact(name, address, address.partition("@")[2])


def link(url: str, text: str = "", place: str = "html") -> LinkFact:
    return LinkFact(url, text, url.partition("//")[2].partition("/")[0].lower(), place)
