"""Where links go, read as browsers read them (WHATWG URL), and what is odd about them (RFC 3986 for the words). Finds
URLs in plain text. Never resolves, never fetches."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

from gateway.anatomy import limits
from gateway.anatomy.characters import made_visible
from gateway.anatomy.findings import Defect, Findings
from gateway.facts.content import LinkFact

_IN_TEXT: Final = re.compile(
    # The first letter stands alone so that the search may skip to it: four times as fast as an alternative of words.
    r"[hHfFwW](?<![A-Za-z0-9].)(?i:ttps?://|tp://|ww\.)[^\s<>\"'\x00-\x20\u00ab\u00bb\u201c\u201d]{3,2000}"
)
_TRAILING: Final = ".,;:!?)]}>*_~'\""
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_HOST_IN_TEXT: Final = re.compile(
    r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9\-]{0,62}\.)){1,5}(?:[a-z]{2,24}|xn--[a-z0-9\-]{1,59}))(?![a-z0-9@.\-])",
    re.IGNORECASE,
)
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?", re.IGNORECASE)
_END_OF_AUTHORITY: Final = re.compile(r"[/?#]")
_WEB: Final = frozenset({"http", "https", "ftp"})
_ACTIVE: Final = frozenset({"javascript", "data", "vbscript", "file", "ms-msdt", "search-ms", "ms-search", "blob"})
_SHORTENER_WORDS: Final = """
    bit.ly tinyurl.com goo.gl ow.ly is.gd v.gd buff.ly rebrand.ly cutt.ly rb.gy t.ly shorturl.at tiny.cc s.id qrco.de
    bl.ink soo.gd clck.ru u.to t.co lnkd.in shorter.me tiny.one x.gd urlz.fr surl.li da.gd adf.ly
"""
SHORTENERS: Final = frozenset(_SHORTENER_WORDS.split())
"""Services whose links say nothing about where they go, and that anybody may use."""
_NEVER_WITH_LATIN: Final = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "HEBREW"})
_FILE_ENDINGS: Final = frozenset(
    {"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "jpg", "png", "gif", "html", "htm", "php", "js", "csv"}
)


def cleaned(url: str) -> str:
    """The URL as a browser takes it: blanks around and control characters inside do not count."""
    return _CONTROLS.sub("", url[: limits.MAX_URL * 2]).strip()[: limits.MAX_URL]


def scheme_of(url: str) -> str:
    """The scheme in lower case, or empty."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else ""


def host_of(url: str) -> str:
    """The host in lower case, without user and port; empty where there is none."""
    return _host(_authority(url))


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    host = host.partition(":")[0]
    if "%" in host:
        host = unquote(host)
    if not host.isascii():
        host = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    return host.strip().rstrip(".").lower()[: limits.MAX_NAME]


def link_fact(url: str, text: str, place: str, findings: Findings) -> LinkFact | None:
    """The fact about one link, and its oddities; None for addresses of mail and telephone, and places in the page."""
    url = cleaned(url)
    scheme = scheme_of(url)
    if scheme in _ACTIVE:
        findings.note(Defect.LINK_ACTIVE, url)
        return LinkFact(url, text[: limits.MAX_LINK_TEXT], "", place)
    if scheme not in _WEB and not url.startswith(("//", "\\\\", "/\\")):
        return None
    authority = _authority(url)
    host = _host(authority)
    if "@" in authority:
        findings.note(Defect.LINK_USERINFO, url)
    if _NUMERIC.fullmatch(host) or host.startswith("["):
        findings.note(Defect.LINK_NUMERIC_HOST, url)
    if not host.isascii() or host.startswith("xn--") or ".xn--" in host:
        findings.note(Defect.LINK_PUNYCODE, url)
        if any(map(_mixes_scripts, host.split("."))):
            findings.note(Defect.LINK_MIXED_SCRIPT, url)
    if host in SHORTENERS:
        findings.note(Defect.LINK_SHORTENER, url)
    if "http" in url[8:] and _redirects(url, host):
        findings.note(Defect.LINK_REDIRECT, url)
    text = text[: limits.MAX_LINK_TEXT]
    if place == "html" and names_other_host(text, host):
        findings.note(Defect.LINK_MISMATCH, f"{text} ⟶ {url}")
    return LinkFact(url, text, host, place)


def _redirects(url: str, host: str) -> bool:
    """Whether a URL of another domain stands in the query or the path, compared as in `names_other_host`."""
    start = url.find("http", 8)
    inner = unquote(unquote(url[start:]))  # the way through two redirectors is written so
    if not inner.startswith(("http://", "https://")):
        return False
    target = host_of(inner)
    return "." in target and target.split(".")[-2:] != host.split(".")[-2:]


def _mixes_scripts(label: str) -> bool:
    """Whether letters of Latin stand among those of Cyrillic, Greek or the like. Japanese mixes by right."""
    if label.startswith("xn--"):
        try:
            label = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return False
    scripts = {unicodedata.name(each, "").partition(" ")[0] for each in label if each.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint(_NEVER_WITH_LATIN)


def urls_in(text: str, most: int) -> list[str]:
    """URLs that clients would turn into links, in order, at most so many."""
    if "://" not in text and "www." not in text and "WWW." not in text:
        return []
    found: list[str] = []
    for match in _IN_TEXT.finditer(text):
        url = match[0].rstrip(_TRAILING)
        found.append(f"http://{url}" if url[:4].lower() == "www." else url)
        if len(found) >= most:
            break
    return found


def names_other_host(text: str, host: str) -> bool:
    """Whether what a link says is a host of another domain than where it goes. Domains are compared by their last two
    labels: under a public suffix of two labels this calls strangers relatives, and never relatives strangers."""
    if "." not in text or not host:
        return False
    named = _HOST_IN_TEXT.match(text.strip())
    if named is None:
        return False
    claimed = named[1].lower()
    if claimed.rpartition(".")[2] in _FILE_ENDINGS:
        return False
    return claimed.split(".")[-2:] != host.split(".")[-2:]


def _authority(url: str) -> str:
    rest = url.replace("\\", "/")
    scheme = _SCHEME.match(rest)
    if scheme and scheme[1].lower() in _WEB:
        rest = rest[scheme.end() :].lstrip("/")  # browsers accept any number of slashes after http:
    elif rest.startswith("//"):
        rest = rest.lstrip("/")
    else:
        return ""
    end = _END_OF_AUTHORITY.search(rest)
    return rest[: end.start()] if end else rest


def defanged(url: str) -> str:
    """The URL so that nothing takes it for one: "hxxps://evil[.]example/p". Control characters are gone, what is not
    seen is written out."""
    url = made_visible(cleaned(url))
    host = host_of(url)
    scheme = scheme_of(url)
    if scheme in ("http", "https"):
        url = f"hxxp{url[4:]}"
    elif scheme == "ftp":
        url = f"fxp{url[3:]}"
    if host:
        start = url.lower().find(host)
        if start != -1:
            url = url[:start] + host.replace(".", "[.]") + url[start + len(host) :]
    return url


def with_defanged_urls(text: str) -> str:
    """A text with every URL in it defanged."""
    if "://" not in text and "www." not in text.lower():
        return text
    return _IN_TEXT.sub(_defanged_match, text)


def _defanged_match(match: re.Match[str]) -> str:
    if match[0][:4].lower() == "www.":
        return defanged(f"http://{match[0]}").removeprefix("hxxp://")
    return defanged(match[0])
