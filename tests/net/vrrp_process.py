"""A vrrp process on a host of the lab, with the test in the part of core."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from engine.config.model import Address, Authentication, Config, Instance
from engine.messages import (
    Configure,
    FromVrrp,
    Happened,
    InstanceStatus,
    PullStatus,
    StatusBatch,
    ToVrrp,
)
from engine.wire import Channel
from hatui.lab import Host, LabError

VIP = "10.211.55.50"
Said = TypeVar("Said")


def sample(host: Host, priority: int, **words: Any) -> Config:
    """The sample configuration: one address by VRRPv2 with a password."""
    source = host.address.partition("/")[0]
    known: dict[str, Any] = {
        "name": "VI_1",
        "interface": "eth0",
        "vrid": 50,
        "priority": priority,
        "source": source,
        "authentication": Authentication(kind="pass", key=b"1111\0\0\0\0"),
        "addresses": (Address(address=VIP, prefix=32, interface="eth0"),),
    }
    return Config(instances=(Instance(**(known | words)),))


class VrrpProcess:
    """Core's view of one vrrp process: what it said is kept in `said`, in order."""

    def __init__(self, host: Host) -> None:
        self.host = host
        ours, theirs = socket.socketpair()
        self.log = (host.root / "vrrp.log").open("ab")
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.net.entering", str(host.pid), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stderr=self.log,
        )
        theirs.close()
        self.channel: Channel[FromVrrp] = Channel(ours, FromVrrp)
        self.said: list[FromVrrp] = []

    def tell(self, message: ToVrrp) -> None:
        """Say something as core."""
        assert self.channel.send(message), "the vrrp process is gone"
        poll = select.poll()
        poll.register(self.channel, select.POLLOUT)
        while not self.channel.flush():
            assert poll.poll(5000), "the vrrp process does not read"

    def configure(self, config: Config) -> None:
        """Start or reload."""
        self.tell(Configure(config))

    def listen(self, timeout_s: float = 0) -> list[FromVrrp]:
        """What it says within the time, at once when there is something."""
        news = self.channel.wait(timeout_s)
        self.said += news
        return news

    def happened(self, kind: type[Said]) -> list[Said]:
        """All events of that kind so far."""
        return [
            event
            for said in self.said
            if isinstance(said, Happened)
            for event in said.events
            if isinstance(event, kind)
        ]

    def wait_for(self, what: Callable[[], Any], timeout_s: float = 8, text: str = "the vrrp process to say it") -> Any:
        """Listen until `what` is true. Raises: LabError with all that was said."""
        end = time.monotonic() + timeout_s
        while not (answer := what()):
            if time.monotonic() > end or (self.channel.closed and not self.listen()):
                self.log.flush()
                log = (self.host.root / "vrrp.log").read_text()
                raise LabError(f"waited in vain for {text}; said: {self.said}; log: {log}")
            self.listen(0.05)
        return answer

    def status(self, timeout_s: float = 5) -> InstanceStatus:
        """The status of the only instance, asked for now."""
        before = len(self.said)
        self.tell(PullStatus(changed_only=False))

        def answered() -> list[InstanceStatus]:
            return [
                one
                for batch in self.said[before:]
                if isinstance(batch, StatusBatch)
                for one in batch.statuses
                if isinstance(one, InstanceStatus)
            ]

        return list(self.wait_for(answered, timeout_s, "a status"))[-1]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still meanwhile, and then reads all that the kernel has said at once."""
        self.popen.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.popen.send_signal(signal.SIGCONT)

    def core_dies(self) -> None:
        """Close core's end."""
        self.channel.close()

    def wait(self, timeout_s: float = 8) -> int:
        """Its exit status."""
        return self.popen.wait(timeout_s)

    def close(self) -> None:
        """Kill what is left of it."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.send_signal(signal.SIGCONT)
        self.popen.wait(5)
        self.channel.close()
        self.log.close()
