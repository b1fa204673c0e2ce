"""Talk to an engine of the lab as any program could: JSON lines on its socket, nothing of our own client."""

from __future__ import annotations

import itertools
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatui.lab import Engine, Host, Lab, start_engine, wait_for

SERVICE = "10.211.55.50"
FAST = """\
global_defs {{
    router_id lab
}}
vrrp_instance VI_1 {{
    version 3
    state BACKUP
    interface eth0
    virtual_router_id 50
    priority {priority}
    advert_int 0.1
{more}
    virtual_ipaddress {{
        10.211.55.50
    }}
}}
"""


def config(priority: int = 100, more: str = "") -> str:
    """An instance that is master within 0.4 s."""
    return FAST.format(priority=priority, more=more)


class Talk:
    """One connection."""

    def __init__(self, engine: Engine, timeout_s: float = 10) -> None:
        self._socket: socket.socket = wait_for(lambda: _connected(engine), timeout_s, "the control socket")
        self._socket.settimeout(timeout_s)
        self._file = self._socket.makefile("rb")
        self._numbers = itertools.count(1)
        self.hello = self.line()
        self.snapshot: dict[str, Any] = self.until(lambda one: one["type"] == "snapshot")

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def line(self) -> dict[str, Any]:
        octets = self._file.readline()
        if not octets:
            raise ConnectionError("the engine closed the connection")
        found: dict[str, Any] = json.loads(octets)
        return found

    def until(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            found = self.line()
            if what(found):
                return found

    def ask(self, kind: str, reason: str = "", **words: Any) -> dict[str, Any]:
        number = next(self._numbers)
        request = {"type": "request", "id": number, "reason": reason, "command": {"type": kind, **words}}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        return self.until(lambda one: one["type"] == "reply" and one["id"] == number)

    def statuses(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.snapshot["statuses"] if one["type"] == kind]


def _connected(engine: Engine) -> socket.socket | None:
    """A connection; None while the socket of an engine that died lies there, or is just being replaced."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(str(engine.socket_outside))
    except (ConnectionRefusedError, FileNotFoundError):
        sock.close()
        return None
    return sock


def status(engine: Engine, kind: str = "instance-status") -> dict[str, Any]:
    """The first status of a kind, fresh."""
    with Talk(engine) as talk:
        return talk.statuses(kind)[0]


def events(engine: Engine, kind: str = "") -> list[dict[str, Any]]:
    """The history, oldest first."""
    with Talk(engine) as talk:
        found = [line["event"] for line in talk.ask("get-events", limit=1000)["events"]]
    return [event for event in found if not kind or event["type"] == kind]


def has_address(host: Host, address: str = SERVICE) -> bool:
    return f" {address}/" in host.run(["ip", "-4", "-o", "address", "show"]).stdout


def host_of(lab: Lab, name: str = "a", last: int = 22) -> Host:
    return lab.add_host(name, f"10.211.55.{last}/24")


def master(host: Host, text: str, *arguments: str) -> Engine:
    """An engine that is master."""
    engine = start_engine(host, text, *arguments)
    wait_for(lambda: has_address(host), 5, "the address")
    return engine


def pid_of(engine: Engine, comm: str, host: Host | None = None, other_than: int = 0) -> int:
    """The process of that name on the engine's host, seen from outside."""

    def find() -> int:
        namespace = _namespace((host or engine.host).pid)
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != other_than:
                try:
                    if (entry / "comm").read_text().strip() == comm and _namespace(int(entry.name)) == namespace:
                        return int(entry.name)
                except OSError:
                    continue
        return 0

    found: int = wait_for(find, 5, f"a process {comm}")
    return found


def _namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/net")


def gone(pid: int, timeout_s: float = 5) -> None:
    """Wait until a process has ended."""
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), timeout_s, f"the end of {pid}")
