"""The front door of one edge process: serves listening sockets that somebody else bound, and drains them. Knows no verb
and no policy.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.inbound.admission.admission import Admission
from gateway.inbound.admission.certificates import Certificates, Contexts, nobody_asks
from gateway.inbound.admission.counting import Counting, own_networks
from gateway.inbound.admission.networks import Networks
from gateway.inbound.admission.occupancy import Occupancy
from gateway.inbound.ports import Door, Ports
from gateway.inbound.refusals import Refusals
from gateway.inbound.session import Household, Session, Sleep
from gateway.inbound.transaction import SCAN_PATIENCE, Reception
from gateway.inbound.verbs import VERBS
from gateway.mail.address import Address
from gateway.settings import Settings
from gateway.telemetry import log

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound TCP socket and what it is for. The front door closes its copy of the socket when it drains."""

    door: Door
    socket: socket.socket


class FrontDoor:
    """All SMTP listeners of one process."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        ports: Ports,
        settings: Settings,
        tls_context: ssl.SSLContext | None,
        scan_patience: float = SCAN_PATIENCE,
        sleep: Sleep = asyncio.sleep,
        asking: Contexts = nobody_asks,
    ) -> None:
        """`asking` gives the TLS of handshakes that ask for a certificate.

        Raises ValueError when users would have to sign in without TLS, or with a TLS that is too old."""
        if tls_context is None and any(listener.door.is_submission for listener in listeners):
            raise ValueError("submission needs a certificate: nobody signs in without TLS")
        self._listeners = tuple(listeners)
        self._tls_context: ssl.SSLContext | None = None
        if tls_context is not None:
            self.renew_tls(tls_context)
        self._occupancy = Occupancy()
        self._servers: list[asyncio.Server] = []
        self._draining = False
        refusals = Refusals(ports.custody, ports.clock)
        limits = settings.limits
        self._reception = Reception(ports, refusals, hops=limits.hops, scan_patience=scan_patience)
        self._household = Household(
            ports=ports,
            admission=Admission(ports, limits, Counting(ports.counters, own=own_networks(settings.own_networks))),
            reception=self._reception,
            refusals=refusals,
            limits=limits,
            hostname=settings.hostname,
            postmaster=Address("postmaster", settings.domain.lower()),
            verbs=VERBS,
            balancers=Networks(settings.listen.proxy_networks),
            certificates=Certificates(asking, ports.counters, ports.current_policy),
            xclients=Networks(settings.listen.xclient_networks),
            sleep=sleep,
        )

    @property
    def connections(self) -> int:
        """Open sessions."""
        return self._occupancy.total

    async def start(self) -> None:
        """Accept connections. Returns when every listener does."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            self._servers.append(
                await loop.create_server(self._at(listener.door, loop), sock=listener.socket, backlog=BACKLOG)
            )

    def renew_tls(self, context: ssl.SSLContext) -> None:
        """Do every handshake that begins from now on with this context. Raises ValueError when its TLS is too old."""
        if context.minimum_version < ssl.TLSVersion.TLSv1_2:
            raise ValueError("the front door speaks TLS 1.2 and later")
        self._tls_context = context

    async def drain(self, timeout: float) -> None:
        """Accept nobody any more, let an open DATA finish, send idle clients away with 421, and return when all have
        gone; after `timeout` seconds the rest is cut off. Custody and the counters are waited for."""
        self._draining = True
        for server in self._servers:
            server.close()
        for guest in self._occupancy.guests:
            guest.drain()
        try:
            async with asyncio.timeout(timeout):
                await self._occupancy.until_empty()
        except TimeoutError:
            log().warning("sessions cut off", connections=self.connections)
            for guest in self._occupancy.guests:
                guest.abort()
        await self._occupancy.until_empty()
        await self._reception.settle()
        await self._household.admission.settle()

    def _at(self, door: Door, loop: asyncio.AbstractEventLoop) -> Callable[[], Session]:
        def session() -> Session:
            opened = Session(
                self._household, door=door, tls=lambda: self._tls_context, loop=loop, occupancy=self._occupancy
            )
            if self._draining:
                opened.drain()
            return opened

        return session
