"""The policy in force in one process: loaded once, loaded again on SIGHUP, and kept when the new one is bad."""

from __future__ import annotations

from pathlib import Path

from gateway.app.installation import Folders
from gateway.app.recipients import domains
from gateway.policy.language.parse import load
from gateway.policy.policy import Policy
from gateway.policy.problem import PolicyError
from gateway.settings import Settings
from gateway.telemetry import log

__all__ = ["LivePolicy", "PolicyError", "load_policy"]


def load_policy(settings: Settings, folders: Folders) -> Policy:
    """The policy of the settings, with the domains that were added. Raises `PolicyError` with every problem found."""
    return load(Path(settings.policy), extra_recipients=domains.read(folders.domains))


class LivePolicy:
    """Gives the policy in force; `reload` swaps it as a whole or not at all."""

    def __init__(self, settings: Settings, folders: Folders) -> None:
        self._settings = settings
        self._folders = folders
        self._policy = load_policy(settings, folders)

    def __call__(self) -> Policy:
        return self._policy

    def reload(self) -> None:
        """Read the files again. A bad policy changes nothing and is logged with its problems."""
        try:
            policy = load_policy(self._settings, self._folders)
        except (PolicyError, domains.DomainError) as error:
            log().error("policy_refused", kept=self._policy.version, problems=str(error))
            return
        log().info("policy_loaded", version=policy.version, before=self._policy.version)
        self._policy = policy
