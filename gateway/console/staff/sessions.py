"""Who is signed in: sessions in a small SQLite file of their own, so that a restart signs nobody out.

The file knows only the SHA-256 of a session's key: who reads it cannot use it. Ending a session removes its row, so
revoking is immediate. One process owns the file.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock

MAX_SESSIONS_PER_PERSON: Final = 20

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS session (
    key_hash TEXT PRIMARY KEY, person TEXT NOT NULL, seal TEXT NOT NULL, addresses TEXT NOT NULL,
    began_at REAL NOT NULL, ends_at REAL NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `seal` is the account's at that time, empty for a mailbox owner, whose `addresses` are here."""

    key_hash: str
    person: str
    seal: str
    addresses: frozenset[str]
    began_at: float
    ends_at: float


class Sessions:
    """The sessions in one file. Every call is one short statement; call from the event loop's thread only."""

    def __init__(self, file: Path, *, clock: Clock, seconds: float) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        self._clock = clock
        self._seconds = seconds
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(_TABLE)

    def begin(self, person: str, *, seal: str, addresses: frozenset[str]) -> tuple[str, Session]:
        """A new session and its key, which is told once and never stored."""
        key = secrets.token_urlsafe(32)
        now = self._clock.now()
        session = Session(hashed(key), person, seal, addresses, now, now + self._seconds)
        self._database.execute("DELETE FROM session WHERE ends_at <= ?", (now,))
        self._database.execute(
            "DELETE FROM session WHERE person = ?1 AND key_hash NOT IN"
            " (SELECT key_hash FROM session WHERE person = ?1 ORDER BY began_at DESC LIMIT ?2)",
            (person, MAX_SESSIONS_PER_PERSON - 1),
        )
        self._database.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
            (session.key_hash, person, seal, json.dumps(sorted(addresses)), now, session.ends_at),
        )
        return key, session

    def find(self, key: str) -> Session | None:
        """The session of that key, unless it has ended."""
        row = self._database.execute(
            "SELECT key_hash, person, seal, addresses, began_at, ends_at FROM session WHERE key_hash = ?",
            (hashed(key),),
        ).fetchone()
        if row is None or row[5] <= self._clock.now():
            return None
        return Session(row[0], row[1], row[2], frozenset(json.loads(row[3])), row[4], row[5])

    def end(self, session: Session) -> None:
        """End one session. Idempotent."""
        self._database.execute("DELETE FROM session WHERE key_hash = ?", (session.key_hash,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def hashed(key: str) -> str:
    """The form in which a key is stored and looked up."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_token(key: str) -> str:
    """The token that every form of a session carries: follows from the key, and does not lead back to it."""
    return urlsafe_b64encode(hashlib.sha256(b"form:" + key.encode("utf-8", "surrogatepass")).digest()).decode()[:43]
