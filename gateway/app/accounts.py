"""Who can sign in anywhere: mailbox owners of the shipped store and the console's staff, behind one set of verbs."""

from __future__ import annotations

from functools import partial

from gateway.app.installation import Folders
from gateway.console.staff.people import People, PeopleError
from gateway.mailbox.store import layout_of, protect_users
from gateway.mailbox.users import UserBase, UserError
from gateway.quarantine.rights import Role
from gateway.settings import Settings


class AccountError(ValueError):
    """The account cannot be made, found or changed. The text says why."""


def user_base(settings: Settings) -> UserBase:
    """The mailboxes of the shipped store."""
    layout = layout_of(settings.data.resolve())
    return UserBase(layout.users, protect=partial(protect_users, layout))


def people(settings: Settings) -> People:
    """The console's staff."""
    return People(Folders(settings.data.resolve()).console / "people.yaml")


class Accounts:
    """Mailboxes are named by address, staff by a name without "@"."""

    def __init__(self, settings: Settings) -> None:
        self._mailboxes = user_base(settings)
        self._people = people(settings)

    def add_mailbox(self, address: str, password: str) -> None:
        """A new mailbox. Raises `AccountError`."""
        if "@" not in address:
            raise AccountError(f"{address}: a mailbox is named by its address; for the console give --role")
        try:
            self._mailboxes.add(address, password)
        except UserError as error:
            raise AccountError(str(error)) from None

    def add_person(self, name: str, password: str, *, role: str) -> None:
        """A new member of staff. Raises `AccountError`."""
        try:
            self._people.add(name, Role(role), password)
        except PeopleError as error:
            raise AccountError(str(error)) from None

    def set_password(self, name: str, password: str) -> None:
        """A new password for either. Raises `AccountError`."""
        try:
            (self._mailboxes if "@" in name else self._people).set_password(name, password)
        except (UserError, PeopleError) as error:
            raise AccountError(str(error)) from None

    def remove(self, name: str) -> None:
        """Take the account away. Raises `AccountError`."""
        try:
            (self._mailboxes if "@" in name else self._people).remove(name)
        except (UserError, PeopleError) as error:
            raise AccountError(str(error)) from None

    def listed(self) -> list[tuple[str, str]]:
        """Every account and what it is."""
        mailboxes = [(address, "mailbox") for address in self._mailboxes.addresses()]
        return mailboxes + [(person.name, f"console: {person.role.value}") for person in self._people.all()]
