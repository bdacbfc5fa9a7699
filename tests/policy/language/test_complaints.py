"""gateway/policy/language/complaints.py"""

import pytest
from pydantic import ValidationError

from gateway.policy.language import document, schema
from gateway.policy.language.complaints import complaints


def told(text: str, *, model: type = schema.PolicyFile) -> list[str]:
    found = document.read("f", text)
    try:
        model.model_validate(found.plain)
    except ValidationError as error:
        return [
            f"{each.line}:{each.column} {each.text} | {each.mend}"
            for each in complaints(error, document=found, under=(), model=model)
        ]
    return []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nlimit: 3", "2:1 there is no setting `limit` here | did you mean `lists`?"),
        ("version: 1\nquarantine: {spm: 1d}", "2:14 there is no setting `spm` here | did you mean `spam`?"),
        ("version: one", "1:10 `one` cannot stand for `version` | one of 1"),
        (
            "version: 1\nrules: [{id: a}]",
            "2:9 `then` is missing | "
            "add `then: ...` "
            "(What happens: deliver, defer, greylist, park, reject, quarantine, rescan, strip, add_header, tag)",
        ),
        (
            "version: 1\nrules: [{id: a, then: {add_header: {}}}]",
            "2:36 `add_header` is empty | write something here: Header fields, name to value",
        ),
        (
            "version: 1\ndefault: 3",
            "2:10 this is no action | write deliver, defer, {reject: NAME}, {quarantine: CLASS}, ...",
        ),
    ],
)
def test_what_pydantic_says_in_our_words(text, said):
    assert told(text) == [said]


def test_a_text_that_is_too_long_is_called_so():
    (said,) = told(f"version: 1\nrules: [{{id: a, then: deliver, description: {'x' * 301}}}]")
    assert said.endswith("`description` is too long | write 300 characters at most")
