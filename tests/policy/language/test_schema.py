"""gateway/policy/language/schema.py"""

import pytest
from pydantic import BaseModel, ValidationError

from gateway.mail.replies import BY_NAME
from gateway.policy.language import actions, schema

MODELS = [
    each
    for module in (schema, actions)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == module.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_setting_is_described(model):
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_setting_that_is_not_described_gets_through(model):
    with pytest.raises(ValidationError, match="extra_forbidden"):
        model.model_validate({"surely_no_setting": 1})


def test_a_rule_refuses_with_a_permanent_reply_only():
    assert {BY_NAME[name].is_permanent for name in schema.REPLIES} == {True}
    with pytest.raises(ValidationError, match="not permanent"):
        schema.Reject(reject="deferred")


@pytest.mark.parametrize(
    "route",
    ["mailbox", "mx", "lmtp://localhost:24", "lmtp+unix:/run/lmtp", "smtp://a.example:25,[2001:db8::1]:26"],
)
def test_routes(route):
    assert schema.Recipient(domain="a.example", route=route).route == route


@pytest.mark.parametrize("route", ["", "Mailbox", "smtp://a", "smtp://a:x", "lmtp+unix:run", "http://a:1", "mx\n"])
def test_what_is_no_route(route):
    with pytest.raises(ValidationError, match="is not a route"):
        schema.Recipient(domain="a.example", route=route)


@pytest.mark.parametrize("pattern", ["a@b.example", "*@b.example", "*@*.b.example", "A@B.example"])
def test_recipient_patterns(pattern):
    rule = schema.Rule.model_validate({"id": "a", "then": "deliver", "for": [pattern]})
    assert rule.recipients == [pattern.lower()]


@pytest.mark.parametrize("pattern", ["", "*", "b.example", "**@b.example", "*a@b.example", "*@", "*@*", "*@b.*"])
def test_what_matches_no_recipient(pattern):
    with pytest.raises(ValidationError):
        schema.Rule.model_validate({"id": "a", "then": "deliver", "for": [pattern]})


@pytest.mark.parametrize("name", ["From", "DKIM-Signature", "received", "Content-Type", "X Note", "X:Note", ""])
def test_header_fields_that_a_rule_may_not_add(name):
    with pytest.raises(ValidationError):
        actions.AddHeader(add_header={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nFrom: x", "a\0b", "ü", "x" * 301])
def test_header_values_that_a_rule_may_not_add(value):
    with pytest.raises(ValidationError):
        actions.AddHeader(add_header={"X-Note": value})


def test_values_are_not_bent_to_fit():
    with pytest.raises(ValidationError):
        schema.Limits.model_validate({"recipients": "100"})
    with pytest.raises(ValidationError):
        schema.DnsblZone.model_validate({"zone": "a.example", "weight": float("nan")})
