"""Commands that ask one engine and know of others: the further --host that were named.

Invariant: a node that cannot be reached is named with the reason and stops nothing; what it would have said is unknown.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from engine.client import EngineClient
from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from engine.messages import Check, EngineStatus, OtherRouter
from hatui import linked
from hatui.commands import session


@asynccontextmanager
async def others(chosen: argparse.Namespace, first: EngineClient) -> AsyncIterator[dict[str, EngineClient | str]]:
    """The engines on the further hosts that were named, by their names; where one is not there, why.

    Raises: HatuiError when one of them is the `first`, or another, by a second name.
    """
    from hatui.remote import client_of, targets

    found: dict[str, EngineClient | str] = {}
    known = {_life(first): chosen.host[0]} if chosen.host else {}
    async with AsyncExitStack() as opened:
        for there in targets(chosen.host or ())[1:]:
            host, client = there.given, client_of(there)
            try:
                await asyncio.wait_for(client.__aenter__(), chosen.timeout)
            except (EngineLost, Refused, ProtocolMismatch, TimeoutError) as error:
                found[host] = str(error) or f"no answer within {chosen.timeout:g} s"
                continue
            opened.push_async_callback(client.close)
            if (same := known.setdefault(_life(client), host)) != host:
                raise HatuiError(f"--host {host}: that is the engine of --host {same} again [E-HOST]")
            found[client.hello.host] = client
        yield found


def _life(client: EngineClient) -> tuple[str, int, int]:
    """What no two engines have in common: its host, its process, and when it began."""
    engine = next((one for one in client.snapshot.statuses if isinstance(one, EngineStatus)), None)
    return (engine.host, engine.pid, engine.started) if engine else (client.hello.host, 0, 0)


def linked_checks(client: EngineClient, others: Mapping[str, EngineClient | str], name: str) -> tuple[Check, ...]:
    """What the other hosts that were named say of moving an instance; nothing where none was named."""
    status = session.instances(client.snapshot).get(name)
    if not others or status is None:
        return ()
    nodes = [_linked(one, node) for node, one in others.items()]
    return linked.checks(_linked(client, client.hello.host), status, nodes)


def linked_other(client: EngineClient, others: Mapping[str, EngineClient | str], name: str) -> OtherRouter | None:
    """The other router as its own engine describes it, where that is one of the hosts that were named."""
    status = session.instances(client.snapshot).get(name)
    if status is None:
        return None
    own = _linked(client, client.hello.host)
    return linked.other_of(own, status, [_linked(one, node) for node, one in others.items()])


def _linked(client: EngineClient | str, node: str) -> linked.Linked:
    if isinstance(client, str):
        return linked.Linked(node, problem=client)
    engine = next((one for one in client.snapshot.statuses if isinstance(one, EngineStatus)), None)
    return linked.Linked(node, engine, session.instances(client.snapshot), client.clock)
