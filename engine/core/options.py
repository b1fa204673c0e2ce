"""What the command line of hatui-engine says, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_CONFIG = "/etc/keepalived/keepalived.conf"
DEFAULT_SOCKET = "/run/hatui/engine.sock"
DEFAULT_STATE = "/var/lib/hatui"
DEFAULT_PID = "/run/hatui/engine.pid"


@dataclass(frozen=True)
class Options:
    """How this engine runs."""

    config_file: str = DEFAULT_CONFIG
    config_id: str = ""
    socket_path: Path = Path(DEFAULT_SOCKET)
    state_dir: Path | None = Path(DEFAULT_STATE)
    """None keeps the history in memory."""
    pid_file: Path = Path(DEFAULT_PID)
    foreground: bool = False
    log_console: bool = False
    log_detail: bool = False
    run_vrrp: bool = True
    run_check: bool = True
    release_addresses: bool = True
    """False with -V: the addresses stay when the engine ends."""
    observe: bool = False
    """Look on beside another engine: send nothing, change nothing."""
