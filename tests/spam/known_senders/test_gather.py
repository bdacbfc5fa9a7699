"""From copies of the sources to one list: each source is read for what it holds, and a source that is not there stops
the work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.spam.known_senders.gather import gather

FILES = {
    "spamassassin/60_welcomelist_dkim.cf": (
        "# def_welcomelist_from_dkim *@no.example\n"
        "def_welcomelist_from_dkim  *@*.alpha.example  signer.example\n  def_whitelist_auth x@bravo.co.uk\n"
    ),
    "rspamd/dmarc_whitelist.inc": "# note\ncharlie.example both:1.0\n",
    "rspamd/spf_dkim_whitelist.inc": "delta.example\n",
    "simple-icons/data/simple-icons.json": json.dumps([{"source": "https://www.Echo.example/brand?x=y"}]),
    "twofactorauth/entries/f/foxtrot.example.json": "{}",
    "jdm/_data/sites.json": json.dumps([{"domains": ["golf.example"], "url": "https://hotel.example/x"}]),
    "apple/quirks/shared-credentials.json": json.dumps([{"shared": ["india.example", "login.india.example"]}]),
    "alltheplaces/locations/spiders/juliett_us.py": (
        'item_attributes = {"brand": "Juliett"}\nurl = "https://stores.juliett.example/a"\n'
        'api = "https://locator.example/juliett"\n'
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
    "india.example",
    "juliett.example",
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
    lines = gather(sources).splitlines()
    assert [line for line in lines if not line.startswith("#")] == FOUND


@pytest.mark.parametrize("name", ["alltheplaces/locations/spiders/juliett_us.py", "jdm/_data/sites.json"])
def test_a_source_that_is_not_there_stops_the_work(sources: Path, name: str) -> None:
    (sources / name).unlink()
    with pytest.raises((OSError, ValueError)):
        gather(sources)


def test_the_command_writes_the_list(sources: Path, tmp_path: Path) -> None:
    file = tmp_path / "domains.txt"
    command = [sys.executable, "-m", "gateway.spam.known_senders.gather", str(sources), str(file)]
    subprocess.run(command, check=True)
    assert file.read_text() == gather(sources)
