"""The schema of a policy: what may stand in `default.yaml` and in a list file, every field with its description.

The reference, the JSON Schema for editors and the errors are made from these models. They hold what was written; what
runs is `policy.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.policy.language.actions import Action, FinalAction, InDoubt, Reject
from gateway.policy.language.recipients import Recipient
from gateway.policy.language.words import (
    REPLIES,
    Banner,
    Domain,
    Duration,
    End,
    FileName,
    Fingerprint,
    Id,
    ListAnswer,
    Model,
    OnUnknown,
    RateOf,
    RecipientPattern,
    SendingWord,
    Size,
    Text,
    fault,
)

__all__ = ["REPLIES"]

# ---------------------------------------------------------------- the parts of a policy


class ClientRates(Model):
    """How much one client address (of IPv6: one /64), or one network, may do."""

    connections: RateOf | None = Field(None, description="Connections that are opened, like `60/min`")
    messages: RateOf | None = Field(None, description="Messages that are begun (MAIL), like `300/min`")
    recipients: RateOf | None = Field(None, description="Recipients that are taken, like `1000/h`")
    errors: RateOf | None = Field(None, description="Commands that are refused for good, like `100/h`")
    unknown_recipients: RateOf | None = Field(
        None, description="Recipients of ours that do not exist, like `25/h`: who asks for more is hung up on"
    )


class SenderRates(Model):
    """How much one domain of the reverse-path may send us."""

    messages: RateOf | None = Field(None, description="Messages that are begun, like `1000/h`")
    recipients: RateOf | None = Field(None, description="Recipients that are taken, like `5000/h`")
    errors: RateOf | None = Field(
        None, description="Commands and messages in its transactions that are refused for good, like `200/h`"
    )
    unknown_recipients: RateOf | None = Field(
        None, description="Recipients of ours that do not exist, like `50/h`: whoever names it and asks for more goes"
    )


class RecipientRates(Model):
    """How much may come for one recipient."""

    messages: RateOf | None = Field(None, description="Messages for it, like `500/h`")


class Limits(Model):
    """What clients of a group may do. What is not said is as in the settings (`limits`)."""

    size: Size | None = Field(None, description="Largest message, like `50MiB`")
    recipients: Annotated[int, Field(ge=1)] | None = Field(None, description="Recipients of one transaction")
    connections: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Connections of one client address (of IPv6: one /64) to this machine at a time"
    )
    network_connections: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Connections of one network (/24 of IPv4, /64 of IPv6) to this machine at a time"
    )
    bare_line_ends: Literal["refuse", "normalise"] = Field(
        "refuse", description="Data with a CR or LF alone: refuse it, or make lines of it before it is judged"
    )
    messages_per_second: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None, description="Messages of one address, averaged over ten seconds; `client: {messages: ...}` says more"
    )
    client: ClientRates = Field(ClientRates(), description="Rates of one client address")
    network: ClientRates = Field(ClientRates(), description="Rates of one network: /24 of IPv4, /64 of IPv6")
    sender_domain: SenderRates = Field(SenderRates(), description="Rates of one domain of the reverse-path, inbound")
    recipient: RecipientRates = Field(RecipientRates(), description="Rates of one recipient, inbound")


class ClientCertificate(Model):
    """Which certificates prove who a client is. It is asked for one in the handshake, so before MAIL is said."""

    authorities: FileName = Field(
        description="File (PEM) of the CA certificates that may have issued it, or of the certificates themselves"
    )
    names: list[Annotated[str, Field(min_length=1, max_length=255)]] = Field(
        [], description="Names (DNS, mail address, or common name) of which it must hold one; empty: any"
    )
    fingerprints: list[Fingerprint] = Field(
        [],
        description="SHA-256 fingerprints of which it must have one; empty: any (`openssl x509 -fingerprint -sha256`)",
    )


class Group(Model):
    """Who is connecting. The first group whose condition is true is the client's; one that cannot be told is not."""

    id: Id = Field(description="Name of the group")
    when: str = Field("", description="Condition about `client.*` and `mail.from`; left out: everyone")
    then: Reject | None = Field(None, description="`{reject: NAME}` refuses its clients")
    greylist: Literal["rcpt", "unproven"] | None = Field(
        None,
        description="Whose mail has to come back once, at RCPT: `rcpt` of every sender that nobody knows, `unproven` "
        "of those whom SPF does not vouch for; left out: nobody's",
    )
    patience: Annotated[Duration, Field(ge=0, le=10)] = Field(
        0.0,
        description="How long clients that nobody knows have to wait for the greeting, like `2s`: who speaks before, "
        "or sends commands before the answer to EHLO, is refused; who waited is known, and does not wait again",
    )
    require: Literal["tls"] | None = Field(
        None, description="`tls`: its clients are told at MAIL to encrypt the session first (530 5.7.0)"
    )
    certificate: ClientCertificate | None = Field(
        None,
        description="Its clients have to show such a certificate in the handshake, and so to encrypt, before MAIL "
        "(530 5.7.0)",
    )
    banner: Banner | None = Field(
        None, description="What they read after our name in the greeting; left out: `ESMTP Postern`"
    )
    limits: Limits = Field(Limits(), description="What its clients may do")


class Rule(Model):
    """What is to be done with a message. The first rule that matches and ends the matter wins."""

    id: Id = Field(description="Name of the rule; the record of a message names it")
    description: Text = Field("", description="One sentence for people who ask why")
    when: str = Field("", description="Condition; left out: always")
    then: Action = Field(
        description="What happens: deliver, defer, greylist, park, reject, quarantine, rescan, strip, add_header, tag"
    )
    recipients: list[RecipientPattern] = Field(
        [], alias="for", description="Recipients: `alice@example.org`, `*@example.org`, `*@*.example.org`; empty: all"
    )
    direction: Literal["inbound", "outbound", "any"] = Field("inbound", description="Which mail the rule looks at")
    on_unknown: InDoubt | None = Field(
        None,
        description="When the condition cannot be told: next (pass over), defer or hold (if it would be delivered), "
        "rescan (keep it until the malware engine has looked), deliver_marked (add `X-Postern-Unknown`), or "
        "`{defer: 15min, then: WORD}` for a malware engine that is away. Left out: `next` for deliver, tag and "
        "add_header, else as the policy's `on_unknown` says",
    )
    override: Literal["local_policy", "mailing_list", "trusted_forwarder"] | None = Field(
        None,
        description="Where this rule matches and less is done than DMARC asks for: what reasons and DMARC reports call "
        "that. Left out: what another rule that matches says, else local_policy",
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
    answers: Annotated[list[ListAnswer], Field(min_length=1)] = Field(
        ["127.0.0.0/24"],
        description="Addresses or networks whose answers are listings; all others are no listings, and raise an alert",
    )


class LinkListEntry(Model):
    """A block list of links: a DNS list of domains (URIBL, DBL), or a file with links or hosts that somebody
    fetches."""

    zone: Domain | None = Field(None, description="Zone that is asked about the hosts of links")
    feed: FileName | None = Field(
        None,
        description="File with one link or host a line, or CSV (OpenPhish, URLhaus); relative to the policy's "
        "folder. It is read again when it changes",
    )
    weight: Annotated[float, Field(ge=-10, le=10)] = Field(
        1.0, description="What a listing adds to `links.list_score`, once for each list"
    )
    answers: Annotated[list[ListAnswer], Field(min_length=1)] = Field(
        ["127.0.0.0/16"],
        description="Addresses or networks whose answers are listings; all others are no listings, and raise an alert",
    )
    fresh: Annotated[Duration, Field(ge=60)] = Field(
        86400.0, description="A feed that was written longer ago is not counted, and raises an alert"
    )

    @model_validator(mode="after")
    def _consistent(self) -> LinkListEntry:
        if (self.zone is None) == (self.feed is None):
            raise fault("an entry is a zone or a feed", "write one of `zone:` and `feed:`")
        return self


class Shorteners(Model):
    """Following shortened links. Only the known shorteners are asked, and never the place that a link leads to in the
    end; nothing but public addresses is connected to."""

    follow: bool = Field(
        False, description="Whether shorteners are asked where their links lead. They learn that somebody asked"
    )
    hops: Annotated[int, Field(ge=1, le=10)] = Field(
        5, description="Over how many shorteners a link may lead until it is given up"
    )
    within: Annotated[Duration, Field(ge=1, le=10)] = Field(
        3.0, description="How long all that may take for one message"
    )
    links: Annotated[int, Field(ge=1, le=20)] = Field(
        5, description="How many shortened links of a message are followed"
    )


class Bans(Model):
    """Shutting out who abuses us, for a while. Our own networks (`trusted` in the settings, this machine) never are."""

    duration: Duration = Field(3600.0, alias="for", description="How long, like `4h`")
    unknown_recipients: RateOf | None = Field(None, description="More unknown recipients than this, like `100/d`")
    errors: RateOf | None = Field(None, description="More commands refused for good than this, like `500/d`")
    failed_sign_ins: RateOf | None = Field(None, description="More wrong passwords than this, like `50/h`")
    early_talks: RateOf | None = Field(None, description="Speaking before our greeting more often than this")
    never: Id | None = Field(None, description="A list of networks that are never shut out, not even by command")


class Greylist(Model):
    """When those come through whom a group's `greylist` or a rule's `then: greylist` asks to come back (RFC 6647)."""

    delay: Annotated[Duration, Field(ge=0, le=3600)] = Field(180.0, description="How long they have to wait at least")
    window: Annotated[Duration, Field(ge=3600, le=14 * 86400)] = Field(
        2 * 86400.0, description="How long they may take to come back"
    )
    memory: Annotated[Duration, Field(ge=3600, le=366 * 86400)] = Field(
        36 * 86400.0, description="How long we remember that they came back; they are not asked again meanwhile"
    )


class Malware(Model):
    """How the malware engine is used."""

    send: SendingWord = Field(
        "risky",
        description="What it is sent: the whole message as it stands; leaves, that is every decoded part and archive "
        "member; or risky, the leaves without pictures, sounds and films that are what they are called. What is "
        "ambiguous, or could not be looked into, is sent whole as well",
    )
    wait: Annotated[Duration, Field(ge=60, le=14 * 86400)] = Field(
        86400.0, description="How long mail may wait for an engine that does not answer, until people have to look"
    )
    look_back: Annotated[Duration, Field(ge=0, le=30 * 86400)] = Field(
        3 * 86400.0,
        description="How far back delivered mail is scanned again when there are newer signatures; `0s`: never",
    )


class Retention(Model):
    """How long held mail is kept, for each class."""

    spam: Duration = Field(30 * 86400.0, description="Unwanted mail")
    phishing: Duration = Field(30 * 86400.0, description="Frauds")
    malware: Duration = Field(14 * 86400.0, description="Malware")
    policy: Duration = Field(30 * 86400.0, description="Held by a rule of the house")
    bulk: Duration = Field(30 * 86400.0, description="Newsletters and the like")
    unscannable: Duration = Field(30 * 86400.0, description="Mail that could not be looked into")
    stripped: Duration = Field(30 * 86400.0, description="Mail as it came that was delivered without some parts")


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
    link_lists: list[LinkListEntry] = Field([], description="Block lists that the hosts of links are looked up in")
    shorteners: Shorteners = Field(Shorteners(), description="Whether and how far shortened links are followed")
    bans: Bans = Field(Bans(), description="Who is shut out by itself")
    greylist: Greylist = Field(Greylist(), description="When those pass who were asked to come back")
    trusted_sealers: list[Domain] = Field([], description="Domains whose ARC seal we believe (RFC 8617)")
    quarantine: Retention = Field(Retention(), description="How long held mail is kept")
    malware: Malware = Field(Malware(), description="How the malware engine is used")


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
