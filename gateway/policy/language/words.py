"""The words of a policy: the types of single values, each with the sentence and the mend for what is none of it.

The schema is made of them. Knows nothing of where a value stands.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.mail.address import Address, BadAddress
from gateway.mail.replies import BY_NAME
from gateway.policy import quantities
from gateway.policy.parts import WORDS
from gateway.policy.problem import nearest
from gateway.policy.quantities import Rate

REPLIES: Final = tuple(name for name, reply in BY_NAME.items() if reply.is_permanent)
"""The replies by which a rule may refuse: the permanent ones. To refuse for now there is `defer`."""

_ANSWERS: Final = ipaddress.IPv4Network("127.0.0.0/8")

_OWN_FIELDS: Final = frozenset(
    {"from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "message-id", "in-reply-to", "references"}
    | {"return-path", "received", "received-spf", "authentication-results", "dkim-signature", "mime-version"}
    | {"arc-seal", "arc-message-signature", "arc-authentication-results"}
    | {"content-type", "content-transfer-encoding", "content-disposition", "content-id"}
)


def fault(text: str, mend: str) -> PydanticCustomError:
    """A fault in the words that people read."""
    return PydanticCustomError("policy", "{text}", {"text": text, "mend": mend})


def _converted(convert: Callable[[str], Any], what: str) -> BeforeValidator:
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


def _answer(text: str) -> str:
    """An address or network within 127.0.0.0/8 (RFC 5782 section 2.1)."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        network = ipaddress.IPv4Network("0.0.0.0/0")
    if not network.subnet_of(_ANSWERS):
        raise fault(f"`{text[:60]}` is not an answer of a list", "write one like `127.0.0.2` or `127.0.0.0/24`")
    return str(network) if network.prefixlen < 32 else str(network.network_address)


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


def _part_word(value: str) -> str:
    """One of the words for parts, a pattern of names like `*.iso`, or a media type."""
    written = value.lower()
    if written in WORDS or _NAME_PATTERN.fullmatch(written) or _MEDIA_TYPE.fullmatch(written):
        return written
    mend = f"write one of {', '.join(WORDS)}, a pattern of names like `*.iso`, or a type like `application/zip`"
    raise fault(f"no part is called `{value[:60]}`", mend)


_NAME_PATTERN: Final = re.compile(r"\*(?:\.[a-z0-9_-]{1,30}){1,3}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]{1,30}/[a-z0-9][a-z0-9.+-]{0,90}")


def _recipient_pattern(value: str) -> str:
    local, at, domain = value.lower().rpartition("@")
    if not at or "*" in local.replace("*", "", 1) or (("*" in local) and local != "*"):
        raise fault(
            f"`{value[:60]}` matches no recipient", "write `alice@example.org`, `*@example.org` or `*@*.example.org`"
        )
    _domain(domain.removeprefix("*."))
    return value.lower()


_FILTER_WORDS: Final = ("address", "local", "domain")


def _ldap_filter(text: str) -> str:
    """A filter of RFC 4515 section 3 with places for the recipient, each of them within a value."""
    words = re.findall(r"\{([^{}]*)\}", text)
    strange = next((each for each in words if each not in _FILTER_WORDS), None)
    if strange is not None or not words:
        said = f"`{{{strange[:40]}}}` is nothing of a recipient" if strange is not None else "the filter names nobody"
        raise fault(said, "write `{address}`, `{local}` or `{domain}`")
    left, before = text, ""
    while left != before:
        before, left = left, _FILTER_PART.sub("<>", left)
    if left != "<>" or "<>" in text:
        raise fault("that is not a filter of LDAP", "write one like `(mail={address})` or `(&(a=b)(mail={address}))`")
    return text


# One comparison whose value has no bracket, or an and, or, not of parts that were taken for whole.
_FILTER_PART: Final = re.compile(
    r"\((?:[A-Za-z0-9][A-Za-z0-9;.\-]*(?::[A-Za-z0-9:.\-]+)?[~<>:]?=(?:[^()\\<>]|\\[0-9A-Fa-f]{2})*|[&|](?:<>)+|!<>)\)"
)


_HOST_PORT = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}"
_ROUTES = rf"mailbox|mx|lmtp://{_HOST_PORT}|lmtp\+unix:/\S+|smtp://{_HOST_PORT}(?:,{_HOST_PORT})*"
_ROUTE_MEND = "write mailbox, mx, lmtp://HOST:PORT, lmtp+unix:/PATH or smtp://HOST:PORT[,HOST:PORT]"

_LDAP_SERVER = r"ldaps?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"

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
PartWord = Annotated[
    str,
    AfterValidator(_part_word),
    WithJsonSchema({"anyOf": [{"enum": list(WORDS)}, {"type": "string", "pattern": r"^\*\.|/"}]}),
]
TagClass = Literal["spam", "phishing", "bulk", "policy"]
OnUnknown = Literal["defer", "next", "hold", "rescan", "deliver_marked"]
AfterPatience = Literal["next", "hold", "rescan", "deliver_marked"]
SendingWord = Literal["message", "leaves", "risky"]
ListAnswer = Annotated[str, AfterValidator(_answer)]
RateOf = Annotated[Rate, _converted(quantities.rate, "rate"), WithJsonSchema(_TEXT_SCHEMA)]
FileName = Annotated[str, _shaped(r"[^\0]{1,1000}", "a path", "write the path of a file")]
Url = Annotated[
    str,
    _shaped(
        r"https?://[^\s{}]+\{address\}[^\s{}]*",
        "an address of a web service",
        "write one like `https://directory.example/users/{address}`",
    ),
]

LdapServer = Annotated[
    str, _shaped(_LDAP_SERVER, "an LDAP server", "write one like `ldaps://ldap.example.org` or `ldap://HOST:389`")
]
LdapFilter = Annotated[str, Field(max_length=1000), AfterValidator(_ldap_filter)]
DistinguishedName = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9.\-]+ *=[^\0\r\n]{1,900}", "a distinguished name", "write one like `ou=people,dc=example,dc=org`"
    ),
]
EnvironmentName = Annotated[
    str, _shaped(r"[A-Za-z_][A-Za-z0-9_]{0,99}", "a name of the environment", "write one like `POSTERN_LDAP_SECRET`")
]
Fingerprint = Annotated[
    str,
    AfterValidator(lambda text: text.replace(":", "").lower()),
    _shaped(r"[0-9a-f]{64}", "a fingerprint", "write the SHA-256 of a certificate: 64 hexadecimal digits"),
]
Banner = Annotated[
    str,
    _shaped(r"ESMTP(?: [\x21-\x7e]+)*", "a banner", "write `ESMTP` and words of printable ASCII after it"),
    Field(max_length=200),
]


class Model(BaseModel):
    """Strict: no key that is not described, no value that must be bent to fit."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
