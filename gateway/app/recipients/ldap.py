"""An LDAP directory that knows who exists (RFC 4511): bind, one search, and a yes or no. The only door to ldap3.

The library waits, so it does so in threads of its own, a few and with a deadline: neither the loop nor other threads
ever wait for a directory. What a client wrote enters a filter escaped (RFC 4515 section 3). TLS is verified with the
standard library's own context. Never writes to a directory, follows no referral, and never logs a secret.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

from gateway.app.recipients.directories import spellings
from gateway.delivery.callahead import Presence
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.address import Address
from gateway.policy.policy import LdapSource

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # it asks pyasn1 for names of old
    import ldap3
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.conv import escape_filter_chars

THREADS: Final = 4
"""Of one process. Each has one question at a time."""

PATIENCE: Final = 8.0
"""Seconds that one question may take, its waiting for a thread included. A client waits at RCPT meanwhile."""

STEP: Final = 3
"""Seconds for each step with one server: to connect, to bind, to search."""

REST: Final = 5.0
"""Seconds for which a directory that did not answer is not asked again: the next client should not wait as well."""

MAX_SECRET: Final = 1024

_SUCCESS: Final = 0
_SIZE_LIMIT: Final = 4  # more entries than one: it exists


class LdapError(Exception):
    """The directory cannot be asked. The text says why, and holds nothing secret."""


class SearchRefused(LdapError):
    """The directory answers, and will not say this one thing."""


class LdapDirectory:
    """The directories of one process, and their open connections. Close it in the end."""

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str] = os.environ,
        patience: float = PATIENCE,
        rest: float = REST,
    ) -> None:
        """Relative paths (`secret_file`, `authorities`) are below the folder."""
        self._folder = folder
        self._environment = environment
        self._patience = patience
        self._rest = rest
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ldap")
        self._idle: dict[LdapSource, list[ldap3.Connection]] = {}
        self._rests_until: dict[LdapSource, tuple[float, str]] = {}

    async def ask(self, address: Address, source: LdapSource) -> Outcome[Presence]:
        """Whether the directory has an entry for the address, or for what stands before its `+`. Never raises."""
        loop = asyncio.get_running_loop()
        until, why = self._rests_until.get(source, (0.0, ""))
        if loop.time() < until:
            return Unknown(why)
        try:
            async with asyncio.timeout(self._patience):
                found = await loop.run_in_executor(self._threads, partial(self._search, address, source))
        except TimeoutError:
            return self._let_rest(source, "the directory did not answer in time")
        except (SearchRefused, ValueError) as error:  # about this address, which a client made up: others may be asked
            return Unknown(f"the directory: {_in_words(error)}")
        except (LDAPException, LdapError, OSError) as error:
            return self._let_rest(source, f"the directory: {_in_words(error)}")
        return Known(Presence.EXISTS if found else Presence.ABSENT)

    def close(self) -> None:
        """Let go of all connections; a question that is open ends with its own deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for connections in self._idle.values():
            for connection in connections:
                _hang_up(connection)
        self._idle.clear()

    def _let_rest(self, source: LdapSource, why: str) -> Unknown:
        self._rests_until[source] = (asyncio.get_running_loop().time() + self._rest, why)
        return Unknown(why)

    # ------------------------------------------------------------ in a thread

    def _search(self, address: Address, source: LdapSource) -> bool:
        """One search. A connection that was open and has died meanwhile is replaced by a new one, once."""
        filter = filter_for(address, source.filter)
        idle = self._idle.setdefault(source, [])
        try:
            connection, is_new = idle.pop(), False
        except IndexError:
            connection, is_new = self._connect(source), True
        while True:
            try:
                found = _has_entry(connection, source.base, filter)
            except SearchRefused:
                idle.append(connection)
                raise
            except BaseException as error:
                _hang_up(connection)
                if is_new or not isinstance(error, LDAPException | OSError):
                    raise
                connection, is_new = self._connect(source), True
            else:
                idle.append(connection)
                return found

    def _connect(self, source: LdapSource) -> ldap3.Connection:
        """To the first server that lets us in."""
        secret = self._secret(source)
        tls = _VerifiedTls(self._authorities(source)) if source.encrypted else None
        trouble: Exception = LdapError("there is no server")
        for url in source.servers:
            server = ldap3.Server(url, tls=tls, get_info=ldap3.NONE, connect_timeout=STEP)
            connection = ldap3.Connection(
                server,
                user=source.bind or None,
                password=secret,
                client_strategy=ldap3.SYNC,
                read_only=True,
                auto_referrals=False,
                receive_timeout=STEP,
                check_names=False,
                raise_exceptions=False,
            )
            try:
                _enter(connection, clear=not source.encrypted)
            except (LDAPException, LdapError, OSError) as error:
                _hang_up(connection)
                trouble = error
                continue
            return connection
        raise trouble

    def _secret(self, source: LdapSource) -> str | None:
        """The password of `bind`. An empty one would let us in as nobody (RFC 4513 section 5.1.2)."""
        if not source.bind:
            return None
        if source.secret_environment:
            secret, where = self._environment.get(source.secret_environment, ""), source.secret_environment
        else:
            where = source.secret_file
            with (self._folder / where).open(encoding="utf-8") as file:
                secret = file.readline(MAX_SECRET + 2).rstrip("\r\n")
        if not 0 < len(secret) <= MAX_SECRET:
            raise LdapError(f"there is no secret in {where}")
        return secret

    def _authorities(self, source: LdapSource) -> Path | None:
        return self._folder / source.authorities if source.authorities else None


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS 1.2 or later with a certificate that is verified, name included, by the standard library: ldap3 has a matcher
    of its own, which Python has long since given up."""

    def __init__(self, authorities: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._authorities = authorities

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Encrypt the connection's socket; the handshake is always done here. Raises OSError (ssl.SSLError)."""
        context = ssl.create_default_context(cafile=None if self._authorities is None else str(self._authorities))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        connection.socket.settimeout(STEP)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)


def filter_for(address: Address, template: str) -> str:
    """The filter with the address in it, for each of its spellings."""
    filled = []
    for spelling in spellings(address):
        local, _, domain = spelling.rpartition("@")
        words = {"{address}": spelling, "{local}": local, "{domain}": domain}
        filled.append(_fill(template, {word: escape_filter_chars(text) for word, text in words.items()}))
    return filled[0] if len(filled) == 1 else f"(|{''.join(filled)})"


def _fill(template: str, words: Mapping[str, str]) -> str:
    """All at once: what a client wrote may look like one of the words."""
    pieces, rest = [], template
    while rest:
        at, word = min(((rest.find(each), each) for each in words if each in rest), default=(len(rest), ""))
        pieces += [rest[:at], words.get(word, "")]
        rest = rest[at + len(word) :]
    return "".join(pieces)


def _enter(connection: ldap3.Connection, *, clear: bool) -> None:
    """Connect, encrypt, and say who we are. Nothing is said in clear that should not be."""
    connection.open(read_server_info=False)
    if not clear and not connection.server.ssl:
        connection.start_tls(read_server_info=False)
    if not connection.bind(read_server_info=False):
        raise LdapError(f"we are not let in: {connection.result['description']}")


def _has_entry(connection: ldap3.Connection, base: str, filter: str) -> bool:
    """Whether the search finds anything. Raises `SearchRefused` where the directory could not say: a base that is not
    there is a mistake of ours, and nobody's absence."""
    connection.search(
        search_base=base,
        search_filter=filter,
        search_scope=ldap3.SUBTREE,
        attributes=[ldap3.NO_ATTRIBUTES],
        size_limit=1,
        time_limit=STEP,
    )
    result = connection.result
    if result["result"] not in (_SUCCESS, _SIZE_LIMIT):
        raise SearchRefused(f"the search failed: {result['description']}")
    return any(each["type"] == "searchResEntry" for each in connection.response or ())


def _hang_up(connection: ldap3.Connection) -> None:
    """Close the socket, without a word that might wait."""
    close: Callable[[], None] | None = getattr(connection.socket, "close", None)
    if close is not None:
        close()


def _in_words(error: Exception) -> str:
    """The error on one line, or its name where it says nothing."""
    return (" ".join(str(error).split()) or type(error).__name__)[:150]
