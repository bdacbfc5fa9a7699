"""What a rule can do, and what it does in doubt: the part of the schema that stands in `then` and `on_unknown`. Each
action is one key or one word."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag

from gateway.policy.language.words import (
    AfterPatience,
    Duration,
    HeaderName,
    HeaderValue,
    Model,
    OnUnknown,
    PartWord,
    QuarantineClass,
    ReplyName,
    TagClass,
)


class Reject(Model):
    """Refuse for good. The client is told, nobody else: there is no bounce."""

    reject: ReplyName = Field(description="Name of the reply")


class Quarantine(Model):
    """Accept and hold, for people to review."""

    quarantine: QuarantineClass = Field(description="Class under which it is held; it rules who may release it")


class AddHeader(Model):
    """Add header fields on delivery, and go on to the next rule."""

    add_header: dict[HeaderName, HeaderValue] = Field(description="Header fields, name to value", min_length=1)


class Mark(Model):
    """Take the message for this class if it is delivered: adds `X-Postern-Class`, and goes on to the next rule."""

    tag: TagClass = Field(description="Class that is written into the header")


class Rescan(Model):
    """Accept and keep for so long, look for malware again with the signatures of then, and deliver what is clean."""

    rescan: Annotated[Duration, Field(ge=0, le=7 * 86400)] = Field(description="How long it is kept, like `30min`")


class Parts(Model):
    """Which parts are taken out. They are taken out together with the container that they stand in."""

    parts: list[PartWord] = Field(
        description="`executable` (can run, by what it is or by its name), `encrypted`, `unscannable` (could not be "
        "opened), patterns of names like `*.iso`, media types like `application/zip`; any of them is enough",
        min_length=1,
        max_length=100,
    )
    otherwise: QuarantineClass = Field(
        "policy", description="Class under which the message is held that cannot be changed safely"
    )


class Strip(Model):
    """Deliver without such parts, a notice in the place of each, and hold the original. No such part: no match."""

    strip: Parts = Field(description="Which parts, as `{parts: [executable]}`")


ACTIONS: Final = (
    "deliver",
    "defer",
    "greylist",
    "park",
    "reject",
    "quarantine",
    "rescan",
    "strip",
    "add_header",
    "tag",
)


_ACTION_TAGS: Final[dict[Any, str]] = {
    "reject": "Reject",
    "quarantine": "Quarantine",
    "rescan": "Rescan",
    "strip": "Strip",
    "add_header": "AddHeader",
    "tag": "Mark",
}


def _action_kind(value: Any) -> str | None:
    """Which kind of action was written: by its one key."""
    if isinstance(value, str):
        return "Word"
    if isinstance(value, dict):
        return _ACTION_TAGS.get(next(iter(value))) if len(value) == 1 else None
    return None


_NO_ACTION: Final = {
    "custom_error_type": "action",
    "custom_error_message": "this is not one action",
}
Word = Annotated[Literal["deliver", "defer", "greylist", "park"], Tag("Word")]
Action = Annotated[
    Word
    | Annotated[Reject, Tag("Reject")]
    | Annotated[Quarantine, Tag("Quarantine")]
    | Annotated[Rescan, Tag("Rescan")]
    | Annotated[Strip, Tag("Strip")]
    | Annotated[AddHeader, Tag("AddHeader")]
    | Annotated[Mark, Tag("Mark")],
    Discriminator(_action_kind, **_NO_ACTION),
]
FinalAction = Annotated[
    Annotated[Literal["deliver", "defer"], Tag("Word")]
    | Annotated[Reject, Tag("Reject")]
    | Annotated[Quarantine, Tag("Quarantine")],
    Discriminator(_action_kind, **_NO_ACTION),
]


class Patience(Model):
    """First defer, then something else: for a malware engine that is away for a while, or for good."""

    defer: Duration = Field(description="As long as the engine has been away for less than this, like `15min`")
    then: AfterPatience = Field(description="After that: hold, rescan, deliver_marked or next")


def _doubt_kind(value: Any) -> str:
    return "Patience" if isinstance(value, dict | Patience) else "Word"


InDoubt = Annotated[
    Annotated[OnUnknown, Tag("Word")] | Annotated[Patience, Tag("Patience")], Discriminator(_doubt_kind)
]
