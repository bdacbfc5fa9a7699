"""A real clamd for tests: started on the plan's folder, waited for until it answers, and stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Final

import pytest

from gateway.checks.malware.clamd_folder import prepare
from gateway.checks.malware.clamd_plan import ClamdKind, ClamdPlan, Signatures, answers

READY_WITHIN: Final = 180.0
"""Seconds to load the signatures: the full database takes half a minute on a slow machine."""
_STOP_WITHIN: Final = 5.0
_LOOK_EVERY: Final = 0.1


class ClamdFailed(RuntimeError):
    """clamd could not be started. The text says why and where it says more."""


class ClamdProcess:
    """One clamd of ours, from start to stop. `changed` are directives of clamd.conf(5) that are other than ours."""

    def __init__(self, plan: ClamdPlan, **changed: str) -> None:
        self._plan = plan
        self._changed = changed
        self._process: Process | None = None

    async def start(self, *, within: float = READY_WITHIN) -> None:
        """Start it and return when it answers. Raises `ClamdFailed`; then nothing is left running."""
        prepare(self._plan)
        ours = self._plan.configuration.read_text().splitlines()
        kept = [line for line in ours if line.partition(" ")[0] not in self._changed]
        changed = [f"{name} {value}" for name, value in self._changed.items()]
        self._plan.configuration.write_text("\n".join([*kept, *changed]) + "\n")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._plan.argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise ClamdFailed(f"{self._plan.executable}: {error}") from None
        try:
            async with asyncio.timeout(within):
                while not await asyncio.to_thread(answers, self._plan.address):
                    if self._process.returncode is not None:
                        raise ClamdFailed(f"clamd ended at once; see {self._log}")
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            await self.stop()
            raise ClamdFailed(f"clamd did not answer within {within:g} s; see {self._log}") from None
        except BaseException:
            await self.stop()
            raise

    @property
    def pid(self) -> int:
        """Its process id, while it runs."""
        assert self._process is not None
        return self._process.pid

    async def wait(self) -> int:
        """Until it ends, for whoever watches it: its exit status."""
        return 0 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """End it: politely, then not. Idempotent."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def _log(self) -> str:
        return str(self._plan.configuration.with_name("clamd.log"))


def real_plan(data: Path) -> ClamdPlan:
    """A clamd of our own in that folder, on the demonstration signatures."""
    executable = shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")
    if executable is None:
        pytest.skip("no clamd here")
    return ClamdPlan(
        ClamdKind.OWN,
        address=str(data / "clamd.sock"),
        folder=data,
        executable=executable,
        account="root" if os.geteuid() == 0 else "",
        signatures=Signatures.DEMO,
        scan_seconds=10.0,
    )
