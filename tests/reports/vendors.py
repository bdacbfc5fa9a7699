"""Three reports as three large receivers write them: element order, namespaces, wrappers and habits of each."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from textwrap import dedent

DAY = 1_699_920_000


def google_like(day: int = DAY) -> bytes:
    """A zip in a message without text; pct and no version."""
    document = f"""\
        <?xml version="1.0" encoding="UTF-8" ?>
        <feedback>
          <report_metadata><org_name>search.example</org_name><email>noreply-dmarc@search.example</email>
            <extra_contact_info>https://support.search.example/a</extra_contact_info>
            <report_id>17041295384615</report_id>
            <date_range><begin>{day}</begin><end>{day + 86399}</end></date_range></report_metadata>
          <policy_published><domain>example.org</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp>
            <pct>100</pct><np>none</np></policy_published>
          <record><row><source_ip>192.0.2.10</source_ip><count>40</count>
            <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated></row>
            <identifiers><header_from>example.org</header_from></identifiers>
            <auth_results><dkim><domain>example.org</domain><result>pass</result><selector>s1</selector></dkim>
            <spf><domain>example.org</domain><result>pass</result></spf></auth_results></record>
          <record><row><source_ip>203.0.113.66</source_ip><count>7</count>
            <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
            <identifiers><header_from>example.org</header_from></identifiers>
            <auth_results><spf><domain>forger.example</domain><result>pass</result></spf></auth_results></record>
        </feedback>
        """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"search.example!example.org!{day}!{day + 86399}.xml", dedent(document))
    return _message("noreply-dmarc@search.example", "application/zip", out.getvalue())


def office_like(day: int = DAY) -> bytes:
    """Gzip in a multipart with HTML; schema attributes, decimal version, envelope_to."""
    document = f"""\
        <?xml version="1.0"?>
        <feedback xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
          <version>1.0</version>
          <report_metadata><org_name>Office Example</org_name><email>dmarcreport@office.example</email>
            <report_id>58e8c1f7e5d447c5</report_id>
            <date_range><begin>{day}</begin><end>{day + 86400}</end></date_range></report_metadata>
          <policy_published><domain>example.org</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp>
            <pct>100</pct><fo>0</fo></policy_published>
          <record><row><source_ip>192.0.2.10</source_ip><count>20</count>
            <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
            <identifiers><envelope_to>b.example</envelope_to><envelope_from>example.org</envelope_from>
            <header_from>example.org</header_from></identifiers><auth_results/></record>
          <record><row><source_ip>2001:db8::25</source_ip><count>3</count>
            <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf>
            <reason><type>forwarded</type><comment/></reason></policy_evaluated></row>
            <identifiers><header_from>news.example.org</header_from></identifiers><auth_results/></record>
        </feedback>
        """
    packed = _lines(gzip.compress(dedent(document).encode()))
    return (
        b"From: DMARC Aggregate Report <dmarcreport@office.example>\r\nTo: dmarc@example.org\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: text/html\r\n\r\n<p>This is a DMARC aggregate report.</p>\r\n"
        b"--x\r\nContent-Type: application/gzip; name=r.xml.gz\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + packed
        + b"--x--\r\n"
    )


def standard_like(day: int = DAY) -> bytes:
    """The namespace of RFC 9990, and a reporter's own extension; the next day."""
    begin = day + 86400
    document = f"""\
        <?xml version="1.0" encoding="UTF-8"?>
        <feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>
          <report_metadata><org_name>Standard Mail</org_name><email>r@standard.example</email>
            <report_id>1@standard.example</report_id>
            <date_range><begin>{begin}</begin><end>{begin + 86400}</end></date_range>
            <generator>any</generator></report_metadata>
          <policy_published><domain>example.org</domain><discovery_method>treewalk</discovery_method><p>none</p>
            <testing>n</testing></policy_published>
          <extension><x:y xmlns:x="urn:x">z</x:y></extension>
          <record><row><source_ip>192.0.2.10</source_ip><count>30</count>
            <policy_evaluated><disposition>pass</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated></row>
            <identifiers><header_from>example.org</header_from></identifiers><auth_results/></record>
        </feedback>
        """
    return _message("r@standard.example", "application/gzip", gzip.compress(dedent(document).encode()))


def _message(author: str, kind: str, octets: bytes) -> bytes:
    head = f"From: {author}\r\nTo: dmarc@example.org\r\nMIME-Version: 1.0\r\nContent-Type: {kind}; name=report\r\n"
    return head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + _lines(octets)


def _lines(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")
