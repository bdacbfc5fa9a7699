"""The folder that our own clamd finds when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.checks.clamd_folder import prepare
from gateway.checks.clamd_plan import ClamdKind, ClamdPlan, Signatures


def own(folder: Path, signatures: Signatures) -> ClamdPlan:
    return ClamdPlan(
        ClamdKind.OWN, address=str(folder / "clamd.sock"), folder=folder, signatures=signatures, scan_seconds=5.0
    )


def test_it_holds_the_configuration_and_the_demonstration_signatures(tmp_path: Path) -> None:
    plan = own(tmp_path / "clamav", Signatures.DEMO)
    prepare(plan)
    prepare(plan)  # a second start finds the first one's folder
    assert "AlertExceedsMax yes" in plan.configuration.read_text()
    assert (plan.signature_folder / "demo.ndb").is_file()
    assert (tmp_path / "clamav" / "tmp").is_dir()


def test_the_systems_signatures_are_not_copied(tmp_path: Path) -> None:
    plan = own(tmp_path, Signatures.FULL)
    prepare(plan)
    assert not (tmp_path / "signatures").exists()
    assert f"DatabaseDirectory {plan.signature_folder}" in plan.configuration.read_text()


def test_another_ones_clamd_has_no_folder_of_ours() -> None:
    with pytest.raises(ValueError, match="not ours to configure"):
        prepare(ClamdPlan(ClamdKind.EXTERNAL, "/run/clamav/clamd.ctl"))
