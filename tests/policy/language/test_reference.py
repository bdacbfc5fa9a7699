"""gateway/policy/language/reference.py"""

import json

from gateway.mail.replies import BY_NAME
from gateway.policy.conditions.cel import FUNCTIONS
from gateway.policy.conditions.vocabulary import VARIABLES
from gateway.policy.language import reference, schema

PAGE = reference.markdown()


def test_every_setting_variable_function_and_reply_is_described():
    words = [*VARIABLES, *(each.call for each in FUNCTIONS), *schema.REPLIES]
    for model in (schema.PolicyFile, schema.Group, schema.Limits, schema.Recipient, schema.Rule, schema.ListEntry):
        words += [field.alias or name for name, field in model.model_fields.items()]
    assert [word for word in words if f"| `{word}` |" not in PAGE] == []
    assert str(BY_NAME["malware"]) in PAGE


def test_tables_are_whole():
    widths: list[set[int]] = [set()]
    for line in PAGE.splitlines():
        if line.startswith("|"):
            widths[-1].add(line.replace("\\|", "").count("|"))
        elif widths[-1]:
            widths.append(set())
    assert all(len(each) == 1 for each in widths if each)


def test_defaults_are_written_as_one_writes_them():
    assert "| `malware` | `14d` |" in PAGE
    assert "| `answers` | `[127.0.0.0/24]` |" in PAGE
    assert "| `version` | needed |" in PAGE


def test_the_json_schema_knows_every_key_and_refuses_others():
    told = json.loads(json.dumps(reference.json_schema()))
    assert told["additionalProperties"] is False
    assert set(told["properties"]) == set(schema.PolicyFile.model_fields)
    assert {"for", "validate"} <= {*told["$defs"]["Rule"]["properties"], *told["$defs"]["Recipient"]["properties"]}
    assert told["$defs"]["Reject"]["properties"]["reject"]["enum"] == list(schema.REPLIES)
    assert "expires" in json.dumps(reference.list_json_schema())
