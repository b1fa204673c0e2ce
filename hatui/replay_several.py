"""The past of several engines on one time: each one's recording, told as the live view tells them.

Invariant: the time is the wall clock, as each node knew it; every instant of a node is moved to it by what that node's
own clocks were apart then, so a restarted host changes nothing. What a node has not recorded is not filled in from
another: it is UNKNOWN for as long as its own recording is silent, from the beginning where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from engine.messages import EngineStatus, EventLine, Heartbeat, Hello, ServerLine, Snapshot, StatusLine
from hatui import nodes
from hatui.link import instant
from hatui.merging import Several
from hatui.nodes import SEPARATOR
from hatui.replay import ALIVE, JournalLink
from hatui.store import Connection, LinkState, NodeTold, Told
from hatui.text import clock


class _OfEngine(NodeTold, frozen=True):
    """What the engine of one node says of itself: shown while that node is the chosen one."""


class SeveralJournals(Several, JournalLink):
    """The recordings of several nodes, scrubbed together."""

    def __init__(
        self,
        recordings: Mapping[str, Sequence[ServerLine]],
        *,
        missing: Mapping[str, str] | None = None,
        here: str = "",
        at_wall: int = 0,
        speed: float = 0.0,
    ) -> None:
        """`missing`: why there is none of a node; `here`: the chosen node."""
        Several.__init__(self, recordings)
        JournalLink.__init__(self, (), speed=speed)
        self.here = here or self.here
        self.missing = dict(missing or {})
        told = [(at, node, line) for node, lines in recordings.items() for at, line in _on_wall(lines)]
        told.sort(key=lambda one: one[0])
        first = told[0][0] if told else 0
        parts: list[tuple[int, Told]] = [(first, LinkState(Connection.CONNECTING, first))]
        for node in self.names:
            why = "" if recordings[node] else self.missing.get(node, "nothing of that time in its journal")
            state = LinkState(Connection.ABSENT if why else Connection.LIVE, first, why)
            parts.append((first, NodeTold(node, state)))
            parts += [(first, one) for one in self._merged(node, state)] if not why else []
        for at, node, line in told:
            parts.append((at, NodeTold(node, line)))
            parts += [(at, one) for one in self._merged(node, line)]
        self._due = parts
        self._events = [at for at, _, line in told if isinstance(line, EventLine)]
        self._now = min(max(at_wall, first), parts[-1][0])

    def _engine(self, node: str, engine: EngineStatus, mono_ns: int) -> list[Told]:
        """Whose it is shows when it is told."""
        return [_OfEngine(node, StatusLine(engine, mono_ns))]

    def _worded(self, told: Sequence[Told]) -> list[Told]:
        lines: list[Told] = []
        for one in told:
            if not isinstance(one, _OfEngine):
                lines.append(one)
            elif one.node == self.here:
                lines.append(one.line)
        return lines

    def choose(self, node: str) -> None:
        """As for all of them; what its engine said last of itself is told at once.

        Raises: KeyError when there is no such node.
        """
        super().choose(node)
        for _, one in reversed(self._due[: self._next]):
            if isinstance(one, _OfEngine) and one.node == node:
                self.feed(one.line)
                break

    def arguments(self, instance: str = "") -> list[str]:  # noqa: ARG002
        """A recording has no engine."""
        return []


def _on_wall(lines: Iterable[ServerLine]) -> list[tuple[int, ServerLine]]:
    """The lines of one node with all their instants moved to its wall clock, and when each one is told."""
    told: list[tuple[int, ServerLine]] = []
    found = [(line, instant(line)) for line in lines]
    shift = next((wall - mono for _, times in found if times for mono, wall in [times] if wall), 0)
    at = 0
    for line, times in found:
        if isinstance(line, Snapshot) and line.wall_ns:
            shift = line.wall_ns - line.mono_ns
        elif times and times[1]:
            shift = times[1] - times[0]
        if times:
            at = max(at, times[0] + shift)
        told.append((at, nodes.moved(line, shift)))
    return told


def named(recordings: Iterable[tuple[str, Sequence[ServerLine]]]) -> dict[str, Sequence[ServerLine]]:
    """Recordings by the hosts that they are of (else by the names given); two of one host stay two, as two hosts can
    have one name."""
    found: dict[str, Sequence[ServerLine]] = {}
    for given, lines in recordings:
        host = next((line.host for line in lines if isinstance(line, Hello) and line.host), given)
        host = host.replace(SEPARATOR, "-")
        name, count = host, 1
        while name in found:
            count += 1
            name = f"{host}-{count}"
        found[name] = lines
    return found


def holes(lines: Iterable[ServerLine], since_wall: int, until_wall: int) -> list[tuple[int, int]]:
    """The spans of the wall clock of which a recording knows nothing, between these two instants."""
    signs = [line.wall_ns for line in lines if isinstance(line, Snapshot | Heartbeat | EventLine) and line.wall_ns]
    inside = sorted({since_wall, until_wall, *(at for at in signs if since_wall <= at <= until_wall)})
    return [(before, after) for before, after in pairwise(inside) if after - before > ALIVE]


def short(link: SeveralJournals, recordings: Mapping[str, Sequence[ServerLine]], time_mode: str) -> list[str]:
    """A sentence for each node that has nothing, or not all, of the time that the others tell of."""
    signs = [
        line.wall_ns
        for lines in recordings.values()
        for line in lines
        if isinstance(line, Snapshot | Heartbeat | EventLine) and line.wall_ns
    ]
    if not signs:
        return []
    words = []
    for node, lines in recordings.items():
        if not lines:
            words.append(f"{node}: {link.missing.get(node, 'its journal has nothing of that time')}")
            continue
        spans = holes(lines, min(signs), max(signs))
        if spans:
            told = ", ".join(f"{clock(a, time_mode)} to {clock(b, time_mode)}" for a, b in spans[:2])
            more = f" and {len(spans) - 2} more" if len(spans) > 2 else ""
            words.append(f"{node}: nothing recorded from {told}{more}")
    return words
