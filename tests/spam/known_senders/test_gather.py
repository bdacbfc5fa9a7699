"""From copies of the sources to one list: each source is read for what it holds, and a source that is not there stops
the work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.spam.known_senders.gather import LISTS, gather

FILES = {
    "spamassassin/60_welcomelist_dkim.cf": (
        "# def_welcomelist_from_dkim *@no.example\n"
        "def_welcomelist_from_dkim  *@*.alpha.example  signer.example\n  def_whitelist_auth x@bravo.co.uk\n"
    ),
    "rspamd/dmarc_whitelist.inc": "# note\ncharlie.example both:1.0\n",
    "rspamd/spf_dkim_whitelist.inc": "delta.example\n",
    "simple-icons/data/simple-icons.json": json.dumps([{"source": "https://www.Echo.example/brand?x=y"}]),
    "name-suggestion-index/dist/wikidata/wikidata.json": json.dumps(
        {
            "wikidata": {
                "Q1": {
                    "identities": dict.fromkeys("abcdefg", "x"),
                    "officialWebsites": ["https://www.foxtrot.example/"],
                },
                "Q2": {"officialWebsites": ["http://golf.example", "https://shop.hotel.example/x"]},
                "Q3": {"label": "no page"},
            }
        }
    ),
}
FOUND = [
    "alpha.example",
    "bravo.co.uk",
    "charlie.example",
    "delta.example",
    "echo.example",
    "foxtrot.example",
    "golf.example",
    "hotel.example",
    "signer.example",
]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_each_source_gives_what_it_holds(sources: Path) -> None:
    assert _lines(sources, "domains.txt") == FOUND


def test_of_the_brands_on_the_map_only_those_with_many_accounts_are_famous(sources: Path) -> None:
    assert _lines(sources, "famous.txt") == [each for each in FOUND if each not in ("golf.example", "hotel.example")]


def _lines(sources: Path, name: str) -> list[str]:
    return [line for line in gather(sources, LISTS[name]).splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", ["simple-icons/data/simple-icons.json", "rspamd/dmarc_whitelist.inc"])
def test_a_source_that_is_not_there_stops_the_work(sources: Path, name: str) -> None:
    (sources / name).unlink()
    with pytest.raises((OSError, ValueError)):
        gather(sources, LISTS["domains.txt"])


def test_the_command_writes_the_lists(sources: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway.spam.known_senders.gather", str(sources), str(tmp_path)]
    subprocess.run(command, check=True)
    for name, read in LISTS.items():
        assert (tmp_path / name).read_text() == gather(sources, read)
