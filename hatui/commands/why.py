"""`hatui why`: a change of an instance, its cause, what led to it and what is ruled out."""

from __future__ import annotations

import argparse

import msgspec

from engine.client import EngineClient
from engine.messages import EventLine, GetEvents, InstanceStatus
from hatui import explanation
from hatui.commands import session
from hatui.commands.terminal import columns, complain, painted, say, say_json
from hatui.replay import moment_of

EPILOG = "exit codes: 0, 3 no engine, 4 no such change is known, 5 no such instance"
EXIT_NO_CHANGE = 4
HISTORY = 2000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("instance", nargs="?", metavar="VI", help="default: the instance that changed last")
    parser.add_argument("--last", type=int, default=1, metavar="N", help="the N-th last change (default 1)")
    parser.add_argument("--at", metavar="T", help="the last change at or before this time, such as 14:02 or 14:02:10")
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
            complain(f"the engine's history has {len(changes)} such changes{before}")
            return EXIT_NO_CHANGE
        change = changes[-chosen.last]
        rows = await _around(chosen, client, change, known)
    status = known.get(getattr(change.event, "instance", ""))
    interface, down = (status.interface, status.master_down_interval) if status else ("", 0)
    found = explanation.explain(change, rows, interface=interface, down=down)
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
