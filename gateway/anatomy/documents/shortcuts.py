"""Windows shortcuts (MS-SHLLINK): whether one starts an interpreter or fetches something. Looks for words in both
widths of character; follows nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.members import Member

_REACH: Final = 64 * 1024
_STARTS: Final = re.compile(
    rb"cmd(?:\.exe)?\b|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msiexec|certutil|bitsadmin|conhost|curl"
    rb"|forfiles|https?://|\\\\[\w.\-]{1,80}@?(?:ssl|\d{1,5})?\\",
    re.IGNORECASE,
)


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """No files; what is odd goes to `findings`."""
    head = octets[:_REACH]
    if _STARTS.search(head) or _STARTS.search(head[::2]) or _STARTS.search(head[1::2]):
        findings.note(Defect.SHORTCUT_COMMAND)
    return iter(())
