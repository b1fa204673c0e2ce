"""keepalived on this host, for a console that finds no engine: what runs here already, and whose file is here.

Invariant: it only looks. What runs in another network namespace is not this host's; what cannot be seen is taken for
this host's, since two engines on one host are worse than a needless word.
"""

from __future__ import annotations

import os
from functools import lru_cache

import msgspec

from hatui.checkup import Host
from hatui.store import LinkState

CONFIG = "/etc/keepalived/keepalived.conf"
"""What keepalived reads, and the engine too. Source: keepalived(8) --use-file."""


class Resident(msgspec.Struct, frozen=True):
    """What is here."""

    pid: int = 0
    """Of keepalived; 0 where none runs."""
    config: bool = False
    """Its file is there."""


def look(host: Host) -> Resident:
    """What is on a host."""
    ours = host.network_of(os.getpid())
    running = [pid for pid in host.processes("keepalived") if host.network_of(pid) in ("", ours)]
    return Resident(running[0] if running else 0, (host.root / CONFIG[1:]).is_file())


@lru_cache(maxsize=1)
def at(link: LinkState) -> Resident:  # noqa: ARG001  one look a try to connect
    """What is on this host, as of the last try to connect."""
    return look(Host())


def words(found: Resident) -> tuple[str, list[str]]:
    """What a console without an engine says of it: the end of its first sentence, and the steps."""
    check = f"  hatui check {CONFIG}"
    if found.pid:
        return f"but keepalived runs here (pid {found.pid})", [
            "The engine reads the file that keepalived reads: there is nothing to convert.",
            f"{check:<52}what hatui thinks of it",
            f"{'  sudo hatui-engine --observe':<52}its states here, nothing is sent",
            "To take its place, never beside it [D-TWO-ENGINES]:",
            "  sudo systemctl disable --now keepalived",
            "  sudo systemctl enable --now hatui-engine",
        ]
    if found.config:
        return "but keepalived's file is here", [
            "The engine reads it as it is: there is nothing to convert.",
            f"{check:<52}what hatui thinks of it",
        ]
    return "", []
