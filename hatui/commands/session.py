"""Connecting to the engine for one command.

Invariant: a command waits for the engine at most as long as --timeout says.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from engine.client import EngineClient
from engine.errors import EngineLost, HatuiError, Refused
from engine.messages import InstanceStatus, Snapshot
from hatui.store import Connection, LinkState, Store

T = TypeVar("T")


def client_for(chosen: argparse.Namespace, *, several: bool = False) -> EngineClient:
    """The client for --host, or for --socket. `several`: the first of them, the others are asked besides.

    Raises: HatuiError when --host is no host, or one twice, or when several are named where one is meant.
    """
    if not chosen.host:
        return EngineClient(chosen.socket)
    if len(chosen.host) > 1 and not several:
        words = "this command asks one engine: several --host are for the console, replay, failover and drill run"
        raise HatuiError(f"{words} [E-ONE-ENGINE]")
    from hatui.remote import client_of, targets

    return client_of(targets(chosen.host)[0])


@asynccontextmanager
async def engine(chosen: argparse.Namespace, *, several: bool = False) -> AsyncIterator[EngineClient]:
    """A connection, greeted.

    Raises: EngineLost, Refused (E-PERMISSION), ProtocolMismatch.
    """
    client = client_for(chosen, several=several)
    try:
        await asyncio.wait_for(client.__aenter__(), chosen.timeout)
    except TimeoutError:
        where = (chosen.host or [chosen.socket])[0]
        raise EngineLost(f"the engine on {where} did not answer within {chosen.timeout:g} s") from None
    try:
        yield client
    finally:
        await client.close()


async def within(chosen: argparse.Namespace, work: Coroutine[Any, Any, T], extra_s: float = 0) -> T:
    """Await `work` for at most --timeout seconds (and `extra_s` more). Raises: EngineLost."""
    limit = chosen.timeout + extra_s
    try:
        return await asyncio.wait_for(work, limit)
    except TimeoutError:
        raise EngineLost(f"no answer of the engine within {limit:g} s; what it did is unknown") from None


async def snapshot(chosen: argparse.Namespace) -> tuple[EngineClient, Store]:
    """Connect, take the present, and leave: the client (its hello stays readable) and the store."""
    async with engine(chosen) as client:
        return client, store_of(client)


def store_of(client: EngineClient) -> Store:
    """A store that holds what the greeting said."""
    store = Store()
    store.apply(LinkState(Connection.LIVE, client.snapshot.mono_ns))
    store.apply(client.hello)
    store.apply(client.snapshot)
    return store


def instances(present: Snapshot) -> dict[str, InstanceStatus]:
    """Instances by name."""
    return {one.name: one for one in present.statuses if isinstance(one, InstanceStatus)}


def named(known: dict[str, InstanceStatus], name: str) -> InstanceStatus:
    """The instance of that name, also without regard to case.

    Raises: Refused E-UNKNOWN-INSTANCE with the names that there are.
    """
    if name in known:
        return known[name]
    alike = [one for one in known if one.lower() == name.lower()]
    if len(alike) == 1:
        return known[alike[0]]
    there = ", ".join(known) or "none"
    raise Refused("E-UNKNOWN-INSTANCE", f"no instance is named {name}; the engine runs: {there}")


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run a command's coroutine."""
    return asyncio.run(work)


def run_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine for what it returns."""
    return asyncio.run(work)
