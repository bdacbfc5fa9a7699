"""What a file name gives away: its extensions, characters that deceive the eye, and whether name, declared type and
true type fit each other. Never looks at content."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from gateway.anatomy import types
from gateway.anatomy.characters import INVISIBLE, TURNING, without_invisible
from gateway.anatomy.findings import Defect, Findings

_EXECUTABLE_WORDS: Final = """
    a3x accde ade adp ahk apk app appcontent-ms appinstaller application applescript appref-ms appx appxbundle asx au3
    bas bat bgi cab cdxml cer chm cmd cnt com command cpl crt csh csproj deb desktop deskthemepack diagcab dll dmg dqy
    elf esd exe fileloc flatpakref fxp gadget grp hlp hpj hta htc img inetloc inf ins iqy iso isp its jar jnlp job js
    jse ksh library-ms lnk mad maf mag mam maq mar mas mat mau mav maw mcf mda mdb mde mdt mdw mdz mjs mobileconfig msc
    msh msh1 msh1xml msh2 msh2xml mshxml msi msix msixbundle msp mst msu one ops oqy osd paf pcd pif pkg pl plg ppam prf
    prg printerexport proj ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 psm1 pssc pst py pyc pyo pyw pyz pyzw rdp reg rpm
    rqy run scf scpt scptd scr sct search-ms searchconnector-ms settingcontent-ms sh shb shs slk swm sys terminal theme
    themepack tmp udl url vb vbe vbp vbproj vbs vhd vhdx vmdk vsmacros vsw vxd webpnp website wim wll workflow ws wsb
    wsc wsf wsh xbap xlam xll xnk xpi
"""
EXECUTABLE_EXTENSIONS: Final = frozenset(_EXECUTABLE_WORDS.split())
"""Extensions that run code, or mount what does, when they are opened. From the lists of blocked attachments that
Outlook and Gmail publish, with what has been abused since."""

_DOCUMENT_WORDS: Final = """
    7z avi bmp csv doc docx eml gif htm html ics jpeg jpg mp3 mp4 msg odp ods odt pdf png pps ppsx ppt pptx rar rtf tif
    tiff txt wav webp xls xlsx xml zip
"""
_SCRIPT_WORDS: Final = """
    a3x ahk applescript au3 bas bat cdxml cmd command csh hta js jse ksh mjs php phtml pl ps1 ps2 psc1 psd1 psm1 py pyw
    rb sct sh shb vb vbe vbs ws wsc wsf wsh
"""
SCRIPT_EXTENSIONS: Final = frozenset(_SCRIPT_WORDS.split())
"""Extensions of what an interpreter reads, whatever it begins with."""
DOCUMENT_EXTENSIONS: Final = frozenset(_DOCUMENT_WORDS.split())
"""Extensions that people take for harmless: in front of an executable one they are a disguise."""

_LONG_GAP: Final = re.compile(r"\s{8,}|[_.\u2800\u3164]{12,}")
_CLASS: Final = re.compile(r"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}")
_SEPARATORS: Final = re.compile(r"[/\\]")

_RASTERS: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/x-icon"}
)
_TEXTS: Final = frozenset(
    {types.TEXT, types.HTML, "text/xml", types.SCRIPT, types.MESSAGE, "text/calendar", "text/vcard"}
)
_PACKAGES: Final = frozenset({types.ZIP, types.OLE})
_OLD_OFFICE: Final = _TEXTS | _PACKAGES | {"application/rtf"}

_ACCEPTABLE: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "jpe", "jfif", "gif", "webp", "bmp", "tif", "tiff", "ico"), _RASTERS),
    **dict.fromkeys(("docx", "docm", "dotx", "xlsx", "xlsm", "xlsb", "pptx", "pptm", "ppsx"), _PACKAGES),
    **dict.fromkeys(("odt", "ods", "odp", "epub"), _PACKAGES),
    **dict.fromkeys(("doc", "xls", "ppt", "pps", "dot", "xlt"), _OLD_OFFICE),
    **dict.fromkeys(("txt", "csv", "log", "ics", "vcf", "md", "json", "asc"), _TEXTS),
    **dict.fromkeys(("xml", "html", "htm", "eml"), _TEXTS | {"image/svg+xml"}),
    "pdf": frozenset({types.PDF}),
    "rtf": frozenset({"application/rtf"}),
    "zip": frozenset({types.ZIP}),
    "gz": frozenset({types.GZIP}),
    "msg": frozenset({types.OLE}),
}
"""What may stand behind an extension. Families and not exact types: a PNG named .jpg harms nobody, and Word writes RTF
and HTML under .doc."""

_ACCEPTABLE_DECLARED: Final[dict[str, frozenset[str]]] = {
    "application/pdf": frozenset({types.PDF}),
    "text/plain": _TEXTS,
    "text/html": _TEXTS | {"image/svg+xml"},
    "text/csv": _TEXTS,
    **dict.fromkeys(("image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/bmp"), _RASTERS),
}
_EXECUTABLE_TYPES: Final = frozenset({types.PE, types.DOS, types.ELF, types.MACH, types.SHORTCUT})


def extension(name: str) -> str:
    """The last extension in lower case without the dot, as Windows reads it: trailing dots and blanks do not count."""
    extensions = _extensions(name)
    return extensions[-1] if extensions else ""


def note_name(names: Sequence[str], findings: Findings) -> None:
    """Remember what is odd about the names under which a part may be shown."""
    for name in names:
        if not name.isascii() or not name.isprintable():
            if TURNING.search(name):
                findings.note(Defect.NAME_RTLO, name)
            if INVISIBLE.search(TURNING.sub("", name)):
                findings.note(Defect.NAME_INVISIBLE, name)
            if not name.isascii():
                plain = unicodedata.normalize("NFKC", name).replace("\u3002", ".")
                if _extensions(plain)[-1:] != _extensions(name)[-1:]:
                    findings.note(Defect.NAME_LOOKALIKE, name)
                name = plain
        extensions = _extensions(name)
        if not extensions:
            continue
        if _runs(extensions[-1]):
            findings.note(Defect.NAME_EXECUTABLE, name)
            if len(extensions) > 1 and extensions[-2] in DOCUMENT_EXTENSIONS:
                findings.note(Defect.NAME_DOUBLE_EXTENSION, name)
        if _LONG_GAP.search(name):
            findings.note(Defect.NAME_LONG_GAP, name)
    if len(names) > 1 and len({extension(name) for name in names} - {""}) > 1:
        findings.note(Defect.NAME_AMBIGUOUS, " | ".join(names))


def can_run(names: Sequence[str], true: str) -> bool:
    """Whether opening it may run code: by what it is, or by any name under which it may be shown."""
    plain = (name if name.isascii() else unicodedata.normalize("NFKC", name).replace("\u3002", ".") for name in names)
    return true in _EXECUTABLE_TYPES or any(_runs(extension(name)) for name in plain)


def _runs(ending: str) -> bool:
    """Whether an extension is one of what runs, by itself or as the class of an object (HTML applications)."""
    return ending in EXECUTABLE_EXTENSIONS or _CLASS.fullmatch(ending) is not None


def note_type(names: Sequence[str], declared: str, true: str, findings: Findings) -> None:
    """Remember where the octets are not what name and declared type say. What is not recognised contradicts nothing."""
    if true in _EXECUTABLE_TYPES:
        findings.note(Defect.TYPE_EXECUTABLE, f"{true}: {names[0] if names else declared}")
    if true == types.UNKNOWN:
        return
    claims = [_ACCEPTABLE.get(extension(name)) for name in names]
    claims.append(_ACCEPTABLE_DECLARED.get(declared))
    if any(claim is not None and true not in claim for claim in claims):
        findings.note(Defect.TYPE_MISMATCH, f"{names[0] if names else declared} is {true}")


def _extensions(name: str) -> list[str]:
    """All extensions in lower case. Characters that are not seen are no part of one."""
    if "." not in name:
        return []
    base = _SEPARATORS.split(name.rstrip("/\\"))[-1].split("\0", 1)[0]
    stream = base.find(":", 2)  # what stands behind it Windows takes for a stream of the file
    seen = without_invisible(base[:stream] if stream != -1 else base).rstrip(" .\t\u00a0'\"`,;>]")
    return [each.strip().lower() for each in seen.split(".")[1:]]
