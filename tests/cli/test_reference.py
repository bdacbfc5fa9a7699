from __future__ import annotations

import pytest

from gateway.mail.replies import all_replies
from gateway.queue.states import State
from gateway.settings import ENVIRONMENT
from tests.cli.conftest import Postern


def test_every_setting_stands_with_its_variable(postern: Postern) -> None:
    printed = postern("reference", "settings").stdout
    for name, path in ENVIRONMENT.items():
        (line,) = [each for each in printed.splitlines() if each.startswith(f"| `{'.'.join(path)}` |")]
        assert f"`{name}`" in line
        assert line.count(" | ") == 3
        assert not line.endswith("|  |"), "a setting is described"


def test_every_reply_and_every_state_stands(postern: Postern) -> None:
    printed = postern("reference", "replies").stdout
    assert [name for name in all_replies() if f"| `{name}` |" not in printed] == []
    printed = postern("reference", "states").stdout
    assert [state for state in State if f"| {state} |" not in printed] == []
    assert "| failed | final |" in printed


def test_the_policys_words_stand(postern: Postern) -> None:
    printed = postern("reference", "policy").stdout
    for word in ("spam.score", "in_network", "quarantine", "on_unknown"):
        assert word in printed


def test_no_such_topic(postern: Postern) -> None:
    assert postern("reference", "weather").exit_code == 2


@pytest.mark.parametrize("verb", ["run", "scan", "doctor", "demo", "track", "learn", "reference", "policy", "queue",
                                  "quarantine", "model", "user", "domain"])  # fmt: skip
def test_every_verb_says_what_it_does(postern: Postern, verb: str) -> None:
    done = postern(verb, "--help")
    assert done.exit_code == 0
    assert "Usage: " in done.stdout
