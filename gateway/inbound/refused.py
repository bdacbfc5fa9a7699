"""The word for a refusal, as all files of this room hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.mail.replies import Reply


@dataclass(frozen=True, slots=True)
class Refused:
    """No, with what to answer, the reason for the record, the group of the policy that says so, and the line where it
    is written."""

    reply: Reply
    reason: str
    rule: str = ""
    place: str = ""
