"""One Router on a bench: every input goes through `Rig`, which keeps the books that the properties need."""

from __future__ import annotations

from collections.abc import Sequence

from engine import messages as m
from engine.config.model import Config
from engine.protocol.router import Router

OWN4, OWN6 = "10.0.0.1", "fe80::1"
QUIET = (m.AdvertRejected, m.LogLine, m.PacketJudged, m.NearMiss)
"""What a datagram that failed a test may cause."""


def interface(name: str = "eth0", *, up: bool = True, exists: bool = True, own: bool = True) -> m.InterfaceChanged:
    """The interface of the bench."""
    addresses = (f"{OWN4}/24", f"{OWN6}/64") if own and exists else ()
    return m.InterfaceChanged(
        interface=name, ifindex=2, exists=exists, up=up and exists, mac="02:00:00:00:00:01", addresses=addresses
    )


class Rig:
    """A Router, its clock, and what has come out of it."""

    def __init__(
        self, config: Config, *, start: int = 10**12, judging: bool = True, configure: m.Configure | None = None
    ) -> None:
        self.config = config
        self.router = Router()
        self.router.judging = judging
        self.now = start
        self.log: list[tuple[int, m.Input | None]] = []
        self.outputs: list[m.Output] = []
        self.held: set[tuple[str, str]] = set()
        """(interface, address) that the kernel would have by our effects."""
        self.states: dict[str, m.State] = {one.name: m.State.INIT for one in config.instances}
        self.adverts = 0
        self.steps = 0
        self.over = False
        self.give(interface())
        self.give(configure or m.Configure(config=config))

    def give(self, one: m.Input) -> Sequence[m.Output]:
        """One input now."""
        self.log.append((self.now, one))
        return self._book(self.router.handle(one, self.now))

    def pass_time(self, duration: int) -> list[m.Output]:
        """Let time pass, serving every deadline at its instant."""
        end = self.now + duration
        came: list[m.Output] = []
        for _ in range(100_000):
            deadline = self.router.deadline
            if deadline is None or deadline > end or self.over:
                break
            self.now = max(self.now, deadline)
            self.log.append((self.now, None))
            came += self._book(self.router.tick(self.now))
        else:
            raise AssertionError("the deadlines never end")
        self.now = end
        if not self.over:
            self.log.append((end, None))
            came += self._book(self.router.tick(end))
        return came

    def status(self, name: str = "VI_1") -> m.InstanceStatus:
        """The status of one instance."""
        return next(one for one in self.router.statuses() if isinstance(one, m.InstanceStatus) and one.name == name)

    def all_status(self) -> dict[str, m.InstanceStatus]:
        """All instances."""
        return {one.name: one for one in self.router.statuses() if isinstance(one, m.InstanceStatus)}

    def become_master(self, name: str = "VI_1") -> None:
        """Silence until the instance is master."""
        self.pass_time(self.status(name).master_down_interval + 1)
        assert self.status(name).state is m.State.MASTER, self.status(name)

    def _book(self, outputs: Sequence[m.Output]) -> Sequence[m.Output]:
        self.steps += 1
        self.outputs += outputs
        for one in outputs:
            match one:
                case m.SendAdvert():
                    self.adverts += 1
                case m.AddAddresses():
                    for address in one.addresses:
                        self.held.add((address.interface, address.address))
                case m.RemoveAddresses():
                    for address in one.addresses:
                        self.held.discard((address.interface, address.address))
                case m.StateChanged():
                    before = self.states.get(one.instance, m.State.INIT)
                    assert one.old is before, f"{one.instance} said {one.old}, was {before}"
                    assert one.new is not one.old, f"{one.instance} changed from {one.old} to itself"
                    self.states[one.instance] = one.new
                case m.Exit():
                    self.over = True
                case _:
                    pass
        return outputs


def of(kind: type[m.Message], outputs: Sequence[m.Output]) -> list[m.Message]:
    """The outputs of one type."""
    return [one for one in outputs if isinstance(one, kind)]
