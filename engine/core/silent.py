"""Is the host of a master that fell silent alive? Asked once by ARP or neighbour discovery, for `why`.

Invariant: only after a take-over from a silent master, one question for a peer however many instances it was master
of, never where a router lies between, and never by an observer, which sends nothing. Without an answer that can be
relied upon there is no event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from engine.config.model import Config
from engine.core import kernel_facts
from engine.messages import Cause, Event, PeerAsked, State, StateChanged

GATHER_S = 0.02
"""Seconds in which the take-overs of other instances from the same peer are waited for."""


class Host(Protocol):
    """What it asks of the engine."""

    @property
    def config(self) -> Config: ...

    def record(self, event: Event, at: int | None = None) -> None: ...


class SilentPeers:
    """Asks after peers that fell silent."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: dict[tuple[str, str], list[str]] = {}
        """(interface, peer) to the instances that took over from it."""
        self._task: asyncio.Task[None] | None = None

    def happened(self, change: StateChanged) -> None:
        """An instance has changed its state."""
        config = self._host.config.instance(change.instance)
        silent = change.cause is Cause.MASTER_NO_RESPONSE and change.new is State.MASTER and change.peer
        if not silent or config is None:
            return
        if config.unicast and not kernel_facts.on_link(config.interface, change.peer):
            return
        self._waiting.setdefault((config.interface, change.peer), []).append(change.instance)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._ask_soon())

    async def _ask_soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            asked, self._waiting = self._waiting, {}
            for key, macs, took in await asyncio.to_thread(_ask, asked):
                for instance in asked[key]:
                    self._host.record(PeerAsked(instance, key[1], macs[0] if macs else "", took))


def _ask(asked: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, str], tuple[str, ...], int]]:
    """(interface and peer, MACs that answered, ns) of each that could be asked."""
    from engine.core import neighbours

    questions = []
    for interface, peer in asked:
        source = kernel_facts.link_local(interface) if ":" in peer else neighbours.NOBODY
        if source:
            questions.append(neighbours.Question(interface, peer, source))
    found = neighbours.who_has(questions, patient=False) if questions else []
    return [((one.question.interface, one.question.address), one.macs, one.took) for one in found]
