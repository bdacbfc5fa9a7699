"""Text of documents: what a reader of them would read is read, links in it are links of the message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.documents import words
from gateway.anatomy.documents.pdf_text import Fonts, shown_by
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import compound, package, pdf, pdf_stream

SAMPLES = Path(__file__).parents[1] / "samples"
LURE = "Pay at http://lure.example/pay today"


def anatomy_of(octets, name="a.bin"):
    return examine(multipart(attachment(octets, name)))


RUNS = (
    b'<w:p><w:r><w:t>Pay at http://lure.</w:t></w:r><w:r><w:t xml:space="preserve">example/pay today</w:t></w:r></w:p>'
)
MAP = b"begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <01> <7F> <0001> endbfrange begincmap"
PAGE = b"BT /F1 12 Tf 1 0 0 1 10 10 Tm [(Pay at htt) 20 (p://lure.example/pay) -250 (today)] TJ ET"
DOCUMENTS = {
    "Word": package(word__document_xml=RUNS),
    "Excel": package(xl__sharedStrings_xml=f"<sst><si><t>{LURE}</t></si></sst>".encode()),
    "PowerPoint": package(ppt__slides__slide1_xml=f"<p:sp><a:p><a:t>{LURE}</a:t></a:p></p:sp>".encode()),
    "old Word": compound({"WordDocument": bytes(600) + LURE.encode() + bytes(600)}),
    "old Word, wide": compound({"WordDocument": bytes(600) + LURE.encode("utf-16-le") + bytes(600)}),
    "rich text": b"{\\rtf1{\\fonttbl{\\f0 Arial;}}\\pard " + LURE.replace("a", "\\'61").encode() + b"\\par}",
    "PDF": pdf(pdf_stream(b"", PAGE)),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_text_of_a_document_is_read_and_its_links_are_found(kind):
    anatomy = anatomy_of(DOCUMENTS[kind])
    assert LURE in anatomy.documents
    assert {link.url for link in anatomy.content.links} == {"http://lure.example/pay"}
    assert anatomy.content.links[0].place in ("pdf", "office")
    assert anatomy.text == ""


def test_a_page_that_a_browser_printed_is_read_through_the_maps_of_its_fonts():
    anatomy = anatomy_of((SAMPLES / "chromium.pdf").read_bytes(), "a.pdf")
    assert anatomy.documents.startswith(
        "Überfällige Rechnung\nBitte zahlen Sie unter www.listed-lure.example/pay sofort. Привет."
    )
    assert {link.host for link in anatomy.content.links} == {"linked-lure.example", "www.listed-lure.example"}


def test_a_password_in_a_document_opens_an_archive():
    locked = (SAMPLES / "aes256.zip").read_bytes()
    letter = multipart(
        attachment(package(word__document_xml=b"<w:t>password: Secret-42</w:t>"), "a.docx"), attachment(locked)
    )
    assert "archive.password_in_text" in examine(letter).content.defects


def test_text_has_a_bound():
    markup = b"<w:t>" + b"word " * 200_000 + b"</w:t>"
    assert len(anatomy_of(package(word__document_xml=markup * 3)).documents) <= limits.MAX_DOCUMENT_TEXT


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_octets_give_text(octets):
    findings = Findings()
    words.of_markup(octets, findings)
    words.of_open_document(octets, findings)
    words.of_stream(octets, findings)
    words.of_rich_text(b"{\\rtf1 " + octets, findings)
    fonts = Fonts()
    fonts.take(1, b"/Font << /F1 2 0 R >> /ToUnicode 3 0 R" + octets)
    fonts.take_map(3, MAP + octets)
    assert isinstance(shown_by(b"BT /F1 1 Tf (" + octets, fonts), str)
