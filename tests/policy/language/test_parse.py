"""gateway/policy/language/parse.py. Every file in `bad/` is a policy that cannot be used; its last lines say what must
be said:

# expect [FILE ]LINE:COLUMN TEXT
#   mend MEND
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.language.parse import load, read
from gateway.policy.policy import Following, Policy
from gateway.policy.problem import PolicyError
from gateway.policy.verdict import RuleRef

BAD = Path(__file__).parent / "bad"
LISTS = {f"lists/{each.name}": each.read_text() for each in (BAD / "lists").glob("*.yaml")}
EXPECTED = re.compile(r"^# expect (?:(\S+\.yaml) )?(\d+):(\d+) (.*)\n#   mend (.*)$", re.MULTILINE)


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_bad_policy_is_refused_with_every_problem_its_place_and_its_mend(file):
    text = file.read_text()
    expected = {
        (name or "bad/default.yaml", int(line), int(column), said, mend)
        for name, line, column, said, mend in EXPECTED.findall(text)
    }
    with pytest.raises(PolicyError) as caught:
        read({"default.yaml": text, **LISTS}, folder="bad")
    found = {(each.file, each.line, each.column, each.text, each.mend) for each in caught.value.problems}
    assert found == expected
    assert expected


WHOLE = """\
version: 1
lists: {partners: {file: lists/partners.yaml}}
groups:
  - {id: blocked, when: 'client.dnsbl_score >= 2.0', then: {reject: blocked_client}}
  - {id: everyone, limits: {size: 50MiB, messages_per_second: 5}}
recipients:
  - {domain: Example.org, route: mailbox, validate: mailbox}
  - {address: Boss@example.org, route: 'lmtp://127.0.0.1:2424', validate: none, on_unknown: accept}
rules:
  - id: partner
    when: 'mail.from.in_list("partners")'
    then: deliver
  - {id: ours, when: 'message.author_domain.in_list("our_domains")', then: {quarantine: phishing}}
on_unknown: hold
dnsbl: [{zone: bl.example, weight: 1.5}]
trusted_sealers: [Lists.example]
quarantine: {malware: 7d}
shorteners: {follow: true, hops: 2, within: 4s}
"""


def test_a_whole_policy():
    policy = read({"default.yaml": WHOLE, **LISTS})
    assert [group.id for group in policy.groups] == ["blocked", "everyone"]
    assert policy.groups[1].limits.size == 50 * 2**20
    assert policy.groups[1].limits.recipients is None
    assert policy.recipients["boss@example.org"].route == "lmtp://127.0.0.1:2424"
    assert policy.rules[0].ref == RuleRef("partner", "policies/default.yaml", 10)
    assert [rule.on_unknown for rule in policy.rules] == ["next", "hold"]
    assert policy.dnsbl[0].answers == ("127.0.0.0/24",)
    assert policy.trusted_sealers == {"lists.example"}
    assert policy.scanning.shorteners == Following(hops=2, seconds=4.0, links=5)
    assert policy.retention["malware"] == 7 * 86400
    assert policy.retention["spam"] == 30 * 86400
    assert policy.lists["our_domains"].holds("example.org", at=0.0)
    assert policy.lists["partners"].holds("bob@partner.example", at=0.0)


def test_shortened_links_are_not_followed_unless_the_policy_says_so():
    assert read({"default.yaml": "version: 1\n"}).scanning.shorteners is None
    assert read({"default.yaml": "version: 1\nshorteners: {links: 9}\n"}).scanning.shorteners is None


def test_recipients_added_by_command_go_before_those_of_the_file():
    added = [
        {"domain": "example.org", "route": "smtp://10.0.0.1:25", "validate": "callahead"},
        {"domain": "new.example", "route": "mx", "validate": "none"},
    ]
    policy = read({"default.yaml": WHOLE, **LISTS}, extra_recipients=added)
    assert policy.recipients["example.org"].route == "smtp://10.0.0.1:25"
    assert policy.recipients["new.example"].route == "mx"
    assert policy.lists["our_domains"].holds("new.example", at=0.0)


def test_a_bad_recipient_added_by_command_is_named_as_such():
    with pytest.raises(PolicyError) as caught:
        read({"default.yaml": "version: 1"}, extra_recipients=[{"domain": "a.example", "route": "mailbx"}])
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("postern domain add", 1)
    assert "not a route" in problem.text


def test_the_version_is_a_hash_of_what_was_written():
    plain = read({"default.yaml": WHOLE, **LISTS}).version
    assert re.fullmatch("[0-9a-f]{12}", plain)
    assert read({**LISTS, "default.yaml": WHOLE}).version == plain
    assert read({"default.yaml": WHOLE + "# comment\n", **LISTS}).version != plain
    longer = {**LISTS, "lists/partners.yaml": LISTS["lists/partners.yaml"] + "# more\n"}
    assert read({"default.yaml": WHOLE, **longer}).version != plain
    added = [{"domain": "new.example", "route": "mx"}]
    assert read({"default.yaml": WHOLE, **LISTS}, extra_recipients=added).version != plain


def test_load_reads_the_folder_and_names_it(tmp_path):
    folder = tmp_path / "policies"
    (folder / "lists").mkdir(parents=True)
    (folder / "default.yaml").write_text(WHOLE)
    with pytest.raises(PolicyError) as caught:
        load(folder)
    assert "policies/default.yaml:2:26: there is no file lists/partners.yaml" in str(caught.value)
    (folder / "lists" / "partners.yaml").write_text(LISTS["lists/partners.yaml"])
    assert (
        load(folder).version
        == read({"default.yaml": WHOLE, "lists/partners.yaml": LISTS["lists/partners.yaml"]}).version
    )


def test_a_folder_without_a_policy_is_a_problem_too(tmp_path):
    with pytest.raises(PolicyError, match=r"default\.yaml:1:1: cannot be read: No such file"):
        load(tmp_path)
    (tmp_path / "default.yaml").write_bytes(b"version: 1 # \xff")
    with pytest.raises(PolicyError, match="not UTF-8"):
        load(tmp_path)


def test_a_bad_list_accuses_its_own_file_and_not_the_rules_that_ask_for_it():
    text = "version: 1\nlists: {x: {file: lists/careless.yaml}}\n"
    text += "rules: [{id: a, when: 'mail.from.in_list(\"x\")', then: deliver}]"
    with pytest.raises(PolicyError) as caught:
        read({"default.yaml": text, **LISTS})
    assert {each.file for each in caught.value.problems} == {"policies/lists/careless.yaml"}


WORDS = """
version 1 rules groups lists recipients id when then for deliver defer reject quarantine spam on_unknown limits size
50MiB domain example.org route mailbox validate default dnsbl zone tag add_header X-A file lists/partners.yaml true ~
3 2.5 '*@example.org' 'spam.score>1.0' 'mail.from.in_list("partners")'
"""
words = st.sampled_from(WORDS.split())
values = st.recursive(
    words, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)


def as_flow(value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(as_flow(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_flow(each)}' for key, each in value.items())}}}"
    return str(value)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200) | st.dictionaries(words, values, max_size=5).map(as_flow), st.text(max_size=80))
def test_any_texts_give_a_policy_or_a_policy_error(text, entries):
    try:
        assert isinstance(read({"default.yaml": text, "lists/partners.yaml": entries}), Policy)
    except PolicyError as error:
        assert error.problems
        assert all(each.line >= 1 and each.column >= 1 and each.text and each.mend for each in error.problems)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(WHOLE)), st.integers(0, 12), st.text(alphabet="{}[]:,-'\"# \nab1.*&!|>", max_size=6))
def test_a_policy_with_any_slip_gives_a_policy_or_a_policy_error(at, removed, inserted):
    text = WHOLE[:at] + inserted + WHOLE[at + removed :]
    try:
        assert isinstance(read({"default.yaml": text, **LISTS}), Policy)
    except PolicyError as error:
        assert error.problems
