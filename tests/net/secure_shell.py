"""ssh between the hosts of a lab, with keys and settings of its own: nobody's known hosts or agent is touched."""

from __future__ import annotations

import sys
from pathlib import Path

from hatui.lab import Host, wait_for
from hatui.lab.host import which
from hatui.remote import DEFAULT_SSH

SSHD = """\
Port 22
HostKey {0}/host
AuthorizedKeysFile {0}/key.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv PATH={1}:/usr/sbin:/usr/bin:/sbin:/bin
"""


def new_key(host: Host, name: str) -> Path:
    """The private key; the public one lies beside it."""
    host.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host.root / name)])
    return host.root / name


def client(key: Path) -> str:
    """The ssh program with its options, as HATUI_SSH names it: as usual, with this key only."""
    return f"{DEFAULT_SSH} -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i {key}"


def start_ssh(host: Host, key: Path) -> None:
    """sshd on a host, for root with that key."""
    new_key(host, "host")
    (host.root / "key.pub").write_text(key.with_suffix(".pub").read_text())
    (host.root / "sshd.conf").write_text(SSHD.format(host.root, Path(sys.executable).parent))
    host.run(["mkdir", "-p", "/run/sshd"])
    daemon = host.start([which("sshd"), "-D", "-e", "-f", str(host.root / "sshd.conf")], log="sshd.log")
    wait_for(lambda: "Server listening" in daemon.output, 10, "sshd")
