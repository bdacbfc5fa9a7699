"""From what was written (`schema.py`) to what runs (`policy.py`), piece by piece. Pure; finds no fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from gateway.policy import policy as running
from gateway.policy.language import actions, schema
from gateway.policy.language.document import Path
from gateway.policy.language.recipients import Ldap, Recipient
from gateway.policy.lists import EntryList
from gateway.policy.policy import Doing, Effect, RateLimit, Sending, Whose, rescan_after
from gateway.policy.quantities import Rate
from gateway.policy.verdict import Disposition, Keeping, VerdictClass

CLASS_HEADER: Final = "X-Postern-Class"
"""The header field that `tag` adds."""

AVERAGED: Final = 10.0
"""Seconds over which `messages_per_second` is averaged."""

Places = Callable[[Path], str]
"""Where something is written, by the steps that lead to it."""


def entry_of(model: Recipient, place: str) -> running.RecipientEntry:
    """What is said about a domain or address."""
    return running.RecipientEntry(
        name=model.name,
        route=model.route,
        validate=model.validate_by,
        addresses=frozenset(model.addresses),
        on_unknown=model.on_unknown,
        source=model.path or model.url or "",
        ldap=None if model.ldap is None else _ldap_of(model.ldap),
        size=model.size,
        on_full=model.on_full,
        aliases=dict(model.aliases),
        catch_all=model.catch_all or "",
        place=place,
    )


def _ldap_of(model: Ldap) -> running.LdapSource:
    return running.LdapSource(
        servers=tuple(model.servers),
        base=model.base,
        filter=model.filter,
        encrypted=model.encryption == "required",
        authorities=model.authorities or "",
        bind=model.bind or "",
        secret_file=model.secret_file or "",
        secret_environment=model.secret_environment or "",
    )


def limits_of(model: schema.Limits, places: Places) -> running.Limits:
    """What clients of a group may do."""
    rates: list[RateLimit] = []
    if model.messages_per_second is not None:
        number = max(1, math.floor(model.messages_per_second * AVERAGED))
        place = places(("messages_per_second",))
        rates.append(RateLimit(Whose.CLIENT, Doing.MESSAGES, Rate(number, AVERAGED), place))
    for whose in Whose:
        rates += _rates(getattr(model, whose), whose, partial(_below, places, whose.value))
    return running.Limits(
        model.size,
        model.recipients,
        model.connections,
        model.network_connections,
        tuple(rates),
        normalises=model.bare_line_ends == "normalise",
    )


def demand_of(model: schema.ClientCertificate | None) -> running.CertificateDemand | None:
    """What clients of a group have to prove who they are with."""
    if model is None:
        return None
    names = frozenset(each.lower() for each in model.names)
    return running.CertificateDemand(model.authorities, names, frozenset(model.fingerprints))


def _below(places: Places, step: str, steps: Path) -> str:
    return places((step, *steps))


def bans_of(model: schema.Bans, never: EntryList, places: Places) -> running.Bans:
    """Who is shut out by itself."""
    return running.Bans(model.duration, tuple(_rates(model, Whose.CLIENT, places)), never)


def _rates(model: Any, whose: Whose, places: Places) -> Iterator[RateLimit]:
    for doing in Doing:
        rate = getattr(model, doing, None)
        if rate is not None:
            yield RateLimit(whose, doing, rate, places((doing.value,)))


_CLASSES: Final[Mapping[str, VerdictClass]] = {str(each): each for each in VerdictClass}


def effect_of(action: Any) -> Effect:
    """What an action of the schema does."""
    match action:
        case "deliver":
            return Effect(Disposition.DELIVER)
        case "defer":
            return Effect(Disposition.DEFER, VerdictClass.POLICY, reply="deferred")
        case "greylist":
            return Effect(Disposition.DEFER, VerdictClass.POLICY, reply="greylisted", greylists=True)
        case "park":
            return Effect(Disposition.QUARANTINE, VerdictClass.POLICY, quarantine="unscannable", keeping=Keeping.PARKED)
        case actions.Rescan(rescan=seconds):
            return rescan_after(seconds)
        case actions.Strip(strip=wanted):
            return Effect(
                Disposition.DELIVER,
                VerdictClass.POLICY,
                quarantine=wanted.otherwise,
                strips=tuple(dict.fromkeys(wanted.parts)),
            )
        case actions.Reject(reject=name):
            return Effect(Disposition.REJECT, _CLASSES.get(name, VerdictClass.POLICY), reply=name)
        case actions.Quarantine(quarantine=name):
            return Effect(Disposition.QUARANTINE, _CLASSES.get(name, VerdictClass.POLICY), quarantine=name)
        case actions.AddHeader(add_header=headers):
            return Effect(None, headers=tuple(headers.items()))
        case actions.Mark(tag=name):
            return Effect(None, VerdictClass(name), headers=((CLASS_HEADER, name),))
    raise TypeError(f"no action is a {type(action).__name__}")


def scanning_of(top: schema.PolicyFile) -> running.Scanning:
    """How the malware engine is used, the block lists of links, and how far shortened links are followed."""
    malware = top.malware
    lists = (
        running.LinkList(each.zone or "", each.feed or "", each.weight, tuple(each.answers), each.fresh)
        for each in top.link_lists
    )
    short = top.shorteners
    following = running.Following(short.hops, short.within, short.links) if short.follow else None
    return running.Scanning(Sending(malware.send), malware.wait, malware.look_back, tuple(lists), following)


def doubt_of(model: schema.Rule, otherwise: str) -> tuple[str, float]:
    """What doubt means for a rule, and for how many seconds it defers before that."""
    match model.on_unknown:
        case actions.Patience(defer=seconds, then=word):
            return word, seconds
        case None:
            return otherwise, 0.0
        case word:
            return word, 0.0
