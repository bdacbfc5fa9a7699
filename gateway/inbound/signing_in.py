"""The questions and answers of AUTH (RFC 4954 section 4): asks for what the mechanism needs and gives login and
password. Checks nobody's password, and never logs one.
"""

from __future__ import annotations

from gateway.inbound.protocol import sasl
from gateway.inbound.protocol.commands import BadCommand
from gateway.inbound.protocol.wire import ClientGone, LineFault, Wire
from gateway.mail import replies


async def ask_credentials(wire: Wire, mechanism: str, initial: str) -> tuple[str, str]:
    """Login and password. `mechanism` is one of `sasl.MECHANISMS`; `initial` is the initial response, or empty.

    Raises `BadCommand` when the client gives up or does not follow the mechanism, `ClientGone` when it leaves.
    """
    try:
        if mechanism == "PLAIN":
            return sasl.plain(sasl.decode(initial or await _ask(wire, "")))
        login = sasl.decode(initial or await _ask(wire, sasl.LOGIN_ASKS[0]))
        return login, sasl.decode(await _ask(wire, sasl.LOGIN_ASKS[1]))
    except sasl.BadCredentials:
        raise BadCommand(replies.AUTH_SYNTAX) from None


async def _ask(wire: Wire, challenge: str) -> str:
    wire.say(replies.challenge(challenge))
    line = await wire.read_line()
    if line is None:
        raise ClientGone
    if line is LineFault.TOO_LONG:
        raise BadCommand(replies.AUTH_TOO_LONG)
    if isinstance(line, LineFault) or not line.isascii():
        raise sasl.BadCredentials("not a line of base64")
    if line == b"*":
        raise BadCommand(replies.AUTH_CANCELLED)
    return line.decode("ascii")
