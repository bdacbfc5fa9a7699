"""docs/policy.md: its examples are real."""

import re
from pathlib import Path

from gateway.policy.conditions.cel import Language
from gateway.policy.conditions.vocabulary import VARIABLES
from gateway.policy.language.parse import read
from gateway.policy.lists import EntryList

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
POLICY, ENTRIES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_loads():
    policy = read({"default.yaml": POLICY, "lists/partners.yaml": ENTRIES})
    assert [rule.ref.id for rule in policy.rules] == ["malware", "partner", "spam-hold"]


def test_the_calls_compile():
    (block,) = re.findall(r"```\n(client\.ip.*?)```", PAGE, re.DOTALL)
    calls = re.split(r"\n| {2,}", block.strip())
    lists = {"partners": EntryList(()), "blocked": EntryList(()), "our_domains": EntryList(()), "vip": EntryList(())}
    language = Language(VARIABLES, lists)
    assert len([language.compile(each) for each in calls]) == 6


def test_every_file_of_the_room_has_its_duty():
    room = Path(__file__).parents[2] / "gateway" / "policy"
    assert [each.name for each in room.rglob("[a-z]*.py") if f"`{each.name}`" not in PAGE] == []
