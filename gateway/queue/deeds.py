"""What people do that moves no mail: the kinds of the events that tell of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Deed(StrEnum):
    """What people do that moves no mail, as the kind of its event."""

    BANNED = "banned"
    UNBANNED = "unbanned"
    LET_IN = "let in"
    NOT_RELEASED = "not released"
    WENT_BACK = "went back"
    WENT_ON = "went on"


OF_THE_HOUSE: Final = frozenset({Deed.BANNED, Deed.UNBANNED, Deed.LET_IN, Deed.WENT_BACK, Deed.WENT_ON})
"""Deeds that are about no message."""
