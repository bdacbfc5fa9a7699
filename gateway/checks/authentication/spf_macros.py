"""The macros of SPF (RFC 7208 section 7): whether a text has their syntax, and what it says when they are expanded.

Pure: whoever expands gives the value of each letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from gateway.checks.dns.domains import MAX_NAME

IN_TERMS: Final = frozenset("slodiphv")
"""The letters that mean something in domain names."""

IN_EXPLANATIONS: Final = IN_TERMS | frozenset("crt")
"""Those of an explanation, which a modifier that nobody knows may hold, too."""

_MACRO = re.compile(r"%(?:(?P<sign>[%_-])|\{(?P<letter>[A-Za-z])(?P<digits>[0-9]*)(?P<r>[rR]?)(?P<at>[-.+,/_=]*)\})")
_LITERALS = re.compile(r"[\x21-\x24\x26-\x7e]*\Z")
_SIGNS: Final = {"%": "%", "_": " ", "-": "%20"}


class BadMacro(ValueError):
    """The text breaks the syntax of macros. Says where."""


def check(text: str, *, letters: frozenset[str]) -> None:
    """Raises `BadMacro` unless the text is a macro-string of section 7.1 with these letters."""
    for macro in _MACRO.finditer(text):
        letter, digits = macro["letter"], macro["digits"]
        if letter and letter.lower() not in letters:
            raise BadMacro(f"no macro has this letter here: {macro[0]}")
        if digits and not int(digits[:MAX_NAME]):
            raise BadMacro(f"a macro with no labels: {macro[0]}")
    if not _LITERALS.match(_MACRO.sub("", text)):
        raise BadMacro(f"malformed macro or character: {text[:60]}")


def expand(text: str, value_of: Callable[[str], str]) -> str:
    """The text with its macros expanded, for a text that `check` has passed. `value_of` takes letters in lower case."""

    def one(macro: re.Match[str]) -> str:
        if macro["sign"]:
            return _SIGNS[macro["sign"]]
        letter = macro["letter"]
        value = _transformed(value_of(letter.lower()), macro)
        return quote(value, safe="~") if letter.isupper() else value

    return _MACRO.sub(one, text)


def expand_name(text: str, value_of: Callable[[str], str]) -> str:
    """The domain name that a text with macros stands for: without its last dot, and without as many of its first
    labels as it takes to have the length of a name (section 7.3)."""
    name = expand(text, value_of).removesuffix(".")
    while len(name) > MAX_NAME and "." in name:
        name = name.partition(".")[2]
    return name


def _transformed(value: str, macro: re.Match[str]) -> str:
    digits, delimiters = macro["digits"], macro["at"]
    if not (digits or macro["r"] or delimiters):
        return value
    parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if macro["r"]:
        parts.reverse()
    return ".".join(parts[-int(digits[:MAX_NAME]) :] if digits else parts)
