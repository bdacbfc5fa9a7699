"""Macros: the source text of VBA modules (MS-OVBA section 2.4.1), and what in it runs without being asked. Reads text
only; compiled code is not looked at, and nothing is ever run."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings

# A module begins with the line "Attribute VB_Name": a container's mark, a chunk's header, a flag octet that says
# "eight literals", and these.
_MODULE: Final = re.compile(rb"\x01.[\xb0-\xbf]\x00Attribut", re.DOTALL)
_CHUNK: Final = 4096
_PLAIN_CHUNK: Final = 0x8000

_RUNS_BY_ITSELF: Final = re.compile(
    rb"\b(?:Sub|Function)\s+(?:"
    rb"Auto_?(?:Exec|Open|Close|Exit|New|Activate|Deactivate)"
    rb"|Document_?(?:Open|Close|New|BeforeClose|Change|BeforePrint|Sync|ContentControlOnEnter)"
    rb"|(?:Workbook|App)_(?:\w{0,20}Open|Activate|Deactivate|BeforeClose|Close|SheetActivate|NewSheet|WindowActivate)"
    rb"|Presentation_?Open|SlideShowBegin|OnSlideShowPageChange|OnConnection|OnDocumentOpen"
    rb"|Worksheet_(?:Activate|Calculate|Change|SelectionChange)|UserForm_(?:Initialize|Activate)"
    rb"|\w{1,40}_(?:Layout|Painted|Painting|GotFocus|LostFocus|MouseMove|MouseHover|MouseEnter|MouseLeave"
    rb"|BeforeNavigate2|BeforeScriptExecute|DocumentComplete|DownloadBegin|FileDownload|NavigateComplete2|ProgressChange"
    rb"|PropertyChange|StatusTextChange|TitleChange|OnConnecting|OnConnected|Resize)"
    rb")\b",
    re.IGNORECASE,
)
_REACHES_OUT: Final = re.compile(
    rb"\bShell\b|WScript\s*\.|Wscript\.Shell|Shell\.Application|CreateObject|GetObject\s*\(|URLDownloadToFile|XMLHTTP"
    rb"|ADODB\.Stream|powershell|VirtualAlloc|CreateThread|CallWindowProc|RtlMoveMemory|MSScriptControl|winmgmts"
    rb"|\bKill\b|\bEnviron\b|\bDeclare\s+(?:PtrSafe\s+)?(?:Function|Sub)\b",
    re.IGNORECASE,
)


def note_macros(stream: bytes, findings: Findings) -> None:
    """Remember what the modules in one stream would do."""
    position = 0
    for _ in range(limits.MAX_MODULES):
        module = _MODULE.search(stream, position)
        if module is None:
            return
        findings.note(Defect.OFFICE_MACRO)
        source, end = decompressed(stream, module.start())
        position = max(end, module.end())
        if _RUNS_BY_ITSELF.search(source):
            findings.note(Defect.OFFICE_AUTOEXEC)
        if _REACHES_OUT.search(source):
            findings.note(Defect.OFFICE_MACRO_REACHES_OUT)
    findings.note(Defect.TEXT_TRUNCATED)


def decompressed(octets: bytes, start: int) -> tuple[bytes, int]:
    """A compressed container from its mark on: its text as far as it makes sense, and where it ends."""
    chunks: list[bytes] = []
    at = start + 1
    size = 0
    while at + 2 <= len(octets) and size < limits.MAX_MODULE:
        header = int.from_bytes(octets[at : at + 2], "little")
        if header & 0x7000 != 0x3000:
            break
        end = min(at + (header & 0x0FFF) + 3, len(octets))
        chunk = _chunk(octets[at + 2 : end]) if header & _PLAIN_CHUNK else octets[at + 2 : end]
        chunks.append(chunk)
        size += len(chunk)
        at = end
    return b"".join(chunks), at


def _chunk(packed: bytes) -> bytes:
    """Literals, and copies of what stands before (section 2.4.1.3.5): the further in, the fewer bits for the length."""
    text = bytearray()
    at = 0
    while at < len(packed):
        flags = packed[at]
        at += 1
        for bit in range(8):
            if at >= len(packed):
                break
            if not flags >> bit & 1:
                text.append(packed[at])
                at += 1
                continue
            token = int.from_bytes(packed[at : at + 2], "little")
            at += 2
            width = max((len(text) - 1).bit_length(), 4)
            back = (token >> (16 - width)) + 1
            length = (token & (0xFFFF >> width)) + 3
            if back > len(text) or len(text) + length > _CHUNK:
                return bytes(text)
            for _ in range(length):
                text.append(text[-back])
    return bytes(text)
