"""The PROXY protocol, versions 1 and 2: what a balancer says about the client behind it, before anything else is said
(HAProxy, proxy-protocol.txt). Reads with aiosmtpd's parser and believes it only where all of it makes sense. Whom to
believe at all is not decided here.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import ByteString
from typing import Final

from aiosmtpd.proxy_protocol import AF, PROTO, V2_CMD, V2_SIGNATURE, ProxyData, get_proxy

__all__ = ["V2_SIGNATURE", "BadProxyHeader", "begins_proxy_header", "is_balancer_itself", "read_header"]

PROXY_PATIENCE: Final = 5.0
"""Seconds that a balancer has to say the whole header; it sends it with its first packet."""


class BadProxyHeader(ValueError):
    """There is none, or not all of it came in time, or it makes no sense."""


async def read_header(reader: asyncio.StreamReader) -> ProxyData:
    """The header with which the connection begins. What follows it stays unread. Raises `BadProxyHeader`."""
    try:
        async with asyncio.timeout(PROXY_PATIENCE):
            header = await get_proxy(reader)
    except TimeoutError:
        raise BadProxyHeader("it did not come in time") from None
    except (asyncio.IncompleteReadError, OSError) as error:
        raise BadProxyHeader("the connection ended before it") from error
    if not header.valid:
        raise BadProxyHeader(header.error[:200])
    if not is_balancer_itself(header) and not _names_client(header):
        raise BadProxyHeader("it names no client of TCP")
    return header


def is_balancer_itself(header: ProxyData) -> bool:
    """LOCAL and UNKNOWN: the balancer speaks for itself, as a rule to see whether we are well. Whatever addresses come
    with that mean nothing."""
    return header.command == V2_CMD.LOCAL or header.family == AF.UNSPEC


def _names_client(header: ProxyData) -> bool:
    is_address = isinstance(header.src_addr, ipaddress.IPv4Address | ipaddress.IPv6Address)
    return is_address and header.protocol == PROTO.STREAM


def begins_proxy_header(octets: ByteString) -> bool:
    """Whether what a client said first is, or may become, a header of either version."""
    return bytes(octets[:6]) == b"PROXY " or (len(octets) >= 5 and V2_SIGNATURE.startswith(bytes(octets[:12])))
