from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Postern
from tests.reports.test_received import OLD


def test_reports_are_read_listed_and_shown(postern: Postern, tmp_path: Path) -> None:
    good, bad = tmp_path / "report.xml", tmp_path / "letter.eml"
    good.write_bytes(OLD)
    bad.write_bytes(b"Subject: hello\r\n\r\nhello\r\n")
    read = postern("reports", "dmarc", "read", str(bad), str(good))
    assert read.exit_code == 1, "one was none"
    assert "old.example about example.org, 12 messages" in read.output
    (row,) = json.loads(postern("reports", "dmarc", "list", "--json").output)
    assert (row["domain"], row["messages"], row["passed"], row["rows"]) == ("example.org", 12, 9, 2)
    assert "75.0 %" in postern("reports", "dmarc", "list", "--domain", "example.org").output
    assert json.loads(postern("reports", "dmarc", "list", "--domain", "example.net", "--json").output) == []
    shown = postern("reports", "dmarc", "show", row["id"])
    assert "192.0.2.7" in shown.output
    assert "mailing_list" in shown.output
    assert postern("reports", "dmarc", "show", "nothing").exit_code == 1


def test_a_report_about_others_is_not_read(postern: Postern, tmp_path: Path) -> None:
    other = tmp_path / "report.xml"
    other.write_bytes(OLD.replace(b"Example.org", b"example.com"))
    read = postern("reports", "dmarc", "read", str(other))
    assert read.exit_code == 1
    assert "about example.com, which is no domain of ours" in " ".join(read.output.split())
