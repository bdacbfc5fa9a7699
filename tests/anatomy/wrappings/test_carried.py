"""Files that pages, pictures, invitations and notes carry: they are found, and who hides them is named."""

from __future__ import annotations

import base64
import hashlib
import struct

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, html, multipart, zipped

SECRET = zipped(payload_exe=b"MZ" + bytes(range(256)) * 4)
DIGEST = hashlib.sha256(SECRET).hexdigest()
WRITTEN = base64.b64encode(SECRET).decode()

SMUGGLING = {
    "atob and a blob": f"<script>var b=atob('{WRITTEN}');var u=new Uint8Array(b.length);"
    "var f=new Blob([u]);a.href=URL.createObjectURL(f);a.download='x.zip';a.click()</script>",
    "the old way": f"<script>navigator.msSaveOrOpenBlob(make(window.atob('{WRITTEN}')),'x.zip')</script>",
    "numbers": "<script>var d=[" + ",".join(str(each) for each in SECRET[:600]) + "];"
    "var f=new Blob([new Uint8Array(d)]);link.setAttribute('download','x')</script>",
    "a page that writes itself": "<script>document.write(unescape('" + "%3c" * 900 + "'))</script>",
}


@pytest.mark.parametrize("markup", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_smuggling_is_seen(markup):
    assert "html.smuggling" in examine(multipart(attachment(f"<html>{markup}".encode(), "a.html"))).content.defects


def test_what_is_smuggled_is_found_and_opened():
    content = examine(html(f"<html>{SMUGGLING['atob and a blob']}")).content
    assert DIGEST in {part.sha256 for part in content.parts}
    assert "payload.exe" in {part.name for part in content.parts}


@pytest.mark.parametrize(
    "markup",
    [
        f'<img src="data:image/png;base64,{WRITTEN}">',
        "<script>var x = atob('aGVsbG8=');</script>",
        f"<script>var token='{WRITTEN}';</script>",
        "<script>var f=new Blob(['text'],{type:'text/csv'});link.download='a.csv'</script>",
        f"<p>-----BEGIN CERTIFICATE----- {WRITTEN}",
    ],
    ids=["picture", "short", "no decoder", "no payload", "no script"],
)
def test_honest_pages_are_none(markup):
    assert "html.smuggling" not in examine(html(f"<html>{markup}")).content.defects


def test_a_link_that_carries_a_file():
    content = examine(html(f'<a download="x.zip" href="data:application/zip;base64,{WRITTEN}">x</a>')).content
    assert DIGEST in {part.sha256 for part in content.parts}
    assert "html.data_file" in content.defects
    percent = examine(html("<iframe src='data:text/html,%3Ca%20href=https://evil.example/%3Ex%3C/a%3E'>")).content
    assert "evil.example" in {link.host for link in percent.links}


def test_a_picture_with_a_script():
    picture = b"<svg xmlns='http://www.w3.org/2000/svg'><script>location='https://evil.example'</script></svg>"
    content = examine(multipart(attachment(picture, "a.svg", "image/svg+xml"))).content
    assert "svg.script" in content.defects
    honest = b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg>"
    assert not examine(multipart(attachment(honest, "a.svg", "image/svg+xml"))).content.defects


def test_an_application_in_a_page():
    page = b"<html><head><HTA:APPLICATION icon='x'></head></html>"
    assert "html.hta" in examine(multipart(attachment(page, "a.html"))).content.defects


def test_an_invitation_with_a_file():
    folded = "\r\n ".join(WRITTEN[at : at + 60] for at in range(0, len(WRITTEN), 60))
    event = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nURL:https://evil.example/meet\r\n"
        f"ATTACH;FMTTYPE=application/zip;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=a.zip:{folded}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    content = examine(multipart(attachment(event.encode(), "a.ics", "text/calendar"))).content
    assert "calendar.file" in content.defects
    assert [(part.name, part.sha256) for part in content.parts if part.name == "a.zip"] == [("a.zip", DIGEST)]
    assert "evil.example" in {link.host for link in content.links}


def test_a_file_in_a_section_of_notes():
    mark = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
    section = bytes.fromhex("e4525c7b8cd8a74d") + bytes(99) + mark + struct.pack("<Q", len(SECRET)) + bytes(12) + SECRET
    content = examine(multipart(attachment(section, "a.one"))).content
    assert DIGEST in {part.sha256 for part in content.parts}
    assert "office.embedded" in content.defects


def test_a_shortcut_that_starts_an_interpreter():
    shortcut = b"L\0\0\0\x01\x14\x02\0" + bytes(80) + "powershell -enc x".encode("utf-16-le")
    assert "shortcut.command" in examine(multipart(attachment(shortcut, "a.lnk"))).content.defects
    plain = b"L\0\0\0\x01\x14\x02\0" + bytes(80) + "C:\\Users\\letter.docx".encode("utf-16-le")
    assert "shortcut.command" not in examine(multipart(attachment(plain, "a.lnk"))).content.defects
