"""The schema of a policy: what may stand in `default.yaml` and in a list file, every field with its description.

The reference, the JSON Schema for editors and the errors are made from these models. They hold what was written; what
runs is `policy.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gateway.mail.address import Address, BadAddress
from gateway.mail.replies import BY_NAME
from gateway.policy import quantities
from gateway.policy.problem import nearest

REPLIES: Final = tuple(name for name, reply in BY_NAME.items() if reply.is_permanent)
"""The replies by which a rule may refuse: the permanent ones. To refuse for now there is `defer`."""

_OWN_FIELDS: Final = frozenset(
    {"from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "message-id", "in-reply-to", "references"}
    | {"return-path", "received", "received-spf", "authentication-results", "dkim-signature", "mime-version"}
    | {"arc-seal", "arc-message-signature", "arc-authentication-results"}
    | {"content-type", "content-transfer-encoding", "content-disposition", "content-id"}
)


def fault(text: str, mend: str) -> PydanticCustomError:
    """A fault in the words that people read."""
    return PydanticCustomError("policy", "{text}", {"text": text, "mend": mend})


def _converted(convert: Callable[[str], float], what: str) -> BeforeValidator:
    def validate(value: Any) -> Any:
        try:
            return convert(str(value))
        except ValueError as error:
            raise fault(f"`{str(value)[:60]}` is not a {what}", str(error)) from None

    return BeforeValidator(validate)


def _shaped(pattern: str, what: str, mend: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def validate(value: str) -> str:
        if not compiled.fullmatch(value):
            raise fault(f"`{value[:60]}` is not {what}", mend)
        return value

    return AfterValidator(validate)


def _reply(name: str) -> str:
    if name in REPLIES:
        return name
    if name in BY_NAME:
        raise fault(f"the reply {name} is not permanent", "write `then: defer` to refuse for now")
    raise fault(f"no reply is called {name[:60]}", nearest(name, REPLIES))


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", name):
        raise fault(f"`{name[:60]}` is not a name for a header field", "use letters, digits and -")
    if name.lower() in _OWN_FIELDS:
        raise fault(f"the header field {name} has a meaning of its own", "choose a name that begins with X-")
    return name


def _domain(value: str) -> str:
    try:
        return Address.parse(f"x@{value}").domain
    except BadAddress as error:
        raise fault(f"`{value[:60]}` is not a domain: {error}", "write one like `example.org`") from None


def _address(value: str) -> str:
    try:
        return Address.parse(value).key
    except BadAddress as error:
        raise fault(f"`{value[:60]}` is not an address: {error}", "write one like `alice@example.org`") from None


def _recipient_pattern(value: str) -> str:
    local, at, domain = value.lower().rpartition("@")
    if not at or "*" in local.replace("*", "", 1) or (("*" in local) and local != "*"):
        raise fault(
            f"`{value[:60]}` matches no recipient", "write `alice@example.org`, `*@example.org` or `*@*.example.org`"
        )
    _domain(domain.removeprefix("*."))
    return value.lower()


_HOST_PORT = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"
_ROUTES = rf"mailbox|mx|lmtp://{_HOST_PORT}|lmtp\+unix:/\S+|smtp://{_HOST_PORT}(?:,{_HOST_PORT})*"
_ROUTE_MEND = "write mailbox, mx, lmtp://HOST:PORT, lmtp+unix:/PATH or smtp://HOST:PORT[,HOST:PORT]"

_TEXT_SCHEMA: Final = {"type": "string"}
Size = Annotated[int, _converted(quantities.size, "size"), Field(ge=1), WithJsonSchema({"type": ["string", "integer"]})]
Duration = Annotated[float, _converted(quantities.duration, "duration"), WithJsonSchema(_TEXT_SCHEMA)]
End = Annotated[
    float,
    AllowInfNan(True),
    _converted(quantities.end_of_validity, "day or time"),
    WithJsonSchema(_TEXT_SCHEMA),
]
Id = Annotated[str, _shaped(r"[a-z][a-z0-9-]{0,59}", "an id", "use small letters, digits and -, a letter first")]
Text = Annotated[str, Field(max_length=300)]
Domain = Annotated[str, AfterValidator(_domain)]
MailAddress = Annotated[str, AfterValidator(_address)]
Route = Annotated[str, _shaped(_ROUTES, "a route", _ROUTE_MEND)]
ReplyName = Annotated[str, AfterValidator(_reply), WithJsonSchema({"enum": list(REPLIES)})]
RecipientPattern = Annotated[str, AfterValidator(_recipient_pattern)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, _shaped(r"[\x20-\x7e]{0,300}", "a header value", "one line of printable ASCII")]
QuarantineClass = Literal["spam", "phishing", "malware", "policy", "bulk", "unscannable"]
TagClass = Literal["spam", "phishing", "bulk", "policy"]
OnUnknown = Literal["defer", "next", "hold", "deliver_marked"]
Network = Annotated[
    str,
    _shaped(r"127(?:\.\d{1,3}){3}(?:/\d{1,2})?", "an answer of a list", "write one like `127.0.0.2` or `127.0.0.0/24`"),
]


class Model(BaseModel):
    """Strict: no key that is not described, no value that must be bent to fit."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


# ---------------------------------------------------------------- actions


class Reject(Model):
    """Refuse for good. The client is told, nobody else: there is no bounce."""

    reject: ReplyName = Field(description="Name of the reply")


class Quarantine(Model):
    """Accept and hold, for people to review."""

    quarantine: QuarantineClass = Field(description="Class under which it is held; it rules who may release it")


class AddHeader(Model):
    """Add header fields on delivery, and go on to the next rule."""

    add_header: dict[HeaderName, HeaderValue] = Field(description="Header fields, name to value", min_length=1)


class Mark(Model):
    """Take the message for this class if it is delivered: adds `X-Postern-Class`, and goes on to the next rule."""

    tag: TagClass = Field(description="Class that is written into the header")


ACTIONS: Final = ("deliver", "defer", "reject", "quarantine", "add_header", "tag")


_ACTION_TAGS: Final[dict[Any, str]] = {
    "reject": "Reject",
    "quarantine": "Quarantine",
    "add_header": "AddHeader",
    "tag": "Mark",
}


def _action_kind(value: Any) -> str | None:
    """Which kind of action was written: by its one key."""
    if isinstance(value, str):
        return "Word"
    if isinstance(value, dict):
        return _ACTION_TAGS.get(next(iter(value))) if len(value) == 1 else None
    return None


_NO_ACTION: Final = {
    "custom_error_type": "action",
    "custom_error_message": "this is not one action",
}
Word = Annotated[Literal["deliver", "defer"], Tag("Word")]
Action = Annotated[
    Word
    | Annotated[Reject, Tag("Reject")]
    | Annotated[Quarantine, Tag("Quarantine")]
    | Annotated[AddHeader, Tag("AddHeader")]
    | Annotated[Mark, Tag("Mark")],
    Discriminator(_action_kind, **_NO_ACTION),
]
FinalAction = Annotated[
    Word | Annotated[Reject, Tag("Reject")] | Annotated[Quarantine, Tag("Quarantine")],
    Discriminator(_action_kind, **_NO_ACTION),
]


# ---------------------------------------------------------------- the parts of a policy


class Limits(Model):
    """What clients of a group may do. What is not said is as in the settings (`limits`)."""

    size: Size | None = Field(None, description="Largest message, like `50MiB`")
    recipients: Annotated[int, Field(ge=1)] | None = Field(None, description="Recipients of one transaction")
    connections: Annotated[int, Field(ge=1)] | None = Field(None, description="Connections of one address at a time")
    messages_per_second: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Messages of one address, averaged; more are deferred"
    )


class Group(Model):
    """Who is connecting. The first group whose condition is true is the client's; one that cannot be told is not."""

    id: Id = Field(description="Name of the group")
    when: str = Field("", description="Condition about `client.*` and `mail.from`; left out: everyone")
    then: Reject | None = Field(None, description="`{reject: NAME}` refuses its clients")
    limits: Limits = Field(Limits(), description="What its clients may do")


class Recipient(Model):
    """Who is written to. An address goes before its domain; who is in neither is not ours (relaying denied)."""

    domain: Domain | None = Field(None, description="Domain that we receive for")
    address: MailAddress | None = Field(None, description="One address, in place of `domain`")
    route: Route = Field(description="Where accepted mail goes: mailbox, mx, lmtp://..., lmtp+unix:..., smtp://...")
    validate_by: Literal["mailbox", "static", "callahead", "none"] = Field(
        "none", alias="validate", description="How we know that a recipient exists, before DATA"
    )
    addresses: list[MailAddress] = Field([], description="The recipients that exist, for `validate: static`")
    on_unknown: Literal["defer", "accept"] = Field("defer", description="What to do when that cannot be told")

    @model_validator(mode="after")
    def _consistent(self) -> Recipient:
        if (self.domain is None) == (self.address is None):
            raise fault("an entry is for a domain or for an address", "write one of `domain:` and `address:`")
        if self.validate_by == "mailbox" and self.route != "mailbox":
            raise fault("`validate: mailbox` asks the shipped store", "use callahead, static or none with this route")
        if self.validate_by == "callahead" and self.route == "mailbox":
            raise fault("`callahead` asks a next hop, and this route has none", "write `validate: mailbox`")
        if self.validate_by == "static" and not self.addresses:
            raise fault("`validate: static` without addresses refuses everyone", "add `addresses: [...]`")
        if self.validate_by != "static" and self.addresses:
            raise fault("`addresses` is used by `validate: static` alone", "write `validate: static`, or remove it")
        return self

    @property
    def name(self) -> str:
        """The address or domain that the entry is for."""
        return self.address or self.domain or ""


class Rule(Model):
    """What is to be done with a message. The first rule that matches and ends the matter wins."""

    id: Id = Field(description="Name of the rule; the record of a message names it")
    description: Text = Field("", description="One sentence for people who ask why")
    when: str = Field("", description="Condition; left out: always")
    then: Action = Field(description="What happens: deliver, defer, reject, quarantine, add_header, tag")
    recipients: list[RecipientPattern] = Field(
        [], alias="for", description="Recipients: `alice@example.org`, `*@example.org`, `*@*.example.org`; empty: all"
    )
    direction: Literal["inbound", "outbound", "any"] = Field("inbound", description="Which mail the rule looks at")
    on_unknown: OnUnknown | None = Field(
        None,
        description="When the condition cannot be told: next (pass over), defer or hold (if it would be delivered), "
        "deliver_marked (add `X-Postern-Unknown`). Left out: `next` for deliver, tag and add_header, "
        "else as the policy's `on_unknown` says",
    )


class ListFile(Model):
    """Where the entries of a list stand."""

    file: str = Field(description="File below the policy's folder, like `lists/partners.yaml`")


class DnsblZone(Model):
    """A DNS list of clients (RFC 5782)."""

    zone: Domain = Field(description="Zone that is asked")
    weight: Annotated[float, Field(ge=-10, le=10)] = Field(
        1.0, description="What a listing adds to `client.dnsbl_score`; negative for a list of good clients"
    )
    answers: Annotated[list[Network], Field(min_length=1)] = Field(
        ["127.0.0.0/24"], description="Answers that are listings; all others are errors of the list, not listings"
    )


class Retention(Model):
    """How long held mail is kept, for each class."""

    spam: Duration = Field(30 * 86400.0, description="Unwanted mail")
    phishing: Duration = Field(30 * 86400.0, description="Frauds")
    malware: Duration = Field(14 * 86400.0, description="Malware")
    policy: Duration = Field(30 * 86400.0, description="Held by a rule of the house")
    bulk: Duration = Field(30 * 86400.0, description="Newsletters and the like")
    unscannable: Duration = Field(30 * 86400.0, description="Mail that could not be looked into")


class PolicyFile(Model):
    """A policy: `default.yaml`."""

    version: Literal[1] = Field(description="Version of this schema: 1")
    lists: dict[Id, ListFile] = Field({}, description="Lists by name, for `in_list` and `any_in_list`")
    groups: list[Group] = Field([], description="Who is connecting: the first match wins; the last one is for everyone")
    recipients: list[Recipient] = Field([], description="Who is written to, and where accepted mail goes")
    rules: list[Rule] = Field([], description="What is done with a message, in order")
    default: FinalAction = Field("deliver", description="What happens where no rule ends the matter")
    on_unknown: OnUnknown = Field(
        "defer", description="For rules that reject, quarantine or defer and do not say it themselves"
    )
    dnsbl: list[DnsblZone] = Field([], description="DNS lists that clients are looked up in")
    trusted_sealers: list[Domain] = Field([], description="Domains whose ARC seal we believe (RFC 8617)")
    quarantine: Retention = Field(Retention(), description="How long held mail is kept")


class ListEntry(Model):
    """One entry of a list. Nobody remembers why an exception was made: so it says who, why, and until when."""

    value: Annotated[str, Field(min_length=1, max_length=320)] = Field(
        description="Address, domain, `.domain` (with all below it), network (CIDR), or another word"
    )
    owner: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="Who answers for it")
    reason: Annotated[str, Field(min_length=1, max_length=300)] = Field(description="Why it is there")
    expires: End = Field(description="Last day (`2027-01-31`, UTC), a time (`2027-01-31T12:00:00Z`), or `never`")


class EntriesFile(Model):
    """A list: `lists/NAME.yaml`."""

    entries: list[ListEntry] = Field(description="The entries, in any order")
