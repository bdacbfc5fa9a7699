"""Taking parts out at the door: for each group of recipients whose verdicts say the same, the changed message with a
stamp and a seal of its own, or the verdict that it is held whole. Decides nothing, stores nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from gateway.anatomy.characters import made_visible
from gateway.facts.content import MalwareResult, PartFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, known_or_none
from gateway.inbound.ports import InItsPlace
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message, Octets
from gateway.pipeline.notice import Circumstances, Removed
from gateway.pipeline.sealing import Sealer
from gateway.pipeline.stamp import Stamper
from gateway.pipeline.stripping import NotStripped, Stripped, strip
from gateway.policy.decide import held_whole
from gateway.policy.verdict import Settlement, Verdict, merge
from gateway.queue.custody import as_delivered
from gateway.queue.identifiers import text_of

MAX_TOLD: Final = 20
"""Parts that the story names."""

MAX_NAME: Final = 120
"""Characters of a name in the story."""

_OF_THE_ORIGINAL: Final = Skipped("asked about the message as it came")


@dataclass(frozen=True, slots=True)
class _Form:
    """A changed message before it is stamped, and who gets it."""

    recipients: tuple[str, ...]
    stripped: Stripped
    rule: str


@dataclass(frozen=True, slots=True)
class Stripping:
    """Takes parts out in the name of one host. `new_id` gives the changed message its own identifier."""

    stamper: Stamper
    sealer: Sealer
    new_id: Callable[[], int]

    def take_out(
        self, message: Message, envelope: Envelope, evidence: Evidence, settlement: Settlement, *, reference: str
    ) -> tuple[Settlement, tuple[InItsPlace, ...]]:
        """The settlement as it is in the end, and the changed messages. `reference` is that of the message as it came.
        Reads and hashes the message: takes its time."""
        forms: list[_Form] = []
        final: dict[str, Verdict] = dict(settlement.verdicts)
        for names in _groups(settlement):
            verdict = final[names[0]]
            why = verdict.reasons[0].text if verdict.reasons else "the policy says so"
            circumstances = Circumstances(why, self.sealer.authserv_id, reference)
            said = strip(message.octets, _doomed(evidence, verdict), circumstances)
            if isinstance(said, NotStripped):
                final |= {name: held_whole(final[name], said.why) for name in names}
            else:
                forms.append(_Form(names, said, verdict.rule.id if verdict.rule else ""))
        settled = merge([(name, final[name]) for name, _ in settlement.verdicts])
        return settled, tuple(self._stamped(each, message, envelope, evidence, settled) for each in forms)

    def _stamped(
        self, form: _Form, message: Message, envelope: Envelope, evidence: Evidence, settlement: Settlement
    ) -> InItsPlace:
        message_id = self.new_id()
        changed = Message.from_wire(form.stripped.octets)
        own = replace(
            envelope,
            recipients=tuple(each for each in envelope.recipients if str(each.address) in form.recipients),
            size=None,
        )
        stamps = self.stamper.stamp(changed, own, evidence, settlement, reference=text_of(message_id))
        leaving = Message.from_wire(as_delivered(stamps.prefix, stamps.cuts, changed.octets))
        seal = self.sealer.seal(leaving, sealed_at=evidence.received_at)
        # Our Received field stays on top: by it a copy in the store is known.
        received = leaving.fields[0].end
        return InItsPlace(
            message_id=message_id,
            recipients=form.recipients,
            octets=form.stripped.octets,
            prefix=stamps.prefix[:received] + seal + stamps.prefix[received:],
            cuts=stamps.cuts,
            evidence=evidence_of_changed(evidence, form.stripped, own),
            told={
                "rule": form.rule,
                "parts": [_told(each) for each in form.stripped.removed[:MAX_TOLD]],
                "scanned": _measured(message.octets),
                "delivered": _measured(changed.octets),
            },
        )


def evidence_of_changed(evidence: Evidence, stripped: Stripped, envelope: Envelope) -> Evidence:
    """What is known of the changed message: what was found in the parts that it still has. What was asked about the
    sender was asked about the message as it came, and counts once."""
    content = known_or_none(evidence.content)
    malware = known_or_none(evidence.malware)
    gone = tuple(each.path for each in stripped.removed)
    return replace(
        evidence,
        recipients=tuple(str(each.address) for each in envelope.recipients),
        message=replace(evidence.message, size=len(stripped.octets)),
        spf=_OF_THE_ORIGINAL,
        dkim=_OF_THE_ORIGINAL,
        arc=_OF_THE_ORIGINAL,
        dmarc=_OF_THE_ORIGINAL,
        content=evidence.content
        if content is None
        else Known(replace(content, parts=tuple(part for part in content.parts if not _is_within(part, gone)))),
        malware=_OF_THE_ORIGINAL if malware is not None and malware.result is MalwareResult.FOUND else evidence.malware,
        dns=(),
    )


def _is_within(part: PartFact, gone: tuple[str, ...]) -> bool:
    return any(part.path == path or part.path.startswith((f"{path}.", f"{path}/")) for path in gone)


def _groups(settlement: Settlement) -> list[tuple[str, ...]]:
    """Recipients whose messages lose the same parts by the same rule."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name, verdict in settlement.verdicts:
        if verdict.stripping is not None:
            groups[verdict.stripping, verdict.rule].append(name)
    return [tuple(names) for names in groups.values()]


def _doomed(evidence: Evidence, verdict: Verdict) -> tuple[PartFact, ...]:
    content = known_or_none(evidence.content)
    if content is None or verdict.stripping is None:
        return ()
    return tuple(part for part in content.parts if part.path in verdict.stripping.paths)


def _told(removed: Removed) -> dict[str, object]:
    return {
        "path": removed.path,
        "name": made_visible(removed.name)[:MAX_NAME],
        "size": removed.size,
        "sha256": removed.sha256,
    }


def _measured(octets: Octets) -> dict[str, object]:
    return {"size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
