from __future__ import annotations

import re

from tests.cli.conftest import Postern


def test_mailboxes_and_staff_stand_side_by_side(postern: Postern) -> None:
    assert postern("user", "add", "carol@example.org", "--password-stdin", said="a good word\n").exit_code == 0
    assert postern("user", "add", "ana", "--role", "operator", "--password-stdin", said="a good word\n").exit_code == 0
    printed = postern("user", "list").stdout
    assert re.search(r"carol@example\.org\s+│ mailbox", printed)
    assert re.search(r"ana\s+│ console: operator", printed)
    for name in ("carol@example.org", "ana"):
        assert postern("user", "passwd", name, "--password-stdin", said="another word\n").exit_code == 0
        assert postern("user", "remove", name).exit_code == 0
    assert "carol" not in postern("user", "list").stdout


def test_a_password_is_made_up_and_shown_where_none_is_given(postern: Postern) -> None:
    printed = postern("user", "add", "carol@example.org").stdout
    found = re.search(r"Password: (\S{16})", printed)
    assert found
    assert found.group(1) not in postern("user", "passwd", "carol@example.org").stdout


def test_a_given_password_is_not_shown(postern: Postern) -> None:
    done = postern("user", "add", "carol@example.org", "--password-stdin", said="a good word\n")
    assert "a good word" not in done.stdout + done.stderr


def test_what_cannot_be_done_is_said(postern: Postern) -> None:
    for words, why in (
        (("user", "remove", "nobody@example.org"), "no mailbox"),
        (("user", "passwd", "nobody"), "nobody"),
        (("user", "add", "carol"), "--role"),
        (("user", "add", ".a@example.org"), "local part"),
        (("user", "add", "carol@example.org", "--password-stdin"), "standard input"),
        (("user", "add", "ana", "--role", "king"), "king"),
    ):
        done = postern(*words)
        assert done.exit_code == 2, words
        assert why in done.stderr, words
