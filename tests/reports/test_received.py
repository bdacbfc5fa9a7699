from __future__ import annotations

import contextlib
import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.address import Address
from gateway.reports import letter, received, unpacking
from gateway.reports.aggregate import Period, Report, Reporter, render
from gateway.reports.archive import Archive
from gateway.reports.received import ReceivedReport, ReceivedRow, parse
from gateway.reports.tally import Tally
from gateway.reports.unpacking import BadReport, xml_of
from tests.reports.judged import evidence

OLD = b"""<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>old.example</org_name><email>noreply@old.example</email>
    <extra_contact_info>https://old.example/help</extra_contact_info><report_id>4711</report_id>
    <date_range><begin>1699920000</begin><end>1700006399</end></date_range>
  </report_metadata>
  <policy_published><domain>Example.org</domain><adkim>r</adkim><p>none</p><pct>100</pct></policy_published>
  <record>
    <row><source_ip>192.0.2.7</source_ip><count>3</count>
      <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf>
        <reason><type>mailing_list</type><comment/></reason></policy_evaluated></row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results><spf><domain>x.example</domain><result>pass</result></spf></auth_results>
  </record>
  <record>
    <row><source_ip>192.0.2.8</source_ip><count>9</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>example.org</header_from></identifiers><auth_results/>
  </record>
</feedback>
"""


def zipped(*documents: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for number, document in enumerate(documents):
            archive.writestr(f"{number}.xml", document)
    return out.getvalue()


def ours() -> Report:
    tally = Tally()
    for ip in ("192.0.2.1", "192.0.2.1", "2001:db8::1"):
        tally.add(evidence(ip=ip), ("deliver",))
    reporter = Reporter("mx.example.org", "Example", "dmarc@example.org", "Postern")
    return Report(reporter, "example.com", Period.of(1_700_000_000.0), tally.domains["example.com"])


def test_the_older_format_is_read() -> None:
    assert parse(OLD) == ReceivedReport(
        organization="old.example",
        email="noreply@old.example",
        identifier="4711",
        domain="example.org",
        policy="none",
        begin=1699920000,
        end=1700006399,
        rows=(
            ReceivedRow("192.0.2.7", 3, "none", "fail", "fail", "example.org", reasons=("mailing_list",)),
            ReceivedRow("192.0.2.8", 9, "none", "pass", "fail", "example.org"),
        ),
    )
    assert (parse(OLD).messages, parse(OLD).passed) == (12, 9)


def test_what_we_write_we_can_read() -> None:
    octets = letter.write(ours(), to=Address("r", "example.com"), written_at=0)
    report = parse(xml_of(octets))
    assert (report.identifier, report.domain, report.messages) == (ours().identifier, "example.com", 3)
    assert {(row.source_ip, row.count) for row in report.rows} == {("192.0.2.1", 2), ("2001:db8::1", 1)}


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, zipped], ids=["xml", "gzip", "zip"])
def test_every_wrapper_is_opened(wrap: Callable[[bytes], bytes]) -> None:
    assert parse(xml_of(wrap(OLD))) == parse(OLD)


def test_bombs_do_not_go_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_XML", 100_000)
    bomb = b"<a>" + bytes(1_000_000)
    for octets in (gzip.compress(bomb), zipped(bomb)):
        with pytest.raises(BadReport, match="larger than"):
            xml_of(octets)
    with pytest.raises(BadReport, match="2 files"):
        xml_of(zipped(OLD, OLD))
    with pytest.raises(BadReport, match="too many files"):
        xml_of(zipped(*[b"<a/>"] * 17))
    with pytest.raises(BadReport, match="larger than"):
        xml_of(bytes(unpacking.MAX_OCTETS + 1))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_ask_for_much_memory_are_refused(method: int) -> None:
    with pytest.raises(BadReport, match="not a readable archive"):
        xml_of(zipped(OLD, method=method))


@given(st.data())
def test_a_damaged_archive_is_a_bad_report_or_a_document(data: st.DataObject) -> None:
    octets = bytearray(zipped(OLD, method=data.draw(st.sampled_from([0, 8, 12, 14]))))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(4, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadReport):
        assert isinstance(xml_of(bytes(octets)), bytes)


@pytest.mark.parametrize(
    "prologue",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">',
        b"<!DOCTYPE feedback>",
    ],
)
def test_entities_are_never_looked_at(prologue: bytes) -> None:
    with pytest.raises(BadReport, match="document type"):
        parse(prologue + OLD.partition(b"?>")[2].strip())


def test_depth_elements_rows_and_text_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadReport, match="too deep"):
        parse(b"<a>" * 100)
    long = OLD.replace(b"old.example</org_name>", b"x" * 100_000 + b"</org_name>")
    assert len(parse(long).organization) == received.MAX_TEXT
    monkeypatch.setattr(received, "MAX_ROWS", 1)
    with pytest.raises(BadReport, match="rows"):
        parse(OLD)
    monkeypatch.setattr(received, "MAX_ELEMENTS", 10)
    with pytest.raises(BadReport, match="too many elements"):
        parse(OLD)


def bomb(start: bytes, unit: bytes, end: bytes, *, octets: int = 8_000_000) -> bytes:
    return b"<feedback>" + start + unit * (octets // len(unit)) + end + b"</feedback>"


@pytest.mark.parametrize(
    "document",
    [
        bomb(b"", b"<a/>", b""),
        bomb(b"<record>", b"<a/>", b"</record>"),
        bomb(b"", b"<record/>", b""),
        bomb(b"", b"<record><row>" + b"<a/>" * 1990 + b"</row></record>", b""),
        b"<feedback><a " + b" ".join(b'x%d=">"' % number for number in range(1_000_000)) + b"/>",
        bomb(b"<a x='", b">", b"'/>"),
        bomb(b"<", b"a", b"/>"),
        bomb(b"<!--", b" ", b"-->"),
        bomb(b"<?x ", b"> ", b"?>"),
        b"<feedback" + b"".join(b" xmlns:n%d='u'" % number for number in range(500_000)),
        bomb(b"", b"<a>", b""),
    ],
    ids=lambda document: document[:30].decode(),
)
def test_what_is_built_to_fill_the_memory_is_refused_before_it_does(document: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadReport):
            parse(document)
        assert tracemalloc.get_traced_memory()[1] < 24 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_long_texts_and_sections_cost_nothing() -> None:
    for text in (b"x" * 8_000_000, b"<![CDATA[" + b"x" * 8_000_000 + b"]]>", b"&#120;" * 1_000_000):
        assert parse(OLD.replace(b"old.example</org_name>", text + b"</org_name>")).organization == "x" * 1000


@pytest.mark.parametrize(
    "document",
    [
        b"", b"<", b"<a/>", b"<feedback/>", OLD[:-20], OLD.replace(b">3<", b">-3<"), OLD.replace(b">3<", b">3e9<"),
        OLD.replace(b">3<", b">" + b"9" * 11 + b"<"), OLD.replace(b"Example.org", b""),
        OLD.replace(b"UTF-8", b"no-such-code"), OLD.replace(b"old.example", b"\xff"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(document: bytes) -> None:
    with pytest.raises(BadReport):
        parse(document)


def test_nothing_in_it_can_command_a_terminal() -> None:
    report = parse(OLD.replace(b"old.example</org_name>", "a\u009b31mb\u202ec</org_name>".encode()))
    assert report.organization == "a 31mb c"


@given(st.binary(max_size=300) | st.binary(max_size=200).map(gzip.compress) | st.binary(max_size=200).map(zipped))
def test_any_octets_are_a_report_or_are_refused(octets: bytes) -> None:
    try:
        parse(xml_of(octets))
    except BadReport:
        pass


def test_it_is_kept_once_however_often_it_comes(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "received")
    assert archive.all() == []
    name = archive.keep(parse(OLD))
    assert archive.keep(parse(OLD)) == name
    archive.keep(parse(render(ours())))
    assert archive.find(name) == parse(OLD)
    assert archive.find("nothing") is None
    assert [report.domain for _, report in archive.all()] == ["example.com", "example.org"]
    (tmp_path / "received" / "spoiled.json").write_text("{")
    assert len(archive.all()) == 2
