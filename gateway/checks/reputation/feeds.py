"""Feeds: files that somebody fetches from those who collect bad links (OpenPhish, URLhaus, a house's own), one link or
host a line, or CSV with the link in one of its columns. Read again when they change; bounded in size and number.

A file says how old it is by its time of change. Never fetches anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.checks.dns.domains import host_domain

MAX_FEED: Final = 64 * 1024 * 1024
"""Octets of one file; the rest of a longer one is not read."""
MAX_ENTRIES: Final = 1_000_000

_LINK: Final = re.compile(rb"https?://[^\s\"',;<>|]{1,2048}", re.IGNORECASE)
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]{1,253}")
_COMMENTS: Final = (b"#", b"//", b";", b"!")


@dataclass(frozen=True, slots=True)
class Feed:
    """What stands in a file, and when it was written (seconds since the epoch)."""

    written_at: float
    links: frozenset[str] = field(default=frozenset(), repr=False)
    hosts: frozenset[str] = field(default=frozenset(), repr=False)

    def names(self, link: str, host: str) -> bool:
        """Whether the link stands in it, or its host or a domain above that does."""
        if canonical(link) in self.links:
            return True
        labels = host.split(".")
        return any(".".join(labels[start:]) in self.hosts for start in range(max(1, len(labels) - 1)))


def canonical(link: str) -> str:
    """A link in the form in which it is compared: no scheme, host in lower case without the usual port, no fragment, no
    slash at the end."""
    try:
        parts = urlsplit(link.strip())
        port = parts.port
    except ValueError:
        return link
    host = (parts.hostname or "").removesuffix(".")
    where = host if port in (None, 80, 443) else f"{host}:{port}"
    return f"{where}{parts.path.rstrip('/')}{'?' + parts.query if parts.query else ''}"


def parse(lines: Iterable[bytes], *, written_at: float) -> Feed:
    """What the lines name. Total: what is neither a link nor a host is passed over."""
    links: set[str] = set()
    hosts: set[str] = set()
    for line in lines:
        text = line.strip()
        if not text or text.startswith(_COMMENTS):
            continue
        found = _LINK.search(text)
        if found is not None:
            links.add(canonical(found[0].decode("utf-8", "replace")))
        elif _HOST.fullmatch(text) and (host := host_domain(text.decode("ascii"))):
            hosts.add(host)
        if len(links) + len(hosts) >= MAX_ENTRIES:
            break
    return Feed(written_at, frozenset(links), frozenset(hosts))


class Feeds:
    """The feeds of one process, by path. `folder` is where relative paths begin."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], Feed]] = {}

    def feed(self, path: str) -> Feed | None:
        """What stands in the file now; None where there is none that can be read. A changed file is read here, once."""
        file = self._folder / path
        try:
            status = file.stat()
            mark = (status.st_mtime_ns, status.st_size)
            kept = self._read.get(path)
            if kept is not None and kept[0] == mark:
                return kept[1]
            with file.open("rb") as stream:
                feed = parse(stream.read(MAX_FEED).splitlines(), written_at=status.st_mtime)
        except OSError:
            self._read.pop(path, None)
            return None
        self._read[path] = (mark, feed)
        return feed
