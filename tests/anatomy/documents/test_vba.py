"""VBA modules: the packed text is read as MS-OVBA says, and what runs by itself is known by its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy.documents.vba import decompressed, note_macros
from gateway.anatomy.findings import Findings
from tests.anatomy.making.papers import vba

# The examples of MS-OVBA section 3.2.
NORMAL = bytes.fromhex(
    "012fb000236161616263646582660070616768696a013808616b6c00306d6e6f700671027004107273747576107778797a003c"
)
MAXIMUM = bytes.fromhex("0103b002614500")


def test_the_examples_of_the_specification():
    assert decompressed(NORMAL, 0)[0] == b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"
    assert decompressed(MAXIMUM, 0)[0] == b"a" * 73


def defects_of(stream):
    findings = Findings()
    note_macros(stream, findings)
    return set(findings.defects)


@pytest.mark.parametrize(
    "name", ["AutoOpen", "Auto_Open", "Document_Open", "Workbook_Open", "document_close", "InkEdit1_GotFocus"]
)
def test_a_macro_that_runs_by_itself(name):
    assert defects_of(vba(f"Private Sub {name}()\r\nEnd Sub\r\n")) == {"office.macro", "office.autoexec"}


def test_a_macro_that_starts_a_program():
    source = 'Sub Report()\r\nSet s = CreateObject("WScript.Shell")\r\nEnd Sub\r\n'
    assert defects_of(vba(source)) == {"office.macro", "office.macro_reaches_out"}


def test_a_macro_that_waits_to_be_called():
    source = 'Sub Report()\r\nMsgBox "AutoOpen the shells"\r\nEnd Sub\r\n'
    assert defects_of(vba(source)) == {"office.macro"}


def test_a_long_module_is_read_to_its_end():
    source = "' a remark\r\n" * 2_000 + "Sub AutoOpen()\r\nEnd Sub\r\n"
    packed = vba(source)
    text, end = decompressed(packed, packed.index(b"\x01"))
    assert text.endswith(b"Sub AutoOpen()\r\nEnd Sub\r\n")
    assert "office.autoexec" in defects_of(packed)
    assert end <= len(packed)


@given(st.binary(max_size=600), st.integers(0, 50))
def test_any_octets_give_a_text(octets, cut):
    decompressed(b"\x01" + octets, 0)
    note_macros(NORMAL[:cut] + octets, Findings())
