"""Names that deceive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy import types
from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.names import extension, note_name, note_type


def defects(*names, declared="", true=types.UNKNOWN):
    findings = Findings()
    note_name(names, findings)
    note_type(names, declared, true, findings)
    return set(findings.defects)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("invoice.pdf", set()),
        ("archive.tar.gz", set()),
        ("v1.2.final.docx", set()),
        ("run.exe", {Defect.NAME_EXECUTABLE}),
        ("invoice.pdf.exe", {Defect.NAME_EXECUTABLE, Defect.NAME_DOUBLE_EXTENSION}),
        ("invoice.pdf.EXE. ", {Defect.NAME_EXECUTABLE, Defect.NAME_DOUBLE_EXTENSION}),
        (
            "invoice.pdf" + " " * 40 + ".js",
            {Defect.NAME_EXECUTABLE, Defect.NAME_DOUBLE_EXTENSION, Defect.NAME_LONG_GAP},
        ),
        ("invoice\u202efdp.exe", {Defect.NAME_EXECUTABLE, Defect.NAME_RTLO}),
        ("inv\u200boice.pdf", {Defect.NAME_INVISIBLE}),
        ("run.e\u200bxe", {Defect.NAME_EXECUTABLE, Defect.NAME_INVISIBLE}),
        ("folder.exe/readme.txt", set()),
        ("übersicht.txt", set()),
    ],
)
def test_name(name, expected):
    assert defects(name) == expected


def test_two_names_with_different_endings_are_ambiguous():
    assert Defect.NAME_AMBIGUOUS in defects("a.txt", "a.pdf")
    assert Defect.NAME_AMBIGUOUS not in defects("OpenPGP_signature", "OpenPGP_signature.asc")


@pytest.mark.parametrize(
    ("name", "declared", "true", "is_mismatch"),
    [
        ("a.jpg", "image/jpeg", types.PE, True),
        ("a.jpg", "image/jpeg", "image/png", False),
        ("a.pdf", "application/octet-stream", types.HTML, True),
        ("", "application/pdf", types.ZIP, True),
        ("a.docx", "", types.ZIP, False),
        ("a.doc", "", "application/rtf", False),
        ("a.bin", "application/octet-stream", types.PE, False),
        ("a.pdf", "application/pdf", types.UNKNOWN, False),
    ],
)
def test_type_that_is_not_what_it_says(name, declared, true, is_mismatch):
    assert (Defect.TYPE_MISMATCH in defects(*([name] if name else []), declared=declared, true=true)) is is_mismatch


@given(st.text(max_size=300))
def test_any_name_has_an_extension_in_lower_case(name):
    assert extension(name) == extension(name).lower()
    defects(name)
