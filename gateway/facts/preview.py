"""What a person sees of a message that is being judged: made safe where the message is taken apart, shown elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.facts.content import PartFact


@dataclass(frozen=True, slots=True)
class Preview:
    """A message made safe to look at. `text` has every URL defanged and hidden text marked.

    `html` is a sanitised fragment without any image; `html_with_images` is the same with the pictures that the message
    itself carries, as data: URIs. Both are None where there is none, or where `html_reason` says why it is not shown.
    Names in `headers` and `parts` have invisible characters written out.
    """

    text: str
    html: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[PartFact, ...] = ()
    html_with_images: str | None = None
    html_reason: str = ""
