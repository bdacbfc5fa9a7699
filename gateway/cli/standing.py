"""How the classifier stands, in words and tables for `postern model info`."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from gateway.spam.artefact import Manifest
from gateway.spam.site.standing import Standing
from gateway.spam.site.trial import Band, Trial


def taught_in(standing: Standing) -> dict[str, str]:
    """What people taught and overturned, in words, by what it is."""
    told, layer = standing.drift, standing.layer
    layer_words = "none: the artefact serves alone"
    if layer is not None:
        layer_words = f"{layer.name}, from {layer.ham} of ham and {layer.unwanted} of unwanted mail"
        if standing.layer_is_silent:
            layer_words += "; silent, for it was learnt over another artefact"
    return {
        "Layer": layer_words + ("; held" if standing.held else ""),
        **{
            name: ", ".join(f"{count} {label}" for label, count in counts.items()) or "none"
            for name, counts in (("Lessons", told.lessons), ("Lessons this week", told.this_week))
        },
        "Verdicts overturned this week": f"{told.taken_for_good} taken for good, {told.taken_for_bad} for unwanted",
        **({"Alarm": told.alarm} if told.alarm else {}),
    }


def trial_table(trial: Trial) -> Table:
    """Lessons by the score that the artefact alone gives them: how many are unwanted, and how many it promised."""
    table = Table("Score", "Lessons", "Unwanted", "95 %", "Promised", "Finding", title="Judged without the layer")
    for each in trial.bands():
        low, high = each.interval
        shares = (f"{each.share:.0%}", f"{low:.0%} to {high:.0%}", f"{each.promised:.0%}") if each.count else ("–",) * 3
        table.add_row(_range(each), str(each.count), *shares, each.finding.value)
    return table


def plain_of(folder: Path, manifest: Manifest, standing: Standing) -> dict[str, Any]:
    """The same for programs. A band without an end has null there."""
    trial = standing.trial
    return {
        "folder": str(folder),
        "name": manifest.name,
        "newest": manifest.newest,
        "sha256": manifest.sha256,
        "corpus": manifest.corpus,
        "versions": manifest.versions,
        "layer": None if standing.layer is None else asdict(standing.layer),
        "held": standing.held,
        "taught": taught_in(standing),
        "weeks": [asdict(each) for each in standing.drift.weeks],
        "trial": None if trial is None else [_plain_band(each) for each in trial.bands()],
    }


def _plain_band(band: Band) -> dict[str, Any]:
    return {
        "low": None if math.isinf(band.low) else band.low,
        "high": None if math.isinf(band.high) else band.high,
        "ham": band.ham,
        "unwanted": band.unwanted,
        "promised": round(band.promised, 4),
        "finding": band.finding.value,
    }


def _range(band: Band) -> str:
    if math.isinf(band.low):
        return f"below {band.high:g}"
    return f"{band.low:g} and more" if math.isinf(band.high) else f"{band.low:g} to {band.high:g}"
