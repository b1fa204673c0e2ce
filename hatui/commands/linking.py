"""Commands that ask one engine and know of others: the further --host that were named.

Invariant: a node that cannot be reached is named with the reason and stops nothing; what it would have said is unknown.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from engine.client import EngineClient
from engine.errors import EngineLost, Refused
from engine.messages import Check, EngineStatus, OtherRouter
from hatui import linked
from hatui.commands import session


@asynccontextmanager
async def others(chosen: argparse.Namespace) -> AsyncIterator[dict[str, EngineClient | str]]:
    """The engines on the further hosts that were named, by their names; where one is not there, why."""
    from hatui.remote import client_of, target

    found: dict[str, EngineClient | str] = {}
    async with AsyncExitStack() as opened:
        for host in (chosen.host or ())[1:]:
            client = client_of(target(host))
            try:
                await asyncio.wait_for(client.__aenter__(), chosen.timeout)
            except (EngineLost, Refused, TimeoutError) as error:
                found[host] = str(error) or f"no answer within {chosen.timeout:g} s"
                continue
            opened.push_async_callback(client.close)
            found[client.hello.host] = client
        yield found


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
