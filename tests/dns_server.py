"""A real DNS server on loopback, UDP and TCP on one port, that can be slow, lie, cut its answers, die and come back.

Answers from a zone as `gateway.checks.dns.zone` reads it; `Behaviour` says how it misbehaves, for each name or for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from gateway.checks.dns.answers import Answer, Status
from gateway.checks.dns.zone import ZoneResolver
from tests.ports import free_port

TTL = 60


@dataclass(frozen=True)
class Behaviour:
    """What the server does wrong."""

    delay: float = 0.0
    wrong_id: bool = False  # a liar's datagram before the true one
    wrong_name: bool = False
    truncate: bool = False  # UDP says TC and holds nothing
    silent: bool = False
    garbage: bool = False
    rcode: int | None = None
    loop: bool = False
    authenticated: bool = False
    ttl: int = TTL


class DnsServer(asyncio.DatagramProtocol):
    """Use `running`. `udp` and `tcp` are the questions so far, as "name TYPE"."""

    def __init__(self, zone: dict[str, Any]) -> None:
        self.zone = ZoneResolver(zone)
        self.everywhere = Behaviour()
        self.at: dict[str, Behaviour] = {}
        self.udp: list[str] = []
        self.tcp: list[str] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._replies: set[asyncio.Future[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, zone: dict[str, Any]) -> AsyncIterator[DnsServer]:
        server = cls(zone)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        loop = asyncio.get_running_loop()
        self.port = self.port or free_port()
        self._server = await asyncio.start_server(self._serve_tcp, "127.0.0.1", self.port)
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        self._transport = transport

    async def stop(self) -> None:
        """Stop listening: nobody is there any more."""
        if self._transport is not None and self._server is not None:
            self._transport.close()
            self._server.close()
            await self._server.wait_closed()
            self._transport = self._server = None
            await asyncio.sleep(0)
        for each in self._replies:
            each.cancel()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # transports say goodbye in the next turn of the loop

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = asyncio.ensure_future(self._serve_udp(data, addr))
        self._replies.add(reply)
        reply.add_done_callback(self._replies.discard)

    async def _serve_udp(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.udp.append(_asked(query))
        behaviour = self._behaviour(query)
        await asyncio.sleep(behaviour.delay)
        if behaviour.silent or self._transport is None:
            return
        response = self._response(query, behaviour)
        if behaviour.garbage:
            self._transport.sendto(b"\xff" * 40, addr)
            return
        if behaviour.wrong_id:
            lie = self._lie(query)
            lie.id = (query.id + 1) % 65536
            self._transport.sendto(lie.to_wire(), addr)
        if behaviour.wrong_name:
            lie = self._lie(query)
            lie.question[0].name = dns.name.from_text("elsewhere.example")
            self._transport.sendto(lie.to_wire(), addr)
        wire = response.to_wire(max_size=65535)
        if behaviour.truncate or len(wire) > 1232:
            response.answer.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        self._transport.sendto(wire, addr)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            query = dns.message.from_wire(await reader.readexactly(size))
            self.tcp.append(_asked(query))
            behaviour = self._behaviour(query)
            await asyncio.sleep(behaviour.delay)
            if not behaviour.silent:
                wire = self._response(query, behaviour).to_wire(max_size=65535)
                writer.write(struct.pack("!H", len(wire)) + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has given up
        finally:
            writer.close()
            self._writers.discard(writer)

    def _behaviour(self, query: dns.message.Message) -> Behaviour:
        return self.at.get(_name(query), self.everywhere)

    def _lie(self, query: dns.message.Message) -> dns.message.Message:
        lie = dns.message.make_response(query)
        lie.question = [replace_name(query)]
        lie.answer.append(dns.rrset.from_text(query.question[0].name, TTL, "IN", "A", "203.0.113.66"))
        return lie

    def _response(self, query: dns.message.Message, behaviour: Behaviour) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if behaviour.authenticated:
            response.flags |= dns.flags.AD
        if behaviour.rcode is not None:
            response.set_rcode(behaviour.rcode)
            return response
        question = query.question[0]
        if behaviour.loop:
            other = dns.name.from_text("loop.example")
            for owner, target in ((question.name, other), (other, question.name)):
                response.answer.append(dns.rrset.from_text(owner, TTL, "IN", "CNAME", target.to_text()))
            return response
        kind = dns.rdatatype.to_text(question.rdtype)
        owner, answer = self._follow(response, _name(query), kind)
        if answer.status is Status.NXDOMAIN:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if answer.status is Status.SERVFAIL:
            response.set_rcode(dns.rcode.SERVFAIL)
        if answer.status is Status.OK:
            rdatas = [_rdata(kind, record) for record in answer.records]
            response.answer.append(dns.rrset.from_rdata_list(owner, behaviour.ttl, rdatas))
        return response

    def _follow(self, response: dns.message.Message, name: str, kind: str) -> tuple[dns.name.Name, Answer]:
        for _ in range(8):
            alias = self.zone.find(name, "CNAME")
            if alias.status is not Status.OK or kind == "CNAME":
                break
            target = dns.name.from_text(alias.records[0])
            response.answer.append(dns.rrset.from_text(dns.name.from_text(name), TTL, "IN", "CNAME", target.to_text()))
            name = alias.records[0]
        return dns.name.from_text(name), self.zone.find(name, kind)


def replace_name(query: dns.message.Message) -> dns.rrset.RRset:
    """A copy of the question, so that a lie does not spoil the query."""
    return dns.rrset.RRset(query.question[0].name, query.question[0].rdclass, query.question[0].rdtype)


def _name(query: dns.message.Message) -> str:
    return query.question[0].name.to_text(omit_final_dot=True).lower()


def _asked(query: dns.message.Message) -> str:
    return f"{_name(query)} {dns.rdatatype.to_text(query.question[0].rdtype)}"


def _rdata(kind: str, record: str) -> dns.rdata.Rdata:
    if kind == "TXT":
        octets = record.encode("latin-1")
        pieces = [octets[n : n + 255] for n in range(0, len(octets), 255)] or [b""]
        return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces)
    if kind in ("MX", "PTR", "NS", "CNAME"):
        return dns.rdata.from_text("IN", kind, record if record.endswith(".") else f"{record}.")
    return dns.rdata.from_text("IN", kind, record)


__all__ = ["Behaviour", "DnsServer", "replace"]
