"""Where a client's address lies: its autonomous system and country, out of MMDB files that the operator downloads
himself. The only door to maxminddb. Asks nobody: a look-up is a walk through memory.

Takes the records of MaxMind and DB-IP (nested) and of IPinfo (flat). A file that is replaced is read again at the next
look-up; while the new one is bad, what was read before holds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import maxminddb

from gateway.facts.connection import NetworkFact
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.telemetry import log

MAX_OCTETS: Final = 256 * 1024 * 1024
"""Of one file; the largest free ones have 130 MiB."""

MAX_NAME: Final = 200
"""Characters of an organisation's name."""

F = TypeVar("F")

Stamp = tuple[int, int, int]


class Map:
    """One MMDB file in memory. It is not mapped from disk: a file that somebody overwrites in place would end the
    process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: Stamp | None = None
        self._reader: maxminddb.Reader | None = None
        self._trouble = "was never read"

    def find(self, ip: str) -> Outcome[Mapping[str, Any]]:
        """The record for the address, empty where there is none."""
        self._refresh()
        if self._reader is None:
            return Unknown(f"{self._file.name} {self._trouble}")
        try:
            record = self._reader.get(_plain(ip))
        except Exception as error:  # noqa: BLE001 - the reader may stumble over a bad file in any way
            return Unknown(f"{self._file.name}: {error}"[:200])
        return Known(record if isinstance(record, dict) else {})

    def _refresh(self) -> None:
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            if status.st_size > MAX_OCTETS:
                raise ValueError(f"is longer than {MAX_OCTETS} octets")
            reader = maxminddb.open_database(self._file, maxminddb.MODE_MEMORY)
        except Exception as error:  # noqa: BLE001 - the same
            self._complain(str(error) or type(error).__name__)
            return
        self._reader, self._trouble = reader, ""
        about = reader.metadata()
        log().info("map_read", file=str(self._file), type=about.database_type, made=about.build_epoch)

    def _complain(self, trouble: str) -> None:
        """Once for each kind of trouble, not for each client."""
        if trouble != self._trouble:
            log().error("map_not_read", file=str(self._file), why=trouble, kept=self._reader is not None)
        self._trouble = trouble


class Atlas:
    """The maps of one process; None where the operator has named no file. One file may be both."""

    def __init__(self, *, networks: Path | None, countries: Path | None) -> None:
        self._networks = None if networks is None else Map(networks)
        self._countries = self._networks if countries == networks else None if countries is None else Map(countries)

    def network(self, ip: str) -> Outcome[NetworkFact]:
        """Whose network the address is in. Skipped where there is no map."""
        return _look_up(self._networks, ip, _network_of)

    def country(self, ip: str) -> Outcome[str]:
        """The country, as a code of ISO 3166-1. Skipped where there is no map."""
        return _look_up(self._countries, ip, _country_of)


def _look_up(chart: Map | None, ip: str, read: Callable[[Mapping[str, Any]], F]) -> Outcome[F]:
    if chart is None:
        return NOT_ASKED
    record = chart.find(ip)
    return Known(read(record.value)) if isinstance(record, Known) else record


def _network_of(record: Mapping[str, Any]) -> NetworkFact:
    number = str(record.get("autonomous_system_number") or record.get("asn") or "").upper().removeprefix("AS")
    name = record.get("autonomous_system_organization") or record.get("as_name") or ""
    return NetworkFact(int(number) if number.isascii() and number.isdigit() else 0, str(name)[:MAX_NAME])


def _country_of(record: Mapping[str, Any]) -> str:
    """Where the address is used, else where it is registered."""
    for key in ("country", "registered_country", "country_code"):
        value = record.get(key)
        code = str(value.get("iso_code", "") if isinstance(value, dict) else value or "")
        if len(code) == 2 and code.isascii() and code.isalpha():
            return code.upper()
    return ""


def _plain(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that comes in IPv6 dress is an IPv4 address; a zone is no part of it. Raises ValueError."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
