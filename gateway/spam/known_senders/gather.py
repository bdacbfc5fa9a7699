"""Makes `domains.txt`, the well-known, and `famous.txt`, those of them whose names are borrowed, from copies of the
lists that they are gathered from, one folder each; `LICENCES.md` says where these are had. Run by hand, never on the
way of a message:

    python -m gateway.spam.known_senders.gather SOURCES gateway/spam/known_senders

The same copies give the same octets.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from gateway.spam.known_senders import lines_of
from gateway.spam.sites import site_of

_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_WELCOMED: Final = re.compile(r"^\s*def_(?:welcomelist|whitelist)_\w+\s+(\S+)(?:[ \t]+(\S+))?", re.MULTILINE)
_WEB: Final = re.compile(r"https?://([A-Za-z0-9.-]+)")

_FAMOUS: Final = 7
"""Networks on which a brand must have an account for its name to be one that people borrow: the map holds thousands of
shops that are called as people are."""


def _spamassassin(folder: Path) -> Iterator[str]:
    """`60_welcomelist*.cf`: senders whose signed mail SpamAssassin welcomes."""
    for file in sorted(folder.glob("60_welcomelist*.cf")):
        for found in _WELCOMED.findall(file.read_text(encoding="utf-8", errors="replace")):
            yield from (each.rpartition("@")[2].lstrip("*.") for each in found if each)


def _rspamd(folder: Path) -> Iterator[str]:
    """`dmarc_whitelist.inc`, `spf_dkim_whitelist.inc`: senders whose authenticated mail Rspamd trusts more."""
    for file in (folder / "dmarc_whitelist.inc", folder / "spf_dkim_whitelist.inc"):
        yield from (line.split()[0] for line in lines_of(file))


def _simple_icons(folder: Path) -> Iterator[str]:
    """`data/simple-icons.json`: brands with the page of each."""
    plain = json.loads((folder / "data" / "simple-icons.json").read_text(encoding="utf-8"))
    for icon in plain if isinstance(plain, list) else plain["icons"]:
        yield from _WEB.findall(icon["source"])[:1]


def _brands_on_the_map(folder: Path, *, accounts: int = 0) -> Iterator[str]:
    """`dist/wikidata/wikidata.json`: brands and operators of places, with their official websites and accounts."""
    plain = json.loads((folder / "dist" / "wikidata" / "wikidata.json").read_text(encoding="utf-8"))
    for entry in plain["wikidata"].values():
        if len(entry.get("identities", ())) >= accounts:
            for page in entry.get("officialWebsites", ()):
                yield from _WEB.findall(page)[:1]


def _famous_on_the_map(folder: Path) -> Iterator[str]:
    return _brands_on_the_map(folder, accounts=_FAMOUS)


Source = Callable[[Path], Iterator[str]]
_CHOSEN: Final[dict[str, Source]] = {
    "rspamd": _rspamd,
    "simple-icons": _simple_icons,
    "spamassassin": _spamassassin,
}
"""Lists that somebody chose one by one."""
LISTS: Final[dict[str, dict[str, Source]]] = {
    "domains.txt": {**_CHOSEN, "name-suggestion-index": _brands_on_the_map},
    "famous.txt": {**_CHOSEN, "name-suggestion-index": _famous_on_the_map},
}


def gather(folder: Path, sources: dict[str, Source]) -> str:
    """The text of a list. Raises OSError or ValueError where a source is missing or not what it was."""
    sites: set[str] = set()
    for name, read in sources.items():
        found = {site_of(host) for host in _hosts(read(folder / name))}
        if not found:
            raise ValueError(f"{folder / name}: holds none of what is expected there")
        sites |= found
    head = "# Made by gather.py, not by hand; what it is, sources and licences: LICENCES.md.\n"
    return head + "".join(f"{site}\n" for site in sorted(sites))


def _hosts(found: Iterator[Any]) -> Iterator[str]:
    for each in found:
        host = str(each).lower()
        if _HOST.fullmatch(host):
            yield host


if __name__ == "__main__":
    for name, sources in LISTS.items():
        (Path(sys.argv[2]) / name).write_text(gather(Path(sys.argv[1]), sources), encoding="ascii")
