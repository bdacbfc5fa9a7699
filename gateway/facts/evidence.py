"""All that is known about one message when it is judged: frozen, and the same again after a trip through JSON.

`decide` sees nothing else, so a verdict can be computed again months later from the record alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.auth import ArcFact, DkimFact, DmarcFact, SpfFact
from gateway.facts.connection import ClientFact, GreylistFact
from gateway.facts.content import (
    AuthorFact,
    ContentFact,
    EngineFact,
    ListedFact,
    MalwareFact,
    ShortenedFact,
    SpamFact,
    YaraFact,
)
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Skipped, Unknown
from gateway.facts.reported import ReportedFact


@dataclass(frozen=True, slots=True)
class MessageFact:
    """The message in few words: what its own header says, all of it hostile."""

    size: int
    message_id: str = ""
    subject: str = ""
    authors: tuple[AuthorFact, ...] = ()
    from_fields: int = 0
    date: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a check took, in milliseconds."""

    check: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class DnsRecorded:
    """One DNS answer that a check used, as it was."""

    name: str
    type: str
    status: str
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything `decide` may know. `received_at` is seconds since the epoch; paths are without angle brackets;
    `lost_workers` is how many anatomists the same octets have killed."""

    received_at: float
    direction: str
    client: ClientFact
    reverse_path: str
    recipients: tuple[str, ...]
    message: MessageFact
    spf: Outcome[SpfFact] = NOT_ASKED
    dkim: Outcome[DkimFact] = NOT_ASKED
    arc: Outcome[ArcFact] = NOT_ASKED
    dmarc: Outcome[DmarcFact] = NOT_ASKED
    content: Outcome[ContentFact] = NOT_ASKED
    spam: Outcome[SpamFact] = NOT_ASKED
    malware: Outcome[MalwareFact] = NOT_ASKED
    greylist: Outcome[GreylistFact] = NOT_ASKED
    timings: tuple[Timing, ...] = ()
    dns: tuple[DnsRecorded, ...] = field(default=(), repr=False)
    yara: Outcome[YaraFact] = NOT_ASKED
    engine: Outcome[EngineFact] = NOT_ASKED
    lost_workers: int = 0
    listed: Outcome[ListedFact] = NOT_ASKED
    correspondents: tuple[str, ...] = ()
    acquaintance: Outcome[AcquaintanceFact] = NOT_ASKED
    reported: Outcome[ReportedFact] = NOT_ASKED
    answers: tuple[str, ...] = ()
    shortened: Outcome[ShortenedFact] = NOT_ASKED

    def unknown(self) -> dict[str, str]:
        """The checks that could not tell, each with its reason."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.why for name, value in named.items() if isinstance(value, Unknown)}

    def to_json(self) -> bytes:
        """As compact JSON."""
        return _COMPACT.encode(to_plain(self)).encode()

    @classmethod
    def from_json(cls, octets: bytes) -> Evidence:
        """The inverse of `to_json`. Raises ValueError on anything else."""
        return from_plain(cls, json.loads(octets))


_COMPACT: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))

_SCALARS: Final = frozenset({str, int, float, bool, NoneType})


def to_plain(value: Any) -> Any:
    """A fact as dictionaries, lists and scalars. An Outcome is tagged by its one key: known, unknown or skipped."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is Known:
        return {"known": to_plain(value.value)}
    if kind is Unknown:
        return {"unknown": value.why}
    if kind is Skipped:
        return {"skipped": value.why}
    if is_dataclass(kind):
        named = [(name, getattr(value, name)) for name in _names_in(kind)]
        return {name: each if type(each) in _SCALARS else to_plain(each) for name, each in named}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list | frozenset):
        return [to_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): to_plain(each) for key, each in value.items()}
    return value


@cache
def _names_in(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


_Fact = TypeVar("_Fact")


def from_plain(kind: type[_Fact], plain: Any) -> _Fact:
    """Build a fact of that type again. Raises ValueError where the plain value does not fit the type."""
    try:
        return _build(kind, plain)  # type: ignore[no-any-return]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _build(kind: Any, plain: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _build_union(get_args(kind), plain)
    if origin is tuple:
        item, *rest = get_args(kind)
        if rest and rest != [Ellipsis]:
            return tuple(_build(each, value) for each, value in zip(get_args(kind), plain, strict=True))
        return tuple(_build(item, value) for value in plain)
    if origin is dict:
        return {str(key): _build(get_args(kind)[1], value) for key, value in plain.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints_of(kind)
        return kind(**{name: _build(hints[name], value) for name, value in plain.items()})
    if kind is float and isinstance(plain, int | float):
        return float(plain)
    if isinstance(kind, type) and not isinstance(plain, kind):
        raise ValueError(f"expected {kind.__name__}, found {type(plain).__name__}")
    return plain


@cache
def _hints_of(kind: type) -> dict[str, Any]:
    """Resolving a class's annotations costs more than building the object from them."""
    return get_type_hints(kind)


def _build_union(arguments: tuple[Any, ...], plain: Any) -> Any:
    known = next((each for each in arguments if get_origin(each) is Known), None)
    if known is not None:
        ((tag, value),) = plain.items()
        match tag:
            case "known":
                return Known(_build(get_args(known)[0], value))
            case "unknown":
                return Unknown(str(value))
            case "skipped":
                return Skipped(str(value))
        raise ValueError(f"no outcome is called {tag}")
    if plain is None and NoneType in arguments:
        return None
    return _build(next(each for each in arguments if each is not NoneType), plain)
