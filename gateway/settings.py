"""Configuration: typed models, read once from a YAML file and the environment. Errors name the file, the line and
the mend.

The policy (what to do with mail) is not here: it lives in policies/*.yaml. Secrets are never here either: they are
files of mode 0600 under the data folder.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.mail.address import Address
from gateway.policy import quantities
from gateway.policy.problem import nearest

_REPOSITORY: Final = Path(__file__).resolve().parent.parent
MIB: Final = 1024 * 1024

Network = Annotated[str, AfterValidator(lambda text: str(ipaddress.ip_network(text)))]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, BeforeValidator(lambda value: _seconds(value) if isinstance(value, str) else value)]
"""A time: a number of seconds, or a text such as `30s`, `5min`, `12h` or `5d`."""
Octets = Annotated[int, BeforeValidator(lambda value: quantities.size(value) if isinstance(value, str) else value)]
"""A size: a number of octets, or a text such as `50MiB`."""
MailDomain = Annotated[str, AfterValidator(lambda text: Address.parse(f"postmaster@{text}").domain)]
MailAddress = Annotated[str, AfterValidator(lambda text: Address.parse(text).key)]


def _seconds(text: str) -> float:
    """The environment knows texts only: a bare number means seconds there, as it does in the file."""
    return float(text) if text.replace(".", "", 1).isdigit() else quantities.duration(text)


class SettingsError(ValueError):
    """The configuration cannot be used. The text says where and how to mend it."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Model):
    """Addresses of the embedded default: loopback and unprivileged, so that a first run harms nobody."""

    host: str = Field("127.0.0.1", description="Address that all listeners bind")
    mx_port: Port = Field(2525, description="SMTP from the internet (MX)")
    submission_port: Port = Field(2587, description="Submission with STARTTLS and AUTH (RFC 6409)")
    submissions_port: Port = Field(2465, description="Submission with implicit TLS (RFC 8314)")
    imap_port: Port = Field(2143, description="IMAP with STARTTLS of the shipped store")
    imaps_port: Port = Field(2993, description="IMAP with implicit TLS")
    pop3_port: Port = Field(2110, description="POP3 with STARTTLS")
    pop3s_port: Port = Field(2995, description="POP3 with implicit TLS")
    sieve_port: Port = Field(2190, description="ManageSieve, for the readers' own rules")
    console_port: Port = Field(8080, description="Console and REST API")
    proxy_networks: list[Network] = Field(
        default_factory=list,
        description="Balancers (`192.0.2.0/24`) whose SMTP connections must begin with a PROXY header, version 1 or 2",
    )
    xclient_networks: list[Network] = Field(
        default_factory=list, description="Hosts that may say who the client is, by XCLIENT"
    )


class Dns(_Model):
    """The resolver that checks ask."""

    nameservers: list[str] = Field(
        default_factory=list, description="`address` or `address:port`; empty: /etc/resolv.conf"
    )
    query_timeout: Seconds = Field(1.0, gt=0, le=30, description="Seconds until one query is given up")
    check_timeout: Seconds = Field(2.5, gt=0, le=60, description="Seconds that all look-ups of one check may take")
    cache_entries: int = Field(20_000, ge=0, description="Answers kept in memory, in each process")


class Clamav(_Model):
    """The malware engine."""

    address: str = Field(
        "", description="Socket path or host:port of clamd, or `off`; empty: the one that `postern run` starts or finds"
    )
    timeout: Seconds = Field(20.0, gt=0, le=600, description="Seconds that one scan may take")
    connections: int = Field(8, ge=1, le=256, description="Connections to clamd, in each process")
    largest: int = Field(
        100 * MIB,
        ge=1,
        description="Octets beyond which nothing is sent: at most clamd's StreamMaxLength and MaxFileSize",
    )


class Anatomist(_Model):
    """The sandboxed workers that take messages apart."""

    workers: int = Field(1, ge=1, le=64, description="Workers in each edge")
    timeout: Seconds = Field(10.0, gt=0, le=120, description="Seconds until a worker is killed and the fact is Unknown")
    memory: Octets = Field(768 * MIB, ge=128 * MIB, description="Octets of address space that a worker may have")


class Limits(_Model):
    """Bounds that hold before any policy is asked."""

    message_size: Octets = Field(
        50 * MIB, ge=1024, description="Largest message, in octets (RFC 1870), unless its group says"
    )
    recipients: int = Field(
        100, ge=100, le=999_999, description="Recipients of one transaction; 100 are a must (RFC 5321)"
    )
    connections: int = Field(1000, ge=1, description="Connections of one edge process")
    connections_per_client: int = Field(50, ge=1, description="Connections of one client address to this machine")
    idle: Seconds = Field(300.0, gt=0, description="Seconds that a session may be silent (RFC 5321 section 4.5.3.2.7)")
    transactions: int = Field(1000, ge=1, le=999_999, description="MAIL commands of one session (RFC 9422 MAILMAX)")
    errors: int = Field(20, ge=1, description="Errors of one session that are answered; the next one closes it")
    patient_errors: int = Field(10, ge=0, description="Errors of one session until each further answer is delayed")
    error_delay: Seconds = Field(1.0, ge=0, le=60, description="Seconds of that delay")
    hops: int = Field(50, ge=1, description="Received fields until a message is taken for a loop")
    free_disk: Octets = Field(256 * MIB, ge=0, description="Octets that must stay free, else 421 and 452")
    queued: int = Field(100_000, ge=1, description="Copies that may wait for delivery; with so many 421 and 452")


class Delivery(_Model):
    """Onward delivery."""

    helo: str = Field("", description="Name to say in EHLO; empty: hostname")
    connect_timeout: Seconds = Field(30.0, gt=0, description="Seconds to open a connection")
    timeout: Seconds = Field(300.0, gt=0, description="Seconds for each reply (RFC 5321 section 4.5.3.2)")
    per_destination: int = Field(20, ge=1, description="Connections to one destination at a time")
    lifetime: Seconds = Field(
        5 * 86400.0, gt=0, description="Seconds until a message is given up (RFC 5321 section 4.5.4.1)"
    )


class Dmarc(_Model):
    """How the domain of an author is judged (RFC 9989)."""

    public_suffix_list: Path | None = Field(
        None,
        description="File of the public suffix list, which you download yourself (publicsuffix.org); organisational "
        "domains then go by it, and not by the DNS tree walk of RFC 9989",
    )


class Forwarding(_Model):
    """Mail that an alias or a catch-all of ours sends on to a domain that is not ours."""

    srs: bool = Field(True, description="Forward under a reverse-path of our own (SRS), so that SPF vouches for it")
    domain: MailDomain | Literal[""] = Field(
        "", description="The domain of that reverse-path: one of ours, whose SPF record names us; empty: `domain`"
    )


class Bounces(_Model):
    """Which bounces are of mail that we sent (BATV). Off while `verify` names no domain."""

    verify: list[MailDomain] = Field(
        default_factory=list,
        description="Our domains whose mail leaves with a tag in its reverse-path; a bounce without one is refused",
    )
    refuse_at: Literal["rcpt", "data"] = Field(
        "data",
        description="When such a bounce is refused: `data`, after its content, so that hosts which verify senders by a "
        "call-back are answered; or `rcpt`, at once",
    )
    exempt: list[MailAddress] = Field(
        default_factory=list, description="Addresses of them that get no tag, and any bounce"
    )
    untagged_to: list[MailAddress | MailDomain] = Field(
        default_factory=list,
        description="Addresses and domains to which mail goes without a tag, like lists that know you by your address",
    )


class Signing(_Model):
    """DKIM signatures on outgoing mail; the keys are made with `postern dkim keygen`."""

    keep_days: float = Field(
        14.0, ge=1, description="Days that a retired key is kept, and its record should stay in the DNS"
    )


class Reports(_Model):
    """Reports to other domains about mail in their name; signing keys for the domain of `email` must be there."""

    dmarc: bool = Field(False, description="Send DMARC aggregate reports once a day (RFC 9990)")
    organization: str = Field("", max_length=200, description="Who reports; empty: hostname")
    email: str = Field("", description="Author, reverse-path and contact of reports; empty: postmaster at `domain`")
    mailbox: str = Field("", description="Our address to which others send DMARC reports (rua): they are read and kept")
    deliver: bool = Field(True, description="Deliver a report that was read to that mailbox, too")

    @field_validator("email", "mailbox")
    @classmethod
    def _is_mailbox(cls, text: str) -> str:
        if text and not Address.parse(text).is_ascii:
            raise ValueError("reports come from an address of ASCII letters")
        return text


class Maps(_Model):
    """Maps of the internet (MMDB files), which you download yourself. Nothing is looked up on the network."""

    networks: Path | None = Field(
        None, description="Which autonomous system an address is in, like `GeoLite2-ASN.mmdb`, for `client.asn`"
    )
    countries: Path | None = Field(
        None, description="Which country it is in, like `dbip-country-lite.mmdb`, for `client.country`"
    )


class Store(_Model):
    """The shipped mail store."""

    quota: Octets = Field(
        10 * 1024 * MIB, ge=0, description="Octets that one mailbox may hold, like `2GiB`; 0: as many as there is disk"
    )


class Console(_Model):
    """The office."""

    session_hours: float = Field(12.0, gt=0, description="Hours until a sign-in ends")
    secure_cookies: bool = Field(False, description="Set when the console is reached by https")


class Settings(_Model):
    """The whole configuration. Every field has a default that works on one machine."""

    hostname: str = Field("mx.example.org", description="Our name in greetings, Received and Authentication-Results")
    domain: str = Field("example.org", description="The domain served by the embedded default")
    data: Path = Field(Path("data"), description="Folder for ledger, spool, store, keys and secrets")
    received_spf: bool = Field(False, description="Write Received-SPF (RFC 7208) beside Authentication-Results")
    policy: Path = Field(_REPOSITORY / "policies", description="Folder of the policy")
    model: Path = Field(_REPOSITORY / "models" / "default", description="Folder of the classifier's artefact")
    regression: Path = Field(
        _REPOSITORY / "models" / "regression",
        description="Folder of messages (`ham/ spam/ phishing/`) that what people taught must not make the classifier "
        "misjudge",
    )
    trusted: list[Network] = Field(
        default_factory=list,
        description="Our own networks (`192.0.2.0/24`), like this machine itself: never banned, never greylisted",
    )
    edges: int = Field(0, ge=0, le=256, description="Edge processes; 0: one per core")
    couriers: int = Field(1, ge=1, le=64, description="Delivery processes")
    listen: Listen = Listen()
    dns: Dns = Dns()
    clamav: Clamav = Clamav()
    anatomist: Anatomist = Anatomist()
    limits: Limits = Limits()
    delivery: Delivery = Delivery()
    dmarc: Dmarc = Dmarc()
    forwarding: Forwarding = Forwarding()
    bounces: Bounces = Bounces()
    signing: Signing = Signing()
    reports: Reports = Reports()
    console: Console = Console()
    maps: Maps = Maps()
    store: Store = Store()

    @property
    def own_networks(self) -> list[str]:
        """The networks that we trust in any way: a balancer must not be shut out for what its clients did."""
        return [*self.trusted, *self.listen.proxy_networks, *self.listen.xclient_networks]

    @property
    def edge_count(self) -> int:
        """How many edge processes run."""
        return self.edges or os.cpu_count() or 1


# The environment's names, and the setting that each one sets.
ENVIRONMENT: Final[dict[str, tuple[str, ...]]] = {
    "POSTERN_DATA": ("data",),
    "POSTERN_POLICY": ("policy",),
    "POSTERN_MODEL": ("model",),
    "POSTERN_HOSTNAME": ("hostname",),
    "POSTERN_DOMAIN": ("domain",),
    "POSTERN_EDGES": ("edges",),
    "POSTERN_HOST": ("listen", "host"),
    **{f"POSTERN_{name.upper()}": ("listen", name) for name in Listen.model_fields if name != "host"},
    "POSTERN_NAMESERVERS": ("dns", "nameservers"),
    "POSTERN_CLAMD": ("clamav", "address"),
    "POSTERN_NETWORK_MAP": ("maps", "networks"),
    "POSTERN_COUNTRY_MAP": ("maps", "countries"),
}


def load(file: Path | None, environment: Mapping[str, str], *, data: Path | None = None) -> Settings:
    """Settings from the file, then the environment, then the argument; the later wins. Raises `SettingsError`."""
    plain: dict[str, Any] = {}
    places: dict[tuple[str, ...], str] = {}
    if file is not None:
        plain, places = _read(file)
    for name, path in ENVIRONMENT.items():
        if environment.get(name):
            places[path] = name
            _set(plain, path, environment[name].split(",") if path[-1] == "nameservers" else environment[name])
    if data is not None:
        plain["data"] = data
        places["data",] = "--data"
    try:
        return Settings.model_validate(plain)
    except ValidationError as error:
        raise SettingsError(_explain(error, places)) from None


def _read(file: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """What the file holds, and the place of each setting in it."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise SettingsError(f"{place}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(plain, dict):
        raise SettingsError(f"{file}:1: the configuration is a mapping of names to values")
    return plain, {path: f"{file}:{line}" for path, line in _lines(node, ())} if node is not None else {}


def _lines(node: yaml.Node, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], int]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    found: list[tuple[tuple[str, ...], int]] = []
    for key, value in node.value:
        here = (*path, str(key.value))
        found += [(here, key.start_mark.line + 1), *_lines(value, here)]
    return found


def _set(plain: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        child = plain.setdefault(key, {})
        if not isinstance(child, dict):
            return  # the file holds something else there; the models will say so
        plain = child
    plain[path[-1]] = value


def _explain(error: ValidationError, places: dict[tuple[str, ...], str]) -> str:
    said = []
    for each in error.errors():
        path = tuple(str(step) for step in each["loc"])
        place = next((places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in places), "settings")
        said.append(f"{place}: {'.'.join(path)}: {_fault(each)}\n    mend: {_mend(each, path)}")
    return "\n".join(said)


_EXPECTED: Final = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "path_type": "a path",
    "model_type": "a mapping of names to values",
}
_BOUNDS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _fault(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    if error["type"] in _EXPECTED:
        return f"{str(error['input'])[:60]!r} is not {_EXPECTED[error['type']]}"
    if any(bound in error.get("ctx", {}) for bound in _BOUNDS):
        return f"{str(error['input'])[:60]} is out of bounds"
    return error["msg"].removeprefix("Value error, ")


def _mend(error: ErrorDetails, path: tuple[str, ...]) -> str:
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return nearest(path[-1], list(_settings_at(path[:-1])))
    if error["type"] in _EXPECTED:
        return f"write {_EXPECTED[error['type']]}"
    bounds = [f"{word} {context[bound]}" for bound, word in _BOUNDS.items() if bound in context]
    return f"write {' and '.join(bounds)}" if bounds else "`postern reference settings` describes every setting"


def _settings_at(path: tuple[str, ...]) -> Mapping[str, FieldInfo]:
    """The settings that stand under a name, or none where it is a value."""
    fields: Mapping[str, FieldInfo] = Settings.model_fields
    for step in path:
        model = fields[step].annotation if step in fields else None
        fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    return fields
