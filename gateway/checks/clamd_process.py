"""Our own clamd: write its configuration, start it, wait until it answers, stop it. Which one and with what is the
plan's word; what it says about messages is clamav.py's."""

from __future__ import annotations

import asyncio
import pwd
import shutil
from asyncio.subprocess import DEVNULL, Process
from typing import Final

from gateway.checks.clamd_plan import DEMO_SIGNATURES, ClamdPlan, Signatures, answers, render_configuration

READY_WITHIN: Final = 180.0
"""Seconds to load the signatures: the full database takes half a minute on a slow machine."""
_STOP_WITHIN: Final = 5.0
_LOOK_EVERY: Final = 0.1


class ClamdFailed(RuntimeError):
    """clamd could not be started. The text says why and where it says more."""


class ClamdProcess:
    """One clamd of ours, from start to stop."""

    def __init__(self, plan: ClamdPlan) -> None:
        self._plan = plan
        self._process: Process | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line, for whoever starts processes in another way. `prepare` must have been called."""
        return self._plan.argv

    def prepare(self) -> None:
        """Write the folder: configuration, room for temporary files, the demonstration signatures if those are used."""
        plan = self._plan
        folder = plan.configuration.parent
        for each in (folder, folder / "tmp"):
            each.mkdir(mode=0o750, parents=True, exist_ok=True)
        if plan.signatures is Signatures.DEMO:
            # A copy: the account that clamd runs under need not be able to read this installation.
            shutil.copytree(DEMO_SIGNATURES, plan.signature_folder, dirs_exist_ok=True)
        plan.configuration.write_text(render_configuration(plan), encoding="utf-8")
        if plan.account not in ("", "root"):
            account = pwd.getpwnam(plan.account)
            for each in (folder, *folder.rglob("*")):
                shutil.chown(each, account.pw_uid, account.pw_gid)

    async def start(self, *, within: float = READY_WITHIN) -> None:
        """Start it and return when it answers. Raises `ClamdFailed`; then nothing is left running."""
        self.prepare()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
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
