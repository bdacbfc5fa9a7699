"""Which clamd is used, and what our own is configured to do."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.checks import clamd_plan
from gateway.checks.clamd_plan import ClamdKind, ClamdPlan, Signatures, answers, plan_clamd, render_configuration
from gateway.settings import Clamav, Settings


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """A folder with a program called clamd."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "clamd").write_text("#!/bin/sh\n")
    (folder / "clamd").chmod(0o755)
    return str(folder)


def test_a_configured_address_is_taken_as_it_is(tmp_path: Path) -> None:
    plan = plan_clamd(Settings(clamav=Clamav(address="192.0.2.1:3310")), tmp_path)
    assert (plan.kind, plan.address) == (ClamdKind.EXTERNAL, "192.0.2.1:3310")


async def test_one_that_runs_already_is_used(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\0") == b"zPING\0":
            writer.write(b"PONG\0")
        writer.close()

    path = str(tmp_path / "clamd.ctl")
    async with await asyncio.start_unix_server(answer, path):
        plan = await asyncio.to_thread(plan_clamd, Settings(), tmp_path, addresses=["/nonexistent", path])
    assert (plan.kind, plan.address) == (ClamdKind.EXTERNAL, path)


async def test_something_else_on_the_socket_is_no_clamd(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.org ESMTP\r\n")
        writer.close()

    path = str(tmp_path / "other.sock")
    async with await asyncio.start_unix_server(answer, path):
        assert not await asyncio.to_thread(answers, path)


def test_without_any_it_is_absent_and_says_how_to_mend_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_clamd(Settings(), tmp_path, addresses=[], path="/nonexistent")
    assert plan.kind is ClamdKind.ABSENT
    assert "clamav-daemon" in plan.mend
    with pytest.raises(ValueError, match="not ours"):
        _ = plan.configuration


@pytest.mark.parametrize(("files", "signatures"), [([], Signatures.DEMO), (["main.cvd", "daily.cld"], Signatures.FULL)])
def test_our_own_uses_the_best_signatures_there_are(
    tmp_path: Path, programs: str, monkeypatch: pytest.MonkeyPatch, files: list[str], signatures: Signatures
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    for name in files:
        (system / name).touch()
    monkeypatch.setattr(clamd_plan, "SYSTEM_SIGNATURES", system)
    plan = plan_clamd(Settings(), tmp_path / "data", addresses=[], path=programs)
    assert (plan.kind, plan.signatures) == (ClamdKind.OWN, signatures)
    assert plan.argv == (f"{programs}/clamd", "--foreground", f"--config-file={tmp_path}/data/clamav/clamd.conf")
    assert (plan.signature_folder == system) is (signatures is Signatures.FULL)
    assert ("freshclam" in plan.mend) is (signatures is Signatures.DEMO)


def test_a_data_folder_too_deep_for_a_socket_is_said(tmp_path: Path, programs: str) -> None:
    plan = plan_clamd(Settings(), tmp_path / ("d" * 120), addresses=[], path=programs)
    assert plan.kind is ClamdKind.ABSENT
    assert "shorter data folder" in plan.mend


def test_root_hands_over_to_the_usual_account_only_where_that_can_reach_the_folder(
    tmp_path: Path, programs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(clamd_plan.pwd, "getpwnam", lambda name: name)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert plan_clamd(Settings(), closed, addresses=[], path=programs).account == "root"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert plan_clamd(Settings(), closed, addresses=[], path=programs).account == ""


def test_the_configuration_lets_no_limit_pass_for_clean() -> None:
    plan = ClamdPlan(
        ClamdKind.OWN,
        address="/srv/data/clamav/clamd.sock",
        folder=Path("/srv/data/clamav"),
        executable="/usr/sbin/clamd",
        account="clamav",
        signatures=Signatures.DEMO,
        scan_seconds=18.0,
    )
    lines = render_configuration(plan).splitlines()
    assert {
        "AlertExceedsMax yes",
        "AlertEncrypted yes",
        "Foreground yes",
        "LocalSocket /srv/data/clamav/clamd.sock",
        "DatabaseDirectory /srv/data/clamav/signatures",
        "TemporaryDirectory /srv/data/clamav/tmp",
        "StreamMaxLength 100M",
        "MaxScanTime 18000",
        "User clamav",
        "LogSyslog no",
    } <= set(lines)
