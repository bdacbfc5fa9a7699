"""Reading labelled mail: indexes and folders, nothing twice, an order that does not depend on where it lies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.facts.content import MailClass
from gateway.spam.training.corpus import MAX_MESSAGE, CorpusError, read_corpora
from tests.spam.makings import write_corpus


def test_an_index_tells_source_date_and_language(tmp_path: Path) -> None:
    (tmp_path / "ham").mkdir()
    (tmp_path / "ham/1.eml").write_bytes(b"Subject: a\n\nb\n")
    row = {"path": "train/ham/1.eml", "label": "ham", "source": "here", "kind": "newsletter", "date": "2024-01-02"}
    row |= {"lang": "?", "synthetic_headers": True, "generated": "template"}
    (tmp_path / "index.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "path": "ham/gone.eml"}) + "\n")
    (found,) = read_corpora([tmp_path])
    assert (found.label, found.source, found.kind, found.date) == (MailClass.HAM, "here", "newsletter", "2024-01-02")
    assert found.language == ""
    assert found.made_up
    assert found.invented_header
    assert found.octets() == b"Subject: a\r\n\r\nb\r\n"


def test_folders_without_an_index_are_read_too(tmp_path: Path) -> None:
    for label in ("ham", "spam"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1").write_bytes(label.encode())
    assert {each.label.value for each in read_corpora([tmp_path])} == {"ham", "spam"}


def test_the_same_octets_are_one_message(tmp_path: Path) -> None:
    (tmp_path / "ham").mkdir()
    for name in "ab":
        (tmp_path / "ham" / name).write_bytes(b"same")
    assert len(read_corpora([tmp_path, tmp_path])) == 1


def test_the_order_does_not_depend_on_the_place(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "elsewhere")
    one, other = read_corpora([corpus]), read_corpora([tmp_path / "elsewhere"])
    assert [each.file.read_bytes() for each in one] == [each.file.read_bytes() for each in other]


def test_a_folder_without_mail_is_an_error_that_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="ham, spam and phishing"):
        read_corpora([tmp_path])


@pytest.mark.parametrize("line", ["{", "[]", '{"label": "ham"}', '{"path": "a", "label": "junk"}', "null"])
def test_a_malformed_row_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    write_corpus(tmp_path, per_class=1)
    with (tmp_path / "index.jsonl").open("a") as index:
        index.write(line + "\n")
    with pytest.raises(CorpusError, match=r"index\.jsonl:4: "):
        read_corpora([tmp_path])


def test_a_huge_message_is_cut(tmp_path: Path) -> None:
    (tmp_path / "ham").mkdir()
    (tmp_path / "ham/1").write_bytes(b"a" * (MAX_MESSAGE + 10))
    assert len(read_corpora([tmp_path])[0].octets()) == MAX_MESSAGE
