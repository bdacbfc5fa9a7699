"""The reference of the policy language, made from the schema, the table of variables and the table of replies.

Nothing is written twice: what stands here in prose is only what no model can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel

from gateway.mail.replies import BY_NAME
from gateway.policy.conditions.cel import FUNCTIONS
from gateway.policy.conditions.vocabulary import VARIABLES
from gateway.policy.language import actions, schema
from gateway.policy.language.recipients import Ldap, Recipient

_SECTIONS: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("policy", schema.PolicyFile),
    ("lists", schema.ListFile),
    ("groups", schema.Group),
    ("groups: limits", schema.Limits),
    ("groups: limits: client, network", schema.ClientRates),
    ("groups: limits: sender_domain", schema.SenderRates),
    ("groups: limits: recipient", schema.RecipientRates),
    ("recipients", Recipient),
    ("recipients: ldap", Ldap),
    ("rules", schema.Rule),
    ("dnsbl", schema.DnsblZone),
    ("link_lists", schema.LinkListEntry),
    ("shorteners", schema.Shorteners),
    ("bans", schema.Bans),
    ("greylist", schema.Greylist),
    ("quarantine", schema.Retention),
    ("malware", schema.Malware),
    ("rules: on_unknown", actions.Patience),
    ("rules: then: strip", actions.Parts),
    ("entries (of a list file)", schema.ListEntry),
)

_ACTIONS: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("reject: NAME", actions.Reject),
    ("quarantine: CLASS", actions.Quarantine),
    ("rescan: DURATION", actions.Rescan),
    ("strip: {parts: [...]}", actions.Strip),
    ("add_header: {NAME: VALUE}", actions.AddHeader),
    ("tag: CLASS", actions.Mark),
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `default.yaml`, for editors."""
    return schema.PolicyFile.model_json_schema(by_alias=True)


def list_json_schema() -> dict[str, Any]:
    """The JSON Schema of a list file."""
    return schema.EntriesFile.model_json_schema(by_alias=True)


def markdown() -> str:
    """The whole reference as one page."""
    return "\n".join(
        ["# Policy reference", "", *_settings(), *_actions(), *_variables(), *_functions(), *_replies(), ""]
    )


def _settings() -> Iterator[str]:
    for title, model in _SECTIONS:
        yield from (f"## `{title}`", "", *_paragraph(model))
        rows = (
            (f"`{_name(model, field)}`", _default(model, field), _description(model, field)) for field in _fields(model)
        )
        yield from _table(("Setting", "Default", "Meaning"), rows)


def _actions() -> Iterator[str]:
    yield from ("## Actions", "")
    words = [
        ("`deliver`", "Accept and deliver"),
        ("`defer`", "Refuse for now; the client tries again"),
        ("`greylist`", "The same, until a sender that nobody knows has come back once; then go on to the next rule"),
        ("`park`", "Accept, and lay aside for a person to look at: it is neither examined nor delivered until then"),
    ]
    models = [(f"`{call}`", (model.__doc__ or "").strip()) for call, model in _ACTIONS]
    yield from _table(("Action", "What it does"), [*words, *models])


def _variables() -> Iterator[str]:
    yield from ("## Variables", "")
    yield "A variable whose check could not tell is not known, and makes the condition unknown unless the rest decides."
    yield ""
    rows = (
        (f"`{each.name}`", each.type.value, each.scope.value, each.check, each.meaning) for each in VARIABLES.values()
    )
    yield from _table(("Variable", "Type", "Known from", "Check", "Meaning"), rows)


def _functions() -> Iterator[str]:
    yield from ("## Functions", "", "Beside those of CEL itself (`size`, `matches`, `startsWith`, `exists`, ...):", "")
    yield from _table(("Call", "True if"), ((f"`{each.call}`", each.meaning) for each in FUNCTIONS))


def _replies() -> Iterator[str]:
    yield from ("## Replies", "", "The names for `reject`:", "")
    yield from _table(("Name", "Reply"), ((f"`{name}`", str(BY_NAME[name])) for name in schema.REPLIES))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(heads)
    yield _row("---" for _ in heads)
    yield from (_row(each) for each in rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"


def _paragraph(model: type[BaseModel]) -> list[str]:
    return [(model.__doc__ or "").strip(), ""]


def _fields(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def _name(model: type[BaseModel], field: str) -> str:
    return model.model_fields[field].alias or field


def _description(model: type[BaseModel], field: str) -> str:
    return model.model_fields[field].description or ""


def _default(model: type[BaseModel], field: str) -> str:
    """The default as one writes it, "needed" where there is none."""
    described = model.model_fields[field]
    if described.is_required():
        return "needed"
    match described.default:
        case None | "" | [] | {}:
            return ""
        case BaseModel():
            return "as below"
        case float() as seconds if model is schema.Retention:
            return f"`{int(seconds // 86400)}d`"
        case list() as items:
            return f"`[{', '.join(str(each) for each in items)}]`"
        case other:
            return f"`{other}`"
