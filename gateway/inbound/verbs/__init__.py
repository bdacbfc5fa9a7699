"""THE VERBS. What each command of SMTP does, by duty; `VERBS` is all of them, and nothing else is ever called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.inbound.session import Verb
from gateway.inbound.verbs import content, courtesies, envelope, greeting, security

VERBS: Final[Mapping[str, Verb]] = MappingProxyType(
    {
        "HELO": greeting.helo,
        "EHLO": greeting.ehlo,
        "XCLIENT": greeting.xclient,
        "MAIL": envelope.mail,
        "RCPT": envelope.rcpt,
        "RSET": envelope.rset,
        "DATA": content.data,
        "BDAT": content.bdat,
        "STARTTLS": security.starttls,
        "AUTH": security.auth,
        "NOOP": courtesies.noop,
        "VRFY": courtesies.vrfy,
        "HELP": courtesies.help,
        "QUIT": courtesies.quit,
        **dict.fromkeys(("EXPN", "ETRN", "TURN", "XFORWARD"), courtesies.not_implemented),
    }
)
