"""What people of this site called mail like this message: by its text, and by its sender."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.facts.content import MailClass


@dataclass(frozen=True, slots=True)
class ReportedFact:
    """`by` are those who called such mail unwanted, in lower case, the last first, and `voices` how many they count
    for: the operator speaks for two. `called` is what most of them called it. `likeness` is the share of the likest of
    their messages that stands in this one, 0.0 to 1.0; `digest` begins the hash of that message, `at` is when its
    lesson was taught, in seconds since 1970. Without anybody: nobody did, or somebody wants such mail.

    `sender_wanted_by` and `sender_unwanted_by` are recipients who said the same about this sender's mail again and
    again.
    """

    by: tuple[str, ...] = ()
    voices: int = 0
    likeness: float = 0.0
    called: MailClass = MailClass.HAM
    digest: str = ""
    at: float = 0.0
    sender_wanted_by: tuple[str, ...] = ()
    sender_unwanted_by: tuple[str, ...] = ()
