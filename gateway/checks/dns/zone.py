"""Answers from a zone in a file instead of the network, in the format of the RFC 7208 test suite (`zonedata`).

A mapping of name to a list of records, each `{TYPE: value}`, or a marker TIMEOUT, SERVFAIL or NXDOMAIN that answers
what no record before it answers. `{TYPE: TIMEOUT}` fails that type alone. A record of the old type SPF also stands for
TXT unless the name has its own TXT (`{TXT: NONE}` is an own TXT that holds nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import NO_SUCH_NAME, Answer, Question, Status, question
from gateway.checks.dns.domains import dns_name

TTL: Final = 300.0
MAX_CHAIN: Final = 8

_MARKERS: Final = {"TIMEOUT": Status.TIMEOUT, "SERVFAIL": Status.SERVFAIL, "NXDOMAIN": Status.NXDOMAIN}
_Record = tuple[str, str | Status]
_ANY: Final = "ANY"


class ZoneError(ValueError):
    """The zone cannot be read. Says which name is wrong, and how."""


class ZoneResolver(Answering):
    """Answers from a mapping. Never waits and never uses the network; `asked` are the questions so far, in order."""

    def __init__(self, zone: Mapping[Any, Any]) -> None:
        """Raises `ZoneError`."""
        self._zone: dict[str, list[_Record]] = {}
        for raw, records in zone.items():
            name = dns_name(str(raw))
            if name is None:
                continue  # the DNS cannot hold it, so nobody can ask for it
            self._zone.setdefault(name, []).extend(_records(name, records))
        parents = {".".join(name.split(".")[n:]) for name in self._zone for n in range(1, name.count(".") + 1)}
        self._between = frozenset(parents)
        self.asked: list[Question] = []

    @classmethod
    def load(cls, file: Path) -> ZoneResolver:
        """Read a YAML file. Raises `ZoneError` and OSError."""
        try:
            plain = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ZoneError(f"{file}: not YAML: {error}") from None
        if not isinstance(plain, Mapping):
            raise ZoneError(f"{file}: a zone is a mapping of names to lists of records")
        return cls(plain)

    def deadline(self) -> float:
        return float("inf")

    def cached(self, asked: Question) -> Answer | None:
        self.asked.append(asked)
        return self._follow(asked)

    async def query(self, name: str, type: str) -> Answer:
        asked = question(name, type)
        if asked is None:
            return NO_SUCH_NAME
        self.asked.append(asked)
        return self._follow(asked)

    def _follow(self, asked: Question) -> Answer:
        name = asked.name
        for _ in range(MAX_CHAIN):
            answer = self.find(name, asked.type)
            if answer.status is not Status.NODATA:
                return answer
            alias = self.find(name, "CNAME")
            if alias.status is not Status.OK:
                return answer
            name = alias.records[0]
        return Answer(Status.SERVFAIL)

    def find(self, name: str, type: str) -> Answer:
        """What stands at the name itself, aliases not followed."""
        records = self._zone.get(name)
        if records is None:
            return Answer(Status.NODATA if name in self._between else Status.NXDOMAIN, ttl=TTL)
        found: list[str] = []
        for kind, value in records:
            if isinstance(value, Status):
                if kind in (type, _ANY) and not found:
                    return Answer(value, ttl=TTL)
            elif kind == type:
                found.append(value)
        return Answer(Status.OK, tuple(found), TTL) if found else Answer(Status.NODATA, ttl=TTL)


def _records(name: str, plain: Any) -> list[_Record]:
    if isinstance(plain, str):
        plain = [plain]
    if isinstance(plain, Mapping):
        plain = [{kind: value} for kind, value in plain.items()]
    if not isinstance(plain, list):
        raise ZoneError(f"{name}: records stand in a list")
    has_text = any(isinstance(each, Mapping) and "TXT" in each for each in plain)
    found: list[_Record] = []
    for each in plain:
        if isinstance(each, str):
            if each not in _MARKERS:
                raise ZoneError(f"{name}: neither a record nor a marker: {each}")
            found.append((_ANY, _MARKERS[each]))
        elif isinstance(each, Mapping):
            for kind, value in each.items():
                found += _record(name, str(kind).upper(), value, has_text=has_text)
        else:
            raise ZoneError(f"{name}: a record is a mapping of one type to its value")
    return found


def _record(name: str, kind: str, value: Any, *, has_text: bool) -> list[_Record]:
    if value == "NONE":
        return []
    if isinstance(value, str) and value in _MARKERS:
        return [(kind, _MARKERS[value])]
    if kind in ("TXT", "SPF"):
        strings = value if isinstance(value, list) else [value]
        text = "".join(_octets(each) for each in strings)
        return [(kind, text)] if kind == "TXT" or has_text else [(kind, text), ("TXT", text)]
    if kind == "MX":
        if isinstance(value, Mapping):
            value = [value.get("priority", 10), value.get("exchange", "")]
        if not isinstance(value, list) or len(value) != 2:
            raise ZoneError(f"{name}: MX is [preference, exchange]")
        return [(kind, f"{value[0]} {_name(value[1])}")]
    if kind in ("CNAME", "PTR", "NS"):
        return [(kind, _name(value))]
    return [(kind, str(value))]


def _octets(text: Any) -> str:
    return str(text).encode("utf-8", "surrogateescape").decode("latin-1")


def _name(value: Any) -> str:
    text = str(value)
    return "." if text in ("", ".") else dns_name(text) or text
