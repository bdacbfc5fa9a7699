"""The configuration of the shipped store: Dovecot 2.3, rootless, on our ports. Pure text; it starts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.mailbox import marks
from gateway.mailbox.filing import NAME, script_of

ROOM: Final = "OK"
NO_ROOM: Final = "FULL"
"""What the store says of a mailbox on the socket `quota`; `quota.py` reads it."""


@dataclass(frozen=True, slots=True)
class StoreLayout:
    """Where things lie and who runs them. `account` and `group` are names of the unprivileged account that is
    Dovecot."""

    folder: Path
    sockets: Path
    users: Path
    certificate: Path
    key: Path
    account: str
    group: str
    uid: int
    gid: int

    @property
    def configuration(self) -> Path:
        """The generated dovecot.conf."""
        return self.folder / "dovecot.conf"

    @property
    def lmtp(self) -> Path:
        """The socket on which the courier hands mail over (RFC 2033)."""
        return self.sockets / "lmtp"

    @property
    def quota(self) -> Path:
        """The socket on which the store says whether a mailbox has room."""
        return self.sockets / "quota-status"


@dataclass(frozen=True, slots=True)
class StorePorts:
    """TCP ports of the readers' doors."""

    host: str
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    sieve: int


def render(layout: StoreLayout, ports: StorePorts, *, hostname: str, quota: int) -> str:
    """dovecot.conf. Every path in it is absolute; every process runs as the one unprivileged account. `hostname` is the
    name in Received fields; `quota` is the octets that one mailbox may hold, 0 for any number."""
    return f"""\
# Written by `postern run` at every start: change the settings of Postern instead.
base_dir = {layout.sockets}
state_dir = {layout.sockets}
instance_name = postern
hostname = {hostname}
log_path = {layout.folder}/dovecot.log
listen = {ports.host}
protocols = imap pop3 lmtp sieve

default_internal_user = {layout.account}
default_internal_group = {layout.group}
default_login_user = {layout.account}
first_valid_uid = 1
mail_fsync = always

# One folder a mailbox. %d and %n are safe here: the user base allows plain names only.
mail_home = {layout.folder}/mail/%Ld/%Ln
mail_location = maildir:~/Maildir
mail_attribute_dict = file:%h/attributes
recipient_delimiter = +
mail_plugins = quota
# Mail for a full mailbox waits in the queue: nobody gets a bounce for mail that we have taken.
quota_full_tempfail = yes

ssl = required
ssl_cert = <{layout.certificate}
ssl_key = <{layout.key}
ssl_min_protocol = TLSv1.2
# On loopback a reader may sign in without TLS; Dovecot itself makes that exception.
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_username_format = %Lu
auth_failure_delay = 2 secs

passdb {{
  driver = passwd-file
  args = scheme=ARGON2ID username_format=%Lu {layout.users}
}}
userdb {{
  driver = passwd-file
  args = username_format=%Lu {layout.users}
  override_fields = uid={layout.uid} gid={layout.gid} home={layout.folder}/mail/%Ld/%Ln
}}

namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = no
  }}
}}

# A folder that a script makes is shown by mail clients.
lda_mailbox_autosubscribe = yes

# A rootless Dovecot cannot change its root folder.
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {ports.pop3}
  }}
  inet_listener pop3s {{
    port = {ports.pop3s}
    ssl = yes
  }}
}}
service managesieve-login {{
  chroot =
  inet_listener sieve {{
    port = {ports.sieve}
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0600
  }}
}}
service quota-status {{
  executable = quota-status -p postfix
  client_limit = 10
  unix_listener quota-status {{
    mode = 0600
  }}
}}
service stats {{
  chroot =
}}

protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
protocol imap {{
  mail_max_userip_connections = 50
  mail_plugins = $mail_plugins imap_quota imap_sieve
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage={quota}B
  quota_status_success = {ROOM}
  quota_status_nouser = {ROOM}
  quota_status_overquota = {NO_ROOM}
  quota_status_toolarge = {NO_ROOM}
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_before = file:{marks.script_of(layout.folder)}
  sieve_default = file:{script_of(layout.folder)}
  sieve_default_name = {NAME}
  sieve_max_script_size = 1M
  sieve_max_actions = 32
  # Moves into Junk and out of it are lessons (moves.py). Only these scripts may pipe, nobody's own.
  sieve_plugins = sieve_imapsieve sieve_extprograms
  sieve_global_extensions = +vnd.dovecot.pipe +vnd.dovecot.environment
  sieve_pipe_bin_dir = {layout.folder}/lessons/bin
  imapsieve_mailbox1_name = Junk
  imapsieve_mailbox1_causes = COPY
  imapsieve_mailbox1_before = file:{layout.folder}/lessons/junk.sieve
  imapsieve_mailbox2_name = *
  imapsieve_mailbox2_from = Junk
  imapsieve_mailbox2_causes = COPY
  imapsieve_mailbox2_before = file:{layout.folder}/lessons/not-junk.sieve
}}
"""
