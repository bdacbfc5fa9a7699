"""The front door's ports put together: for the edge, and for whoever explains what the edge would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.app.accounts import user_base
from gateway.app.alerts import Alerts
from gateway.app.door.doorkeeping import Inquiry, PasswordAuthentication
from gateway.app.recipients.directories import AddressFiles, WebDirectory
from gateway.app.recipients.ldap import LdapDirectory
from gateway.app.recipients.next_hops import NextHops
from gateway.app.recipients.validation import Recipients
from gateway.checks.dns.answering import Answering
from gateway.checks.reputation.atlas import Atlas
from gateway.clock import Clock, system_randomness
from gateway.counters.counters import Counters
from gateway.delivery.callahead import CallAhead
from gateway.delivery.carrier import Carrier
from gateway.delivery.routes import Endpoint, Language, Routes
from gateway.inbound.admission.counting import Counting, own_networks
from gateway.inbound.ports import Greylist, Judge, NoReturns, Ports, Returns
from gateway.mailbox.quota import Quota
from gateway.mailbox.store import layout_of
from gateway.policy.policy import Policy
from gateway.queue.custody import Custody
from gateway.settings import Settings


@contextmanager
def door_ports(
    settings: Settings,
    policy: Callable[[], Policy],
    *,
    custody: Custody,
    counters: Counters,
    resolver: Answering,
    judge: Judge,
    greylist: Greylist,
    clock: Clock,
    returns: Returns | None = None,
) -> Iterator[Ports]:
    """Everything that the front door is given, for as long as it is open."""
    users, web, ldap = user_base(settings), WebDirectory(), LdapDirectory(Path(settings.policy))
    call_ahead = _call_ahead(settings, resolver, clock)
    ports = Ports(
        custody=custody,
        judge=judge,
        validation=Recipients(
            policy,
            users=users,
            quota=Quota(layout_of(settings.data.resolve()).quota, now=clock.monotonic),
            files=AddressFiles(Path(settings.policy)),
            web=web,
            ldap=ldap,
            call_ahead=call_ahead,
            counters=counters,
            now=clock.now,
        ),
        authentication=PasswordAuthentication(
            users, Counting(counters, own=own_networks(settings.own_networks)), policy
        ),
        inquiry=Inquiry(
            resolver,
            policy,
            Alerts(counters),
            atlas=Atlas(networks=settings.maps.networks, countries=settings.maps.countries),
        ),
        current_policy=policy,
        counters=counters,
        clock=clock,
        greylist=greylist,
        returns=returns or NoReturns(),
        next_hops=NextHops(call_ahead, counters, now=clock.now),
    )
    try:
        yield ports
    finally:
        web.close()
        ldap.close()


def _call_ahead(settings: Settings, resolver: Answering, clock: Clock) -> CallAhead:
    """Looks for next hops as a courier does."""
    name = settings.delivery.helo or settings.hostname
    mailbox = Endpoint(Language.LMTP, path=str(layout_of(settings.data.resolve()).lmtp))
    routes = Routes(mailbox=mailbox)
    carrier = Carrier(routes=routes, query=resolver.query, greet_as=name, clock=clock, randomness=system_randomness())
    return CallAhead(doors=carrier.doors, greet_as=name)
