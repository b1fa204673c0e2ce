"""`hatui why`: a change of an instance, its cause, what led to it and what is ruled out."""

from __future__ import annotations

import argparse
import asyncio

import msgspec

from engine.client import EngineClient
from engine.errors import EngineLost, Refused
from engine.messages import EventLine, GetEvents, InstanceStatus
from hatui import accounts, explanation
from hatui.commands import session
from hatui.commands.figures import whole
from hatui.commands.terminal import columns, complain, painted, say, say_failure, say_json, time_of_day
from hatui.replay import moment_of

EPILOG = "exit codes: 0, 3 no engine, 4 no such change is known, 5 no such instance"
EXIT_NO_CHANGE = 4
HISTORY = 2000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("instance", nargs="?", metavar="VI", help="default: the instance that changed last")
    parser.add_argument("--last", type=whole(1), default=1, metavar="N", help="the N-th last change (default 1)")
    parser.add_argument(
        "--at", type=time_of_day, metavar="T", help="the last change at or before this time, such as 14:02 or 14:02:10"
    )
    parser.add_argument(
        "--peer",
        metavar="USER@NODE",
        action="append",
        default=[],
        help="read that host's own account of it, too (reached as with --host)",
    )
    parser.add_argument("--json", action="store_true", help="the event with its explanation as JSON")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Explain it."""
    return session.run(_why(chosen))


async def _why(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        known = session.instances(client.snapshot)
        name = session.named(known, chosen.instance).name if chosen.instance else ""
        until = moment_of(chosen.at, client.hello.wall_ns) if chosen.at else 0
        wish = GetEvents(limit=HISTORY, instance=name, kinds=("state-changed",), until_wall_ns=until)
        reply = await session.within(chosen, client.request(wish))
        changes = explanation.changes_of(reply.events, name)
        if len(changes) < chosen.last or chosen.last < 1:
            before = f" before {chosen.at}" if chosen.at else ""
            words = f"the engine's history has {len(changes)} such changes{before}"
            complain(words)
            if chosen.json:
                say_failure(words)
            return EXIT_NO_CHANGE
        change = changes[-chosen.last]
        rows = await _around(chosen, client, change, known)
    status = known.get(getattr(change.event, "instance", ""))
    interface, down = (status.interface, status.master_down_interval) if status else ("", 0)
    said = [one for peer in chosen.peer if status and (one := await _account(chosen, peer, change, status))]
    found = explanation.explain(change, rows, interface=interface, down=down, accounts=said)
    if chosen.json:
        say_json(msgspec.to_builtins(change) | {"explanation": msgspec.to_builtins(found)})
        return 0
    say(explanation.title(found.instance))
    for spans in explanation.lines(change, found, columns(), "local"):
        say(painted(spans).rstrip())
    return 0


async def _around(
    chosen: argparse.Namespace, client: EngineClient, change: EventLine, known: dict[str, InstanceStatus]
) -> list[EventLine]:
    """The record around a change."""
    status = known.get(getattr(change.event, "instance", ""))
    wish = explanation.window_of(change, status.master_down_interval if status else 0)
    reply = await session.within(chosen, client.request(wish))
    return list(reply.events)


async def _account(
    chosen: argparse.Namespace, peer: str, change: EventLine, ours: InstanceStatus
) -> accounts.Account | None:
    """What the engine on another host recorded of it; None, with a word on standard error, where it cannot be asked."""
    from hatui.remote import client_of, target

    try:
        async with asyncio.timeout(chosen.timeout), client_of(target(peer)) as client:
            there = accounts.instance_like(session.instances(client.snapshot).values(), ours)
            if not there:
                complain(f"{peer}: no instance has VRID {ours.vrid} there")
                return None
            reply = await client.request(accounts.window_of(change))
            return accounts.account_of(client.hello.host or peer, change, reply.events, there)
    except TimeoutError:
        complain(f"{peer}: no answer within {chosen.timeout:g} s")
    except (EngineLost, Refused) as error:
        complain(str(error))
    return None
