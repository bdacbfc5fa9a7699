"""`postern run`: which programs this machine runs, and what the person at the terminal is told."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from gateway.app.accounts import AccountError, Accounts
from gateway.app.announcement import Listener, Missing, Opening, announce
from gateway.app.installation import (
    DEFAULT_MAILBOXES,
    Folders,
    forget_passwords,
    initial_passwords,
    keep_passwords,
    lock,
    prepare,
)
from gateway.app.keys.return_keys import check_return_keys, make_return_keys
from gateway.app.policies import load_policy
from gateway.app.senses import address_file, read_suffixes, signatures_file
from gateway.app.status import ENGINE_MEND, SIGNATURES_MEND
from gateway.checks.malware import clamd_folder
from gateway.checks.malware.clamd_plan import ClamdKind, ClamdPlan, Signatures, answers, plan_clamd
from gateway.clock import SystemClock
from gateway.inbound.protocol.tls import RenewableCertificate
from gateway.mailbox import store
from gateway.mailbox.store import StoreError, StorePlan
from gateway.queue.custody import Custody
from gateway.settings import Settings
from gateway.supervisor import sockets
from gateway.supervisor.bond import bound
from gateway.supervisor.program import Phase, Program
from gateway.supervisor.supervise import Supervisor
from gateway.telemetry import configure_logging, log


class Role(StrEnum):
    """What a machine can be."""

    EDGE = "edge"
    COURIER = "courier"
    MAILBOX = "mailbox"
    CONSOLE = "console"


ALL: Final = frozenset(Role)
ADMINISTRATOR: Final = "admin"
LAST_LIFE: Final = 10.0
"""Seconds that we wait for the ports that our own former life may still hold."""


class Installation:
    """One start on one machine: finds out what there is, starts it, and reports it."""

    def __init__(self, settings: Settings, config: Path | None, roles: frozenset[Role]) -> None:
        self._settings = settings
        self._config = config
        self._roles = roles
        self._missing: list[Missing] = []
        self._listeners: list[Listener] = []

    def run(self, environment: Mapping[str, str]) -> None:
        """Everything until SIGTERM or Ctrl-C. Before anything runs it may raise AlreadyRunning, PortTaken, OSError, or
        what is wrong with policy, domains or accounts: PolicyError, DomainError, AccountError,
        SettingsError."""
        configure_logging("supervisor")
        # Until the supervisor can pass it on, there is nothing to reload.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        folders = prepare(self._settings, SystemClock())
        held = lock(folders)
        try:
            load_policy(self._settings, folders)  # roles would only die of a bad one, again and again
            make_return_keys(folders)
            check_return_keys(self._settings, folders)
            read_suffixes(self._settings.dmarc.public_suffix_list)
            passwords = self._first_start(folders, environment.get("POSTERN_INITIAL_PASSWORD"))
            asyncio.run(_create_ledger(folders))
            metrics = folders.data / "metrics"
            shutil.rmtree(metrics, ignore_errors=True)
            metrics.mkdir(mode=0o700)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
            if held.after_a_crash:
                self._outwait_the_last_life()
            programs = self._programs(folders)
            supervisor = Supervisor(programs, on_ready=lambda: self._announce(passwords, folders))
            asyncio.run(supervisor.run())
        finally:
            held.release()

    # ------------------------------------------------------------------ the first start

    def _first_start(self, folders: Folders, given: str | None) -> dict[str, str]:
        """Make mailboxes and the first administrator where there are none; returns what was made, to be shown once."""
        if folders.passwords.exists():
            return {}
        accounts = Accounts(self._settings)
        there = {name for name, _ in accounts.listed()}
        wanted = (ADMINISTRATOR, *(f"{name}@{self._settings.domain}" for name in DEFAULT_MAILBOXES))
        passwords = initial_passwords(folders, [name for name in wanted if name not in there], given)
        try:
            for name in passwords:
                if name in there:
                    continue  # made before the first start was interrupted
                if name == ADMINISTRATOR:
                    accounts.add_person(name, passwords[name], role="administrator")
                else:
                    accounts.add_mailbox(name, passwords[name])
        except AccountError:
            forget_passwords(folders)
            raise
        keep_passwords(folders)
        return passwords

    def _outwait_the_last_life(self) -> None:
        """What a killed supervisor has left notices that and lets go of the ports within a moment."""
        listen = self._settings.listen
        ports = [getattr(listen, name) for name in type(listen).model_fields if name.endswith("_port")]
        ends = time.monotonic() + LAST_LIFE
        while time.monotonic() < ends and not all(sockets.is_free(listen.host, port) for port in ports if port):
            time.sleep(0.1)

    # ------------------------------------------------------------------ programs

    def _programs(self, folders: Folders) -> list[Program]:
        programs: list[Program] = []
        if Role.MAILBOX in self._roles:
            programs += self._store(folders)
        if Role.EDGE in self._roles:
            programs += self._engine(folders)
            programs += [self._edge(index) for index in range(self._settings.edge_count)]
        if Role.COURIER in self._roles:
            programs += [self._role("courier", index, Phase.CARRIERS) for index in range(self._settings.couriers)]
        if Role.CONSOLE in self._roles:
            programs.append(self._office())
        return programs

    def _role(
        self, role: str, index: int, phase: Phase, listeners: dict[str, sockets.Listening] | None = None
    ) -> Program:
        argv = [sys.executable, "-m", "gateway.app.roles.role", role, "--index", str(index)]
        argv += ["--config", str(self._config)] if self._config else []
        argv += ["--data", str(self._settings.data)]
        return Program(
            name=f"{role}-{index}",
            argv=tuple(argv),
            phase=phase,
            listeners=listeners or {},
            reloads=True,
        )

    def _edge(self, index: int) -> Program:
        listen = self._settings.listen
        doors = {"mx": listen.mx_port, "submission": listen.submission_port, "submissions": listen.submissions_port}
        return self._role("edge", index, Phase.DOORS, {name: self._listen(name, port) for name, port in doors.items()})

    def _office(self) -> Program:
        listeners = {"console": self._listen("console", self._settings.listen.console_port)}
        return self._role("console", 0, Phase.DOORS, listeners)

    def _listen(self, name: str, port: int) -> sockets.Listening:
        host = self._settings.listen.host
        known = any(each.door == name for each in self._listeners)
        if not known and port and not sockets.is_free(host, port):
            raise sockets.PortTaken(f"{host}:{port} ({name}) is taken; set POSTERN_{name.upper()}_PORT to a free port")
        listener = sockets.listen(host, port, name=name)
        if not known:
            self._listeners.append(Listener(name, host, listener.getsockname()[1]))
        return listener

    def _store(self, folders: Folders) -> list[Program]:
        listen = self._settings.listen
        try:
            plan = store.prepare(
                folders.data,
                listen,
                hostname=self._settings.hostname,
                certificate=folders.certificate,
                key=folders.key,
                quota=self._settings.store.quota,
            )
        except StoreError as error:
            self._missing.append(Missing("mail store (Dovecot)", "accepted mail waits in the queue", str(error)))
            return []
        for name in ("imap", "imaps", "pop3", "pop3s", "sieve"):
            port = getattr(listen, f"{name}_port")
            if not sockets.is_free(listen.host, port):
                raise sockets.PortTaken(f"{listen.host}:{port} ({name}) is taken; set POSTERN_{name.upper()}_PORT")
            self._listeners.append(Listener(name, listen.host, port))
        return [_store_program(plan, folders)]

    def _engine(self, folders: Folders) -> list[Program]:
        plan = plan_clamd(self._settings, folders.data)
        address_file(folders).write_text(plan.address, encoding="utf-8")
        signatures_file(folders).write_text(str(plan.watched_signatures or ""), encoding="utf-8")
        if plan.kind is ClamdKind.ABSENT:
            self._missing.append(Missing("ClamAV", "mail is delivered unscanned and marked", plan.mend or ENGINE_MEND))
        elif plan.kind is ClamdKind.OWN and plan.signatures is not Signatures.FULL:
            self._missing.append(
                Missing("signatures", "DEMO SIGNATURES ONLY: real malware is not found", plan.mend or SIGNATURES_MEND)
            )
        if plan.kind is not ClamdKind.OWN:
            return []
        clamd_folder.prepare(plan)
        return [_engine_program(plan)]

    def _announce(self, passwords: dict[str, str], folders: Folders) -> None:
        opening = Opening(
            domain=self._settings.domain,
            listeners=tuple(self._listeners),
            passwords=passwords,
            passwords_file=folders.passwords,
            missing=tuple(self._missing),
        )
        announce(opening, data=folders.data)
        log().info("ready")


async def _create_ledger(folders: Folders) -> None:
    """Create or migrate the ledger before several roles open it at once."""
    custody = Custody.open(folders.queue, clock=SystemClock())
    await custody.close()


def _store_program(plan: StorePlan, folders: Folders) -> Program:
    certificate = RenewableCertificate(folders.certificate, folders.key)

    def has_new_certificate() -> bool:
        if not certificate.renew():
            return False
        store.take_certificate(plan.layout, folders.certificate, folders.key)
        return True

    return Program(
        name="dovecot",
        argv=plan.argv,
        phase=Phase.GROUND,
        lifeline=False,
        probe=lambda: store.is_ready(plan.layout),
        changed=has_new_certificate,
        output=plan.layout.folder / "output.log",
    )


def _engine_program(plan: ClamdPlan) -> Program:
    async def is_ready() -> bool:
        return await asyncio.to_thread(answers, plan.address)

    # Loading a full set of signatures takes half a minute: the doors open before, and say "unknown" meanwhile.
    quick = plan.signatures is not Signatures.FULL
    return Program(
        name="clamd",
        argv=bound(plan.argv, account=plan.account),
        phase=Phase.GROUND,
        lifeline=False,
        probe=is_ready,
        required=quick,
        output=plan.configuration.with_name("output.log"),
    )
