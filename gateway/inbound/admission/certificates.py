"""Client certificates: whom a handshake asks for one, what was shown, and whether it is what a group demands (RFC 8446
section 4.4.2, RFC 5246 section 7.4.6).

Only those are asked of whom the policy may demand one: many hosts show certificates that nobody here could verify, and
a handshake ends with such a one. Who lost its handshake so is not asked again for a while, and may send what it likes
but in the name of those who have to prove themselves.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from gateway.counters.counters import Counters
from gateway.facts.connection import CertificateFact, ClientFact
from gateway.inbound.admission.counting import client_name
from gateway.inbound.ports import Group, PolicyInForce
from gateway.inbound.protocol.wire import ClientGone, Wire
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.replies import Reply
from gateway.policy.policy import CertificateDemand
from gateway.telemetry import log

TOPIC: Final = "unverified certificate"

REMEMBERED: Final = 600.0
"""Seconds for which a client whose certificate could not be verified is not asked for one again."""

Contexts = Callable[[str], ssl.SSLContext]
"""The TLS of a handshake that asks for a certificate, by the file of authorities. Raises OSError where that cannot be
read."""


def nobody_asks(authorities: str) -> ssl.SSLContext:
    """Stands where no certificates of clients can be verified."""
    raise FileNotFoundError(f"{authorities}: no certificates of clients are verified here")


class Certificates:
    """For all sessions of one edge process."""

    def __init__(self, contexts: Contexts, counters: Counters, current_policy: Callable[[], PolicyInForce]) -> None:
        self._contexts = contexts
        self._counters = counters
        self._current_policy = current_policy

    async def shake_hands(self, wire: Wire, client: ClientFact, *, ready: Reply | None) -> ClientFact | None:
        """Do the handshake with the client, after `ready` was said, or at once where TLS begins with the connection.
        Gives the client with what was agreed upon and proved; None where we cannot now. Raises `ClientGone`."""
        demand = await self._demand_of(client)
        try:
            context = wire.tls if demand is None else self._contexts(demand.authorities)
        except OSError as error:
            log().error("client certificates cannot be verified", client=client.ip, reason=str(error))
            return None
        if context is None:
            return None
        if ready is not None:
            wire.say(ready)
        else:
            wire.expect_tls(context)
        try:
            connection = await wire.encrypt(context)
        except ClientGone as gone:
            if demand is not None and isinstance(gone.__cause__, ssl.SSLCertVerificationError):
                await self._failed(client)
                log().info("client certificate not verified", client=client.ip, reason=str(gone.__cause__))
            raise
        certificate = CertificateFact() if demand is None else shown(connection, demand)
        version, (cipher, *_) = connection.version() or "", connection.cipher() or ("",)
        return replace(client, tls=version, tls_cipher=cipher, certificate=certificate)

    async def _demand_of(self, client: ClientFact) -> CertificateDemand | None:
        """What the handshake with the client has to ask for."""
        demand = self._current_policy().certificate_demand(client, self._counters.now())
        if demand is None or await self._counters.recall(TOPIC, (client_name(client.ip),)):
            return None
        return demand

    async def _failed(self, client: ClientFact) -> None:
        """It showed one that cannot be verified, and the handshake has ended."""
        await self._counters.remember(TOPIC, {client_name(client.ip): ""}, seconds=REMEMBERED)


def shown(connection: ssl.SSLObject, demand: CertificateDemand) -> CertificateFact:
    """What the client proved in a handshake that asked for it."""
    octets, said = connection.getpeercert(binary_form=True), connection.getpeercert()
    if not octets or not said:
        return CertificateFact()
    return CertificateFact(hashlib.sha256(octets).hexdigest(), _names(said), demand.authorities)


def _names(said: dict[str, Any]) -> tuple[str, ...]:
    """The names of DNS and mail, and the common name, which is all that some private authorities write."""
    others = [value for kind, value in said.get("subjectAltName", ()) if kind in ("DNS", "email")]
    common = [value for part in said.get("subject", ()) for kind, value in part if kind == "commonName"]
    return tuple(dict.fromkeys(each.lower() for each in (*others, *common)))


def refusal(group: Group, client: ClientFact) -> Refused | None:
    """Why the client may not send yet."""
    demand = group.certificate
    if demand is None or demand.is_met_by(client.certificate):
        return None
    if not client.certificate.fingerprint:
        said = "and none was verified"
    else:
        said = f"and this one is not among them: {client.certificate.fingerprint}"
    return Refused(
        replies.CERTIFICATE_REQUIRED, f"group {group.id} demands a client certificate, {said}", group.id, group.place
    )
