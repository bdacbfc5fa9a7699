"""Which domains a header claims signed it: the d= of its DKIM signatures (RFC 6376 section 3.5). Claims, all of them:
nothing is verified here, and no key is asked for."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy.mime.fields import Header

MAX_SIGNATURES: Final = 8
MAX_VALUE: Final = 4 * 1024

_SIGNER: Final = re.compile(rb"(?:^|[;\s])d\s*=\s*([A-Za-z0-9._-]{1,253})")


def signers_of(header: Header) -> tuple[str, ...]:
    """The domains in lower case, each once, in the order of the header; at most `MAX_SIGNATURES`."""
    values = header.values("dkim-signature")[:MAX_SIGNATURES]
    found = (_SIGNER.search(value[:MAX_VALUE]) for value in values)
    return tuple(dict.fromkeys(each[1].decode("ascii").lower().strip(".") for each in found if each))
