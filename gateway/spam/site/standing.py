"""How the classifier stands at this site: which model serves, what was taught over it, and how it did on that. Reads
what lies on disk; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gateway.spam import measured
from gateway.spam.artefact import Manifest, ModelError, read_manifest
from gateway.spam.layer import LayerManifest
from gateway.spam.measured import Measured
from gateway.spam.site import trial
from gateway.spam.site.drift import Drift, drift
from gateway.spam.site.teachers import Teacher, teachers_of
from gateway.spam.site.teaching import SOURCE, Ledger, Taught, accepted
from gateway.spam.site.trial import Trial
from gateway.spam.site.versions import Versions

NEWEST: Final = 20
"""Lessons that are told one by one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`problem` says why there is no model, and is empty where there is one. `accepted` counts lessons of ham and of
    unwanted mail that may be learnt, `aside` those that may not, by reason; `newest` are the last lessons, the newest
    first. `held`: somebody went back, and nothing new is learnt. `trial` is one of this very model, or None, and
    `measured` says how good it was when it was trained."""

    model: Manifest | None = None
    problem: str = ""
    layer: LayerManifest | None = None
    held: bool = False
    accepted: tuple[int, int] = (0, 0)
    drift: Drift = field(default_factory=Drift)
    trial: Trial | None = None
    teachers: tuple[Teacher, ...] = ()
    aside: dict[str, int] = field(default_factory=dict)
    newest: tuple[Taught, ...] = ()
    measured: Measured | None = None

    @property
    def layer_is_silent(self) -> bool:
        """Whether the layer was learnt over another model, and says nothing over this one."""
        return self.model is not None and self.layer is not None and self.layer.base != self.model.sha256

    @property
    def flattered(self) -> bool:
        """Whether the model learnt lessons of this site at its training: a trial by them then says too much for it."""
        return self.model is not None and SOURCE in self.model.sources


def standing_of(*, model: Path, versions: Versions, lessons: Path, now: float) -> Standing:
    """Read it now. Raises OSError where the ledger cannot be read."""
    told, _ = Ledger(lessons).lessons()
    found = accepted(told)
    known = Standing(
        held=versions.held,
        accepted=found.sides,
        drift=drift(told, now=now),
        teachers=teachers_of(told, found),
        aside=found.aside,
        newest=tuple(reversed(told[-NEWEST:])),
    )
    try:
        manifest, layer = read_manifest(model), versions.manifest()
    except ModelError as error:
        return replace(known, problem=str(error))
    last = trial.read(lessons)
    return replace(
        known,
        model=manifest,
        layer=layer,
        measured=measured.read(model),
        trial=last if last is not None and last.model == manifest.sha256 else None,
    )
