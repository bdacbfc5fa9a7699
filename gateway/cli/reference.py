"""`postern reference`: the manual that is generated from the models, so that it cannot be stale."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from pydantic import BaseModel

from gateway.cli.options import out
from gateway.mail.replies import all_replies
from gateway.policy.language.reference import markdown as policy_reference
from gateway.queue.states import TRANSITIONS
from gateway.settings import ENVIRONMENT, Settings


class Topic(StrEnum):
    """What the reference can print."""

    SETTINGS = "settings"
    POLICY = "policy"
    REPLIES = "replies"
    STATES = "states"


def reference(topic: Annotated[Topic, typer.Argument(help="What to print")]) -> None:
    """Print the generated reference, as Markdown."""
    printers = {
        Topic.SETTINGS: _settings,
        Topic.POLICY: policy_reference,
        Topic.REPLIES: _replies,
        Topic.STATES: _states,
    }
    out.print(printers[topic](), markup=False, soft_wrap=True)


def _settings() -> str:
    variables = {".".join(path): name for name, path in ENVIRONMENT.items()}
    lines = ["# Settings", "", "| Setting | Default | Environment | Meaning |", "|---|---|---|---|"]
    lines += _rows(Settings, "", variables)
    return "\n".join(lines)


def _rows(model: type[BaseModel], prefix: str, variables: dict[str, str]) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.default, BaseModel):
            rows += _rows(type(field.default), f"{path}.", variables)
            continue
        default = field.get_default(call_default_factory=True)
        rows.append(f"| `{path}` | `{default}` | {_code(variables.get(path))} | {field.description or ''} |")
    return rows


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _replies() -> str:
    lines = ["# Replies", "", "| Name | Reply |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {reply} |" for name, reply in all_replies().items())])


def _states() -> str:
    lines = ["# States of a recipient", "", "| From | To |", "|---|---|"]
    rows = (f"| {state} | {', '.join(sorted(after)) or 'final'} |" for state, after in TRANSITIONS.items())
    return "\n".join([*lines, *rows])
