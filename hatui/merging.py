"""One view of several engines: a link made of links, and what a recording of several has in common with it.

Invariant: each engine's silence is its own: what one says is never shown as the word of another, a lost node
makes its own rows UNKNOWN and no others, and a command goes to the one node that it names, or to the node that
is chosen (`here`) where it names none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec

from engine.errors import EngineLost
from engine.messages import (
    Command,
    EngineStatus,
    EventLine,
    Gap,
    Heartbeat,
    Hello,
    PacketLine,
    Reply,
    Snapshot,
    Status,
    StatusGone,
    StatusLine,
)
from hatui import nodes
from hatui.link import Deliver, EngineLink, Say
from hatui.store import Connection, LinkState, NodeTold, Rewound, Told

GATHERING_S = 1.0
"""Seconds during which the histories of all nodes are gathered, so that they are told in one order."""
_WORST_LAST = (Connection.CONNECTING, Connection.ABSENT, Connection.MISMATCH, Connection.DENIED, Connection.LOST)


class Several:
    """What several engines say, told as the words of one; names carry their node."""

    def __init__(self, names: Iterable[str]) -> None:
        """The first one is `here`."""
        self.names = tuple(names)
        self.here = self.names[0]
        """The node that is meant where none is named."""
        self._begin()

    def _begin(self) -> None:
        """Nothing was told yet."""
        self._states: dict[str, LinkState] = {}
        self._hellos: dict[str, Hello] = {}
        self._engines: dict[str, EngineStatus] = {}
        self._known: dict[str, set[tuple[str, str]]] = {name: set() for name in self.names}
        self._seq = 0
        self._begun = False

    def choose(self, node: str) -> None:
        """Commands and views that name no instance are about this node from now on.

        Raises: KeyError when there is no such node.
        """
        if node not in self.names:
            raise KeyError(node)
        self.here = node

    def _merged(self, node: str, line: Told) -> list[Told]:
        """One node's line as lines about all of them."""
        match line:
            case LinkState():
                self._states[node] = line
                return [self._overall()]
            case Hello():
                self._hellos[node] = line
                return [self._hello()]
            case Snapshot():
                return self._snapshot(node, line)
            case StatusLine(status=EngineStatus() as engine):
                return self._engine(node, engine, line.mono_ns)
            case StatusLine(status=status):
                self._known[node].add(_key(status))
                return [nodes.named(line, node)]
            case EventLine():
                return self._event(node, line)
            case PacketLine():
                return [nodes.packet_of(line, node)]
            case Heartbeat() | StatusGone() | Gap():
                return [nodes.named(line, node)]
        return []

    def _event(self, node: str, line: EventLine) -> list[Told]:
        self._seq += 1
        return [nodes.event_of(line, node, self._seq)]

    def _engine(self, node: str, engine: EngineStatus, mono_ns: int) -> list[Told]:
        """What is told of an engine itself: one is shown."""
        self._engines[node] = engine
        return [StatusLine(engine, mono_ns)] if node == self.here else []

    def _snapshot(self, node: str, snapshot: Snapshot) -> list[Told]:
        """The first one begins the view; later ones replace what is known of their node."""
        told: list[Told] = []
        if not self._begun:
            self._begun = True
            told.append(Snapshot((), 0, snapshot.mono_ns))
        fresh = {_key(status) for status in snapshot.statuses}
        for kind, name in sorted(self._known[node] - fresh):
            told.append(nodes.named(StatusGone(kind, name), node))
        self._known[node] = fresh - {("engine-status", "")}
        for status in snapshot.statuses:
            if isinstance(status, EngineStatus):
                told += self._engine(node, status, snapshot.mono_ns)
                continue
            told.append(nodes.named(StatusLine(status, snapshot.mono_ns), node))
        return told

    def _overall(self) -> LinkState:
        """Live as long as one node is; otherwise the state of the node that was there longest."""
        states = list(self._states.values())
        live = [state for state in states if state.connection is Connection.LIVE]
        if live:
            return live[0]
        return max(states, key=lambda state: _WORST_LAST.index(state.connection))

    def _hello(self) -> Hello:
        """One greeting for all: operator where one of them says so, able to do what all can do."""
        said = [self._hellos[name] for name in self.names if name in self._hellos]
        role = "operator" if any(hello.role == "operator" for hello in said) else "viewer"
        able = [what for what in said[0].capabilities if all(what in hello.capabilities for hello in said)]
        host = " ".join(name for name in self.names if name in self._hellos)
        return msgspec.structs.replace(said[0], host=host, role=role, capabilities=tuple(able))


class MergedLink(Several):
    """Several live engines."""

    recorded = False

    def __init__(
        self, links: Mapping[str, EngineLink], *, clock: Callable[[], int] = time.monotonic_ns, gathering_s: float = -1
    ) -> None:
        """`links` by the names of their nodes; the first one is `here`."""
        super().__init__(links)
        self.links = dict(links)
        self._clock = clock
        self._gathering_s = GATHERING_S if gathering_s < 0 else gathering_s
        self._told: Deliver | None = None
        self._lives: dict[str, tuple[str, int, int]] = {}
        """Which engine a node is: its host, its process and when that began, by its own clock."""
        self._again: set[str] = set()
        """Nodes that are the engine of another node by a second name."""
        self._gathered: list[tuple[str, EventLine]] | None = []

    def now(self) -> int:
        """This console's monotonic clock: all instants are moved to it."""
        return self._clock()

    def wall(self) -> int:
        """The wall clock of the chosen node."""
        link = self.links[self.here]
        return link.wall() - link.now() + self.now()

    def shift(self, node: str) -> int:
        """What is added to an instant of a node to make it one of ours, ns."""
        return self.now() - self.links[node].now()

    def forget(self) -> None:
        """Nothing was told yet: each node tells its history again."""
        for link in self.links.values():
            link.forget()

    async def run(self, deliver: Deliver) -> None:
        """Run all links until cancelled."""
        self._told, self._gathered, self._begun = deliver, [], False
        self._known = {name: set() for name in self.names}
        begun = LinkState(Connection.CONNECTING, self.now())
        deliver([begun, *(NodeTold(node, begun) for node in self.links)])  # in this order they stay
        async with asyncio.TaskGroup() as group:
            for name, link in self.links.items():
                group.create_task(link.run(partial(self._hear, name)), name=f"link {name}")
            await asyncio.sleep(self._gathering_s)
            self._tell_gathered()

    def _deliver(self, told: Sequence[Told]) -> None:
        if self._told is not None:
            self._told(told)

    # hearing ---------------------------------------------------------------------------------

    def _hear(self, node: str, told: Sequence[Told]) -> None:
        if node in self._again or self._same(node, told):
            return  # everything would be there twice, and one master look like two
        lines: list[Told] = []
        for one in told:
            if isinstance(one, NodeTold | Rewound):
                continue  # no link among ours is made of links, or is a recording
            line = nodes.moved(one, self.shift(node))
            lines.append(NodeTold(node, line))
            lines += self._merged(node, line)
        if lines:
            self._deliver(lines)

    def _same(self, node: str, told: Sequence[Told]) -> bool:
        """True when this node turns out to be the engine of another; it is told then."""
        statuses = next((line.statuses for line in told if isinstance(line, Snapshot)), ())
        engine = next((status for status in statuses if isinstance(status, EngineStatus)), None)
        if engine is None:
            return False
        self._lives[node] = life = engine.host, engine.pid, engine.started
        other = next((name for name, one in self._lives.items() if one == life and name != node), "")
        if not other:
            return False
        self._again.add(node)
        words = f"that is the engine of {other} again, by a second name: leave one of them out [E-HOST]"
        self._deliver([NodeTold(node, LinkState(Connection.DENIED, self.now(), words))])
        return True

    def _event(self, node: str, line: EventLine) -> list[Told]:
        if self._gathered is not None:
            self._gathered.append((node, line))
            return []
        return super()._event(node, line)

    def _tell_gathered(self) -> None:
        """The histories of all nodes in one order."""
        gathered, self._gathered = self._gathered or [], None
        told: list[Told] = []
        for node, line in sorted(gathered, key=lambda one: one[1].mono_ns):
            told += self._event(node, line)
        if told:
            self._deliver(told)

    # saying ----------------------------------------------------------------------------------

    def choose(self, node: str) -> None:
        """As for all of them; what its engine says of itself is told at once.

        Raises: KeyError when there is no such node.
        """
        super().choose(node)
        if node in self._engines:
            self._deliver([StatusLine(self._engines[node], self.now())])

    def bare(self, command: Command, node: str = "") -> tuple[str, Command]:
        """The node that a command is for, and the command in that node's own words."""
        named, plain = nodes.bare(command, self.links)
        return named or node or self.here, plain

    async def perform(self, command: Command, reason: str = "", progress: Say | None = None, node: str = "") -> Reply:
        """Say it to its node; what the reply tells carries the node's name. `node` is for a command that names none.

        Raises: EngineLost when that node is not there.
        """
        node, plain = self.bare(command, node)
        try:
            reply = await self.links[node].perform(plain, reason, progress)
        except EngineLost as lost:
            raise EngineLost(f"{node}: {lost}") from None
        shift = self.shift(node)
        events = tuple(nodes.event_of(nodes.moved(line, shift), node, line.seq) for line in reply.events)
        runs = tuple(nodes.named(nodes.moved(run, shift), node) for run in reply.runs)
        drills = tuple(nodes.named(one, node) for one in reply.drills)
        drill = None if reply.drill is None else nodes.named(reply.drill, node)
        return msgspec.structs.replace(reply, events=events, runs=runs, drills=drills, drill=drill)

    def subscribe(self, topics: tuple[str, ...]) -> bool:
        """To all of them."""
        changed = [link.subscribe(topics) for link in self.links.values()]
        return any(changed)

    def arguments(self, instance: str = "") -> list[str]:
        """--host of the node of an instance, or of the chosen one."""
        node, _ = nodes.parted(instance, self.links)
        return self.links[node or self.here].arguments()


def _key(status: Status) -> tuple[str, str]:
    """Kind and name, as StatusGone says them."""
    kind = str(type(status).__struct_config__.tag)
    name = "" if isinstance(status, EngineStatus) else str(getattr(status, "name", ""))
    return kind, name
