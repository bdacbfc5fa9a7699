"""QR codes: where they lead is a link of the message; everything else is passed over."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.anatomy import limits
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from gateway.anatomy.sight.barcodes import note_codes
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import package, pdf, pdf_stream

URL = "https://evil.example/login?u=1"


def picture(text=URL, form="PNG", *, canvas=None, scale=4, mode="L"):
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=scale)
    image = Image.fromarray(code).convert(mode)
    if canvas:
        wide = Image.new(mode, canvas, "white")
        wide.paste(image, (canvas[0] - image.size[0] - 20, 20))
        image = wide
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def links(octets):
    content = examine(multipart(attachment(octets, "a.bin"))).content
    return [(link.url, link.place) for link in content.links], content.defects


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_code_in_every_kind_of_picture(form):
    found, defects = links(picture(form=form))
    assert found == [(URL, "qr")]
    assert "image.qr_link" in defects


def test_a_code_in_the_corner_of_a_screenshot():
    assert links(picture(canvas=(1600, 1200), scale=8))[0] == [(URL, "qr")]


def test_a_code_in_a_document():
    assert links(package(word__media__image1_png=picture()))[0] == [(URL, "qr")]
    jpeg = picture(form="JPEG")
    image = b"<< /Subtype /Image /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (len(jpeg), jpeg)
    assert links(pdf(image))[0] == [(URL, "qr")]


def test_a_code_that_leads_nowhere_is_no_link():
    assert links(picture("BEGIN:VCARD"))[0] == []


def test_large_pictures_and_many_are_passed_over():
    findings = Findings()
    note_codes(picture(canvas=(2_500, 2_000)), "image/png", findings)
    assert findings.pictures == 0
    for _ in range(limits.MAX_CODE_PICTURES + 5):
        note_codes(picture(), "image/png", findings)
    assert findings.pictures == limits.MAX_CODE_PICTURES


SEED = picture()


@given(
    st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=9), st.integers(0, 99)
)
@settings(max_examples=150, deadline=None)
def test_any_damage_ends_without_an_exception(changes, cut):
    octets = bytearray(SEED)
    for at, value in changes:
        octets[at] = value
    note_codes(bytes(octets[: len(octets) - cut]), "image/png", Findings())


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
@pytest.mark.parametrize("predicted", [False, True])
def test_a_code_in_the_deflated_pixels_of_a_pdf_is_read(mode, predicted):
    code = Image.open(io.BytesIO(picture())).convert(mode)
    rows = code.tobytes()
    bits, colors = (1 if mode == "1" else 8), len(code.getbands())
    size = (code.width * bits * colors + 7) // 8
    if predicted:
        rows = b"".join(b"\0" + rows[at : at + size] for at in range(0, len(rows), size))
    told = b"/Subtype /Image /Width %d /Height %d /BitsPerComponent %d" % (*code.size, bits)
    if predicted:
        told += b" /DecodeParms << /Predictor 15 /Colors %d /Columns %d >>" % (colors, code.width)
    assert links(pdf(pdf_stream(told, rows)))[0] == [(URL, "qr")]
