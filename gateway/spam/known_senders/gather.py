"""Makes `domains.txt` from copies of the lists that it is gathered from, one folder each; `LICENCES.md` says where they
are had. Run by hand, never on the way of a message:

    python -m gateway.spam.known_senders.gather SOURCES gateway/spam/known_senders/domains.txt

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
from gateway.spam.sites import bare, owner_of, site_of

_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_WELCOMED: Final = re.compile(r"^\s*def_(?:welcomelist|whitelist)_\w+\s+(\S+)(?:[ \t]+(\S+))?", re.MULTILINE)
_WEB: Final = re.compile(r"https?://([A-Za-z0-9.-]+)")
_BRAND: Final = re.compile(r'"brand": "([^"]+)"')
_QUOTED_HOST: Final = re.compile(r'"((?:[a-z0-9-]+\.)+[a-z]{2,12})"')
_SIMILAR: Final = 5
"""Letters from which on the beginning of a name will do."""

_HEAD: Final = """\
# Domains of well-known senders. Made by gather.py, not by hand; sources and licences: LICENCES.md.
"""


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


def _twofactorauth(folder: Path) -> Iterator[str]:
    """`entries/*/DOMAIN.json`: sites at which people have accounts."""
    yield from (file.stem for file in sorted(folder.glob("entries/*/*.json")))


def _jdm(folder: Path) -> Iterator[str]:
    """`_data/sites.json`: services with accounts, and their domains."""
    for site in json.loads((folder / "_data" / "sites.json").read_text(encoding="utf-8")):
        yield from site.get("domains", ())
        yield from _WEB.findall(site.get("url", ""))[:1]


def _apple(folder: Path) -> Iterator[str]:
    """`quirks/*.json`: sites that share accounts, rules for passwords, where these are changed."""
    for file in sorted(folder.glob("quirks/*.json")):
        yield from _QUOTED_HOST.findall(file.read_text(encoding="utf-8"))


def _alltheplaces(folder: Path) -> Iterator[str]:
    """`locations/spiders/*.py`: chains with branches; a host counts if it is called as the chain is."""
    for file in sorted(folder.glob("locations/spiders/**/*.py")):
        text = file.read_text(encoding="utf-8", errors="replace")
        chains = [bare(file.stem), *map(bare, _BRAND.findall(text))]
        for host in (*_WEB.findall(text), *_QUOTED_HOST.findall(text)):
            if any(_called(owner_of(host), chain) for chain in chains):
                yield host


def _called(owner: str, chain: str) -> bool:
    if owner == chain:
        return len(owner) > 1
    return min(len(owner), len(chain)) >= _SIMILAR and (owner.startswith(chain) or chain.startswith(owner))


SOURCES: Final[dict[str, Callable[[Path], Iterator[str]]]] = {
    "alltheplaces": _alltheplaces,
    "apple": _apple,
    "jdm": _jdm,
    "rspamd": _rspamd,
    "simple-icons": _simple_icons,
    "spamassassin": _spamassassin,
    "twofactorauth": _twofactorauth,
}


def gather(folder: Path) -> str:
    """The text of `domains.txt`. Raises OSError or ValueError where a source is missing or not what it was."""
    sites: set[str] = set()
    for name, read in SOURCES.items():
        found = {site_of(host) for host in _hosts(read(folder / name))}
        if not found:
            raise ValueError(f"{folder / name}: holds none of what is expected there")
        sites |= found
    return _HEAD + "".join(f"{site}\n" for site in sorted(sites))


def _hosts(found: Iterator[Any]) -> Iterator[str]:
    for each in found:
        host = str(each).lower()
        if _HOST.fullmatch(host):
            yield host


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(gather(Path(sys.argv[1])), encoding="ascii")
