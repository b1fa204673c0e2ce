"""Masters that a new configuration no longer has: they hand over before they go.

Invariant: an instance leaves gently only when nothing of it (name, addresses, routes, virtual MAC) is in the new
configuration, so that two instances never wish for the same thing; all others go at once. Whoever leaves keeps its
addresses, silent, until a successor is heard or the time for one is over, as with a planned stop. The next
configuration ends its patience. When the process dies meanwhile, the next one takes the hand-over up again.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.model import Config, Instance
from engine.messages import Cause, State
from engine.protocol.host import Host
from engine.protocol.instance import VrrpInstance
from engine.protocol.stimuli import Stopped

Key = tuple[str, int, int]


def is_gentle(instance: VrrpInstance, config: Config) -> bool:
    """Whether a removed instance has addresses to hand over, and nobody in `config` has any part of it."""
    return instance.state is State.MASTER and is_apart(instance.config, config)


def is_apart(old: Instance, config: Config) -> bool:
    """Whether nobody in `config` has any part of an instance."""
    return not any(one.name == old.name or _things(one) & _things(old) for one in config.instances)


def _things(one: Instance) -> set[str]:
    """What an instance has in the kernel, as words that can be compared."""
    found = {address.address for address in one.addresses + one.excluded_addresses}
    found |= {item.text for item in one.routes + one.rules}
    if one.vmac is not None:
        found.add(f"virtual MAC {one.vrid}")
        found.add(f"device {one.vmac.name}" if one.vmac.name else f"virtual MAC {one.vrid}")
    return found


class Leaving:
    """The instances that are on their way out."""

    __slots__ = ("_instances",)

    def __init__(self) -> None:
        self._instances: dict[Key, VrrpInstance] = {}

    def __bool__(self) -> bool:
        return bool(self._instances)

    def __iter__(self) -> Iterator[VrrpInstance]:
        return iter(tuple(self._instances.values()))

    def get(self, key: Key) -> VrrpInstance | None:
        """The one of that interface, family and VRID."""
        return self._instances.get(key)

    def begin(self, key: Key, gone: VrrpInstance) -> None:
        """Hand over and wait."""
        gone.group = None
        self._instances[key] = gone
        gone.tell(Stopped(Cause.CONFIG))

    def take_up(self, key: Key, gone: VrrpInstance, sequence: int) -> None:
        """A process before this one died while `gone` handed over: say priority 0 again, since a successor that has
        taken over meanwhile answers it, and wait."""
        gone.transmit.continue_sequence(sequence, gone.host.now)
        gone.assess()
        gone.resume_leaving()
        self.begin(key, gone)

    def stop(self, stopped: Stopped) -> None:
        """The engine stops, too."""
        for one in self:
            one.tell(stopped)

    def finish(self, host: Host) -> None:
        """Go now, whoever has answered."""
        self.stop(Stopped(Cause.CONFIG, hand_over=False))
        self.forget_gone(host)

    def forget_gone(self, host: Host) -> bool:
        """Drop those that have left; True when there were any."""
        gone = [key for key, one in self._instances.items() if one.state is State.INIT]
        for key in gone:
            host.forget(self._instances.pop(key))
        return bool(gone)
