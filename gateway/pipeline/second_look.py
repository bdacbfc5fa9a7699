"""A second look for malware, as thorough as the first: the message is taken apart in the jail, its leaves are shown to
the malware engine as the policy in force says, and our own rules look at every part. Never decides, never raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.checks.anatomist.wire import Examination
from gateway.facts.content import Findings
from gateway.facts.outcome import Skipped, Unknown
from gateway.mail.message import BadMessage, Message, Octets
from gateway.pipeline.examining import Losses, NoLosses, examine
from gateway.pipeline.looking import Anatomist, MalwareEngine, look, wanted_for
from gateway.policy.policy import Scanning


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Looks at stored octets with what a process has to look with. `engine` is None where the operator wants none."""

    anatomist: Anatomist
    engine: MalwareEngine | None
    scanning: Callable[[], Scanning]
    losses: Losses = field(default_factory=NoLosses)

    async def __call__(self, octets: Octets) -> Findings:
        """What is found in these octets today."""
        wanted = wanted_for(self.engine, self.scanning())
        try:
            examination = await examine(self.anatomist, self.losses, Message.from_reader(octets), wanted)
        except BadMessage as error:
            doubt = Unknown(f"it is no message: {error}")
            examination = Examination(doubt, doubt, doubt)
        if self.engine is None:
            return Findings(Skipped("the malware engine is switched off"), examination.yara)
        return Findings(await look(self.engine, octets, examination), examination.yara)
