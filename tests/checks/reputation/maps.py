"""Small maps for tests, in the records that MaxMind and IPinfo give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet


def write_map(file: Path, records: Mapping[str, Mapping[str, Any]]) -> Path:
    """An MMDB file with a record for each network, put in its place whole."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="test")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), dict(record))
    new = file.with_suffix(".new")
    writer.to_db_file(str(new))
    new.replace(file)
    return file


def network(number: int, name: str) -> dict[str, Any]:
    """As GeoLite2-ASN and dbip-asn-lite have it."""
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


def country(code: str) -> dict[str, Any]:
    """As GeoLite2-Country and dbip-country-lite have it."""
    return {"country": {"iso_code": code, "names": {"en": "Somewhere"}}}
