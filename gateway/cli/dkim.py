"""`postern dkim`: the keys that sign our mail. Works without a restart; a key signs only once the DNS shows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import gmtime, strftime
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Table

from gateway.app.installation import Folders
from gateway.app.keys.key_watch import DAY, Publication, look, publication
from gateway.app.keys.keyring import KeyEntry, Keyring, KeyringError, fresh_selector
from gateway.checks.dns.domains import host_domain
from gateway.checks.dns.nameserver import BadNameserver
from gateway.checks.dns.resolver import Resolver
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out, settings_of
from gateway.cli.times import when
from gateway.clock import SystemClock
from gateway.pipeline.signing_key import RSA_BITS, SigningKey
from gateway.settings import Settings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Keys that sign outgoing mail (DKIM)")

DomainArgument = Annotated[str, typer.Argument(help="The domain that authors write from")]
SelectorOption = Annotated[
    str | None, typer.Option(help="Name of the key in the DNS", show_default="p and today's date")
]
BitsOption = Annotated[int, typer.Option(help="Size of the RSA key")]

STRING: Final = 255
"""Octets of one string of a TXT record (RFC 1035 section 3.3)."""

_WORDS: Final = {
    Publication.SHOWN: "the DNS shows it",
    Publication.ABSENT: "not in the DNS",
    Publication.DIFFERENT: "the DNS shows something else, or several records",
    Publication.UNKNOWN: "the DNS does not answer",
}


@app.command("keygen", epilog="Example: postern dkim keygen example.org")
def keygen(
    domain: DomainArgument,
    selector: SelectorOption = None,
    bits: BitsOption = RSA_BITS,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make the first keys of a domain, an RSA and an Ed25519 one, and print what to publish."""
    desk = _Desk.open(domain, config, data)
    if desk.entries():
        fail(f"{desk.domain} has keys already; `postern dkim rotate {desk.domain}` makes new ones")
    desk.make(selector, bits)
    desk.show()


@app.command("rotate", epilog="Example: postern dkim rotate example.org")
def rotate(
    domain: DomainArgument,
    selector: SelectorOption = None,
    bits: BitsOption = RSA_BITS,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make new keys; once the DNS shows them they sign in place of the old ones. Run again, it looks at once."""
    desk = _Desk.open(domain, config, data)
    entries = desk.entries_or_fail()
    if not any(entry.is_coming for entry in entries):
        desk.make(selector, bits)
    for entry in desk.ask(lambda resolver: look(desk.keyring, resolver, desk.domain, at=SystemClock().now())):
        out.print(f"{entry.selector} signs from now on.")
    desk.show()


@app.command("dns", epilog="Example: postern dkim dns example.org")
def dns(
    domain: DomainArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Print the records to publish and whether the DNS shows them: exit 0 if it shows all that should be there, else
    1."""
    desk = _Desk.open(domain, config, data)
    desk.entries_or_fail()
    if not (desk.show_json() if as_json else desk.show()):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The keys of one domain, and a resolver when one is needed."""

    settings: Settings
    keyring: Keyring
    domain: str

    @classmethod
    def open(cls, domain: str, config: Path | None, data: Path | None) -> _Desk:
        settings = settings_of(config, data)
        name = host_domain(domain)
        if name is None:
            fail(f"{domain!r} is not a domain")
        return cls(settings, Keyring(Folders(settings.data.resolve()).dkim), name)

    def entries(self) -> tuple[KeyEntry, ...]:
        try:
            return self.keyring.entries(self.domain)
        except KeyringError as error:
            fail(str(error))

    def entries_or_fail(self) -> tuple[KeyEntry, ...]:
        return self.entries() or fail(f"{self.domain} has no keys; `postern dkim keygen {self.domain}` makes them")

    def make(self, selector: str | None, bits: int) -> None:
        now = SystemClock().now()
        name = selector or fresh_selector(self.entries(), strftime("%Y%m%d", gmtime(now)))
        try:
            self.keyring.make(self.domain, name, bits=bits, at=now)
        except (KeyringError, OSError) as error:
            fail(str(error))

    def ask(self, question: Callable[[Resolver], Awaitable[T]]) -> T:
        """What the DNS says."""

        async def main() -> T:
            resolver = Resolver.from_settings(self.settings.dns, clock=SystemClock())
            try:
                return await question(resolver)
            finally:
                await resolver.close()

        try:
            return asyncio.run(main())
        except (KeyringError, BadNameserver, OSError) as error:
            fail(str(error))

    def seen(self) -> list[tuple[KeyEntry, SigningKey, Publication]]:
        """Every key with what the DNS says about it."""

        async def all_of(resolver: Resolver) -> list[tuple[KeyEntry, SigningKey, Publication]]:
            keys = [(entry, self.keyring.key(self.domain, entry)) for entry in self.keyring.entries(self.domain)]
            return [(entry, key, await publication(resolver, key)) for entry, key in keys]

        return self.ask(all_of)

    def show(self) -> bool:
        """Print keys and records; answers whether the DNS shows all that it should."""
        seen = self.seen()
        table = Table("Key", "Algorithm", "Use", "DNS", title=f"Keys of {self.domain}", title_justify="left")
        for entry, _, found in seen:
            table.add_row(entry.selector, entry.algorithm, self._use(entry), _WORDS[found])
        out.print(table)
        out.print("Publish:")
        for entry, key, _ in seen:
            if entry.retired_at is None:
                out.print(f"{key.name}. IN TXT {_strings(key.record)}", markup=False, soft_wrap=True)
        return _is_complete(seen)

    def show_json(self) -> bool:
        """The same as JSON."""
        seen = self.seen()
        rows = [
            {
                "selector": entry.selector,
                "algorithm": entry.algorithm,
                "name": key.name,
                "record": key.record,
                "dns": found.value,
                "signs": entry.signs,
                "retired": entry.retired_at is not None,
            }
            for entry, key, found in seen
        ]
        out.print_json(json.dumps(rows))
        return _is_complete(seen)

    def _use(self, entry: KeyEntry) -> str:
        if entry.retired_at is not None:
            return f"retired; leave its record until {when(entry.retired_at + self.settings.signing.keep_days * DAY)}"
        return f"signs since {when(entry.shown_at)}" if entry.signs else "signs once the DNS shows it"


def _is_complete(seen: list[tuple[KeyEntry, SigningKey, Publication]]) -> bool:
    return all(found is Publication.SHOWN for entry, _, found in seen if entry.retired_at is None)


def _strings(record: str) -> str:
    """As a zone file has it: strings of at most 255 octets, which verifiers join."""
    return " ".join(f'"{record[start : start + STRING]}"' for start in range(0, len(record), STRING))
