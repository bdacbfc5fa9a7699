"""The office as one object: the ports and the few things that live as long as the process. Made by `app.py`, reached by
routes through `access.py`. Holds no logic."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from gateway.console.newsroom import Newsroom
from gateway.console.ports import OfficePorts
from gateway.console.staff.people import People
from gateway.console.staff.sessions import Sessions
from gateway.console.staff.signin import Reception
from gateway.console.staff.tickets import Tickets

MAX_NOTES: Final = 1000


class Notes:
    """What the next page should tell a person about their last act: one note a session, told once."""

    def __init__(self) -> None:
        self._notes: OrderedDict[str, str] = OrderedDict()

    def leave(self, key_hash: str, text: str) -> None:
        """Leave a note for the session's next page."""
        self._notes[key_hash] = text
        self._notes.move_to_end(key_hash)
        while len(self._notes) > MAX_NOTES:
            self._notes.popitem(last=False)

    def take(self, key_hash: str) -> str:
        """The note, which is then gone; empty where there is none."""
        return self._notes.pop(key_hash, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What routes work with."""

    ports: OfficePorts
    people: People
    sessions: Sessions
    reception: Reception
    newsroom: Newsroom
    tickets: Tickets
    notes: Notes = field(default_factory=Notes)
