"""From evidence to verdict. No await, no clock, no log: the gateway, `postern scan`, the console's dry run and a replay
of last week's traffic all call these functions, and `explain` walks the very same path.

The first rule that matches and ends the matter wins. A rule that cannot be told does what its `on_unknown` says. Doubt
defers or holds a permit and never softens a reject (as Postfix's defer_if_permit): rules after a doubtful one are still
looked at, and the stricter of the two outcomes holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from gateway.facts.connection import GreylistFact
from gateway.facts.content import MalwareResult
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, known_or_none
from gateway.policy import parts, reasons
from gateway.policy.conditions.cel import TRUE, Answer, Facts, Truth, facts_of
from gateway.policy.conditions.doubts import doubts
from gateway.policy.conditions.vocabulary import Case
from gateway.policy.policy import Effect, Policy, Rule, rescan_after
from gateway.policy.verdict import Disposition, Reason, RuleRef, Settlement, Stripping, Verdict, VerdictClass, merge

UNKNOWN_HEADER: Final = "X-Postern-Unknown"
"""The header field that `deliver_marked` adds: the checks that could not tell."""


GREYLISTED: Final = "greylisted"
"""The reply of a rule that asks the sender to come back."""


class Seen(Enum):
    """What became of one rule. `NOT_CONCERNED`: not about this direction or recipient. `NOT_LOOKED_AT`: a rule before
    it ended the matter."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
    NOT_CONCERNED = "not concerned"
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule, and what became of it. `values` are the variables it reads, as far as known; `missing` could not be
    told."""

    rule: RuleRef
    seen: Seen
    values: tuple[tuple[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    why: str = ""


def decide(evidence: Evidence, recipient: str, policy: Policy) -> Verdict:
    """The verdict for one recipient."""
    return _Trial(evidence, policy).judge(recipient).verdict()


def decide_all(evidence: Evidence, policy: Policy) -> Settlement:
    """The verdict for every recipient of the evidence, and the one answer to DATA. Raises ValueError without any."""
    trial = _Trial(evidence, policy)
    return merge([(each, trial.judge(each).verdict()) for each in evidence.recipients])


def who_would_wait(evidence: Evidence, policy: Policy) -> tuple[str, ...]:
    """The recipients for whose sake this message is deferred if nobody knows who sends it: those for whom the greylist
    has to be asked. None where something else is stricter or there is no such rule."""
    if not policy.greylists:
        return ()
    nobody_passed = GreylistFact(waiting=tuple(each.lower() for each in evidence.recipients))
    settlement = decide_all(replace(evidence, greylist=Known(nobody_passed)), policy)
    if settlement.disposition is not Disposition.DEFER:
        return ()
    deferred = [(each, verdict) for each, verdict in settlement.verdicts if verdict.disposition is Disposition.DEFER]
    if any(verdict.reply != GREYLISTED for _, verdict in deferred):
        return ()  # it is deferred anyway
    return tuple(each for each, _ in deferred)


def explain(evidence: Evidence, recipient: str, policy: Policy) -> tuple[RuleTrace, ...]:
    """Every rule of the policy, in order, and what became of it on the way to the verdict of `decide`."""
    trial = _Trial(evidence, policy)
    judged = trial.judge(recipient)
    facts = trial.facts_for(recipient)
    looked = [_trace(rule, truth, facts) for rule, truth in judged.looks]
    rest = policy.rules[len(looked) :]
    return (*looked, *(RuleTrace(rule.ref, Seen.NOT_LOOKED_AT) for rule in rest))


def _trace(rule: Rule, truth: Truth | None, facts: Facts) -> RuleTrace:
    if truth is None:
        return RuleTrace(rule.ref, Seen.NOT_CONCERNED)
    names = sorted(rule.condition.names) if rule.condition else ()
    values = tuple((name, facts.values[name]) for name in names if name in facts.values)
    return RuleTrace(rule.ref, Seen(truth.answer.value), values, truth.missing, truth.why)


class _Trial:
    """One message before one policy. Answers that do not depend on the recipient are worked out once."""

    def __init__(self, evidence: Evidence, policy: Policy) -> None:
        self.evidence = evidence
        self.doubts = doubts(evidence)
        self.unknown = tuple(reasons.of_unknown(self.doubts))
        self.trusted_sealers = policy.trusted_sealers
        self._policy = policy
        self._facts = facts_of(Case(evidence, policy.trusted_sealers), policy.variables)
        self._answers: dict[str, Truth] = {}

    def judge(self, recipient: str) -> _Judged:
        """Walk through the rules for one recipient, up to the one that ends the matter."""
        judged = _Judged(self, self._policy.default)
        for rule in self._policy.rules:
            if not rule.concerns(direction=self.evidence.direction, recipient=recipient.lower()):
                judged.looks.append((rule, None))
                continue
            truth = self._answer(rule, recipient)
            judged.looks.append((rule, truth))
            if truth.answer is Answer.UNKNOWN:
                judged.doubtful.append((rule, truth))
            elif truth.answer is Answer.TRUE and rule.effect.disposition is None:
                judged.additions.append(rule)
            elif truth.answer is Answer.TRUE and rule.effect.strips:
                has_some = parts.has_any(self.evidence, rule.effect.strips)
                judged.looks[-1] = (rule, has_some)
                if has_some.answer is Answer.UNKNOWN:
                    judged.doubtful.append((rule, has_some))
                elif has_some.answer is Answer.TRUE:
                    judged.decisive = rule
                    break
            elif truth.answer is Answer.TRUE and rule.effect.greylists and not self._has_to_wait(recipient):
                continue
            elif truth.answer is Answer.TRUE:
                judged.decisive = rule
                break
        return judged

    def _has_to_wait(self, recipient: str) -> bool:
        """Whether the greylist says so. Where it was not asked, or could not tell, nobody waits."""
        fact = known_or_none(self.evidence.greylist)
        return fact is not None and recipient.lower() in fact.waiting

    def facts_for(self, recipient: str) -> Facts:
        """The facts as conditions see them for one recipient."""
        return self._facts.with_recipient(recipient)

    def _answer(self, rule: Rule, recipient: str) -> Truth:
        if rule.condition is None:
            return TRUE
        if rule.condition.about_recipient:
            return rule.condition.ask(self.facts_for(recipient))
        answer = self._answers.get(rule.ref.id)
        if answer is None:
            answer = self._answers[rule.ref.id] = rule.condition.ask(self._facts)
        return answer


@dataclass(slots=True)
class _Judged:
    """What the walk through the rules found. `looks` has None for a rule that is not concerned."""

    trial: _Trial
    default: Effect
    looks: list[tuple[Rule, Truth | None]] = field(default_factory=list)
    doubtful: list[tuple[Rule, Truth]] = field(default_factory=list)
    additions: list[Rule] = field(default_factory=list)
    decisive: Rule | None = None

    def verdict(self) -> Verdict:
        """The stricter of what the decisive rule says and what doubt demands. Of two equals the rule's word holds."""
        ruled = self.decisive.effect if self.decisive else self.default
        demands = [(_demand(rule, self.trial.evidence), rule, truth) for rule, truth in self.doubtful]
        demand, rule, truth = max(
            demands, key=lambda each: each[0].disposition or Disposition.DELIVER, default=_NOTHING
        )
        if rule is not None and (demand.disposition or Disposition.DELIVER) > (
            ruled.disposition or Disposition.DELIVER
        ):
            told = [reasons.of_doubt(rule, truth, self.trial.doubts)]
            return self._verdict(demand, rule.ref, told)
        if self.decisive is None:
            return self._verdict(ruled, None, [reasons.of_default()])
        told = [*reasons.of_match(self.decisive, self.trial.evidence)]
        if not ruled.strips:
            return self._verdict(ruled, self.decisive.ref, told)
        found = known_or_none(self.trial.evidence.malware)
        if found is not None and found.result is MalwareResult.FOUND:
            # An engine names one finding. Nobody knows that what is left would be clean.
            return self._verdict(_INFECTED, self.decisive.ref, [*told, reasons.of_no_stripping("there is malware")])
        gone = parts.chosen(self.trial.evidence, ruled.strips)
        verdict = self._verdict(ruled, self.decisive.ref, [*told, reasons.of_stripping(gone)])
        stripping = Stripping(tuple(each.path for each in gone), ruled.quarantine)
        return replace(verdict, stripping=stripping, quarantine="")

    def _verdict(self, effect: Effect, rule: RuleRef | None, told: Iterable[Reason]) -> Verdict:
        disposition = effect.disposition or Disposition.DELIVER
        marked = [(rule, truth) for rule, truth in self.doubtful if rule.on_unknown == "deliver_marked"]
        added = [reason for each in self.additions for reason in reasons.of_match(each, self.trial.evidence)]
        open_questions = [each for each in self.doubtful if each in marked or not each[1].missing]
        marks = [reasons.of_doubt(rule, truth, self.trial.doubts) for rule, truth in open_questions]
        decisive = self.decisive if self.decisive and rule == self.decisive.ref else None
        less = reasons.of_override(
            self.trial.evidence, disposition, decisive, matched=self.additions, trusted=self.trial.trusted_sealers
        )
        every = dict.fromkeys((*told, *less, *added, *marks, *self.trial.unknown))
        tagged = [
            each.effect.verdict_class for each in self.additions if each.effect.verdict_class is not VerdictClass.CLEAN
        ]
        delivered = disposition is Disposition.DELIVER
        return Verdict(
            disposition=disposition,
            verdict_class=tagged[-1] if delivered and tagged else effect.verdict_class,
            rule=rule,
            reasons=tuple(every),
            reply=effect.reply,
            quarantine=effect.quarantine,
            keeping=effect.keeping,
            rescan_after=effect.rescan_after,
            add_headers=(*(header for each in self.additions for header in each.effect.headers), *_marks(marked)),
        )


def _marks(marked: list[tuple[Rule, Truth]]) -> list[tuple[str, str]]:
    """The header field that names the checks, or for a rule that failed without any, the rule."""
    names = dict.fromkeys(name for rule, truth in marked for name in (reasons.checks_of(truth) or [rule.ref.id]))
    return [(UNKNOWN_HEADER, ", ".join(names))] if names else []


def held_whole(verdict: Verdict, why: str) -> Verdict:
    """What becomes of a message that was to be stripped and must not be changed: it is held, as its rule says."""
    if verdict.stripping is None:
        return verdict
    return replace(
        verdict,
        disposition=Disposition.QUARANTINE,
        quarantine=verdict.stripping.otherwise,
        stripping=None,
        reasons=(*verdict.reasons, reasons.of_no_stripping(why)),
    )


_NO_DEMAND: Final = Effect(Disposition.DELIVER)
_DEFER: Final = Effect(Disposition.DEFER, VerdictClass.POLICY, reply="deferred")
_INFECTED: Final = Effect(Disposition.QUARANTINE, VerdictClass.MALWARE, quarantine="malware")
_DEMANDS: Final[Mapping[str, Effect]] = {
    "defer": _DEFER,
    "hold": Effect(Disposition.QUARANTINE, VerdictClass.POLICY, quarantine="policy"),
    "rescan": rescan_after(0.0),
}
_NOTHING: Final[tuple[Effect, Rule | None, Truth]] = (_NO_DEMAND, None, TRUE)


def _demand(rule: Rule, evidence: Evidence) -> Effect:
    """What a rule in doubt makes of a permit. Patience is for an engine that went away: where there never was one, or
    none that answered yet, it is over."""
    engine = known_or_none(evidence.engine)
    if rule.patience and engine is not None and engine.met and engine.absent < rule.patience:
        return _DEFER
    return _DEMANDS.get(rule.on_unknown, _NO_DEMAND)
