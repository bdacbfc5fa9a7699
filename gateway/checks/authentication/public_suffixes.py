"""The public suffix list, for operators who want organisational domains as they were before RFC 9989: the longest
suffix that the list knows, and one label more (the algorithm of publicsuffix.org).

Reads the official format: one rule a line, up to the first space; `//` begins a comment; `*.` stands for any one label,
`!` is an exception. Names are compared as A-labels. Never fetches anything: the operator downloads the file, and both
parts of it (ICANN and private domains) count.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.checks.dns.domains import dns_name, suffix

MAX_OCTETS: Final = 4 * 1024 * 1024
"""Of a list. The official one has 0.3 million."""

MAX_LABELS: Final = 32
"""Of a rule. The longest has five."""

_NAME: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\Z")


class BadSuffixList(ValueError):
    """The text is no list. `line` is where (from 1), the message why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


class PublicSuffixes:
    """The rules of one list."""

    def __init__(self, rules: frozenset[str]) -> None:
        self._rules = rules

    def __len__(self) -> int:
        return len(self._rules)

    @classmethod
    def parse(cls, text: str) -> PublicSuffixes:
        """Raises `BadSuffixList` with the first line that is no rule, or where there is no rule at all."""
        if len(text) > MAX_OCTETS:
            raise BadSuffixList(1, f"longer than {MAX_OCTETS} characters")
        rules = set()
        for number, line in enumerate(text.split("\n"), start=1):
            words = line.split(maxsplit=1)
            if words and not words[0].startswith("//"):
                rules.add(_rule(words[0], number))
        if not rules:
            raise BadSuffixList(1, "holds no rule")
        return cls(frozenset(rules))

    def organisation(self, domain: str) -> str:
        """The organisational domain of a name in the form of `dns_name`; a public suffix is its own."""
        return self.registered(domain) or domain

    def registered(self, domain: str) -> str | None:
        """The public suffix of such a name and one label more; None for a public suffix."""
        labels = domain.count(".") + 1
        known = 1  # a name that no rule knows lies under its last label
        for count in range(1, min(labels, MAX_LABELS) + 1):
            name = suffix(domain, count)
            if f"!{name}" in self._rules:
                known = count - 1
                break
            if name in self._rules or f"*.{name.partition('.')[2]}" in self._rules:
                known = count
        return suffix(domain, known + 1) if known < labels else None


def _rule(text: str, line: int) -> str:
    mark = next((each for each in ("!", "*.") if text.startswith(each)), "")
    name = dns_name(text[len(mark) :].removeprefix("."))
    if name is None or not _NAME.match(name) or name.count(".") >= MAX_LABELS:
        raise BadSuffixList(line, f"{text[:60]!r} is no rule")
    if mark == "!" and "." not in name:
        raise BadSuffixList(line, f"{text[:60]!r} is an exception to nothing")
    return mark + name
