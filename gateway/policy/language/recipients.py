"""The schema of `recipients`: who is written to, where their mail goes, and who knows that they exist. A part of
`schema.py`; holds what was written, and asks nobody."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.policy.language.words import (
    DistinguishedName,
    Domain,
    EnvironmentName,
    FileName,
    LdapFilter,
    LdapServer,
    MailAddress,
    Model,
    Route,
    Size,
    Url,
    fault,
)


class Ldap(Model):
    """An LDAP directory (RFC 4511) that knows who exists, for `validate: ldap`. It is only ever read."""

    servers: Annotated[list[LdapServer], Field(min_length=1, max_length=5)] = Field(
        description="`ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` for StartTLS; where one is down the next is asked"
    )
    encryption: Literal["required", "none"] = Field(
        "required", description="`required`: TLS with a certificate that is verified; `none`: ldap:// in clear"
    )
    authorities: FileName | None = Field(
        None, description="File of CA certificates (PEM) that the servers' is verified with; left out: the system's"
    )
    bind: DistinguishedName | None = Field(None, description="Who we are to the directory (a DN); left out: nobody")
    secret_file: FileName | None = Field(None, description="File with the password of `bind`, on its first line")
    secret_environment: EnvironmentName | None = Field(
        None, description="Or the environment variable that holds it, like `POSTERN_LDAP_SECRET`"
    )
    base: DistinguishedName = Field(description="Where people stand, like `ou=people,dc=example,dc=org`")
    filter: LdapFilter = Field(
        "(mail={address})",
        description="Whom to look for (RFC 4515): `{address}`, `{local}` and `{domain}` are the recipient's, escaped; "
        "Active Directory: `(proxyAddresses=smtp:{address})`",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Ldap:
        clear = next((each for each in self.servers if each.startswith("ldap:")), None)
        if self.encryption == "none" and clear is None:
            raise fault("`encryption: none` and `ldaps://` contradict each other", "remove `encryption`")
        if self.encryption == "none" and self.bind:
            raise fault("the secret would travel in clear", "remove `encryption: none`, or `bind`")
        secrets = [each for each in (self.secret_file, self.secret_environment) if each]
        if self.bind and len(secrets) != 1:
            raise fault("`bind` needs one secret", "add `secret_file: PATH` or `secret_environment: NAME`")
        if secrets and not self.bind:
            raise fault("there is a secret, and nobody whose it is", "add `bind: cn=...`")
        return self


class Recipient(Model):
    """Who is written to. An address goes before its domain; who is in neither is not ours (relaying denied)."""

    domain: Domain | None = Field(None, description="Domain that we receive for")
    address: MailAddress | None = Field(None, description="One address, in place of `domain`")
    route: Route = Field(description="Where accepted mail goes: mailbox, mx, lmtp://..., lmtp+unix:..., smtp://...")
    validate_by: Literal["mailbox", "static", "file", "http", "ldap", "callahead", "none"] = Field(
        "none", alias="validate", description="How we know that a recipient exists, before DATA"
    )
    addresses: list[MailAddress] = Field([], description="The recipients that exist, for `validate: static`")
    path: FileName | None = Field(
        None, description="A file with one address a line, for `validate: file`; it is read again when it changes"
    )
    url: Url | None = Field(
        None,
        description="For `validate: http`, with `{address}` in it: 200 says that a recipient exists, 404 that not",
    )
    ldap: Ldap | None = Field(None, description="The directory, for `validate: ldap`")
    size: Size | None = Field(
        None,
        description="Largest message for it, like `10MiB`; a larger one is refused at RCPT, where MAIL declares it",
    )
    aliases: dict[MailAddress, MailAddress] = Field(
        {}, description="Addresses of the domain that stand for another one: from, to"
    )
    catch_all: MailAddress | None = Field(
        None, description="Who gets mail to addresses of the domain that do not exist"
    )
    on_unknown: Literal["defer", "accept", "last_known"] = Field(
        "defer",
        description="What to do when that cannot be told: defer (451), accept, or last_known (as the source said last, "
        "else defer)",
    )
    on_full: Literal["defer", "reject"] = Field(
        "defer", description="What to answer while the mailbox is full: defer (452 4.2.2), or reject (552 5.2.2)"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Recipient:
        if (self.domain is None) == (self.address is None):
            raise fault("an entry is for a domain or for an address", "write one of `domain:` and `address:`")
        if self.validate_by == "mailbox" and self.route != "mailbox":
            raise fault("`validate: mailbox` asks the shipped store", "use callahead, static or none with this route")
        if self.validate_by == "callahead" and self.route == "mailbox":
            raise fault("`callahead` asks a next hop, and this route has none", "write `validate: mailbox`")
        self._check_source()
        if self.domain is None and (self.aliases or self.catch_all):
            raise fault("aliases belong to a domain", "write them into the entry with `domain:`")
        strange = next((each for each in self.aliases if not each.endswith(f"@{self.domain}")), None)
        if strange:
            raise fault(f"the alias {strange[:60]} is not of {self.domain}", "write it into its own domain's entry")
        return self

    def _check_source(self) -> None:
        """Each source has its setting, and no setting stands without its source."""
        if self.validate_by == "static" and not self.addresses:
            raise fault("`validate: static` without addresses refuses everyone", "add `addresses: [...]`")
        for source, setting, given in (
            ("static", "addresses", self.addresses),
            ("file", "path", self.path),
            ("http", "url", self.url),
            ("ldap", "ldap", self.ldap),
        ):
            if self.validate_by == source and not given:
                raise fault(f"`validate: {source}` has nothing to ask", f"add `{setting}: ...`")
            if self.validate_by != source and given:
                raise fault(
                    f"`{setting}` is used by `validate: {source}` alone", f"write `validate: {source}`, or remove it"
                )

    @property
    def name(self) -> str:
        """The address or domain that the entry is for."""
        return self.address or self.domain or ""
