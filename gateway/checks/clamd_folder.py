"""The folder of our own clamd, written at each start: configuration, room for temporary files, and the demonstration
signatures where those are used. Which clamd and with what is the plan's word; the supervisor starts it.
"""

from __future__ import annotations

import pwd
import shutil

from gateway.checks.clamd_plan import DEMO_SIGNATURES, ClamdPlan, Signatures, render_configuration


def prepare(plan: ClamdPlan) -> None:
    """Write the folder of a plan whose clamd is ours. Raises ValueError for another's, OSError when that fails."""
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
