"""Tracked processes: how many run, told when it matters.

Invariant: the count told last stands in the same relation to the quorum as the true one, except within
fork_delay after it was gained and terminate_delay after it was lost. /proc is read once a look, whatever
the number of tracked processes.

Source: keepalived.conf(5) vrrp_track_process.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.config.model import Config, TrackedProcess
from engine.messages import ProcessCounted

Tell = Callable[[ProcessCounted], None]

LOOK_EVERY_S = 0.5
COMM_LIMIT = 15
"""The kernel keeps so many characters of a process' name. Source: proc(5) comm."""


@dataclass(frozen=True)
class Seen:
    """One process: its short name and its command line."""

    name: str
    argv: tuple[str, ...]


def tracked_processes(config: Config) -> dict[str, TrackedProcess]:
    """The processes that an instance tracks, by name."""
    wanted = {track.name for one in config.instances for track in one.tracking.processes}
    return {one.name: one for one in config.processes if one.name in wanted}


def matches(wanted: TrackedProcess, seen: Seen) -> bool:
    """True when `seen` is such a process. Without parameters and param_match only the name counts.

    Source: keepalived.conf(5) param_match, full_command.
    """
    command, parameters = wanted.argv[0], wanted.argv[1:]
    if wanted.full_command or "/" in command:
        if not seen.argv or seen.argv[0] != command:
            return False
    elif seen.name != command[:COMM_LIMIT]:
        return False
    if not parameters and not wanted.param_match:
        return True
    theirs = seen.argv[1:]
    if not parameters:
        return not theirs
    if wanted.param_match == "partial":
        return theirs[: len(parameters)] == parameters
    if wanted.param_match == "initial":
        last = len(parameters) - 1
        return len(theirs) > last and theirs[:last] == parameters[:last] and theirs[last].startswith(parameters[last])
    return theirs == parameters


def processes() -> list[Seen]:
    """All processes of this pid namespace that have not ended; kernel threads are left out."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                line = file.read(65536)
            if not line:  # a kernel thread, or a process that has ended and is not reaped
                continue
            with open(f"/proc/{entry}/comm", "rb") as file:
                name = file.read(64).rstrip(b"\n")
        except OSError:
            continue
        argv = tuple(part.decode(errors="replace") for part in line.rstrip(b"\0").split(b"\0"))
        found.append(Seen(name.decode(errors="replace"), argv))
    return found


class Counter:
    """What is told of one tracked process: the quorum's delays applied. Pure: `now` is an argument (ns)."""

    def __init__(self, wanted: TrackedProcess) -> None:
        self.wanted = wanted
        self.told: int | None = None
        self._since: int | None = None

    def good(self, count: int) -> bool:
        """True when the quorum is met."""
        most = self.wanted.quorum_max
        return count >= self.wanted.quorum and (most is None or count <= most) if most != 0 else count == 0

    def look(self, count: int, now: int) -> int | None:
        """The count to tell now, or None."""
        if self.told is None or self.good(count) == self.good(self.told):
            self._since = None
        else:
            if self._since is None:
                self._since = now
            delay = self.wanted.fork_delay if count > self.told else self.wanted.terminate_delay
            if now - self._since < delay:
                return None
            self._since = None
        if count == self.told:
            return None
        self.told = count
        return count


class Processes:
    """Counts what `want` names. Lives inside a running asyncio loop."""

    def __init__(self, tell: Tell, look: Callable[[], Iterable[Seen]] = processes) -> None:
        self._tell = tell
        self._processes = look
        self._counters: dict[str, Counter] = {}
        self._timer: asyncio.TimerHandle | None = None

    def want(self, config: Config) -> None:
        """First configuration or reload: what is counted already goes on."""
        old = self._counters
        self._counters = {}
        for name, wanted in tracked_processes(config).items():
            known = old.get(name)
            if known is not None and (known.wanted.argv, known.wanted.param_match, known.wanted.full_command) == (
                wanted.argv,
                wanted.param_match,
                wanted.full_command,
            ):
                known.wanted = wanted
                self._counters[name] = known
            else:
                self._counters[name] = Counter(wanted)
        self.stop_timer()
        self._look()

    def stop(self) -> None:
        """Count no more."""
        self._counters = {}
        self.stop_timer()

    def stop_timer(self) -> None:
        """No next look."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if not self._counters:
            self._timer = None
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOK_EVERY_S, self._look)
        seen = list(self._processes())
        now = round(loop.time() * 1e9)
        for name, counter in self._counters.items():
            count = counter.look(sum(matches(counter.wanted, one) for one in seen), now)
            if count is not None:
                self._tell(ProcessCounted(name, count))
