"""Tables written as text (CSV, SYLK, what Excel opens by its name): formulas that start a program by DDE. Looks for
words; computes nothing."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy.findings import Defect, Findings

NAME: Final = re.compile(r"\.(?:csv|tsv|slk|dif|prn|iqy|xls|xlt|xlsx|ods)$", re.IGNORECASE)
"""Names under which programs take text for a table."""

_FORMULA: Final = re.compile(
    rb"[=+@\-][^\r\n|]{0,80}?\b(?:cmd|powershell|pwsh|mshta|msexcel|wscript|cscript|regsvr32|rundll32|certutil)\|['\"]"
    rb"|=\s{0,4}DDE\s{0,4}\(",
    re.IGNORECASE,
)


def note_formulas(octets: bytes, findings: Findings) -> None:
    """Remember what starts something as soon as the table is opened."""
    found = _FORMULA.search(octets)
    if found:
        findings.note(Defect.OFFICE_DDE, found[0].decode("latin-1"))
