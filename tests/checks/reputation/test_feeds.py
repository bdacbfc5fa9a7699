"""gateway/checks/reputation/feeds.py"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.reputation.feeds import Feed, Feeds, canonical, parse

OPENPHISH = b"http://evil.example/login\nhttps://Sites.Shared.example/view/bad-page/\n"
URLHAUS = b"""################################################################
# abuse.ch URLhaus Database Dump (CSV - recent URLs only)      #
# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter
"3012","2026-11-20 10:00:07","http://198.51.100.7:8080/i.sh","online","","malware_download","elf","https://feed.example/url/3012/","me"
"""
HOSTS = b"# ours\nbad.example\n\nWORSE.example.\nnot a host at all\nlocalhost\n"


def feed(octets: bytes) -> Feed:
    return parse(octets.splitlines(), written_at=1.0)


@pytest.mark.parametrize(
    ("octets", "link", "host", "named"),
    [
        (OPENPHISH, "https://evil.example/login#top", "evil.example", True),
        (OPENPHISH, "http://evil.example/", "evil.example", False),
        (OPENPHISH, "https://sites.shared.example/view/bad-page", "sites.shared.example", True),
        (OPENPHISH, "https://sites.shared.example/view/good-page", "sites.shared.example", False),
        (URLHAUS, "http://198.51.100.7:8080/i.sh", "198.51.100.7", True),
        (URLHAUS, "https://feed.example/url/3012/", "feed.example", False),
        (HOSTS, "https://bad.example/anything", "bad.example", True),
        (HOSTS, "https://www.bad.example/", "www.bad.example", True),
        (HOSTS, "https://notbad.example/", "notbad.example", False),
        (HOSTS, "https://worse.example/", "worse.example", True),
    ],
)
def test_what_a_feed_names(octets: bytes, link: str, host: str, named: bool) -> None:
    assert feed(octets).names(link, host) is named


def test_a_file_is_read_again_when_it_changes_and_only_then(tmp_path: Path) -> None:
    feeds = Feeds(tmp_path)
    assert feeds.feed("a.txt") is None
    (tmp_path / "a.txt").write_bytes(b"bad.example\n")
    first = feeds.feed("a.txt")
    assert first is not None
    assert first.names("https://bad.example/", "bad.example")
    assert feeds.feed("a.txt") is first
    (tmp_path / "a.txt").write_bytes(b"worse.example\n")
    os.utime(tmp_path / "a.txt", (100.0, 100.0))
    second = feeds.feed("a.txt")
    assert second is not None
    assert second.written_at == 100.0
    assert not second.names("https://bad.example/", "bad.example")
    (tmp_path / "a.txt").unlink()
    assert feeds.feed("a.txt") is None


@given(st.lists(st.binary(max_size=80)), st.text(max_size=60))
def test_any_lines_give_a_feed_and_any_link_an_answer(lines: list[bytes], link: str) -> None:
    assert feed(b"\n".join(lines)).names(link, link.lower()) in (True, False)
    assert isinstance(canonical(link), str)
